#include "postgres.h"
#include "restore.h"
void migrate_restore_step(int64 version, bool down, RestoreResult *result) {result->restored = result->conflicts = 0;}

#include "postgres.h"
#include "backup.h"
void migrate_backup_init(void) {}
void migrate_backup_begin(const BackupStep *step) {}
int64 migrate_backup_end(void) {return 0;}
void migrate_backup_settle(int64 version, bool down, int64 entry) {}

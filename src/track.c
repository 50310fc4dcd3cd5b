#include "postgres.h"
#include "track.h"
void migrate_track_init(void) {}
void migrate_track_begin(void) {}
bool migrate_track_look(Stamps *stamps, StampChanges *changes) {return false;}
void migrate_track_end(void) {}

/* migrate: the numbered SQL files that are compiled in, applied in order, each once. */
#ifndef EAR_CTL_MIGRATE_H
#define EAR_CTL_MIGRATE_H

#include "ctl.h"

/* The newest version that this program knows. */
int ear_migrate_newest(void);

/* earshotctl migrate: under an advisory lock; each file is one transaction with its row in
 * earshot.migration. Refuses a database that is newer, or whose applied files differ. Makes the id
 * key where there is none and the partitions of this and the next three months. */
ear_exit ear_migrate(struct ear_ctl *ctl, int argc, char **argv);

#endif

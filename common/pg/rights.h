/* rights: whether the rights that the statements need are still there, for somebody may revoke one
 * while we are connected. What is refused is known at once; the others are looked at in turn, one
 * every few seconds, by planning: that asks for rights as running does, and changes nothing.
 * Private to pg. */
#ifndef EAR_PG_RIGHTS_H
#define EAR_PG_RIGHTS_H

#include "pg/pool.h"

/* Where a role is named: begins to look. */
void ear_pg_rights_watch(struct ear_pg *pg);
/* A statement was refused (EAR_DENIED). */
void ear_pg_rights_missing(struct ear_pg *pg, size_t statement, const struct ear_diag *why);

#endif

/* care_cache: the firm's care (teams, agents, accounts, policies) held in memory and read again
 * when `earshotctl apply` says so (NOTIFY earshot_care) and after each connect.
 *
 * Decisions under way keep the version they began with: hold it, and let it go afterwards. */
#ifndef EAR_ASSIGNMENT_CARE_CACHE_H
#define EAR_ASSIGNMENT_CARE_CACHE_H

#include "engine/care.h"
#include "loop/loop.h"
#include "pg/pg.h"

struct ear_care_cache;
struct ear_care_version;

/* changed is called after each version that came in. */
ear_err ear_care_cache_new(struct ear_care_cache **out, struct ear_loop *loop, struct ear_pg *pg,
                           ear_loop_fn *changed, void *self) EAR_MUST_CHECK;
void ear_care_cache_free(struct ear_care_cache **cache);

bool ear_care_cache_is_loaded(const struct ear_care_cache *cache);
int64_t ear_care_cache_schema(const struct ear_care_cache *cache); /* last migration */

/* The current version; must be loaded. */
struct ear_care_version *ear_care_hold(struct ear_care_cache *cache);
void ear_care_let_go(struct ear_care_version **version);
const struct ear_care *ear_care_of(const struct ear_care_version *version);

/* Who is on shift changes by the clock: it is read with other things, once a second at most while
 * there is anything to decide. */
bool ear_care_shifts_are_known(const struct ear_care_version *version);
void ear_care_note_shifts(struct ear_care_version *version, const struct ear_pg_result *on_shift);

#endif

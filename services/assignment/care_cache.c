#include "care_cache.h"

#include "events.h"
#include "store_sql.h"
#include <stdlib.h>

#define CARE_BYTES_MAX ((size_t)64 << 20)
#define AGAIN_MS       1000
#define SHIFTS_MS      1000

struct ear_care_version {
    struct ear_care care;
    struct ear_arena *arena; /* owned: all of the care */
    unsigned holders;
    int64_t shifts_at_ms; /* when they were read; 0: never */
    bool cut;             /* there was no room for all of it: not to be used */
};

struct ear_care_cache {
    struct ear_pg *pg;
    struct ear_timer *again;          /* owned */
    struct ear_care_version *current; /* held */
    int64_t schema;
    ear_loop_fn *changed;
    void *self;
    bool reading;
    bool stale; /* told again while reading */
};

/* ---- rows ---- */

/* Room for `*count` of that size; where there is none, it becomes 0. */
static void *take(struct ear_care_version *v, size_t *count, size_t size_bytes)
{
    void *p = ear_arena_try(v->arena, *count * size_bytes + 1);
    v->cut |= !p;
    if (!p) *count = 0;
    return p;
}

static const char *copy_of(struct ear_care_version *v, struct ear_str text)
{
    const char *copy = ear_arena_copy(v->arena, text);
    v->cut |= !copy;
    return copy;
}

static const char *text_of(struct ear_care_version *v, const struct ear_pg_result *r, size_t row,
                           size_t column)
{
    return ear_pg_is_null(r, row, column) ? NULL : copy_of(v, ear_pg_get_str(r, row, column));
}

/* Words joined by U+001F. */
static struct ear_words words_of(struct ear_care_version *v, const struct ear_pg_result *r,
                                 size_t row, size_t column)
{
    struct ear_words words = {0};
    struct ear_str all = ear_pg_get_str(r, row, column);
    struct ear_str word;
    if (all.len == 0) return words;
    size_t most = 1;
    for (size_t i = 0; i < all.len; i++) most += all.ptr[i] == '\x1f';
    words.items = take(v, &most, sizeof(*words.items));
    while (words.count < most && ear_str_split(&all, '\x1f', &word))
        words.items[words.count++] = copy_of(v, word);
    return words;
}

static void read_teams(struct ear_care_version *v, const struct ear_pg_result *r)
{
    v->care.team_count = ear_pg_rows(r);
    v->care.teams = take(v, &v->care.team_count, sizeof(*v->care.teams));
    for (size_t i = 0; i < v->care.team_count; i++)
        v->care.teams[i] = (struct ear_team){.id = text_of(v, r, i, 0),
                                             .languages = words_of(v, r, i, 1),
                                             .topics = words_of(v, r, i, 2),
                                             .is_default = ear_pg_get_bool(r, i, 3)};
}

static void read_agents(struct ear_care_version *v, const struct ear_pg_result *r)
{
    v->care.agent_count = ear_pg_rows(r);
    v->care.agents = take(v, &v->care.agent_count, sizeof(*v->care.agents));
    for (size_t i = 0; i < v->care.agent_count; i++)
        v->care.agents[i] = (struct ear_agent){.id = text_of(v, r, i, 0),
                                               .team = text_of(v, r, i, 1),
                                               .sign_off = text_of(v, r, i, 2),
                                               .languages = words_of(v, r, i, 3),
                                               .capacity = (int32_t)ear_pg_get_i64(r, i, 4),
                                               .active = ear_pg_get_bool(r, i, 5)};
}

static void read_accounts(struct ear_care_version *v, const struct ear_pg_result *r)
{
    v->care.account_count = ear_pg_rows(r);
    v->care.accounts = take(v, &v->care.account_count, sizeof(*v->care.accounts));
    for (size_t i = 0; i < v->care.account_count; i++)
        v->care.accounts[i] = (struct ear_account){.id = text_of(v, r, i, 0),
                                                   .platform = text_of(v, r, i, 1),
                                                   .team = text_of(v, r, i, 2)};
}

static void read_policies(struct ear_care_version *v, const struct ear_pg_result *r)
{
    v->care.policy_count = ear_pg_rows(r);
    v->care.policies = take(v, &v->care.policy_count, sizeof(*v->care.policies));
    for (size_t i = 0; i < v->care.policy_count; i++)
        v->care.policies[i] = (struct ear_policy){.id = text_of(v, r, i, 0),
                                                  .team = text_of(v, r, i, 1),
                                                  .platform = text_of(v, r, i, 2),
                                                  .first_response_s = ear_pg_get_i64(r, i, 3),
                                                  .warn_before_s = ear_pg_get_i64(r, i, 4),
                                                  .reopen_within_s = ear_pg_get_i64(r, i, 5)};
}

/* ---- versions ---- */

void ear_care_let_go(struct ear_care_version **version)
{
    struct ear_care_version *v = *version;
    *version = NULL;
    if (!v || --v->holders > 0) return;
    ear_arena_free(&v->arena);
    free(v);
}

struct ear_care_version *ear_care_hold(struct ear_care_cache *cache)
{
    EAR_CHECK(cache->current);
    cache->current->holders++;
    return cache->current;
}

const struct ear_care *ear_care_of(const struct ear_care_version *version)
{
    return &version->care;
}

bool ear_care_shifts_are_known(const struct ear_care_version *version)
{
    return version->shifts_at_ms && ear_clock_mono_ms() - version->shifts_at_ms < SHIFTS_MS;
}

void ear_care_note_shifts(struct ear_care_version *version, const struct ear_pg_result *on_shift)
{
    struct ear_care *care = &version->care;
    char id[256];
    for (size_t i = 0; i < care->agent_count; i++) care->agents[i].on_shift = false;
    for (size_t row = 0; row < ear_pg_rows(on_shift); row++) {
        if (!ear_str_copy(id, sizeof(id), ear_pg_get_str(on_shift, row, 0))) continue;
        const struct ear_agent *agent = ear_care_agent(care, id);
        if (agent) care->agents[agent - care->agents].on_shift = true;
    }
    version->shifts_at_ms = ear_clock_mono_ms();
}

/* ---- reading ---- */

static void read_again(void *self);

static ear_err accept(struct ear_care_cache *cache, const struct ear_pg_result *const *results,
                      struct ear_diag *diag)
{
    struct ear_care_version *v = ear_alloc(sizeof(*v));
    /* The database's, whatever becomes of its care: who has migrated it is not to be asked to. */
    cache->schema = ear_pg_get_i64(results[4], 0, 0);
    v->arena = ear_arena_new(CARE_BYTES_MAX);
    v->holders = 1;
    read_teams(v, results[0]);
    read_agents(v, results[1]);
    read_accounts(v, results[2]);
    read_policies(v, results[3]);
    if (v->cut) {
        ear_err err = ear_arena_starved(v->arena) ? EAR_NO_MEMORY : EAR_TOO_LARGE;
        ear_care_let_go(&v);
        return ear_fail(diag, err,
                        err == EAR_NO_MEMORY ? "no memory for them"
                                             : "together they are larger than 64 MiB");
    }
    ear_care_let_go(&cache->current);
    cache->current = v;
    ear_log(&EV_CARE_LOADED, kv_int("teams", v->care.team_count),
            kv_int("agents", v->care.agent_count), kv_int("accounts", v->care.account_count),
            kv_int("policies", v->care.policy_count));
    return EAR_OK;
}

/* What is larger than there is room for is not so for the moment. */
static void failed(struct ear_care_cache *cache, const struct ear_diag *diag)
{
    ear_log(&EV_CARE_FAILED, kv_diag(diag));
    if (diag->err != EAR_TOO_LARGE) ear_timer_start(cache->again, AGAIN_MS, 0);
}

static void on_read(void *self, ear_err err, const struct ear_pg_result *const *results,
                    size_t count, const struct ear_diag *diag)
{
    struct ear_care_cache *cache = self;
    (void)count;
    if (err == EAR_CLOSED) return;
    cache->reading = false;
    struct ear_diag why;
    if (!err) {
        err = accept(cache, results + 1, &why);
        diag = &why;
    }
    if (err)
        failed(cache, diag);
    else if (cache->changed)
        cache->changed(cache->self);
    if (cache->stale) read_again(cache);
}

static void read_again(void *self)
{
    struct ear_care_cache *cache = self;
    cache->stale = cache->reading;
    if (cache->reading) return;
    cache->reading = true;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    /* Before the first decision: there must be a month for its history. */
    ear_pg_batch_add(batch, STORE_ENSURE_MONTH);
    ear_pg_batch_add(batch, STORE_READ_TEAMS);
    ear_pg_batch_add(batch, STORE_READ_AGENTS);
    ear_pg_batch_add(batch, STORE_READ_ACCOUNTS);
    ear_pg_batch_add(batch, STORE_READ_POLICIES);
    ear_pg_batch_add(batch, STORE_READ_SCHEMA);
    ear_pg_run(cache->pg, &batch, on_read, cache);
}

static void on_notice(void *self, struct ear_str payload)
{
    (void)payload;
    read_again(self);
}

ear_err ear_care_cache_new(struct ear_care_cache **out, struct ear_loop *loop, struct ear_pg *pg,
                           ear_loop_fn *changed, void *self)
{
    struct ear_care_cache *cache = ear_alloc(sizeof(*cache));
    cache->pg = pg;
    cache->changed = changed;
    cache->self = self;
    ear_timer_new(&cache->again, loop, read_again, cache);
    *out = cache;
    return ear_pg_listen(pg, "earshot_care", on_notice, cache);
}

void ear_care_cache_free(struct ear_care_cache **cache)
{
    if (!*cache) return;
    ear_timer_free(&(*cache)->again);
    ear_care_let_go(&(*cache)->current);
    EAR_FREE(*cache);
}

bool ear_care_cache_is_loaded(const struct ear_care_cache *cache)
{
    return cache->current != NULL;
}

int64_t ear_care_cache_schema(const struct ear_care_cache *cache)
{
    return cache->schema;
}

#include "replay/accounts.h"

#include "replay/feed.h"
#include "store_sql.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_BYTES_MAX 512  /* ingest takes no longer ones */
#define NAMES_MAX      4096 /* of a feed; lines for further ones are not counted */

struct ear_accounts {
    struct ear_map *counts; /* by name: uint64_t */
    struct ear_arena *room;
};

struct ear_accounts *ear_accounts_new(void)
{
    struct ear_accounts *accounts = ear_alloc(sizeof(*accounts));
    accounts->counts = ear_map_new();
    accounts->room = ear_arena_new(4 * EAR_FEED_LINE_MAX);
    return accounts;
}

void ear_accounts_free(struct ear_accounts **accounts)
{
    if (!*accounts) return;
    ear_map_free(&(*accounts)->counts, free);
    ear_arena_free(&(*accounts)->room);
    EAR_FREE(*accounts);
}

static void count(struct ear_accounts *accounts, struct ear_str name)
{
    uint64_t *lines = ear_map_get(accounts->counts, name);
    if (!lines && ear_map_count(accounts->counts) == NAMES_MAX) return;
    if (!lines) {
        lines = ear_alloc(sizeof(*lines));
        ear_map_put(accounts->counts, name, lines);
    }
    ++*lines;
}

void ear_accounts_note(struct ear_accounts *accounts, struct ear_str line)
{
    static const struct ear_json_want wants[] = {[1] = {{"account", 7}, 0}};
    struct ear_json_value values[EAR_COUNT(wants)];
    ear_arena_reset(accounts->room);
    if (ear_json_pick(line, EAR_FEED_LINE_MAX, wants, EAR_COUNT(wants), values, accounts->room,
                      NULL))
        return;
    struct ear_str name = values[1].type == EAR_JSON_TEXT ? values[1].text : EAR_STR_NONE;
    if (name.len > 0 && name.len <= NAME_BYTES_MAX && !memchr(name.ptr, '\0', name.len))
        count(accounts, name);
}

struct columns {
    struct ear_pg_array *names, *lines;
};

static bool add_row(void *self, struct ear_str name, void *value)
{
    const struct columns *columns = self;
    ear_pg_push_text(columns->names, name);
    ear_pg_push_int(columns->lines, (int64_t) * (uint64_t *)value);
    return true;
}

static void print(const struct ear_pg_result *elsewhere)
{
    int64_t lines = ear_pg_get_i64(elsewhere, 0, 0), names = ear_pg_get_i64(elsewhere, 0, 1);
    struct ear_str some = ear_pg_get_str(elsewhere, 0, 2), there = ear_pg_get_str(elsewhere, 0, 4);
    int64_t more = ear_pg_get_i64(elsewhere, 0, 3);
    fprintf(stderr, "earshotctl: %" PRId64 " line%s %s for %.*s", lines, lines == 1 ? "" : "s",
            lines == 1 ? "was" : "were", EAR_STR_ARG(some));
    if (more > 0) fprintf(stderr, " and %" PRId64 " more", more);
    fprintf(stderr, ", no account%s of care.yaml, so that they belong to none; there %s %.*s\n",
            names == 1 ? "" : "s", ear_pg_get_bool(elsewhere, 0, 5) ? "are" : "is",
            EAR_STR_ARG(there));
}

void ear_accounts_tell(const struct ear_accounts *accounts, struct ear_ctl *ctl)
{
    struct ear_pg_results results = {0};
    struct columns columns;
    if (ear_map_count(accounts->counts) == 0 || !*ctl->settings.pg) return;
    if (ear_ctl_connect(ctl)) return;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_LINES_ELSEWHERE);
    columns.names = ear_pg_array(batch, EAR_PG_TEXT);
    columns.lines = ear_pg_array(batch, EAR_PG_I64);
    ear_map_each(accounts->counts, add_row, &columns);
    if (!ear_ctl_query(ctl, &batch, &results) && ear_pg_rows(results.items[0]) > 0)
        print(results.items[0]);
    ear_pg_results_release(&results);
}

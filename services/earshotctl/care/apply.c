#include "care/apply.h"

#include "care/care_open.h"
#include "care/care_plan.h"
#include "show.h"
#include "store_sql.h"

#include <stdio.h>
#include <stdlib.h>

/* --- The plan -----------------------------------------------------------------------------------
 */

static ear_exit read_current(struct ear_ctl *ctl, json_t **now)
{
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CARE_CURRENT);
    ear_exit status = ear_ctl_query(ctl, &batch, &results);
    if (!status) {
        struct ear_str text = ear_pg_get_str(results.items[0], 0, 0);
        *now = json_loadb(text.ptr, text.len, 0, NULL);
        EAR_CHECK(*now);
    }
    ear_pg_results_release(&results);
    return status;
}

static void print_value(const json_t *value)
{
    if (json_is_string(value)) {
        printf("%s", json_string_value(value));
        return;
    }
    char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    printf("%s", text ? text : "nothing");
    free(text);
}

static void print_change(const json_t *change)
{
    const char *verb = json_string_value(json_object_get(change, "do"));
    char sign = strcmp(verb, "add") == 0 ? '+' : strcmp(verb, "remove") == 0 ? '-' : '~';
    printf("%c %s %s\n", sign, json_string_value(json_object_get(change, "what")),
           json_string_value(json_object_get(change, "id")));
    size_t i;
    json_t *field;
    json_array_foreach(json_object_get(change, "fields"), i, field)
    {
        printf("    %s: ", json_string_value(json_object_get(field, "field")));
        print_value(json_object_get(field, "from"));
        fputs(" → ", stdout);
        print_value(json_object_get(field, "to"));
        fputc('\n', stdout);
    }
}

static void print_plan(const struct ear_ctl *ctl, const json_t *plan)
{
    size_t i;
    json_t *change;
    if (ctl->options.json) {
        json_t *answer = json_pack("{s:b, s:O}", "applied", !ctl->options.dry_run, "plan", plan);
        ear_show_json(answer);
        json_decref(answer);
        return;
    }
    json_array_foreach(plan, i, change) print_change(change);
    size_t count = json_array_size(plan);
    if (count == 0)
        printf("nothing to change%s\n",
               ctl->options.dry_run ? "" : "; the services read the secrets anew");
    else
        printf("%zu change%s%s\n", count, count == 1 ? "" : "s",
               ctl->options.dry_run ? " planned; nothing was changed (--dry-run)" : " applied");
}

/* --- Time zones that PostgreSQL does not know ---------------------------------------------------
 */

static json_t *zones_of(const json_t *agents)
{
    json_t *zones = json_array();
    size_t i, j;
    json_t *agent, *shift;
    json_array_foreach(agents, i, agent)
        json_array_foreach(json_object_get(agent, "shifts"), j, shift)
            json_array_append(zones, json_object_get(shift, "time_zone"));
    return zones;
}

static void add_json(struct ear_pg_batch *batch, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    EAR_CHECK(text);
    ear_pg_text(batch, ear_str_from(text));
    free(text);
}

static ear_exit check_zones(struct ear_ctl *ctl, const json_t *care, const char *path)
{
    json_t *zones = zones_of(json_object_get(care, "agent"));
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CARE_BAD_ZONES);
    add_json(batch, zones);
    json_decref(zones);
    ear_exit status = ear_ctl_query(ctl, &batch, &results);
    for (size_t row = 0; !status && row < ear_pg_rows(results.items[0]); row++) {
        struct ear_str zone = ear_pg_get_str(results.items[0], row, 0);
        ear_ctl_fail(EAR_INVALID, "%s: no time zone '%.*s': use a name as Europe/London", path,
                     EAR_STR_ARG(zone));
    }
    if (!status && ear_pg_rows(results.items[0]) > 0) status = EAR_EXIT_INVALID;
    ear_pg_results_release(&results);
    return status;
}

/* --- The change ---------------------------------------------------------------------------------
 */

static void add_with(struct ear_pg_batch *batch, unsigned statement, const json_t *care,
                     const char *table)
{
    ear_pg_batch_add(batch, statement);
    add_json(batch, json_object_get(care, table));
}

static struct ear_pg_batch *change_batch(const json_t *care, struct ear_str text, const char *who)
{
    uint8_t sha[EAR_SHA256_BYTES];
    ear_sha256(text, sha);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CARE_LOCK);
    ear_pg_batch_add(batch, STORE_CARE_NO_DEFAULT);
    add_with(batch, STORE_CARE_PUT_TEAMS, care, "team");
    add_with(batch, STORE_CARE_PUT_ACCOUNTS, care, "account");
    add_with(batch, STORE_CARE_PUT_AGENTS, care, "agent");
    ear_pg_batch_add(batch, STORE_CARE_DROP_SHIFTS);
    add_with(batch, STORE_CARE_PUT_SHIFTS, care, "agent");
    add_with(batch, STORE_CARE_PUT_POLICIES, care, "policy");
    add_with(batch, STORE_CARE_DROP_POLICIES, care, "policy");
    add_with(batch, STORE_CARE_DROP_ACCOUNTS, care, "account");
    add_with(batch, STORE_CARE_RETIRE_AGENTS, care, "agent");
    add_json(batch, json_object_get(care, "team"));
    add_with(batch, STORE_CARE_DROP_TEAMS, care, "team");
    ear_pg_batch_add(batch, STORE_CARE_DONE);
    ear_pg_text(batch, ear_str_from(json_string_value(json_object_get(care, "firm"))));
    ear_pg_bytes(batch, (struct ear_str){(const char *)sha, sizeof(sha)});
    ear_pg_text(batch, ear_str_from(who));
    ear_pg_batch_add(batch, STORE_CARE_NOTIFY);
    return batch;
}

/* Secrets are files beside care.yaml: who changed only them applies the same care.yaml again. */
static ear_exit announce(struct ear_ctl *ctl)
{
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CARE_NOTIFY);
    ear_exit status = ear_ctl_query(ctl, &batch, &results);
    ear_pg_results_release(&results);
    return status;
}

static ear_exit change(struct ear_ctl *ctl, const json_t *care, struct ear_str text)
{
    const char *who = ctl->options.as ? ctl->options.as : getenv("USER");
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = change_batch(care, text, who ? who : "operator");
    ear_exit status = ear_ctl_query(ctl, &batch, &results);
    ear_pg_results_release(&results);
    return status;
}

ear_exit ear_apply(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    json_t *care = NULL, *now = NULL, *plan = NULL;
    struct ear_buf text;
    ear_exit status = ear_care_open(argv[0], &text, &care);
    if (!status) status = ear_ctl_connect(ctl);
    if (!status) status = check_zones(ctl, care, argv[0]);
    if (!status) status = read_current(ctl, &now);
    if (status) goto out;
    plan = ear_care_plan(now, care);
    bool renamed = !json_equal(json_object_get(now, "firm"), json_object_get(care, "firm"));
    bool changes = renamed || json_array_size(plan) > 0;
    if (!ctl->options.dry_run)
        status = changes ? change(ctl, care, ear_buf_str(&text)) : announce(ctl);
    if (!status) print_plan(ctl, plan);
out:
    json_decref(plan);
    json_decref(now);
    json_decref(care);
    ear_buf_release(&text);
    return status;
}

#include "cases/case.h"
#include "cases/case_ref.h"
#include "cases/names.h"
#include "show.h"
#include "store_sql.h"

#include <stdio.h>

/* --- case list ----------------------------------------------------------------------------------
 */

static const struct ear_show_column list_columns[] = {
    {"case_id", "ID", EAR_SHOW_SHORT, 0, 0},   {"account", "ACCOUNT", EAR_SHOW_TEXT, 0, 5},
    {"state", "STATE", EAR_SHOW_TEXT, 0, 6},   {"urgency", "URGENCY", EAR_SHOW_TEXT, 0, 7},
    {"intent", "INTENT", EAR_SHOW_TEXT, 0, 4}, {"language", "LANG", EAR_SHOW_TEXT, 0, 2},
    {"owner", "OWNER", EAR_SHOW_TEXT, 0, 0},   {"respond_by", "RESPOND BY", EAR_SHOW_DUE, 0, 0},
    {"posts", "POSTS", EAR_SHOW_INT, 0, 3},    {"opened_at", "OPENED", EAR_SHOW_TIME, 0, 1},
    {"customer_id", NULL, EAR_SHOW_ID, 0, 0},  {"platform", NULL, EAR_SHOW_TEXT, 0, 0},
    {"team", NULL, EAR_SHOW_TEXT, 0, 0},       {"agent", NULL, EAR_SHOW_TEXT, 0, 0},
    {"breached", NULL, EAR_SHOW_BOOL, 0, 0},   {"last_post_at", NULL, EAR_SHOW_TIME, 0, 0},
    {"closed_at", NULL, EAR_SHOW_TIME, 0, 0},  {"close_code", NULL, EAR_SHOW_TEXT, 0, 0},
};

static ear_exit check_filters(const struct ear_ctl_options *options, int64_t *limit)
{
    *limit = 50;
    if (options->limit && ear_num_i64(ear_str_from(options->limit), 1, 100000, limit)) {
        ear_ctl_fail(EAR_INVALID, "--limit wants a number from 1 to 100000");
        return EAR_EXIT_USAGE;
    }
    if (options->state && !ear_ctl_listed("open waiting closed", options->state)) {
        ear_ctl_fail(EAR_INVALID, "--state wants open, waiting or closed");
        return EAR_EXIT_USAGE;
    }
    if (!options->state || !options->all) return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "--state and --all exclude each other");
    return EAR_EXIT_USAGE;
}

static struct ear_pg_batch *list_batch(const struct ear_ctl_options *options, int64_t limit)
{
    const char *state = options->state ? options->state : options->all ? "all" : "";
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CASES);
    ear_pg_text(batch, ear_str_from(state));
    ear_pg_text(batch, ear_str_from(options->team));
    ear_pg_text(batch, ear_str_from(options->agent));
    ear_pg_text(batch, ear_str_from(options->account));
    ear_pg_i64(batch, limit);
    return batch;
}

static const char *none_of(const struct ear_ctl_options *options)
{
    if (options->state || options->all) return "no cases";
    return "no cases that are open or waiting";
}

ear_exit ear_case_list(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc, (void)argv;
    int64_t limit;
    ear_exit status = check_filters(&ctl->options, &limit);
    if (!status) status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = list_batch(&ctl->options, limit);
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status) {
        json_t *rows = ear_show_rows(results.items[0], list_columns, EAR_COUNT(list_columns));
        if (json_array_size(rows) == 0) status = ear_names_check(ctl);
        if (!status)
            ear_show_table(ctl, rows, list_columns, EAR_COUNT(list_columns),
                           none_of(&ctl->options));
        if (json_array_size(rows) == (size_t)limit)
            fprintf(stderr, "earshotctl: there may be more; see --limit\n");
        json_decref(rows);
    }
    ear_pg_results_release(&results);
    return status;
}

/* --- case show ----------------------------------------------------------------------------------
 */

static const struct ear_show_column head_columns[] = {
    {"case_id", "case", EAR_SHOW_ID, 0, 0},
    {"account", "account", EAR_SHOW_TEXT, 0, 0},
    {"platform", "platform", EAR_SHOW_TEXT, 0, 0},
    {"state", "state", EAR_SHOW_TEXT, 0, 0},
    {"urgency", "urgency", EAR_SHOW_TEXT, 0, 0},
    {"severity", "severity", EAR_SHOW_TEXT, 0, 0},
    {"intent", "intent", EAR_SHOW_TEXT, 0, 0},
    {"topic", "topic", EAR_SHOW_TEXT, 0, 0},
    {"language", "language", EAR_SHOW_TEXT, 0, 0},
    {"team", "team", EAR_SHOW_TEXT, 0, 0},
    {"agent", "agent", EAR_SHOW_TEXT, 0, 0},
    {"direct", "began in private", EAR_SHOW_BOOL, 0, 0},
    {"customer_id", "customer", EAR_SHOW_ID, 0, 0},
    {"customer", "known as", EAR_SHOW_TEXT, 0, 0},
    {"posts", "posts", EAR_SHOW_INT, 0, 0},
    {"opened_at", "opened", EAR_SHOW_TIME, 0, 0},
    {"respond_by", "respond by", EAR_SHOW_TIME, 0, 0},
    {"due", "that is", EAR_SHOW_DUE, 0, 0},
    {"first_responded_at", "first response", EAR_SHOW_TIME, 0, 0},
    {"breached", "breached", EAR_SHOW_BOOL, 0, 0},
    {"clock_no", NULL, EAR_SHOW_INT, 0, 0},
    {"last_post_id", NULL, EAR_SHOW_ID, 0, 0},
    {"last_post_at", "last post", EAR_SHOW_TIME, 0, 0},
    {"closed_at", "closed", EAR_SHOW_TIME, 0, 0},
    {"close_code", "closed as", EAR_SHOW_TEXT, 0, 0},
    {"follows", "follows case", EAR_SHOW_ID, 0, 0},
};

static const struct ear_show_column history_columns[] = {
    {"at", NULL, EAR_SHOW_TIME, 0, 0},   {"entry", NULL, EAR_SHOW_TEXT, 0, 0},
    {"who", NULL, EAR_SHOW_TEXT, 0, 0},  {"what", NULL, EAR_SHOW_TEXT, 0, 0},
    {"text", NULL, EAR_SHOW_TEXT, 0, 0}, {"code", NULL, EAR_SHOW_TEXT, 0, 0},
    {"id", NULL, EAR_SHOW_ID, 0, 0},     {"url", NULL, EAR_SHOW_TEXT, 0, 0},
    {"seq", NULL, EAR_SHOW_INT, 0, 0},   {"detail", NULL, EAR_SHOW_JSON, 0, 0},
};

#define ENTRY_BYTES_MAX (1u << 20) /* far more than names may have */

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "2026-11-22 01:52  post   Maria K (@maria)  direct  ID", and the text below. A post's id is what
 * relabel and trace take, and what the services' logs say. */
static void print_entry(const json_t *entry)
{
    struct ear_buf line;
    const char *at = member(entry, "at"), *what = member(entry, "what");
    const char *code = member(entry, "code"), *who = member(entry, "who");
    bool post = strcmp(member(entry, "entry"), "post") == 0;
    ear_buf_init(&line, ENTRY_BYTES_MAX);
    ear_err err = ear_buf_printf(
        &line, "%.10s %.5s  %-5s  %s%s%s%s%s%s%s%s", at, strlen(at) > 11 ? at + 11 : "",
        member(entry, "entry"), who, *who && *what ? "  " : "", what, *code ? " (" : "", code,
        *code ? ")" : "", post ? "  " : "", post ? member(entry, "id") : "");
    EAR_CHECK(!err);
    ear_show_text(line.data, 0);
    ear_buf_release(&line);
    const char *text = json_string_value(json_object_get(entry, "text"));
    if (text) ear_show_text(text, 4);
    if (*member(entry, "url")) ear_show_text(member(entry, "url"), 4);
}

/* For people, what is not known or not so is left out. */
static void drop_absent(json_t *head)
{
    void *next;
    const char *key;
    json_t *value;
    json_object_foreach_safe(head, next, key,
                             value) if (json_is_null(value) || json_is_false(value))
        json_object_del(head, key);
}

static void print_case(const struct ear_ctl *ctl, json_t *head, json_t *history)
{
    json_object_del(head, ctl->options.json ? "due" : "");
    if (ctl->options.json) {
        json_object_set(head, "history", history);
        ear_show_json(head);
        return;
    }
    size_t i;
    json_t *entry;
    struct ear_show_column columns[EAR_COUNT(head_columns)];
    size_t count = 0;
    drop_absent(head);
    for (i = 0; i < EAR_COUNT(head_columns); i++)
        if (json_object_get(head, head_columns[i].key)) columns[count++] = head_columns[i];
    ear_show_object(ctl, head, columns, count);
    fputc('\n', stdout);
    json_array_foreach(history, i, entry) print_entry(entry);
}

ear_exit ear_case_show(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct ear_id id;
    ear_exit status = ear_case_ref(ctl, argv[0], &id);
    if (!status) status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_CASE_HEAD);
    ear_pg_id(batch, &id);
    ear_pg_batch_add(batch, STORE_CASE_HISTORY);
    ear_pg_id(batch, &id);
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status && ear_pg_rows(results.items[0]) == 0)
        status = ear_ctl_fail(EAR_NOT_FOUND, "no case %s (trace takes the id of a post)", argv[0]);
    if (!status) {
        json_t *heads = ear_show_rows(results.items[0], head_columns, EAR_COUNT(head_columns));
        json_t *history =
            ear_show_rows(results.items[1], history_columns, EAR_COUNT(history_columns));
        print_case(ctl, json_array_get(heads, 0), history);
        json_decref(history);
        json_decref(heads);
    }
    ear_pg_results_release(&results);
    return status;
}

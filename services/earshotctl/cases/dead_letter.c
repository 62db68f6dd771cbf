#include "cases/dead_letter.h"

#include "show.h"
#include "store_sql.h"

#include <stdio.h>

static const struct ear_show_column columns[] = {
    {"dead_letter_id", "ID", EAR_SHOW_ID, 0, 0}, {"died_at", "DIED", EAR_SHOW_TIME, 0, 3},
    {"post_id", "POST", EAR_SHOW_ID, 0, 1},      {"stage", "STAGE", EAR_SHOW_TEXT, 0, 4},
    {"tries", "TRIES", EAR_SHOW_INT, 0, 2},      {"reason", "REASON", EAR_SHOW_WRAPPED, 24, 0},
    {"retried_at", NULL, EAR_SHOW_TIME, 0, 0},   {"retried_by", NULL, EAR_SHOW_TEXT, 0, 0},
};

static ear_exit fetch_letters(struct ear_ctl *ctl, json_t **rows)
{
    int64_t limit = 50;
    if (ctl->options.limit && ear_num_i64(ear_str_from(ctl->options.limit), 1, 100000, &limit)) {
        ear_ctl_fail(EAR_INVALID, "--limit wants a number from 1 to 100000");
        return EAR_EXIT_USAGE;
    }
    ear_exit status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_DEAD_LETTERS);
    ear_pg_bool(batch, ctl->options.all);
    ear_pg_i64(batch, limit);
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status) *rows = ear_show_rows(results.items[0], columns, EAR_COUNT(columns));
    ear_pg_results_release(&results);
    return status;
}

ear_exit ear_dead_letter_list(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc, (void)argv;
    json_t *rows = NULL;
    ear_exit status = fetch_letters(ctl, &rows);
    if (!status) ear_show_table(ctl, rows, columns, EAR_COUNT(columns), "no dead letters");
    json_decref(rows);
    return status;
}

static ear_exit retry(struct ear_ctl *ctl, const char *text, int *retried)
{
    struct ear_id id;
    ear_exit status = ear_ctl_id(text, "dead letter", "dead-letter list shows", &id);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_DEAD_LETTER_RETRY);
    ear_pg_id(batch, &id);
    ear_pg_text(batch, ear_str_from(ctl->options.as ? ctl->options.as : "operator"));
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status && !ear_pg_get_bool(results.items[0], 0, 0))
        status = ear_ctl_fail(EAR_NOT_FOUND, "%s: no such dead letter, or retried already", text);
    else if (!status)
        ++*retried;
    ear_pg_results_release(&results);
    return status;
}

static ear_exit retry_all(struct ear_ctl *ctl, int *retried)
{
    json_t *rows = NULL, *row;
    ctl->options.limit = "100000";
    ear_exit status = fetch_letters(ctl, &rows);
    size_t i;
    json_array_foreach(rows, i, row)
    {
        if (status) break;
        status = retry(ctl, json_string_value(json_object_get(row, "dead_letter_id")), retried);
    }
    json_decref(rows);
    return status;
}

ear_exit ear_dead_letter_retry(struct ear_ctl *ctl, int argc, char **argv)
{
    int retried = 0;
    ear_exit worst = ear_ctl_connect(ctl);
    if (worst) return worst;
    if (argc == 1 && strcmp(argv[0], "all") == 0) {
        worst = retry_all(ctl, &retried);
    } else {
        for (int i = 0; i < argc; i++) {
            ear_exit status = retry(ctl, argv[i], &retried);
            if (status) worst = status;
        }
    }
    if (ctl->options.json)
        printf("{\"retried\":%d}\n", retried);
    else if (retried || !worst)
        printf("%d dead letter%s back on the lane\n", retried, retried == 1 ? "" : "s");
    return worst;
}

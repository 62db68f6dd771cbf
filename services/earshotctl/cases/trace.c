#include "cases/trace.h"

#include "cases/case_ref.h"
#include "show.h"
#include "store_sql.h"

#include <stdio.h>

static const struct ear_show_column columns[] = {
    {"at", "TIME", EAR_SHOW_MOMENT, 0, 0},       {"hop_ms", "HOP", EAR_SHOW_SPAN, 0, 0},
    {"service", "SERVICE", EAR_SHOW_TEXT, 0, 1}, {"step", "STEP", EAR_SHOW_WRAPPED, 16, 0},
    {"what", "WHAT", EAR_SHOW_WRAPPED, 22, 0},   {"id", "ID", EAR_SHOW_SHORT, 0, 0},
};

/* Each step's time since the one before it. */
static void set_hops(json_t *steps)
{
    int64_t at_us, before_us = 0;
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        const char *text = json_string_value(json_object_get(step, "at"));
        if (!text || ear_time_parse(ear_str_from(text), &at_us)) continue;
        if (i > 0)
            json_object_set_new(step, "hop_ms", json_integer((at_us - before_us) / EAR_US_PER_MS));
        before_us = at_us;
    }
}

/* "opened case ID": of the id what tables show of it, so that no terminal cuts it in two. */
static void shorten_cases(json_t *steps)
{
    static const char before[] = "case ";
    size_t i;
    json_t *step;
    json_array_foreach(steps, i, step)
    {
        struct ear_id id;
        char text[64];
        const char *what = json_string_value(json_object_get(step, "what"));
        const char *at = what ? strstr(what, before) : NULL;
        if (!at || ear_id_parse(ear_str_from(at + strlen(before)), &id)) continue;
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - what), what, before,
                 what + strlen(what) - EAR_SHOW_SHORT_DIGITS);
        json_object_set_new(step, "what", json_string(text));
    }
}

static void print_steps(const struct ear_ctl *ctl, const struct ear_id *id, json_t *steps)
{
    char text[EAR_ID_TEXT_BYTES];
    if (!ctl->options.json) {
        shorten_cases(steps);
        ear_show_table(ctl, steps, columns, EAR_COUNT(columns), "");
        return;
    }
    ear_id_format(id, text);
    json_t *answer = json_pack("{s:s, s:O}", "id", text, "steps", steps);
    ear_show_json(answer);
    json_decref(answer);
}

ear_exit ear_trace(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct ear_id id;
    ear_exit status = ear_case_ref(ctl, argv[0], &id);
    if (!status) status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_TRACE);
    ear_pg_id(batch, &id);
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status && ear_pg_rows(results.items[0]) == 0)
        status = ear_ctl_fail(EAR_NOT_FOUND, "no post or case %s", argv[0]);
    if (!status) {
        json_t *steps = ear_show_rows(results.items[0], columns, EAR_COUNT(columns));
        set_hops(steps);
        print_steps(ctl, &id, steps);
        json_decref(steps);
    }
    ear_pg_results_release(&results);
    return status;
}

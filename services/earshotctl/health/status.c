#include "health/status.h"

#include "fetch/fetch.h"
#include "health/replica.h"
#include "show.h"
#include "json/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define ANSWER_BYTES_MAX (1u << 20)
#define URL_BYTES        (EAR_REPLICA_HOST_BYTES + 32)

struct survey {
    struct ear_ctl *ctl; /* borrowed */
    struct ear_fetch *fetch;
    json_t *rows;
    size_t places, open; /* look-ups and questions without an answer yet */
};

/* One name that is looked up; freed when its addresses came. */
struct place {
    struct survey *survey;
    struct ear_replica_place at;
    struct ear_resolve *token;
};

/* One replica that is asked; freed when it answered. */
struct question {
    struct survey *survey;
    struct ear_replica_place at; /* host is the address */
};

static void add_row(struct survey *survey, const struct ear_replica_place *at, const char *address,
                    const json_t *answer, const char *why_not)
{
    json_array_append_new(survey->rows,
                          ear_replica_row(at->service, address, at->port, answer, why_not));
}

static void on_answer(void *self, const struct ear_fetch_result *result)
{
    struct question *question = self;
    struct ear_diag diag = {0};
    json_t *answer = NULL;
    ear_err err = result->err;
    if (err)
        ear_fail(&diag, err, "%s", result->reason ? result->reason : ear_err_text(err));
    else if (ear_json_parse(result->body, ANSWER_BYTES_MAX, &answer, NULL) ||
             !json_is_object(answer))
        ear_fail(&diag, EAR_INVALID, "status %d, not an answer of /readyz", result->status);
    add_row(question->survey, &question->at, question->at.host,
            json_is_object(answer) ? answer : NULL, diag.text);
    json_decref(answer);
    question->survey->open--;
    free(question);
}

static void ask(struct survey *survey, const struct ear_replica_place *at, const char *address)
{
    char url[URL_BYTES];
    struct ear_diag diag = {0};
    struct question *question = ear_alloc(sizeof(*question));
    *question = (struct question){.survey = survey, .at = *at};
    snprintf(question->at.host, sizeof(question->at.host), "%s", address);
    ear_replica_url(address, at->port, url, sizeof(url));
    struct ear_fetch_request request = {.url = url,
                                        .timeout_ms = survey->ctl->settings.timeout_ms,
                                        .max_body_bytes = ANSWER_BYTES_MAX};
    if (ear_fetch_start(survey->fetch, &request, on_answer, question, NULL, &diag) == EAR_OK) {
        survey->open++;
        return;
    }
    add_row(survey, at, address, NULL, diag.text);
    free(question);
}

static void on_addresses(void *self, ear_err err, const char *const *addresses, size_t count)
{
    struct place *place = self;
    struct survey *survey = place->survey;
    char why[EAR_DIAG_TEXT_BYTES];
    for (size_t i = 0; i < count; i++) ask(survey, &place->at, addresses[i]);
    if (count == 0) {
        snprintf(why, sizeof(why), "no replica: %s %s", place->at.host,
                 err == EAR_NOT_FOUND ? "is a name that nobody has" : ear_err_text(err));
        add_row(survey, &place->at, "", NULL, why);
    }
    survey->open--;
    free(place);
}

static ear_err look_up_all(struct survey *survey, struct ear_diag *diag)
{
    struct ear_replica_place at;
    struct ear_str list = ear_str_from(survey->ctl->settings.status);
    ear_err err;
    while (ear_replica_next(&list, &at, &err, diag)) {
        if (err) return err;
        struct place *place = ear_alloc(sizeof(*place));
        *place = (struct place){.survey = survey, .at = at};
        survey->open++;
        survey->places++;
        ear_resolve_start(&place->token, survey->ctl->loop, at.host, on_addresses, place);
    }
    return survey->places ? EAR_OK : ear_fail(diag, EAR_INVALID, "no service is named");
}

/* --- The table ----------------------------------------------------------------------------------
 */

static const struct ear_show_column columns[] = {
    {"service", "SERVICE", EAR_SHOW_TEXT, 0, 0}, {"replica", "REPLICA", EAR_SHOW_TEXT, 0, 0},
    {"ready", "READY", EAR_SHOW_BOOL, 0, 0},     {"version", "VERSION", EAR_SHOW_TEXT, 0, 1},
    {"lag_ms", "LAG", EAR_SHOW_SPAN, 0, 4},      {"backlog", "BACKLOG", EAR_SHOW_TEXT, 0, 3},
    {"credit", "CREDIT", EAR_SHOW_TEXT, 0, 2},   {"why", "WHY", EAR_SHOW_WRAPPED, 28, 0},
};

/* {"live": 3, "backfill": 120} as "3 live 120 backfill". */
static void spell_out(json_t *row, const char *key)
{
    char text[256];
    size_t used = 0;
    const char *lane;
    json_t *count, *lanes = json_object_get(row, key);
    if (!json_is_object(lanes)) return;
    json_object_foreach(lanes, lane, count)
    {
        int len = snprintf(text + used, sizeof(text) - used, "%s%" JSON_INTEGER_FORMAT " %s",
                           used ? " " : "", json_integer_value(count), lane);
        if (len < 0 || (size_t)len >= sizeof(text) - used) break;
        used += (size_t)len;
    }
    text[used] = '\0';
    json_object_set_new(row, key, json_string(text));
}

static int by_service_and_replica(const void *a, const void *b)
{
    const json_t *const *left = a, *const *right = b;
    for (size_t i = 0; i < 2; i++) {
        int order = strcmp(json_string_value(json_object_get(*left, columns[i].key)),
                           json_string_value(json_object_get(*right, columns[i].key)));
        if (order) return order;
    }
    return 0;
}

static json_t *sorted(const json_t *rows)
{
    size_t count = json_array_size(rows);
    json_t **order = ear_alloc((count + 1) * sizeof(*order));
    json_t *result = json_array();
    for (size_t i = 0; i < count; i++) order[i] = json_array_get(rows, i);
    qsort(order, count, sizeof(*order), by_service_and_replica);
    for (size_t i = 0; i < count; i++) json_array_append(result, order[i]);
    free(order);
    return result;
}

static ear_exit show(const struct ear_ctl *ctl, json_t *rows)
{
    ear_exit status = EAR_EXIT_OK;
    size_t i;
    json_t *row;
    ear_replica_unify(rows);
    json_t *table = sorted(rows);
    json_array_foreach(table, i, row)
    {
        if (!json_is_true(json_object_get(row, "ready"))) status = EAR_EXIT_REFUSED;
        if (ctl->options.json) continue;
        spell_out(row, "backlog");
        spell_out(row, "credit");
        ear_replica_tell_failing(row);
    }
    ear_show_table(ctl, table, columns, EAR_COUNT(columns), "");
    json_decref(table);
    return status;
}

ear_exit ear_status(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct ear_diag diag = {0};
    struct survey survey = {.ctl = ctl, .rows = json_array()};
    ear_exit status;
    ear_err err = ear_fetch_new(&survey.fetch, ctl->loop, "earshotctl/" EAR_VERSION);
    if (!err) err = look_up_all(&survey, &diag);
    while (survey.open > 0) ear_loop_turn(ctl->loop, 100);
    if (err) {
        ear_ctl_fail(err, "EAR_CTL_STATUS: %s", diag.text);
        status = EAR_EXIT_USAGE;
    } else {
        status = show(ctl, survey.rows);
    }
    ear_fetch_free(&survey.fetch);
    json_decref(survey.rows);
    return status;
}

#include "outcome.h"

#include "catalogue.h"
#include "store_sql.h"
#include "wire/wire.h"
#include <stdlib.h>

#define AT_ONCE        32
#define ASK_TIMEOUT_MS 10000
#define IDLE_MS        5000 /* also finds what another responder left */
#define LATER_FLOOR_MS 500
#define LATER_CAP_MS   15000
#define COMMAND_BYTES  ((size_t)64 << 10)

/* One outcome on its way. */
struct told {
    struct ear_outcomes *outcomes;
    struct ear_id reply_id;
    bool busy;
};

struct ear_outcomes {
    struct ear_responder *core;
    struct ear_client *client;
    struct ear_timer *timer;
    struct told told[AT_ONCE];
    size_t busy;
    struct ear_id from; /* where the next page begins; behind the last one comes the first again */
    bool reading, wake_again, failed, told_one;
    unsigned failures; /* in a row */
};

static void plan(struct ear_outcomes *outcomes);

static void one_less(struct ear_outcomes *outcomes)
{
    if (--outcomes->busy) return;
    /* Where some are taken, those that are not make no others wait. */
    outcomes->failures = outcomes->failed && !outcomes->told_one ? outcomes->failures + 1 : 0;
    plan(outcomes);
    if (outcomes->core->draining) ear_responder_check_drained(outcomes->core);
}

static void finish(struct told *told)
{
    told->busy = false;
    one_less(told->outcomes);
}

static void later(struct told *told, const char *err, const char *why)
{
    told->outcomes->failed = true;
    ear_log(&EV_OUTCOME_LATER, kv_id("reply", &told->reply_id), kv_text("err", err),
            kv_text("why", why));
    finish(told);
}

static void on_deleted(void *self, ear_err err, const struct ear_pg_result *const *results,
                       size_t count, const struct ear_diag *diag)
{
    struct told *told = self;
    (void)results;
    (void)count;
    if (err == EAR_CLOSED) return;
    if (err) {
        later(told, ear_err_name(err), diag->text);
        return;
    }
    told->outcomes->told_one = true;
    finish(told);
}

static void forget(struct told *told)
{
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_DELETE_OUTCOME);
    ear_pg_id(batch, &told->reply_id);
    ear_pg_run(told->outcomes->core->pg, &batch, on_deleted, told);
}

/* Refusals that no repeat mends; "denied" may be a key that is about to be exchanged. A conflict:
 * it has another outcome, as when nobody could read the reply for a time. */
static bool is_final(const char *error)
{
    return strcmp(error, "not_found") == 0 || strcmp(error, "invalid") == 0 ||
           strcmp(error, "conflict") == 0;
}

static void on_answer(void *self, ear_err err, struct ear_str answer)
{
    struct told *told = self;
    if (err == EAR_CLOSED) return;
    if (err) {
        later(told, ear_err_name(err), ear_err_text(err));
        return;
    }
    struct ear_arena *arena = ear_arena_new(COMMAND_BYTES);
    Earshot__V1__CommandResult *result = EAR_UNPACK(
        Earshot__V1__CommandResult, earshot__v1__command_result__descriptor, answer, arena);
    if (!result) {
        later(told, "invalid", "the answer cannot be read");
    } else if (!result->error[0]) {
        (void)ear_fault("responder.before_forget");
        ear_log(&EV_OUTCOME_TOLD, kv_id("reply", &told->reply_id),
                kv_text("repeated", result->repeated ? "yes" : "no"));
        forget(told);
    } else if (is_final(result->error)) {
        ear_log(&EV_OUTCOME_REFUSED, kv_id("reply", &told->reply_id),
                kv_text("error", result->error), kv_text("why", result->message));
        forget(told);
    } else {
        later(told, result->error, result->message);
    }
    ear_arena_free(&arena);
}

static struct told *free_place(struct ear_outcomes *outcomes)
{
    for (size_t i = 0; i < AT_ONCE; i++)
        if (!outcomes->told[i].busy) return &outcomes->told[i];
    return NULL;
}

static ear_err wrap(struct ear_str packed, const struct ear_id *reply_id, struct ear_buf *out)
{
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    char name[EAR_ID_TEXT_BYTES];
    ear_id_format(reply_id, name);
    struct ear_id command_id = ear_id_named(EAR_STR("outcome"), ear_str_from(name));
    struct ear_arena *arena = ear_arena_new(COMMAND_BYTES);
    Earshot__V1__Outcome *outcome =
        EAR_UNPACK(Earshot__V1__Outcome, earshot__v1__outcome__descriptor, packed, arena);
    command.command_id = ear_wire_bytes(&command_id);
    command.at_us = ear_clock_wall_us();
    command.body_case = EARSHOT__V1__COMMAND__BODY_OUTCOME;
    command.outcome = outcome;
    ear_err err = outcome ? ear_wire_pack(&command.base, out) : EAR_INVALID;
    ear_arena_free(&arena);
    return err;
}

static void tell(struct ear_outcomes *outcomes, const struct ear_pg_result *rows, size_t row)
{
    struct told *told = free_place(outcomes);
    if (!told) return;
    *told =
        (struct told){.outcomes = outcomes, .reply_id = ear_pg_get_id(rows, row, 0), .busy = true};
    outcomes->busy++;
    struct ear_buf command;
    ear_buf_init(&command, COMMAND_BYTES);
    ear_err err = wrap(ear_pg_get_str(rows, row, 1), &told->reply_id, &command);
    if (err)
        later(told, ear_err_name(err), "the stored outcome cannot be read");
    else
        ear_client_ask(outcomes->client, ear_buf_str(&command), ASK_TIMEOUT_MS, on_answer, told);
    ear_buf_release(&command);
}

static void on_outcomes(void *self, ear_err err, const struct ear_pg_result *const *results,
                        size_t count, const struct ear_diag *diag)
{
    struct ear_outcomes *outcomes = self;
    outcomes->reading = false;
    if (err == EAR_CLOSED) return;
    outcomes->failed = err != EAR_OK;
    outcomes->told_one = false;
    if (err) {
        ear_log(&EV_READ_FAILED, kv_text("what", "outcomes"), kv_diag(diag));
        outcomes->failures++;
        plan(outcomes);
        return;
    }
    EAR_CHECK(count == 1);
    size_t rows = ear_pg_rows(results[0]);
    bool more = rows == AT_ONCE;
    if (more) outcomes->wake_again = true;
    outcomes->from = more ? ear_pg_get_id(results[0], rows - 1, 0) : (struct ear_id){{0}};
    outcomes->busy++; /* the page: it is not over before all of it was tried */
    for (size_t i = 0; i < rows; i++) tell(outcomes, results[0], i);
    one_less(outcomes);
}

static void read_due(void *self)
{
    struct ear_outcomes *outcomes = self;
    if (outcomes->reading || outcomes->busy) {
        outcomes->wake_again = true;
        return;
    }
    outcomes->reading = true;
    outcomes->wake_again = false;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_OUTCOMES);
    ear_pg_i64(batch, AT_ONCE);
    ear_pg_id(batch, &outcomes->from);
    ear_pg_run(outcomes->core->pg, &batch, on_outcomes, outcomes);
}

/* When to look again. */
static void plan(struct ear_outcomes *outcomes)
{
    if (outcomes->failures) {
        ear_timer_start(outcomes->timer,
                        ear_backoff_ms(outcomes->failures, LATER_FLOOR_MS, LATER_CAP_MS,
                                       ear_random_below(UINT64_MAX)),
                        0);
        return;
    }
    ear_timer_start(outcomes->timer, outcomes->wake_again ? 0 : IDLE_MS, 0);
}

ear_err ear_outcomes_new(struct ear_outcomes **out, struct ear_responder *core,
                         struct ear_diag *diag)
{
    struct ear_outcomes *outcomes = ear_alloc(sizeof(*outcomes));
    outcomes->core = core;
    ear_err err =
        ear_client_new(&outcomes->client, core->bus, core->settings->commands, "assignment", diag);
    if (err) {
        free(outcomes);
        return err;
    }
    ear_timer_new(&outcomes->timer, core->loop, read_due, outcomes);
    *out = outcomes;
    return EAR_OK;
}

void ear_outcomes_free(struct ear_outcomes **ref)
{
    struct ear_outcomes *outcomes = *ref;
    if (!outcomes) return;
    *ref = NULL;
    ear_client_free(&outcomes->client);
    ear_timer_free(&outcomes->timer);
    free(outcomes);
}

/* After failures the back-off stands: new ones would only meet the same. */
void ear_outcomes_wake(struct ear_outcomes *outcomes)
{
    if (!outcomes->failures) read_due(outcomes);
}

size_t ear_outcomes_under_way(const struct ear_outcomes *outcomes)
{
    return outcomes->busy + outcomes->reading;
}

bool ear_outcomes_reach(const struct ear_outcomes *outcomes, struct ear_diag *why)
{
    return ear_client_reaches(outcomes->client, why);
}

#include "commands.h"

#include "engine/act.h"
#include "events.h"
#include "metrics.h"
#include "orders.h"
#include "sitting.h"
#include "store_sql.h"
#include "wire/wire.h"
#include <stdlib.h>
#include <sys/queue.h>

#define REFUSED_LINES  200 /* in EAR_LOG_BUDGET_MS */
#define TURN_BYTES_MAX ((size_t)1 << 20)
#define TRIES_MAX      6
#define PAUSE_FLOOR_MS 20
#define PAUSE_CAP_MS   1000
#define ACTIVE_MAX     1024
/* What the database refuses for its content: once more, since the id may be another replica's. */
#define REFUSALS_MAX 2

struct ear_commands {
    struct ear_ground ground;
    struct ear_server *server; /* owned */
    struct ear_commands_opts opts;
    TAILQ_HEAD(, turn) turns;
    size_t active;
    struct ear_log_budget refused_lines;
    bool draining;
};

/* A command's turn, from the question to its answer. */
struct turn {
    TAILQ_ENTRY(turn) link;
    struct ear_commands *commands;
    struct ear_call *call;   /* taken; NULL: our own command */
    struct ear_arena *arena; /* owned */
    struct ear_order order;
    struct ear_id customer_id; /* nil: the case is not known */
    struct ear_answer answer;
    struct ear_buf result;   /* packed CommandResult */
    struct ear_timer *pause; /* owned; NULL until used */
    unsigned tries;
    unsigned refusals;
    bool repeated;
};

static void look_up(void *self);

/* ---- the end ---- */

static void end(struct turn *turn)
{
    struct ear_commands *commands = turn->commands;
    TAILQ_REMOVE(&commands->turns, turn, link);
    commands->active--;
    ear_timer_free(&turn->pause);
    ear_buf_release(&turn->result);
    ear_arena_free(&turn->arena);
    free(turn);
}

/* Each command that was carried out has its line; of others somebody may send any number. */
static void note_done(struct turn *turn, const char *name, const char *result)
{
    uint64_t suppressed = 0;
    if (strcmp(result, "ok") != 0 &&
        !ear_log_budget_spend(&turn->commands->refused_lines, ear_clock_mono_ms(), &suppressed))
        return;
    ear_log(&EV_COMMAND_DONE, kv_text("kind", name), kv_id("command", &turn->order.command_id),
            kv_id("case", &turn->order.case_id), kv_text("actor", turn->order.command->actor),
            kv_text("result", result), kv_int("suppressed", suppressed));
}

static void reply(struct turn *turn, const char *result)
{
    struct ear_commands *commands = turn->commands;
    const char *name = ear_command_name(turn->order.command);
    note_done(turn, name, result);
    ear_metric_add(&M_COMMANDS, 1, name, result);
    if (turn->call) ear_server_answer(commands->server, &turn->call, ear_buf_str(&turn->result));
}

static void refuse(struct turn *turn, const char *error, const char *message)
{
    struct ear_answer answer = {.error = error, .message = message};
    ear_buf_reset(&turn->result);
    ear_order_pack(&turn->order, &answer, &turn->result);
    reply(turn, error);
    end(turn);
}

static bool is_same(const struct turn *turn, const struct ear_pg_result *recorded)
{
    struct ear_id case_id = ear_pg_get_id(recorded, 0, 2);
    const char *name = ear_command_name(turn->order.command);
    return ear_str_eq(ear_pg_get_str(recorded, 0, 1), ear_str_from(name)) &&
           ear_id_cmp(&case_id, &turn->order.case_id) == 0;
}

/* The recorded result, word for word, but for saying that it is one. */
static void repeat(struct turn *turn, const struct ear_pg_result *row)
{
    struct ear_str recorded = ear_pg_get_str(row, 0, 0);
    if (!is_same(turn, row)) {
        refuse(turn, "conflict", "another command has this id: nothing was done");
        return;
    }
    ear_buf_reset(&turn->result);
    if (ear_order_repeat(recorded, turn->arena, &turn->result) != EAR_OK) {
        refuse(turn, "unavailable", "the recorded result cannot be read");
        return;
    }
    reply(turn, "repeated");
    end(turn);
}

/* ---- trouble ---- */

static void stumble(struct turn *turn, ear_err err, const struct ear_diag *diag)
{
    if (err == EAR_CLOSED) {
        end(turn);
        return;
    }
    bool content = err == EAR_DATA || err == EAR_TOO_LARGE;
    if (content && ++turn->refusals >= REFUSALS_MAX) {
        refuse(turn, "invalid", diag->text);
        return;
    }
    if (err == EAR_INVALID || err == EAR_DENIED || ++turn->tries >= TRIES_MAX) {
        ear_log(&EV_COMMAND_FAILED, kv_id("command", &turn->order.command_id), kv_diag(diag));
        refuse(turn, "unavailable",
               "the database cannot take it now; the same id may be sent again");
        return;
    }
    if (!turn->pause) ear_timer_new(&turn->pause, turn->commands->ground.loop, look_up, turn);
    ear_timer_start(
        turn->pause,
        ear_backoff_ms(turn->tries, PAUSE_FLOOR_MS, PAUSE_CAP_MS, ear_random_below(UINT64_MAX)), 0);
}

/* ---- the sitting ---- */

static void ask(void *self, struct ear_pg_batch *batch)
{
    const struct turn *turn = self;
    ear_pg_batch_add(batch, STORE_READ_COMMAND);
    ear_pg_id(batch, &turn->order.command_id);
    ear_pg_batch_add(batch, STORE_READ_REPLY);
    ear_pg_id(batch, &turn->order.reply_id);
    ear_pg_id(batch, &turn->customer_id);
    ear_pg_batch_add(batch, STORE_READ_ANSWERS);
    ear_pg_id(batch, &turn->order.case_id);
    ear_pg_id(batch, &turn->customer_id);
    ear_pg_id(batch, &turn->order.reply_id);
}

static bool read_reply(const struct ear_pg_result *r, struct ear_reply *row)
{
    if (ear_pg_rows(r) == 0) return false;
    *row = (struct ear_reply){.reply_id = ear_pg_get_id(r, 0, 0),
                              .customer_id = ear_pg_get_id(r, 0, 1),
                              .case_id = ear_pg_get_id(r, 0, 2),
                              .post_id = ear_pg_get_id(r, 0, 3),
                              .by_rule = ear_pg_get_bool(r, 0, 4),
                              .state = (int)ear_pg_get_i64(r, 0, 5)};
    return true;
}

static ear_err decide(void *self, struct ear_book *book, const struct ear_pg_result *const *extra)
{
    struct turn *turn = self;
    struct ear_reply row;
    if (ear_pg_rows(extra[0]) > 0) return EAR_CONFLICT; /* done meanwhile: look it up again */
    struct ear_ask said = {.command = turn->order.command,
                           .of = ear_book_case(book, &turn->order.case_id),
                           .has_reply = ear_pg_get_i64(extra[2], 0, 0) > 0,
                           .has_later_reply = ear_pg_get_i64(extra[2], 0, 1) > 0};
    if (read_reply(extra[1], &row) && ear_id_cmp(&row.case_id, &turn->order.case_id) == 0)
        said.reply = &row;
    ear_act(book, &said, &turn->answer);
    ear_buf_reset(&turn->result);
    ear_order_pack(&turn->order, &turn->answer, &turn->result);
    return EAR_OK;
}

static void write(void *self, struct ear_pg_batch *batch, const struct ear_book *book)
{
    const struct turn *turn = self;
    ear_order_write(batch, book, &turn->order, &turn->answer);
    ear_pg_batch_add(batch, STORE_WRITE_COMMAND);
    ear_pg_id(batch, &turn->order.command_id);
    ear_pg_time(batch, book->now_us);
    ear_pg_text(batch, ear_str_from(turn->order.command->actor));
    ear_pg_text(batch, ear_str_from(ear_command_name(turn->order.command)));
    ear_pg_id(batch, ear_id_is_nil(&turn->order.case_id) ? NULL : &turn->order.case_id);
    ear_pg_bytes(batch, ear_buf_str(&turn->result));
}

static void done(void *self, ear_err err, const struct ear_book *book, const struct ear_diag *diag)
{
    struct turn *turn = self;
    struct ear_commands *commands = turn->commands;
    (void)book;
    if (err == EAR_CONFLICT) {
        look_up(turn);
        return;
    }
    if (err) {
        stumble(turn, err, diag);
        return;
    }
    (void)ear_fault("assignment.commanded");
    bool ok = !turn->answer.error[0];
    bool reply_due = turn->answer.add_reply;
    reply(turn, ok ? "ok" : turn->answer.error);
    end(turn);
    if (reply_due && commands->opts.reply) commands->opts.reply(commands->opts.self);
    if (ok && commands->opts.room) commands->opts.room(commands->opts.self);
}

static void sit(struct turn *turn)
{
    static const struct ear_sitting_ops ops = {
        .ask = ask, .decide = decide, .write = write, .done = done};
    bool known = !ear_id_is_nil(&turn->customer_id);
    struct ear_wants wants = {.customers = &turn->customer_id,
                              .customer_count = known,
                              .cases = &turn->order.case_id,
                              .case_count = known};
    ear_sitting_open(&turn->commands->ground, &wants, &ops, turn);
}

/* ---- before it: was it done already, and whose case is it ---- */

static void on_looked_up(void *self, ear_err err, const struct ear_pg_result *const *results,
                         size_t count, const struct ear_diag *diag)
{
    struct turn *turn = self;
    (void)count;
    if (err) {
        stumble(turn, err, diag);
        return;
    }
    if (ear_pg_rows(results[0]) > 0) {
        repeat(turn, results[0]);
        return;
    }
    static const struct ear_id nil;
    turn->customer_id = ear_pg_rows(results[1]) > 0 ? ear_pg_get_id(results[1], 0, 0) : nil;
    sit(turn);
}

static void look_up(void *self)
{
    struct turn *turn = self;
    if (!ear_care_cache_is_loaded(turn->commands->ground.care)) {
        refuse(turn, "unavailable", "teams and policies have not been read yet");
        return;
    }
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_COMMAND);
    ear_pg_id(batch, &turn->order.command_id);
    ear_pg_batch_add(batch, STORE_FIND_CASE);
    ear_pg_id(batch, &turn->order.case_id);
    ear_pg_run(turn->commands->ground.pg, &batch, on_looked_up, turn);
}

/* ---- questions ---- */

static struct turn *begin(struct ear_commands *commands, struct ear_call *call)
{
    struct turn *turn = ear_alloc(sizeof(*turn));
    turn->commands = commands;
    turn->call = call;
    turn->arena = ear_arena_new(TURN_BYTES_MAX);
    ear_buf_init(&turn->result, TURN_BYTES_MAX);
    TAILQ_INSERT_TAIL(&commands->turns, turn, link);
    commands->active++;
    return turn;
}

static void take(struct turn *turn, struct ear_str request, const char *peer)
{
    const struct ear_commands *commands = turn->commands;
    const char *why = "";
    ear_err err = ear_order_read(request, turn->arena, peer, &turn->order, &why);
    if (err)
        refuse(turn,
               err == EAR_DENIED      ? "denied"
               : err == EAR_NO_MEMORY ? "unavailable"
                                      : "invalid",
               why);
    else if (commands->draining || commands->active > ACTIVE_MAX)
        refuse(turn, "unavailable",
               "this replica takes no more now; the same id may be sent again");
    else
        look_up(turn);
}

static void on_question(void *self, struct ear_call *call, struct ear_str request)
{
    take(begin(self, call), request, ear_call_peer(call));
}

void ear_commands_take(struct ear_commands *commands, struct ear_str packed)
{
    take(begin(commands, NULL), packed, "");
}

ear_err ear_commands_new(struct ear_commands **out, const struct ear_ground *ground,
                         struct ear_bus *bus, const struct ear_commands_opts *opts,
                         struct ear_diag *diag)
{
    struct ear_commands *commands = ear_alloc(sizeof(*commands));
    commands->ground = *ground;
    commands->opts = *opts;
    commands->refused_lines.lines = REFUSED_LINES;
    TAILQ_INIT(&commands->turns);
    *out = commands;
    ear_err err =
        ear_server_new(&commands->server, bus, opts->endpoint, on_question, commands, diag);
    if (!err) ear_server_admit(commands->server, "operator,desk,responder");
    return err;
}

void ear_commands_free(struct ear_commands **commands)
{
    if (!*commands) return;
    struct turn *turn;
    while ((turn = TAILQ_FIRST(&(*commands)->turns))) end(turn);
    ear_server_free(&(*commands)->server);
    EAR_FREE(*commands);
}

size_t ear_commands_active(const struct ear_commands *commands)
{
    return commands->active;
}

void ear_commands_drain(struct ear_commands *commands)
{
    commands->draining = true;
}

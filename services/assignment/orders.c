#include "orders.h"

#include "store_sql.h"
#include "wire/wire.h"

/* ---- reading ---- */

static const ProtobufCBinaryData *case_field(const Earshot__V1__Command *c)
{
    switch (c->body_case) {
    case EARSHOT__V1__COMMAND__BODY_REPLY:
        return &c->reply->case_id;
    case EARSHOT__V1__COMMAND__BODY_NOTE:
        return &c->note->case_id;
    case EARSHOT__V1__COMMAND__BODY_ASSIGN:
        return &c->assign->case_id;
    case EARSHOT__V1__COMMAND__BODY_RESOLVE:
        return &c->resolve->case_id;
    case EARSHOT__V1__COMMAND__BODY_REOPEN:
        return &c->reopen->case_id;
    case EARSHOT__V1__COMMAND__BODY_OUTCOME:
        return &c->outcome->case_id;
    default:
        return NULL;
    }
}

/* Only the responder knows what became of a reply, and it decides nothing else. People act through
 * earshotctl or a desk; every other service has a key too, and may ask for nothing. */
static bool may_ask(const char *peer, const Earshot__V1__Command *command)
{
    if (!peer[0]) return true; /* without keys: loopback only */
    if (command->body_case == EARSHOT__V1__COMMAND__BODY_OUTCOME)
        return strcmp(peer, "responder") == 0;
    return strcmp(peer, "operator") == 0 || strcmp(peer, "desk") == 0;
}

static ear_err fail(const char **why, ear_err err, const char *text)
{
    *why = text;
    return err;
}

ear_err ear_order_read(struct ear_str request, struct ear_arena *arena, const char *peer,
                       struct ear_order *order, const char **why)
{
    static const Earshot__V1__Command nothing = EARSHOT__V1__COMMAND__INIT;
    *order = (struct ear_order){.command = &nothing};
    Earshot__V1__Command *command =
        EAR_UNPACK(Earshot__V1__Command, earshot__v1__command__descriptor, request, arena);
    if (!command && ear_arena_starved(arena))
        return fail(why, EAR_NO_MEMORY, "no memory to read it; the same id may be sent again");
    if (!command) return fail(why, EAR_INVALID, "not a command, or too large");
    order->command = command;
    if (ear_wire_id(&command->command_id, false, &order->command_id) ||
        ear_id_is_nil(&order->command_id))
        return fail(why, EAR_INVALID, "a command needs an id of 16 bytes");
    if (!ear_command_name(command)[0])
        return fail(why, EAR_INVALID, "a command that this version does not know");
    if (!may_ask(peer, command))
        return fail(why, EAR_DENIED, "this command is not for the service that sent it");
    const ProtobufCBinaryData *of = case_field(command);
    if (of && ear_wire_id(of, false, &order->case_id))
        return fail(why, EAR_INVALID, "case_id must have 16 bytes");
    if (command->body_case != EARSHOT__V1__COMMAND__BODY_OUTCOME) return EAR_OK;
    if (ear_wire_id(&command->outcome->reply_id, false, &order->reply_id))
        return fail(why, EAR_INVALID, "reply_id must have 16 bytes");
    int state = (int)command->outcome->state;
    if (state < 1 || state > 3) return fail(why, EAR_INVALID, "an outcome needs a state");
    return EAR_OK;
}

/* ---- results ---- */

static void pack(const Earshot__V1__CommandResult *result, struct ear_buf *out)
{
    ear_err err = ear_wire_pack(&result->base, out);
    EAR_CHECK(err == EAR_OK); /* ids and a sentence of ours */
}

void ear_order_pack(const struct ear_order *order, const struct ear_answer *answer,
                    struct ear_buf *out)
{
    Earshot__V1__CommandResult result = EARSHOT__V1__COMMAND_RESULT__INIT;
    result.command_id = ear_wire_bytes(&order->command_id);
    result.error = (char *)(uintptr_t)answer->error;
    result.message = (char *)(uintptr_t)answer->message;
    if (!ear_id_is_nil(&order->case_id)) result.case_id = ear_wire_bytes(&order->case_id);
    if (!ear_id_is_nil(&answer->reply_id)) result.reply_id = ear_wire_bytes(&answer->reply_id);
    pack(&result, out);
}

ear_err ear_order_repeat(struct ear_str recorded, struct ear_arena *arena, struct ear_buf *out)
{
    Earshot__V1__CommandResult *result = EAR_UNPACK(
        Earshot__V1__CommandResult, earshot__v1__command_result__descriptor, recorded, arena);
    if (!result) return EAR_INVALID;
    result->repeated = true;
    pack(result, out);
    return EAR_OK;
}

/* ---- rows ---- */

static struct ear_str actor_of(const struct ear_order *order)
{
    const char *actor = order->command->actor;
    return ear_str_from(actor[0] ? actor : "operator");
}

static void write_reply(struct ear_pg_batch *batch, const struct ear_book *book,
                        const struct ear_order *order, const struct ear_answer *answer)
{
    const struct ear_case *c = ear_book_case(book, &order->case_id);
    ear_pg_batch_add(batch, STORE_WRITE_REPLY);
    ear_pg_id(batch, &answer->reply_id);
    ear_pg_id(batch, &c->customer_id);
    ear_pg_id(batch, &c->case_id);
    ear_pg_text(batch, ear_str_from(c->account));
    ear_pg_text(batch, ear_str_from(c->platform));
    ear_pg_id(batch, &c->last_post_id);
    ear_pg_text(batch, answer->by_rule ? EAR_STR("") : actor_of(order));
    ear_pg_bool(batch, answer->by_rule);
    ear_pg_bool(batch, answer->direct);
    ear_pg_text(batch, ear_str_from(order->command->reply->text));
    ear_pg_text(batch, ear_str_from(answer->sign_off));
    ear_pg_time(batch, book->now_us);
    ear_pg_batch_add(batch, STORE_WRITE_REPLY_DUE);
    ear_pg_id(batch, &answer->reply_id);
    ear_pg_id(batch, &c->customer_id);
    ear_pg_text(batch, ear_str_from(c->account));
    ear_pg_batch_add(batch, STORE_TELL_REPLIES);
}

static void write_note(struct ear_pg_batch *batch, const struct ear_book *book,
                       const struct ear_order *order, const struct ear_answer *answer)
{
    const struct ear_case *c = ear_book_case(book, &order->case_id);
    struct ear_id note_id = book->new_id(book->now_us);
    ear_pg_batch_add(batch, STORE_WRITE_NOTE);
    ear_pg_id(batch, &note_id);
    ear_pg_id(batch, &c->customer_id);
    ear_pg_id(batch, &c->case_id);
    ear_pg_text(batch, actor_of(order));
    ear_pg_time(batch, book->now_us);
    ear_pg_text(batch, ear_str_from(answer->note));
}

static void text_or_null(struct ear_pg_batch *batch, const char *text)
{
    if (text[0])
        ear_pg_text(batch, ear_str_from(text));
    else
        ear_pg_null(batch);
}

static void write_outcome(struct ear_pg_batch *batch, const struct ear_book *book,
                          const struct ear_order *order, const struct ear_answer *answer)
{
    const Earshot__V1__Outcome *outcome = order->command->outcome;
    const struct ear_case *c = ear_book_case(book, &order->case_id);
    const struct ear_id *ref = &answer->external_ref;
    ear_pg_batch_add(batch, STORE_WRITE_OUTCOME);
    ear_pg_id(batch, &order->reply_id);
    ear_pg_id(batch, &c->customer_id);
    ear_pg_i16(batch, (int16_t)outcome->state);
    text_or_null(batch, outcome->external_id);
    ear_pg_id(batch, ear_id_is_nil(ref) ? NULL : ref);
    if (book->entries && book->entries->visible_at_us)
        ear_pg_time(batch, book->entries->visible_at_us);
    else
        ear_pg_null(batch);
    text_or_null(batch, outcome->reason);
    ear_pg_i32(batch, outcome->attempts <= INT32_MAX ? (int32_t)outcome->attempts : INT32_MAX);
    /* It has been taken over, whether or not that was told. */
    ear_pg_batch_add(batch, STORE_CLEAR_OUTBOX);
    ear_pg_push_id(ear_pg_array(batch, EAR_PG_ID), &order->reply_id);
}

static void write_presence(struct ear_pg_batch *batch, const struct ear_book *book,
                           const struct ear_order *order)
{
    const Earshot__V1__PresenceCommand *presence = order->command->presence;
    if (presence->by_shift) {
        ear_pg_batch_add(batch, STORE_CLEAR_PRESENCE);
        ear_pg_text(batch, ear_str_from(presence->agent));
        return;
    }
    ear_pg_batch_add(batch, STORE_WRITE_PRESENCE);
    ear_pg_text(batch, ear_str_from(presence->agent));
    ear_pg_bool(batch, presence->present != 0);
    ear_pg_time(batch, book->now_us);
    ear_pg_text(batch, actor_of(order));
}

void ear_order_write(struct ear_pg_batch *batch, const struct ear_book *book,
                     const struct ear_order *order, const struct ear_answer *answer)
{
    if (answer->add_reply) write_reply(batch, book, order, answer);
    if (answer->note) write_note(batch, book, order, answer);
    if (answer->outcome) write_outcome(batch, book, order, answer);
    if (answer->presence) write_presence(batch, book, order);
}

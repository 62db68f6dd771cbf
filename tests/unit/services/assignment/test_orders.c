#include "orders.h"

#include "engine/act.h"
#include "wire/wire.h"
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
/* clang-format on */

struct order_row {
    const char *peer;
    int body;
    size_t id_bytes, case_bytes;
    int state;
    ear_err want;
};

static void run_order(const struct order_row *row)
{
    struct ear_id id = {{1, 2, 3}};
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    Earshot__V1__NoteCommand note = EARSHOT__V1__NOTE_COMMAND__INIT;
    Earshot__V1__PresenceCommand presence = EARSHOT__V1__PRESENCE_COMMAND__INIT;
    Earshot__V1__Outcome outcome = EARSHOT__V1__OUTCOME__INIT;
    struct ear_buf packed;
    command.command_id = (ProtobufCBinaryData){row->id_bytes, id.b};
    note.case_id = outcome.case_id = (ProtobufCBinaryData){row->case_bytes, id.b};
    outcome.reply_id = ear_wire_bytes(&id);
    outcome.state = (Earshot__V1__OutcomeState)row->state;
    command.body_case = (Earshot__V1__Command__BodyCase)row->body;
    if (command.body_case == EARSHOT__V1__COMMAND__BODY_NOTE) command.note = &note;
    if (command.body_case == EARSHOT__V1__COMMAND__BODY_PRESENCE) command.presence = &presence;
    if (command.body_case == EARSHOT__V1__COMMAND__BODY_OUTCOME) command.outcome = &outcome;
    ear_buf_init(&packed, 1 << 16);
    assert_int_equal(ear_wire_pack(&command.base, &packed), EAR_OK);

    struct ear_arena *arena = ear_arena_new(1 << 16);
    struct ear_order order;
    const char *why = "";
    assert_int_equal(ear_order_read(ear_buf_str(&packed), arena, row->peer, &order, &why),
                     row->want);
    assert_int_equal(why[0] != '\0', row->want != EAR_OK);
    assert_non_null(order.command);
    ear_buf_release(&packed);
    ear_arena_free(&arena);
}

static void test_order__is_checked_before_anything_else(void **state)
{
    (void)state;
    enum {
        NONE = EARSHOT__V1__COMMAND__BODY__NOT_SET,
        NOTE = EARSHOT__V1__COMMAND__BODY_NOTE,
        PRESENCE = EARSHOT__V1__COMMAND__BODY_PRESENCE,
        OUTCOME = EARSHOT__V1__COMMAND__BODY_OUTCOME
    };
    static const struct order_row rows[] = {
        {"operator", NOTE, 16, 16, 0, EAR_OK},
        {"", NOTE, 16, 16, 0, EAR_OK},
        {"operator", NOTE, 0, 16, 0, EAR_INVALID},
        {"operator", NOTE, 16, 15, 0, EAR_INVALID},
        {"operator", NONE, 16, 16, 0, EAR_INVALID},
        {"operator", PRESENCE, 16, 0, 0, EAR_OK},
        {"responder", OUTCOME, 16, 16, 1, EAR_OK},
        {"", OUTCOME, 16, 16, 3, EAR_OK},
        {"responder", OUTCOME, 16, 16, 0, EAR_INVALID},
        {"responder", OUTCOME, 16, 16, 4, EAR_INVALID},
        {"operator", OUTCOME, 16, 16, 1, EAR_DENIED},
        {"responder", NOTE, 16, 16, 0, EAR_DENIED},
        {"desk", NOTE, 16, 16, 0, EAR_OK},
        {"ingest", NOTE, 16, 16, 0, EAR_DENIED},
        {"classifier", PRESENCE, 16, 0, 0, EAR_DENIED},
        {"assignment", OUTCOME, 16, 16, 1, EAR_DENIED},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) run_order(&rows[i]);
}

#ifdef EAR_FAULTS
/* "invalid" would be final: a responder would forget the outcome it has to tell. */
static void test_order__may_be_sent_again_for_want_of_memory(void **state)
{
    (void)state;
    struct ear_id id = {{1, 2, 3}};
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_buf packed;
    struct ear_order order;
    const char *why = "";
    struct ear_arena *arena = ear_arena_new(1 << 16);
    command.command_id = ear_wire_bytes(&id);
    ear_buf_init(&packed, 1 << 16);
    assert_int_equal(ear_wire_pack(&command.base, &packed), EAR_OK);
    setenv("EAR_FAULT", "alloc=fail", 1);
    ear_err err = ear_order_read(ear_buf_str(&packed), arena, "responder", &order, &why);
    unsetenv("EAR_FAULT");
    assert_int_equal(err, EAR_NO_MEMORY);
    assert_non_null(order.command);
    ear_buf_release(&packed);
    ear_arena_free(&arena);
}
#endif

static void test_order__repeats_its_result(void **state)
{
    (void)state;
    static const Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_order order = {.command = &command, .command_id = {{1}}, .case_id = {{2}}};
    struct ear_answer answer = {.error = "conflict", .message = "closed"};
    struct ear_buf first, again;
    struct ear_arena *arena = ear_arena_new(1 << 16);
    ear_buf_init(&first, 1 << 16);
    ear_buf_init(&again, 1 << 16);
    ear_order_pack(&order, &answer, &first);
    assert_int_equal(ear_order_repeat(ear_buf_str(&first), arena, &again), EAR_OK);
    Earshot__V1__CommandResult *r =
        EAR_UNPACK(Earshot__V1__CommandResult, earshot__v1__command_result__descriptor,
                   ear_buf_str(&again), arena);
    assert_non_null(r);
    assert_true(r->repeated);
    assert_string_equal(r->error, "conflict");
    assert_string_equal(r->message, "closed");
    assert_int_equal(r->case_id.len, 16);
    assert_int_equal(r->reply_id.len, 0);
    assert_int_equal(ear_order_repeat(EAR_STR("\xff\xff"), arena, &again), EAR_INVALID);
    ear_buf_release(&first);
    ear_buf_release(&again);
    ear_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order__is_checked_before_anything_else),
#ifdef EAR_FAULTS
        cmocka_unit_test(test_order__may_be_sent_again_for_want_of_memory),
#endif
        cmocka_unit_test(test_order__repeats_its_result),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"
#include <cmocka.h>

#define PLENTY ((size_t)1 << 20)

static ear_err pack_batch(struct ear_buf *out, const struct ear_id *id)
{
    ProtobufCBinaryData items[3] = {{3, (uint8_t *)"one"}, {0, NULL}, {5, (uint8_t *)"three"}};
    Earshot__V1__Batch batch = EARSHOT__V1__BATCH__INIT;
    batch.batch_id = ear_wire_bytes(id);
    batch.lane = 1;
    batch.n_items = 3;
    batch.items = items;
    return ear_wire_pack(&batch.base, out);
}

static void test_wire__unpacks_what_it_packed(void **state)
{
    (void)state;
    struct ear_id id = ear_id_new(1);
    struct ear_buf out;
    ear_buf_init(&out, PLENTY);
    assert_int_equal(ear_buf_append(&out, "x", 1), EAR_OK);
    assert_int_equal(pack_batch(&out, &id), EAR_OK);
    struct ear_arena *arena = ear_arena_new(PLENTY);
    struct ear_str packed = {out.data + 1, out.len - 1};
    Earshot__V1__Batch *batch =
        EAR_UNPACK(Earshot__V1__Batch, earshot__v1__batch__descriptor, packed, arena);
    assert_non_null(batch);
    struct ear_id again;
    assert_int_equal(ear_wire_id(&batch->batch_id, false, &again), EAR_OK);
    assert_int_equal(ear_id_cmp(&id, &again), 0);
    assert_int_equal(batch->lane, 1);
    assert_int_equal(batch->n_items, 3);
    assert_memory_equal(batch->items[2].data, "three", 5);
    ear_arena_free(&arena);
    ear_buf_release(&out);
}

static void test_wire__refuses_what_is_cut_or_too_large(void **state)
{
    (void)state;
    struct ear_id id = ear_id_new(1);
    struct ear_buf out;
    ear_buf_init(&out, PLENTY);
    assert_int_equal(pack_batch(&out, &id), EAR_OK);
    struct ear_arena *arena = ear_arena_new(PLENTY);
    assert_null(ear_wire_unpack(&earshot__v1__batch__descriptor,
                                (struct ear_str){out.data, out.len - 2}, arena));
    ear_arena_free(&arena);
    arena = ear_arena_new(64);
    assert_null(ear_wire_unpack(&earshot__v1__batch__descriptor, ear_buf_str(&out), arena));
    ear_arena_free(&arena);
    ear_buf_release(&out);
    ear_buf_init(&out, 8);
    assert_int_equal(pack_batch(&out, &id), EAR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    ear_buf_release(&out);
}

static void test_wire__an_empty_message_has_defaults(void **state)
{
    (void)state;
    struct ear_arena *arena = ear_arena_new(PLENTY);
    Earshot__V1__Post *post =
        EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, EAR_STR_NONE, arena);
    assert_non_null(post);
    assert_string_equal(post->text, "");
    struct ear_id id;
    assert_int_equal(ear_wire_id(&post->reply_ref, true, &id), EAR_OK);
    assert_true(ear_id_is_nil(&id));
    assert_int_equal(ear_wire_id(&post->post_id, false, &id), EAR_INVALID);
    ear_arena_free(&arena);
}

static void test_wire__ids_have_sixteen_bytes(void **state)
{
    (void)state;
    uint8_t bytes[17] = {1};
    struct ear_id id;
    for (size_t len = 0; len <= sizeof(bytes); len++) {
        ProtobufCBinaryData field = {len, bytes};
        ear_err want = len == EAR_ID_BYTES ? EAR_OK : EAR_INVALID;
        assert_int_equal(ear_wire_id(&field, false, &id), want);
        assert_int_equal(ear_wire_id(&field, true, &id), len == 0 ? EAR_OK : want);
    }
}

static void test_wire__survives_any_bytes(void **state)
{
    (void)state;
    uint8_t noise[256];
    struct ear_arena *arena = ear_arena_new(PLENTY);
    for (int round = 0; round < 20000; round++) {
        ear_random(noise, sizeof(noise));
        size_t len = (size_t)ear_random_below(sizeof(noise));
        ear_wire_unpack(&earshot__v1__frame__descriptor, (struct ear_str){(char *)noise, len},
                        arena);
        ear_arena_reset(arena);
    }
    ear_arena_free(&arena);
}

static void test_trace__is_valid_and_new_each_time(void **state)
{
    (void)state;
    char a[EAR_TRACE_TEXT_BYTES], b[EAR_TRACE_TEXT_BYTES];
    ear_trace_new(a);
    ear_trace_new(b);
    assert_true(ear_trace_valid(ear_str_from(a)));
    assert_true(ear_trace_valid(ear_str_from(b)));
    assert_string_not_equal(a, b);
}

static void test_trace__knows_the_standard(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool valid;
    } cases[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", true},
        {"", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0", false},
        {"00-4BF92F3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        assert_int_equal(ear_trace_valid(ear_str_from(cases[i].text)), cases[i].valid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wire__unpacks_what_it_packed),
        cmocka_unit_test(test_wire__refuses_what_is_cut_or_too_large),
        cmocka_unit_test(test_wire__an_empty_message_has_defaults),
        cmocka_unit_test(test_wire__ids_have_sixteen_bytes),
        cmocka_unit_test(test_wire__survives_any_bytes),
        cmocka_unit_test(test_trace__is_valid_and_new_each_time),
        cmocka_unit_test(test_trace__knows_the_standard),
    };
    ear_crypt_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

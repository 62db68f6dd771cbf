#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/wire.h"
#include <cmocka.h>

#define BYTES(text)            \
    {                          \
        text, sizeof(text) - 1 \
    }

static void test_field_next__takes_one_after_the_other(void **state)
{
    (void)state;
    struct ear_str rest = BYTES("\x08\x96\x01\x12\x02hi\x1d\x00\x00\x80\x3f\x21\1\0\0\0\0\0\0\x80");
    struct ear_field field;
    assert_true(ear_field_next(&rest, &field));
    assert_true(field.number == 1 && field.kind == EAR_FIELD_VARINT && field.value == 150);
    assert_true(ear_field_next(&rest, &field));
    assert_true(field.number == 2 && field.kind == EAR_FIELD_BYTES);
    assert_true(ear_str_eq(field.bytes, EAR_STR("hi")));
    assert_true(ear_field_next(&rest, &field));
    assert_true(field.number == 3 && field.kind == EAR_FIELD_FIXED32 && field.value == 0x3f800000);
    assert_true(ear_field_next(&rest, &field));
    assert_true(field.number == 4 && field.kind == EAR_FIELD_FIXED64);
    assert_true(field.value == UINT64_C(0x8000000000000001));
    assert_false(ear_field_next(&rest, &field));
    assert_int_equal(rest.len, 0);
}

static void test_field_next__leaves_what_is_no_whole_field(void **state)
{
    (void)state;
    static const struct ear_str cases[] = {
        BYTES("\x08"),                                             /* no value */
        BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* more than ten bytes */
        BYTES("\xff\xff\xff\xff\xff\x01\x00"),                     /* a tag of six */
        BYTES("\x12\x03hi"),                                       /* shorter than it says */
        BYTES("\x12\xff\xff\xff\xff\x0f"),                         /* the same by far */
        BYTES("\x1d\x00\x00\x80"),
        BYTES("\x21\1\2\3\4\5\6\7"),
        BYTES("\x0b\x0c"), /* a group */
        BYTES("\x0e"),     /* of no kind */
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_str rest = cases[i];
        struct ear_field field;
        assert_false(ear_field_next(&rest, &field));
        assert_int_equal(rest.len, cases[i].len);
    }
}

static void test_field_put__is_read_again(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {1, 127, 128, 16384, UINT32_MAX, UINT64_MAX};
    char room[2 * EAR_FIELD_ROOM];
    struct ear_field field;
    for (size_t i = 0; i < EAR_COUNT(numbers); i++) {
        char *end = ear_field_put_number(room, 536870911, numbers[i]);
        assert_in_range(end - room, 6, EAR_FIELD_ROOM);
        struct ear_str rest = {room, (size_t)(end - room)};
        assert_true(ear_field_next(&rest, &field) && rest.len == 0);
        assert_true(field.number == 536870911 && field.value == numbers[i]);
    }
    assert_ptr_equal(ear_field_put_number(room, 1, 0), room); /* zeroes are not written */
    assert_ptr_equal(ear_field_put_float(room, 1, 0), room);
    struct ear_str one = {room, (size_t)(ear_field_put_float(room, 3, 1) - room)};
    assert_true(ear_str_eq(one, (struct ear_str)BYTES("\x1d\x00\x00\x80\x3f")));
    struct ear_str text = {room, (size_t)(ear_field_put_bytes(room, 2, EAR_STR("h\0i")) - room)};
    assert_true(ear_field_next(&text, &field) && text.len == 0);
    assert_int_equal(field.bytes.len, 3);
    assert_true(ear_str_eq(ear_field_text(&field), EAR_STR("h")));
}

static ear_field_kind kind_of(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return EAR_FIELD_BYTES;
    case PROTOBUF_C_TYPE_FLOAT:
        return EAR_FIELD_FIXED32;
    default:
        return EAR_FIELD_VARINT;
    }
}

/* Numbers and kinds that are written down beside proto/ are those of proto/. */
static void test_field_fits__what_proto_says(void **state)
{
    (void)state;
    static const struct {
        const ProtobufCMessageDescriptor *type;
        const struct ear_field_kinds *kinds;
        unsigned last;
        struct {
            const char *name;
            unsigned number;
        } some[4];
    } rows[] = {
        {&earshot__v1__post__descriptor,
         &ear_field_post_kinds,
         EAR_FIELD_POST_MENTIONS,
         {{"text", EAR_FIELD_POST_TEXT},
          {"stored_at_us", EAR_FIELD_POST_STORED_AT_US},
          {"own", EAR_FIELD_POST_OWN},
          {"mentions", EAR_FIELD_POST_MENTIONS}}},
        {&earshot__v1__triage__descriptor,
         &ear_field_triage_kinds,
         EAR_FIELD_TRIAGE_SKIPPED,
         {{"language", EAR_FIELD_TRIAGE_LANGUAGE},
          {"topic_p", EAR_FIELD_TRIAGE_TOPIC_P},
          {"severity", EAR_FIELD_TRIAGE_SEVERITY},
          {"why", EAR_FIELD_TRIAGE_WHY}}},
        {&earshot__v1__triaged_post__descriptor,
         &ear_field_triaged_post_kinds,
         EAR_FIELD_TRIAGED_POST_TRIAGE,
         {{"post", EAR_FIELD_TRIAGED_POST_POST}, {"triage", EAR_FIELD_TRIAGED_POST_TRIAGE}}}};
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        assert_int_equal(rows[i].type->n_fields, rows[i].last);
        assert_int_equal(rows[i].kinds->count, rows[i].last + 1);
        for (unsigned at = 0; at < rows[i].type->n_fields; at++) {
            const ProtobufCFieldDescriptor *said = &rows[i].type->fields[at];
            struct ear_field field = {.number = said->id, .kind = kind_of(said)};
            assert_true(ear_field_fits(rows[i].kinds, &field));
            field.kind = EAR_FIELD_FIXED64; /* which none is of */
            assert_false(ear_field_fits(rows[i].kinds, &field));
            field.number = rows[i].last + 1;
            assert_true(ear_field_fits(rows[i].kinds, &field));
        }
        for (size_t at = 0; at < EAR_COUNT(rows[i].some) && rows[i].some[at].name; at++)
            assert_int_equal(
                protobuf_c_message_descriptor_get_field_by_name(rows[i].type, rows[i].some[at].name)
                    ->id,
                rows[i].some[at].number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_field_next__takes_one_after_the_other),
        cmocka_unit_test(test_field_next__leaves_what_is_no_whole_field),
        cmocka_unit_test(test_field_put__is_read_again),
        cmocka_unit_test(test_field_fits__what_proto_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "offer/post_out.h"
#include <cmocka.h>

#define NOW INT64_C(1795312328000000)

static struct ear_id id_of(uint8_t first)
{
    struct ear_id id;
    for (size_t i = 0; i < EAR_ID_BYTES; i++) id.b[i] = (uint8_t)(first + i);
    return id;
}

static struct ear_str text_of(size_t len)
{
    static char text[EAR_POST_TEXT_BYTES_MAX];
    memset(text, 'x', sizeof(text));
    return (struct ear_str){text, len};
}

static struct ear_str seventy_mentions(void)
{
    static char mentions[70 * 3];
    for (size_t i = 0; i < 70; i++) memcpy(mentions + 3 * i, "@m\n", 3);
    return (struct ear_str){mentions, sizeof(mentions)};
}

static void assert_id(ProtobufCBinaryData field, struct ear_id id)
{
    assert_int_equal(field.len, ear_id_is_nil(&id) ? 0 : EAR_ID_BYTES);
    if (field.len) assert_memory_equal(field.data, id.b, field.len);
}

static void assert_text(const char *field, struct ear_str text)
{
    assert_true(ear_str_eq(ear_str_from(field), text));
}

/* Written field by field, it is to the byte what protobuf-c makes of the same message. */
static void test_post_out__is_what_protobuf_writes(void **state)
{
    (void)state;
    const struct {
        struct ear_post_in post;
        struct ear_post_known known;
        struct ear_str mentions;
        size_t mention_count;
    } cases[] = {
        {.known = {.post_id = id_of(1), .customer_id = id_of(2), .self_ref = id_of(3)}},
        {.post = {.platform = EAR_STR("forum"),
                  .text = EAR_STR("Wo ist mein Paket?"),
                  .language = EAR_STR("de"),
                  .created_at_us = NOW - 1,
                  .visibility = EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT,
                  .automated = true},
         .known = {.post_id = id_of(1),
                   .customer_id = id_of(2),
                   .self_ref = id_of(3),
                   .reply_ref = id_of(4),
                   .conversation_ref = id_of(5),
                   .account = EAR_STR("@firm"),
                   .entry = EARSHOT__V1__ENTRY__ENTRY_REPLAY,
                   .own = true},
         .mentions = EAR_STR("@one\n\n@two"),
         .mention_count = 2},
        {.post = {.text = text_of(127), .created_at_us = -1},
         .known = {.post_id = id_of(250), .conversation_ref = id_of(5)},
         .mentions = seventy_mentions(),
         .mention_count = 64},
        {.post = {.text = text_of(128), .created_at_us = INT64_MIN}},
        {.post = {.text = text_of(EAR_POST_TEXT_BYTES_MAX), .created_at_us = INT64_MAX}},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        const struct ear_post_in *post = &cases[i].post;
        const struct ear_post_known *known = &cases[i].known;
        struct ear_arena *arena = ear_arena_new(1u << 20);
        struct ear_buf made, again;
        ear_buf_init(&made, 1u << 20);
        ear_buf_init(&again, 1u << 20);
        assert_int_equal(ear_post_out_fresh(post, known, NOW, NOW + 1, cases[i].mentions, &made),
                         EAR_OK);
        const Earshot__V1__Post *read =
            EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, ear_buf_str(&made), arena);
        assert_non_null(read);
        assert_id(read->post_id, known->post_id);
        assert_id(read->customer_id, known->customer_id);
        assert_id(read->self_ref, known->self_ref);
        assert_id(read->reply_ref, known->reply_ref);
        assert_id(read->conversation_ref, known->conversation_ref);
        assert_text(read->platform, post->platform);
        assert_text(read->account, known->account);
        assert_text(read->text, post->text);
        assert_text(read->language_hint, post->language);
        assert_true(read->created_at_us == post->created_at_us);
        assert_true(read->received_at_us == NOW && read->stored_at_us == NOW + 1);
        assert_true(read->visibility == post->visibility && read->entry == known->entry);
        assert_true(read->own == known->own && read->automated == post->automated);
        assert_int_equal(read->n_mentions, cases[i].mention_count);
        if (i == 1) {
            assert_string_equal(read->mentions[0], "@one");
            assert_string_equal(read->mentions[1], "@two");
        }
        assert_int_equal(ear_wire_pack(&read->base, &again), EAR_OK);
        assert_true(ear_str_eq(ear_buf_str(&made), ear_buf_str(&again)));
        ear_buf_release(&again);
        ear_buf_release(&made);
        ear_arena_free(&arena);
    }
}

static void test_post_out__keeps_the_ceiling(void **state)
{
    (void)state;
    const struct ear_post_in post = {.text = text_of(5000)};
    const struct ear_post_known known = {.post_id = id_of(1)};
    struct ear_buf out;
    ear_buf_init(&out, 5000);
    assert_int_equal(ear_post_out_fresh(&post, &known, NOW, NOW, EAR_STR_NONE, &out),
                     EAR_TOO_LARGE);
    assert_int_equal(out.len, 0);
    ear_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_post_out__is_what_protobuf_writes),
        cmocka_unit_test(test_post_out__keeps_the_ceiling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "care_model.h"
#include "image.h"
#include <cmocka.h>
#include <stdlib.h>

#define PLENTY ((size_t)1 << 20)
#define NOW_US INT64_C(1795312800000000)

struct rig {
    struct ear_triager *triager;
    struct ear_arena *reader;
    struct ear_buf post, out;
    struct ear_image_facts facts;
};

static int set_up(void **state)
{
    struct rig *rig = ear_alloc(sizeof(*rig));
    ear_crypt_start();
    struct ear_model *model = care_model_new("care-1", care_topics, 0.5F);
    assert_int_equal(ear_triager_new(&model, &rig->triager, NULL), EAR_OK);
    rig->reader = ear_arena_new(PLENTY);
    ear_buf_init(&rig->post, PLENTY);
    ear_buf_init(&rig->out, PLENTY);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;
    ear_triager_free(&rig->triager);
    ear_arena_free(&rig->reader);
    ear_buf_release(&rig->post);
    ear_buf_release(&rig->out);
    EAR_FREE(rig);
    return 0;
}

static const struct ear_id some_id = {{1, 2, 3}};

static Earshot__V1__Post post_saying(const char *text)
{
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    post.post_id = ear_wire_bytes(&some_id);
    post.customer_id = ear_wire_bytes(&some_id);
    post.text = (char *)(uintptr_t)text;
    post.stored_at_us = NOW_US - 5;
    return post;
}

static ear_err image_of(struct rig *rig, const Earshot__V1__Post *post)
{
    ear_buf_reset(&rig->post);
    ear_buf_reset(&rig->out);
    assert_int_equal(ear_wire_pack(&post->base, &rig->post), EAR_OK);
    return ear_image_make(rig->triager, ear_buf_str(&rig->post), NOW_US, &rig->out, &rig->facts);
}

static const Earshot__V1__TriagedPost *read_out(struct rig *rig)
{
    ear_arena_reset(rig->reader);
    const Earshot__V1__TriagedPost *triaged =
        EAR_UNPACK(Earshot__V1__TriagedPost, earshot__v1__triaged_post__descriptor,
                   ear_buf_str(&rig->out), rig->reader);
    assert_non_null(triaged);
    assert_non_null(triaged->triage);
    return triaged;
}

static void test_image__carries_the_post_as_it_came_but_for_its_text(void **state)
{
    struct rig *rig = *state;
    char nothing[] = "";
    Earshot__V1__Post post = post_saying("My parcel has not arrived, where is it?");
    assert_int_equal(image_of(rig, &post), EAR_OK);
    const Earshot__V1__TriagedPost *triaged = read_out(rig);
    post.text = nothing;
    ear_buf_reset(&rig->post);
    assert_int_equal(ear_wire_pack(&post.base, &rig->post), EAR_OK);
    assert_int_equal(triaged->post.len, rig->post.len);
    assert_memory_equal(triaged->post.data, rig->post.data, rig->post.len);
    assert_int_equal(ear_id_cmp(&rig->facts.post_id, &some_id), 0);
    assert_int_equal(rig->facts.stored_at_us, NOW_US - 5);
}

/* A field that a newer ingest writes, unknown to this version. */
static void test_image__drops_no_field_it_does_not_know(void **state)
{
    struct rig *rig = *state;
    static const char unknown[] = {(char)0xfa, 0x3f, 0x02, 'h', 'i'}; /* field 1023, bytes */
    Earshot__V1__Post post = post_saying("hello");
    assert_int_equal(image_of(rig, &post), EAR_OK);
    ear_buf_reset(&rig->out);
    assert_int_equal(ear_buf_append(&rig->post, unknown, sizeof(unknown)), EAR_OK);
    assert_int_equal(
        ear_image_make(rig->triager, ear_buf_str(&rig->post), NOW_US, &rig->out, &rig->facts),
        EAR_OK);
    const Earshot__V1__TriagedPost *triaged = read_out(rig);
    assert_memory_equal(triaged->post.data + triaged->post.len - sizeof(unknown), unknown,
                        sizeof(unknown));
}

static void test_image__says_what_was_decided(void **state)
{
    struct rig *rig = *state;
    Earshot__V1__Post post = post_saying("My parcel has not arrived, where is it?");
    assert_int_equal(image_of(rig, &post), EAR_OK);
    const Earshot__V1__Triage *triage = read_out(rig)->triage;
    const struct ear_triage *facts = &rig->facts.triage;
    assert_string_equal(triage->model, ear_triager_version(rig->triager));
    assert_true(strncmp(triage->model, "care-1 ", 7) == 0);
    assert_int_equal(triage->triaged_at_us, NOW_US);
    assert_string_equal(triage->language, facts->language);
    assert_int_equal(triage->answer, facts->answer);
    assert_int_equal(triage->intent, facts->intent);
    assert_int_equal(triage->sentiment, facts->sentiment);
    assert_int_equal(triage->topic, facts->topic);
    assert_int_equal(triage->urgency, facts->urgency);
    assert_int_equal(triage->severity, facts->severity);
    assert_int_equal(triage->n_why, facts->why_count);
    for (size_t i = 0; i < triage->n_why; i++)
        assert_true(ear_str_eq(ear_str_from(triage->why[i]), facts->why[i]));
    assert_false(triage->skipped);
    struct ear_buf again; /* as others would have packed it */
    ear_buf_init(&again, PLENTY);
    assert_int_equal(ear_wire_pack(&read_out(rig)->base, &again), EAR_OK);
    assert_int_equal(again.len, rig->out.len);
    assert_memory_equal(again.data, rig->out.data, again.len);
    ear_buf_release(&again);
}

/* Who wrote it, where and to whom, from the very last field of each. */
static void test_image__reads_what_a_post_is(void **state)
{
    struct rig *rig = *state;
    static const char own_again[] = {0x78, 0x00}, twice[] = {0x78, 0x01, 0x78, 0x00};
    static const char wrong_kind[] = {0x7a, 0x00}, group[] = {(char)0xfb, 0x3f}, cut[] = {0x78};
    const struct {
        struct ear_str more;
        ear_err err;
        bool skipped;
    } cases[] = {
        {EAR_STR_NONE, EAR_OK, true},
        {{own_again, sizeof(own_again)}, EAR_OK, false},
        {{twice, sizeof(twice)}, EAR_OK, false},
        {{wrong_kind, sizeof(wrong_kind)}, EAR_INVALID, false},
        {{group, sizeof(group)}, EAR_INVALID, false},
        {{cut, sizeof(cut)}, EAR_INVALID, false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        Earshot__V1__Post post = post_saying("hello");
        post.own = true;
        ear_buf_reset(&rig->post);
        ear_buf_reset(&rig->out);
        assert_int_equal(ear_wire_pack(&post.base, &rig->post), EAR_OK);
        assert_int_equal(ear_buf_append_str(&rig->post, cases[i].more), EAR_OK);
        assert_int_equal(
            ear_image_make(rig->triager, ear_buf_str(&rig->post), NOW_US, &rig->out, &rig->facts),
            cases[i].err);
        if (!cases[i].err) assert_int_equal(rig->facts.triage.skipped, cases[i].skipped);
    }
}

static void test_image__an_own_post_is_not_triaged(void **state)
{
    struct rig *rig = *state;
    Earshot__V1__Post post = post_saying("We are sorry to hear that.");
    post.own = true;
    assert_int_equal(image_of(rig, &post), EAR_OK);
    assert_true(read_out(rig)->triage->skipped);
}

static void test_image__what_is_no_post_is_refused(void **state)
{
    struct rig *rig = *state;
    static const char *const garbage[] = {"", "garbage", "\x0a\xff\xff\xff\xff\x0f", "\x0a\x10xx"};
    for (size_t i = 0; i < EAR_COUNT(garbage); i++) {
        ear_err err =
            ear_image_make(rig->triager, ear_str_from(garbage[i]), NOW_US, &rig->out, &rig->facts);
        assert_int_equal(err, EAR_INVALID);
    }
    Earshot__V1__Post post = post_saying("hello");
    post.post_id.len = 15;
    assert_int_equal(image_of(rig, &post), EAR_INVALID);
    post = post_saying("hello");
    post.customer_id.len = 0;
    assert_int_equal(image_of(rig, &post), EAR_INVALID);
    assert_int_equal(rig->out.len, 0);
}

static void test_image__past_the_ceiling_nothing_is_written(void **state)
{
    struct rig *rig = *state;
    Earshot__V1__Post post = post_saying("hello");
    rig->out.max = 20;
    assert_int_equal(image_of(rig, &post), EAR_TOO_LARGE);
    assert_int_equal(rig->out.len, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_image__carries_the_post_as_it_came_but_for_its_text),
        TEST(test_image__drops_no_field_it_does_not_know),
        TEST(test_image__says_what_was_decided),
        TEST(test_image__reads_what_a_post_is),
        TEST(test_image__an_own_post_is_not_triaged),
        TEST(test_image__what_is_no_post_is_refused),
        TEST(test_image__past_the_ceiling_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

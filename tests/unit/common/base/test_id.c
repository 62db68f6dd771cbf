#include "base/check.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/id.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define NOW_US (INT64_C(1795312328) * EAR_US_PER_S) /* 2026-11-22T01:52:08Z */
#define DAY_US (INT64_C(86400) * EAR_US_PER_S)

static struct ear_id_key key, other_key;

static bool same(struct ear_id a, struct ear_id b)
{
    return ear_id_cmp(&a, &b) == 0;
}

static void assert_version(struct ear_id id, int version)
{
    assert_int_equal(id.b[6] >> 4, version);
    assert_int_equal(id.b[8] >> 6, 2);
}

static void test_id_post__is_the_same_by_every_route(void **state)
{
    (void)state;
    struct ear_id id = ear_id_post(&key, EAR_STR("bluesky"), EAR_STR("at://x"), NOW_US, NOW_US);
    assert_version(id, 8);
    assert_true(same(id, ear_id_post(&key, EAR_STR("bluesky"), EAR_STR("at://x"), NOW_US + 999999,
                                     NOW_US + DAY_US)));
    assert_int_equal(ear_id_time_us(&id), NOW_US);
    /* Anything of its name makes it another. */
    assert_false(
        same(id, ear_id_post(&other_key, EAR_STR("bluesky"), EAR_STR("at://x"), NOW_US, NOW_US)));
    assert_false(
        same(id, ear_id_post(&key, EAR_STR("blueskya"), EAR_STR("t://x"), NOW_US, NOW_US)));
    assert_false(
        same(id, ear_id_post(&key, EAR_STR("bluesky"), EAR_STR("at://y"), NOW_US, NOW_US)));
    assert_false(same(id, ear_id_post(&key, EAR_STR("bluesky"), EAR_STR("at://x"),
                                      NOW_US - EAR_US_PER_S, NOW_US)));
}

static void test_id_post__never_changes_between_releases(void **state)
{
    (void)state;
    char text[EAR_ID_TEXT_BYTES];
    struct ear_id id = ear_id_post(&key, EAR_STR("bluesky"), EAR_STR("at://x"), NOW_US, NOW_US);
    ear_id_format(&id, text);
    assert_string_equal(text, "01a200f4-1d40-8a9f-bdb3-3badf85199a0");
    id = ear_id_customer(&key, EAR_STR("bluesky"), EAR_STR("did:plc:x"));
    ear_id_format(&id, text);
    assert_string_equal(text, "13f60e5c-2113-89e7-898c-a0d3d700e625");
    id = ear_id_named(EAR_STR("webhook"), EAR_STR("msg_1"));
    ear_id_format(&id, text);
    assert_string_equal(text, "33c93f17-49b1-8b18-862b-0c4248f3b554");
}

static void test_id_key__is_32_bytes(void **state)
{
    (void)state;
    struct ear_id_key other;
    const char bytes[EAR_ID_KEY_BYTES + 1] = {0};
    assert_int_equal(ear_id_key_init(&other, EAR_STR_NONE), EAR_INVALID);
    assert_int_equal(ear_id_key_init(&other, (struct ear_str){bytes, 31}), EAR_INVALID);
    assert_int_equal(ear_id_key_init(&other, (struct ear_str){bytes, 33}), EAR_INVALID);
    assert_int_equal(ear_id_key_init(&other, (struct ear_str){bytes, 32}), EAR_OK);
}

static void test_id_post__is_timeless_out_of_range(void **state)
{
    (void)state;
    static const struct {
        int64_t at_us;
        int64_t time_us;
    } cases[] = {
        {0, 0},
        {-1, 0},
        {INT64_MIN, 0},
        {INT64_MAX, 0},
        {946684799 * EAR_US_PER_S + 999999, 0},
        {946684800 * EAR_US_PER_S, 946684800 * EAR_US_PER_S},
        {NOW_US + DAY_US, NOW_US + DAY_US},
        {NOW_US + DAY_US + 1, 0},
        {NOW_US + 2 * DAY_US, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_id id = ear_id_post(&key, EAR_STR("x"), EAR_STR("1"), cases[i].at_us, NOW_US);
        assert_int_equal(ear_id_time_us(&id), cases[i].time_us);
        assert_version(id, 8);
        assert_false(ear_id_is_nil(&id));
    }
    struct ear_id a = ear_id_post(&key, EAR_STR("x"), EAR_STR("1"), 0, NOW_US);
    assert_false(same(a, ear_id_post(&key, EAR_STR("x"), EAR_STR("2"), 0, NOW_US)));
}

static void test_id_hashed__kinds_do_not_meet(void **state)
{
    (void)state;
    struct ear_str p = EAR_STR("x");
    struct ear_str n = EAR_STR("1");
    const struct ear_id ids[] = {
        ear_id_post(&key, p, n, 0, NOW_US),
        ear_id_customer(&key, p, n),
        ear_id_ref(&key, EAR_REF_POST, p, n),
        ear_id_ref(&key, EAR_REF_CONVERSATION, p, n),
        ear_id_named(p, n),
        ear_id_customer(&other_key, p, n),
    };
    for (size_t i = 0; i < EAR_COUNT(ids); i++) {
        assert_version(ids[i], 8);
        for (size_t j = 0; j < i; j++) {
            assert_false(same(ids[i], ids[j]));
            assert_memory_not_equal(ids[i].b + 9, ids[j].b + 9, 7);
        }
    }
    assert_true(same(ids[1], ear_id_customer(&key, p, n)));
    assert_true(same(ids[4], ear_id_named(p, n)));
}

static void test_id_new__is_a_uuid7_of_its_time(void **state)
{
    (void)state;
    struct ear_id a = ear_id_new(NOW_US + 1234);
    struct ear_id b = ear_id_new(NOW_US + 1234);
    assert_version(a, 7);
    assert_false(same(a, b));
    assert_int_equal(ear_id_time_us(&a), NOW_US + 1000);
    struct ear_id later = ear_id_new(NOW_US + 3000);
    assert_true(ear_id_cmp(&a, &later) < 0 && ear_id_cmp(&b, &later) < 0);
    struct ear_id early = ear_id_new(-5);
    assert_int_equal(ear_id_time_us(&early), 0);
}

/* Chance comes by the pool: no byte of one serves two ids, nor do those of the next one. */
static void test_id_new__is_never_the_same(void **state)
{
    (void)state;
    struct ear_id ids[1000];
    for (size_t i = 0; i < EAR_COUNT(ids); i++) ids[i] = ear_id_new(NOW_US);
    for (size_t i = 0; i < EAR_COUNT(ids); i++)
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(ids[i].b + 8, ids[j].b + 8, EAR_ID_BYTES - 8);
}

static void test_id_lock_key__is_the_same_for_the_same_customer(void **state)
{
    (void)state;
    struct ear_id a = ear_id_customer(&key, EAR_STR("x"), EAR_STR("1"));
    struct ear_id b = ear_id_customer(&key, EAR_STR("x"), EAR_STR("2"));
    assert_true(ear_id_lock_key(&a) == ear_id_lock_key(&a));
    assert_true(ear_id_lock_key(&a) != ear_id_lock_key(&b));
    static const struct ear_id all = {.b = {255, 255, 255, 255, 255, 255, 255, 255}};
    assert_true(ear_id_lock_key(&all) == -1);
}

static void test_id_text__round_trips(void **state)
{
    (void)state;
    struct ear_id id = {.b = {0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb,
                              0xcc, 0xdd, 0xee, 0xff}};
    char text[EAR_ID_TEXT_BYTES];
    ear_id_format(&id, text);
    assert_string_equal(text, "00112233-4455-6677-8899-aabbccddeeff");
    struct ear_id back = {0};
    assert_true(ear_id_is_nil(&back));
    assert_int_equal(ear_id_parse(ear_str_from(text), &back), EAR_OK);
    assert_true(same(id, back));
    assert_int_equal(ear_id_parse(EAR_STR("00112233-4455-6677-8899-AABBCCDDEEFF"), &back), EAR_OK);
    assert_true(same(id, back));
}

static void test_id_parse__refuses_the_rest(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233445566778899aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeefg",
        "0011223-34455-6677-8899-aabbccddeeff",
        "00112233x4455-6677-8899-aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeef}",
        "001122334-455-6677-8899-aabbccddeeff",
        " 0112233-4455-6677-8899-aabbccddeeff",
    };
    struct ear_id id;
    for (size_t i = 0; i < EAR_COUNT(bad); i++)
        assert_int_equal(ear_id_parse(ear_str_from(bad[i]), &id), EAR_INVALID);
    assert_int_equal(ear_id_parse(EAR_STR("00112233-4455-6677-8899-aabbccdd\0eff"), &id),
                     EAR_INVALID);
}

static int start(void **state)
{
    (void)state;
    ear_crypt_start();
    const char one[EAR_ID_KEY_BYTES] = {1, 2, 3}, other[EAR_ID_KEY_BYTES] = {1, 2, 4};
    assert_int_equal(ear_id_key_init(&key, (struct ear_str){one, sizeof(one)}), EAR_OK);
    assert_int_equal(ear_id_key_init(&other_key, (struct ear_str){other, sizeof(other)}), EAR_OK);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_id_post__is_the_same_by_every_route),
        cmocka_unit_test(test_id_post__never_changes_between_releases),
        cmocka_unit_test(test_id_key__is_32_bytes),
        cmocka_unit_test(test_id_post__is_timeless_out_of_range),
        cmocka_unit_test(test_id_hashed__kinds_do_not_meet),
        cmocka_unit_test(test_id_new__is_a_uuid7_of_its_time),
        cmocka_unit_test(test_id_new__is_never_the_same),
        cmocka_unit_test(test_id_lock_key__is_the_same_for_the_same_customer),
        cmocka_unit_test(test_id_text__round_trips),
        cmocka_unit_test(test_id_parse__refuses_the_rest),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

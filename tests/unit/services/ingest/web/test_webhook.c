#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "web/webhook.h"
#include <cmocka.h>
#include <stdio.h>

#define NOW_S     INT64_C(1614265330)
#define NOW       (NOW_S * EAR_US_PER_S)
#define WINDOW_MS (5 * 60 * 1000)

/* From the reference libraries of the Standard Webhooks project. */
#define SECRET    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define ID        "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define BODY      "{\"test\": 2432232314}"
#define SIGNATURE "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="

static struct ear_webhook_key key_of(const char *text)
{
    struct ear_webhook_key key;
    assert_int_equal(ear_webhook_key_parse(ear_str_from(text), &key, NULL), EAR_OK);
    return key;
}

static void test_webhook__verifies_as_the_reference_does(void **state)
{
    (void)state;
    static const struct {
        const char *id, *timestamp, *signatures, *body;
        int64_t now_s;
        ear_err err;
    } rows[] = {
        {ID, "1614265330", SIGNATURE, BODY, NOW_S, EAR_OK},
        {ID, "1614265330", "v1,AAAA " SIGNATURE, BODY, NOW_S, EAR_OK},
        {ID, "1614265330", SIGNATURE " v1a,xyz", BODY, NOW_S, EAR_OK},
        {ID, "1614265330", "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NOW_S,
         EAR_DENIED},
        {ID, "1614265330", "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NOW_S, EAR_DENIED},
        {ID, "1614265330", "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", BODY, NOW_S,
         EAR_DENIED},
        {ID, "1614265330", SIGNATURE, BODY " ", NOW_S, EAR_DENIED},
        {ID "x", "1614265330", SIGNATURE, BODY, NOW_S, EAR_DENIED},
        {ID, "1614265331", SIGNATURE, BODY, NOW_S, EAR_DENIED},
        {ID, "1614265330", SIGNATURE, BODY, NOW_S + 300, EAR_OK},
        {ID, "1614265330", SIGNATURE, BODY, NOW_S + 301, EAR_TIMEOUT},
        {ID, "1614265330", SIGNATURE, BODY, NOW_S - 301, EAR_TIMEOUT},
        {ID, "1614265330", "", BODY, NOW_S, EAR_INVALID},
        {"", "1614265330", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {"a b", "1614265330", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {"a\x80", "1614265330", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {ID, "", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {ID, "+1614265330", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {ID, "1614265330.5", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {ID, "99999999999999999999", SIGNATURE, BODY, NOW_S, EAR_INVALID},
        {ID, "1614265330", "v1,", BODY, NOW_S, EAR_DENIED},
        {ID, "1614265330", " ", BODY, NOW_S, EAR_DENIED},
    };
    const struct ear_webhook_key key = key_of(SECRET);
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        const struct ear_webhook_head head = {ear_str_from(rows[i].id),
                                              ear_str_from(rows[i].timestamp),
                                              ear_str_from(rows[i].signatures)};
        struct ear_diag diag = {.text = ""};
        ear_err err = ear_webhook_verify(&key, 1, &head, ear_str_from(rows[i].body),
                                         rows[i].now_s * EAR_US_PER_S, WINDOW_MS, &diag);
        if (err != rows[i].err) fail_msg("row %zu: %s (%s)", i, ear_err_name(err), diag.text);
    }
}

static void test_webhook__takes_any_key_while_they_are_rotated(void **state)
{
    (void)state;
    const struct ear_webhook_key keys[] = {key_of("bmV3LW5ldy1uZXctbmV3LW5ldw=="), key_of(SECRET)};
    const struct ear_webhook_head head = {EAR_STR(ID), EAR_STR("1614265330"), EAR_STR(SIGNATURE)};
    assert_int_equal(ear_webhook_verify(keys, 2, &head, EAR_STR(BODY), NOW, WINDOW_MS, NULL),
                     EAR_OK);
    assert_int_equal(ear_webhook_verify(keys, 1, &head, EAR_STR(BODY), NOW, WINDOW_MS, NULL),
                     EAR_DENIED);
    assert_int_equal(ear_webhook_verify(keys, 0, &head, EAR_STR(BODY), NOW, WINDOW_MS, NULL),
                     EAR_DENIED);
}

static void test_webhook__looks_at_a_bounded_number_of_signatures(void **state)
{
    (void)state;
    char many[4096] = "";
    size_t len = 0;
    for (int i = 0; i < 20; i++)
        len += (size_t)snprintf(many + len, sizeof(many) - len, "v1,AAAA ");
    snprintf(many + len, sizeof(many) - len, "%s", SIGNATURE);
    const struct ear_webhook_key key = key_of(SECRET);
    const struct ear_webhook_head head = {EAR_STR(ID), EAR_STR("1614265330"), ear_str_from(many)};
    assert_int_equal(ear_webhook_verify(&key, 1, &head, EAR_STR(BODY), NOW, WINDOW_MS, NULL),
                     EAR_DENIED);
}

static void test_webhook__reads_keys_or_says_what_one_is(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t len;
    } rows[] = {
        {SECRET, 24},
        {"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 24},
        {"  " SECRET "\n", 24},
        {"whsec_", 0},
        {"whsec_c2hvcnQ=", 0},
        {"not base64!", 0},
        {"", 0},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_webhook_key key = {.len = 0};
        struct ear_diag diag = {.text = ""};
        ear_err err = ear_webhook_key_parse(ear_str_from(rows[i].text), &key, &diag);
        assert_int_equal(err, rows[i].len ? EAR_OK : EAR_INVALID);
        assert_int_equal(key.len, rows[i].len);
        if (err) assert_non_null(strstr(diag.text, "whsec_"));
    }
}

int main(void)
{
    ear_crypt_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_webhook__verifies_as_the_reference_does),
        cmocka_unit_test(test_webhook__takes_any_key_while_they_are_rotated),
        cmocka_unit_test(test_webhook__looks_at_a_bounded_number_of_signatures),
        cmocka_unit_test(test_webhook__reads_keys_or_says_what_one_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

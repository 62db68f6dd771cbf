/* Replies as mails: threading, subjects, whom they go to. */
#include "connectors/mail/letter.h"
#include "mime/mime.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct ear_letter_from from = {{"care@care.test", 14}, {"Northern Line", 13}};

struct writing {
    struct ear_fit fit;
    struct ear_buf raw;
    char to[EAR_LETTER_TO_BYTES];
    struct ear_diag diag;
    struct ear_mime *mime;
};

static ear_err write_letter(struct writing *w, const char *thread, const char *recipient,
                            bool by_rule)
{
    *w = (struct writing){0};
    ear_fit_init(&w->fit);
    ear_buf_init(&w->raw, 1u << 20);
    assert_int_equal(ear_fit_add(&w->fit, EAR_STR("We found it.\n\n^Ana\n")), EAR_OK);
    const struct ear_send_job job = {.key = EAR_STR("earshot.1@care.test"),
                                     .fit = &w->fit,
                                     .by_rule = by_rule,
                                     .thread = ear_str_from(thread),
                                     .recipient_id = ear_str_from(recipient)};
    ear_err err =
        ear_letter_write(&job, &from, INT64_C(1795314814000000), &w->raw, w->to, &w->diag);
    if (!err) assert_int_equal(ear_mime_read(ear_buf_str(&w->raw), 4096, &w->mime, NULL), EAR_OK);
    return err;
}

static void writing_end(struct writing *w)
{
    ear_mime_free(&w->mime);
    ear_buf_release(&w->raw);
    ear_fit_release(&w->fit);
}

static void expect(struct ear_str got, const char *want)
{
    if (!ear_str_eq(got, ear_str_from(want))) fail_msg("'%.*s', not '%s'", EAR_STR_ARG(got), want);
}

static void test_letter__answers_in_the_thread(void **state)
{
    (void)state;
    struct writing w;
    assert_int_equal(
        write_letter(&w,
                     "{\"message_id\":\"m2@c.test\",\"references\":[\"m1@c.test\",7,\"bad id\","
                     "\"m2@c.test\"],\"subject\":\"Verspätet\",\"to\":\"boss@c.test\",\"name\":"
                     "\"Böss\"}",
                     "ana@c.test", false),
        EAR_OK);
    const struct ear_mail *mail = ear_mime_mail(w.mime);
    assert_string_equal(w.to, "boss@c.test");
    expect(mail->message_id, "earshot.1@care.test");
    expect(mail->in_reply_to, "m2@c.test");
    assert_int_equal(mail->reference_count, 2);
    expect(mail->references[0], "m1@c.test");
    expect(mail->references[1], "m2@c.test");
    expect(mail->subject, "Re: Verspätet");
    expect(mail->from, "care@care.test");
    expect(mail->from_name, "Northern Line");
    expect(mail->text, "We found it.\n\n^Ana");
    assert_false(mail->automated);
    writing_end(&w);
}

static void test_letter__subjects_are_answered_once(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"Re: x", "Re: x"},       {"RE: x", "RE: x"},
        {"AW: x", "AW: x"},       {"Report", "Re: Report"},
        {"", "Re: your message"}, {"x\\r\\nBcc: evil@x.test", "Re: x  Bcc: evil@x.test"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct writing w;
        char thread[256];
        snprintf(thread, sizeof(thread), "{\"subject\":\"%s\"}", cases[i][0]);
        assert_int_equal(write_letter(&w, thread, "ana@c.test", false), EAR_OK);
        expect(ear_mime_mail(w.mime)->subject, cases[i][1]);
        assert_null(strstr(w.raw.data, "\nBcc"));
        writing_end(&w);
    }
}

static void test_letter__rules_say_that_they_are_rules(void **state)
{
    (void)state;
    struct writing w;
    assert_int_equal(write_letter(&w, "", "ana@c.test", true), EAR_OK);
    assert_non_null(strstr(w.raw.data, "Auto-Submitted: auto-replied\r\n"));
    writing_end(&w);
}

static void test_letter__needs_somebody_to_write_to(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"", "did:plc:ana"},
        {"{\"to\":\"a@b\\r\\nRCPT TO:<c@d>\"}", "ana@c.test"},
        {"{\"to\":\"a@b, c@d\"}", "ana@c.test"},
        {"not json", "ana@c.test"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct writing w;
        assert_int_equal(write_letter(&w, cases[i][0], cases[i][1], false), EAR_INVALID);
        assert_true(w.diag.text[0]);
        writing_end(&w);
    }
}

static void test_key__is_a_message_id_of_the_reply_alone(void **state)
{
    (void)state;
    struct ear_buf key;
    struct ear_id id;
    ear_buf_init(&key, EAR_REPLY_KEY_BYTES);
    assert_int_equal(ear_id_parse(EAR_STR("0192b3c4-0000-7000-8000-000000000001"), &id), EAR_OK);
    assert_int_equal(ear_letter_key(&id, EAR_STR("care@care.test"), &key), EAR_OK);
    assert_string_equal(key.data, "earshot.0192b3c4-0000-7000-8000-000000000001@care.test");
    assert_true(ear_mail_id_valid(ear_buf_str(&key)));
    ear_buf_release(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letter__answers_in_the_thread),
        cmocka_unit_test(test_letter__subjects_are_answered_once),
        cmocka_unit_test(test_letter__rules_say_that_they_are_rules),
        cmocka_unit_test(test_letter__needs_somebody_to_write_to),
        cmocka_unit_test(test_key__is_a_message_id_of_the_reply_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Mails as posts, and the words of IMAP. */
#include "connectors/mail/imap.h"
#include "connectors/mail/letter.h"
#include "json/json.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define RECEIVED_US INT64_C(1795314900000000) /* 2026-11-22T02:35:00Z */
#define HEAD        "From: Ana <Ana@cust.test>\r\nTo: care@care.test\r\n"

static const struct ear_letter_place place = {
    .platform = {"mail", 4}, .account = {"@mail", 5}, .own_address = {"care@care.test", 14}};

struct reading {
    struct ear_arena *arena;
    struct ear_post_in post;
};

static struct reading read_letter(const char *raw)
{
    struct reading r = {.arena = ear_arena_new(1u << 20)};
    assert_int_equal(ear_letter_post(ear_str_from(raw), RECEIVED_US, &place, r.arena, &r.post),
                     EAR_OK);
    return r;
}

static void expect(struct ear_str got, const char *want)
{
    if (!ear_str_eq(got, ear_str_from(want))) fail_msg("'%.*s', not '%s'", EAR_STR_ARG(got), want);
}

static void test_letter__first_mail_begins_a_conversation(void **state)
{
    (void)state;
    struct reading r = read_letter(HEAD "Subject: Parcel lost\r\nMessage-ID: <m1@cust.test>\r\n"
                                        "Date: Sun, 22 Nov 2026 02:33:34 +0000\r\n\r\nWhere?\r\n");
    expect(r.post.external_id, "m1@cust.test");
    expect(r.post.conversation, "m1@cust.test");
    expect(r.post.in_reply_to, "");
    expect(r.post.author_id, "ana@cust.test");
    expect(r.post.author_name, "Ana");
    expect(r.post.text, "Parcel lost\n\nWhere?");
    expect(r.post.thread, "{\"message_id\":\"m1@cust.test\",\"references\":[],\"subject\":\"Parcel "
                          "lost\",\"to\":\"ana@cust.test\",\"name\":\"Ana\"}");
    assert_int_equal(r.post.visibility, EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT);
    assert_int_equal(r.post.entry, EARSHOT__V1__ENTRY__ENTRY_MAIL);
    assert_int_equal(r.post.trusted_at_us, INT64_C(1795314814000000));
    assert_int_equal(r.post.created_at_us, INT64_C(1795314814000000));
    assert_false(r.post.own || r.post.automated);
    ear_arena_free(&r.arena);
}

static void test_letter__answer_joins_by_its_references(void **state)
{
    (void)state;
    struct reading r = read_letter(
        HEAD "Subject: Re: Parcel\r\nMessage-ID: <m2@cust.test>\r\nReply-To: boss@cust.test\r\n"
             "References: <m1@cust.test> <earshot.1@care.test>\r\n\r\nStill nothing.\r\n");
    expect(r.post.in_reply_to, "earshot.1@care.test");
    expect(r.post.conversation, "m1@cust.test");
    expect(r.post.text, "Still nothing.");
    assert_non_null(strstr(r.post.thread.ptr, "\"to\":\"boss@cust.test\""));
    assert_int_equal(r.post.trusted_at_us, 0);
    assert_int_equal(r.post.created_at_us, RECEIVED_US);
    ear_arena_free(&r.arena);
}

static void test_letter__without_names_it_gets_one_of_its_bytes(void **state)
{
    (void)state;
    struct reading a = read_letter("Subject: x\r\n\r\nhello\r\n");
    struct reading b = read_letter("Subject: x\r\n\r\nhello\r\n");
    struct reading c = read_letter("Subject: x\r\n\r\nhello!\r\n");
    assert_true(ear_str_starts(a.post.external_id, EAR_STR("sha256.")));
    assert_true(ear_str_eq(a.post.external_id, b.post.external_id));
    assert_false(ear_str_eq(a.post.external_id, c.post.external_id));
    expect(a.post.author_id, "nobody@mail.invalid");
    assert_true(a.post.automated);
    ear_arena_free(&a.arena);
    ear_arena_free(&b.arena);
    ear_arena_free(&c.arena);
}

static void test_letter__absurd_dates_are_not_believed(void **state)
{
    (void)state;
    static const struct {
        const char *date;
        bool believed;
    } cases[] = {
        {"Sun, 22 Nov 2026 02:33:34 +0000", true},
        {"Mon, 01 Jan 2001 00:00:00 +0000", false},
        {"Fri, 01 Jan 2038 00:00:00 +0000", false},
        {"yesterday", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char raw[512];
        snprintf(raw, sizeof(raw), HEAD "Date: %s\r\n\r\nhi\r\n", cases[i].date);
        struct reading r = read_letter(raw);
        assert_int_equal(r.post.trusted_at_us != 0, cases[i].believed);
        assert_true(r.post.created_at_us <= RECEIVED_US);
        ear_arena_free(&r.arena);
    }
}

static void test_letter__own_and_automatic_mail_is_known(void **state)
{
    (void)state;
    struct reading r =
        read_letter("From: Care@care.test\r\nAuto-Submitted: auto-replied\r\n\r\nx\r\n");
    assert_true(r.post.own && r.post.automated);
    ear_arena_free(&r.arena);
}

static void test_imap__reads_dates_and_numbers(void **state)
{
    (void)state;
    int64_t at_us = 0;
    uint32_t number = 0;
    char day[EAR_IMAP_DAY_BYTES];
    struct ear_str line =
        EAR_STR("12 FETCH (UID 345 INTERNALDATE \"22-Nov-2026 03:33:34 +0100\" BODY[]<0> {5})");
    assert_true(ear_imap_date(line, &at_us));
    assert_int_equal(at_us, INT64_C(1795314814000000));
    assert_true(ear_imap_date(EAR_STR("INTERNALDATE \" 2-Nov-2026 03:33:34 +0100\""), &at_us));
    assert_false(ear_imap_date(EAR_STR("INTERNALDATE \"22-Nox-2026 03:33:34 +0100\""), &at_us));
    assert_false(ear_imap_date(EAR_STR("INTERNALDATE \"22-Nov-2026"), &at_us));
    assert_true(ear_imap_number(line, "(UID", &number));
    assert_int_equal(number, 345);
    assert_true(ear_imap_number(EAR_STR("OK [UIDVALIDITY 7] ok"), "[UIDVALIDITY", &number));
    assert_int_equal(number, 7);
    assert_false(ear_imap_number(EAR_STR("OK [UIDVALIDITY]"), "[UIDVALIDITY", &number));
    assert_false(ear_imap_number(EAR_STR("UID 99999999999"), "UID", &number));
    ear_imap_day(INT64_C(1795314814000000), day);
    assert_string_equal(day, "22-Nov-2026");
}

static void test_imap__quotes_names(void **state)
{
    (void)state;
    struct ear_buf out;
    ear_buf_init(&out, 64);
    assert_int_equal(ear_imap_quote(EAR_STR("a\"b\\c"), &out), EAR_OK);
    assert_string_equal(out.data, "\"a\\\"b\\\\c\"");
    assert_int_equal(ear_imap_quote(EAR_STR("a\r\nE1 DELETE x"), &out), EAR_INVALID);
    ear_buf_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_letter__first_mail_begins_a_conversation),
        cmocka_unit_test(test_letter__answer_joins_by_its_references),
        cmocka_unit_test(test_letter__without_names_it_gets_one_of_its_bytes),
        cmocka_unit_test(test_letter__absurd_dates_are_not_believed),
        cmocka_unit_test(test_letter__own_and_automatic_mail_is_known),
        cmocka_unit_test(test_imap__reads_dates_and_numbers),
        cmocka_unit_test(test_imap__quotes_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

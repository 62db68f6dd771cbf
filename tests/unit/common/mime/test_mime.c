/* Mail in and out: what people and programs send, what strangers try, what we write. */
#include "mime/mime.h"
#include "text/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define HEAD                                                                          \
    "From: \"Ana =?utf-8?q?Garc=C3=ADa?=\" <Ana@Cust.Test>\r\nTo: care@care.test\r\n" \
    "Subject: =?utf-8?b?UGFrZXQgdsO2cnNww6R0ZXQ=?=\r\nMessage-ID: <m1@cust.test>\r\n" \
    "Date: Sun, 22 Nov 2026 02:33:34 +0100\r\n"
#define PLAIN "Content-Type: text/plain; charset=utf-8\r\n\r\n"

static struct ear_mime *read_mail(const char *raw)
{
    struct ear_mime *mime = NULL;
    struct ear_diag diag = {0};
    if (ear_mime_read(ear_str_from(raw), 4096, &mime, &diag)) fail_msg("%s", diag.text);
    return mime;
}

static void expect(struct ear_str got, const char *want)
{
    if (!ear_str_eq(got, ear_str_from(want))) fail_msg("'%.*s', not '%s'", EAR_STR_ARG(got), want);
}

static void test_read__headers(void **state)
{
    (void)state;
    struct ear_mime *mime = read_mail(HEAD "In-Reply-To: <r9@care.test>\r\n"
                                           "References: <r1@x.test> <bad id> <r9@care.test>\r\n"
                                           "Reply-To: Other <other@cust.test>\r\n"
                                           "Content-Language: de\r\n" PLAIN "Wo ist es?\r\n");
    const struct ear_mail *mail = ear_mime_mail(mime);
    expect(mail->message_id, "m1@cust.test");
    expect(mail->in_reply_to, "r9@care.test");
    expect(mail->references[0], "r1@x.test");
    expect(mail->references[mail->reference_count - 1], "r9@care.test");
    expect(mail->from, "ana@cust.test");
    expect(mail->from_name, "Ana García");
    expect(mail->reply_to, "other@cust.test");
    expect(mail->subject, "Paket vörspätet");
    expect(mail->language, "de");
    expect(mail->text, "Wo ist es?");
    assert_int_equal(mail->date_us / EAR_US_PER_S, 1795311214);
    assert_false(mail->automated || mail->report);
    ear_mime_free(&mime);
}

static void test_read__text_of_every_shape(void **state)
{
    (void)state;
    static const struct {
        const char *raw;
        const char *text;
    } cases[] = {
        {HEAD PLAIN "one\r\n\r\n\r\n\r\ntwo  \r\n", "one\n\ntwo"},
        {HEAD "Content-Type: text/plain; charset=iso-8859-1\r\n\r\nsch\xf6n", "schön"},
        {HEAD "Content-Type: text/plain; charset=x-unknown\r\n\r\nok \xff\xfe bytes", NULL},
        {HEAD "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
              "V28gaXN0IGVzPw==\r\n",
         "Wo ist es?"},
        {HEAD "Content-Type: text/plain; charset=utf-8\r\n"
              "Content-Transfer-Encoding: quoted-printable\r\n\r\nsch=C3=B6=\r\nn\r\n",
         "schön"},
        {HEAD "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n"
              "Content-Type: text/html\r\n\r\n<b>html</b>\r\n--b\r\n" PLAIN "plain\r\n--b--\r\n",
         "plain"},
        {HEAD "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
              "Content-Disposition: attachment\r\n" PLAIN "attached\r\n--b\r\n"
              "Content-Type: text/html\r\n\r\n<p>Hello&nbsp;<b>you</b></p><p>5 &lt; 6 &amp; "
              "&#x20ac;7</p>\r\n--b--\r\n",
         "Hello you\n\n5 < 6 & €7"},
        {HEAD "Content-Type: text/html\r\n\r\n<html><head><title>x</title><style>p{}</style></head>"
              "<body><p>Where is it?<br>Really.</p><ul><li>a</li><li>b</li></ul>"
              "<script>evil()</script><!-- no --><div class=\"gmail_quote\"><div>On Monday</div>"
              "<blockquote>old</blockquote></div>end 1 < 2</body>\r\n",
         "Where is it?\nReally.\n\na\nb\n\nend 1 < 2"},
        {HEAD "Content-Type: application/pdf\r\n\r\n%PDF\r\n", ""},
        {HEAD "Content-Type: multipart/mixed; boundary=never\r\n\r\nnothing of it\r\n", ""},
        {"no header at all", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_mime *mime = NULL;
        if (ear_mime_read(ear_str_from(cases[i].raw), 4096, &mime, NULL)) {
            assert_null(cases[i].text);
            continue;
        }
        struct ear_str text = ear_mime_mail(mime)->text;
        assert_true(ear_text_is_utf8(text));
        if (cases[i].text && !ear_str_eq(text, ear_str_from(cases[i].text)))
            fail_msg("case %zu: '%.*s'", i, EAR_STR_ARG(text));
        ear_mime_free(&mime);
    }
}

static void test_read__only_what_is_new(void **state)
{
    (void)state;
    static const struct {
        const char *body, *text;
    } cases[] = {
        {"Still broken.\n\nOn Mon, 1 Jan 2026, Care wrote:\n> try again\n> please\n",
         "Still broken."},
        {"On Mon, 1 Jan 2026 at 10:00 Care <care@care.test>\nwrote:\n\n> try again\n\nI did.\n",
         "I did."},
        {"Am 1.1.2026 schrieb Care:\n> neu?\nJa!\n> sicher?\nNein.", "Ja!\nNein."},
        {"Danke\n\n-----Ursprüngliche Nachricht-----\nVon: x\n", "Danke"},
        {"Hi\n\nFrom: Care\nSent: Monday\nTo: me\nold text\n", "Hi"},
        {"Hi\n\nFrom: Berlin to Rome I fly\nwith you\n",
         "Hi\n\nFrom: Berlin to Rome I fly\nwith you"},
        {"Hi\n-- \nAna\nTel. 1\n", "Hi"},
        {"The list:\n- a\n- b\n", "The list:\n- a\n- b"},
        {"> only quoted\n> lines\n", "> only quoted\n> lines"},
        {"---------- Forwarded message ---------\nFrom: x\nDate: y\nbody\n",
         "---------- Forwarded message ---------"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char raw[2048];
        snprintf(raw, sizeof(raw), "%s%s", HEAD PLAIN, cases[i].body);
        struct ear_mime *mime = read_mail(raw);
        struct ear_str text = ear_mime_mail(mime)->text;
        if (!ear_str_eq(text, ear_str_from(cases[i].text)))
            fail_msg("case %zu: '%.*s'", i, EAR_STR_ARG(text));
        ear_mime_free(&mime);
    }
}

static void test_read__machines_are_known_by_their_headers(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        bool automated, report;
    } cases[] = {
        {"X-Nothing: 1", false, false},
        {"Auto-Submitted: no", false, false},
        {"Auto-Submitted: auto-replied", true, false},
        {"auto-submitted: auto-generated; x=y", true, false},
        {"Precedence: bulk", true, false},
        {"Precedence: first-class", false, false},
        {"X-Autoreply: yes", true, false},
        {"List-Id: <a.b>", true, false},
        {"List-Unsubscribe: <mailto:x@y>", true, false},
        {"Return-Path: <>", true, false},
        {"Return-Path: <ana@cust.test>", false, false},
        {"Content-Type: multipart/report; report-type=delivery-status; boundary=b", true, true},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char raw[1024];
        snprintf(raw, sizeof(raw), "%s\r\n%s\r\nhi\r\n", cases[i].header, HEAD);
        struct ear_mime *mime = read_mail(raw);
        if (ear_mime_mail(mime)->automated != cases[i].automated ||
            ear_mime_mail(mime)->report != cases[i].report)
            fail_msg("%s", cases[i].header);
        ear_mime_free(&mime);
    }
    struct ear_mime *mime = read_mail("From: MAILER-DAEMON@cust.test\r\n\r\nno\r\n");
    assert_true(ear_mime_mail(mime)->automated);
    ear_mime_free(&mime);
}

static void test_read__ceilings_hold(void **state)
{
    (void)state;
    struct ear_buf raw;
    struct ear_mime *mime = NULL;
    ear_buf_init(&raw, 4u << 20);
    assert_int_equal(ear_buf_append_str(&raw, EAR_STR(HEAD "References:")), EAR_OK);
    for (int i = 0; i < 300; i++)
        assert_int_equal(ear_buf_printf(&raw, " <%d@x.test>\r\n", i), EAR_OK);
    assert_int_equal(ear_buf_append_str(&raw, EAR_STR(PLAIN)), EAR_OK);
    for (int i = 0; i < 20000; i++)
        assert_int_equal(ear_buf_append_str(&raw, EAR_STR("\xe3\x81\x82")), EAR_OK);
    assert_int_equal(ear_mime_read(ear_buf_str(&raw), 4096, &mime, NULL), EAR_OK);
    const struct ear_mail *mail = ear_mime_mail(mime);
    assert_true(mail->text.len > 4000 && mail->text.len <= 4096);
    assert_true(ear_text_is_utf8(mail->text));
    assert_int_equal(mail->reference_count, EAR_MAIL_REFERENCES_MAX);
    expect(mail->references[0], "0@x.test");
    expect(mail->references[EAR_MAIL_REFERENCES_MAX - 1], "299@x.test");
    ear_mime_free(&mime);

    /* Parts within parts within parts. */
    ear_buf_reset(&raw);
    assert_int_equal(ear_buf_append_str(&raw, EAR_STR(HEAD)), EAR_OK);
    for (int i = 0; i < 5000; i++)
        assert_int_equal(
            ear_buf_printf(&raw, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i,
                           i),
            EAR_OK);
    assert_int_equal(ear_buf_append_str(&raw, EAR_STR(PLAIN "deep")), EAR_OK);
    if (!ear_mime_read(ear_buf_str(&raw), 4096, &mime, NULL)) ear_mime_free(&mime);
    ear_buf_release(&raw);
}

/* ---- writing ---- */

static struct ear_mail_out reply(void)
{
    static const struct ear_str references[] = {{"r1@x.test", 9}, {"bad id", 6}, {"m1@c.test", 9}};
    return (struct ear_mail_out){.from = EAR_STR("care@care.test"),
                                 .from_name = EAR_STR("Fírm \"Care\", Ltd"),
                                 .to = EAR_STR("ana@cust.test"),
                                 .to_name = EAR_STR("Ana García"),
                                 .subject = EAR_STR("Re: Paket vörspätet"),
                                 .message_id = EAR_STR("earshot.1@care.test"),
                                 .in_reply_to = EAR_STR("m1@c.test"),
                                 .references = references,
                                 .reference_count = 3,
                                 .text = EAR_STR("Hallo Ana,\n\n.ein Punkt\nFrom hier: schön €\n"),
                                 .date_us = INT64_C(1795314814000000)};
}

static void test_write__reads_back_as_written(void **state)
{
    (void)state;
    struct ear_buf raw;
    struct ear_mail_out out = reply();
    ear_buf_init(&raw, 65536);
    assert_int_equal(ear_mime_write(&out, &raw, NULL), EAR_OK);
    assert_null(strstr(raw.data, "Auto-Submitted"));
    assert_null(strstr(raw.data, "bad id"));
    for (size_t i = 0; i < raw.len; i++) {
        assert_true((unsigned char)raw.data[i] < 0x80);
        if (raw.data[i] == '\n') assert_true(i && raw.data[i - 1] == '\r');
        if (raw.data[i] == '\r') assert_true(raw.data[i + 1] == '\n');
    }
    struct ear_mime *mime = read_mail(raw.data);
    const struct ear_mail *mail = ear_mime_mail(mime);
    expect(mail->message_id, "earshot.1@care.test");
    expect(mail->in_reply_to, "m1@c.test");
    assert_int_equal(mail->reference_count, 2);
    expect(mail->from, "care@care.test");
    expect(mail->from_name, "Fírm \"Care\", Ltd");
    expect(mail->subject, "Re: Paket vörspätet");
    expect(mail->text, "Hallo Ana,\n\n.ein Punkt\nFrom hier: schön €");
    assert_int_equal(mail->date_us, out.date_us);
    assert_false(mail->automated);
    ear_mime_free(&mime);

    ear_buf_reset(&raw);
    out.by_rule = true;
    assert_int_equal(ear_mime_write(&out, &raw, NULL), EAR_OK);
    assert_non_null(strstr(raw.data, "Auto-Submitted: auto-replied\r\n"));
    ear_buf_release(&raw);
}

static void test_write__no_header_can_be_smuggled_in(void **state)
{
    (void)state;
    struct ear_buf raw;
    struct ear_mail_out out = reply();
    ear_buf_init(&raw, 65536);
    out.subject = EAR_STR("Re: x\r\nBcc: evil@x.test\r\n\r\nbody");
    out.from_name = EAR_STR("A\r\nBcc: evil@x.test");
    out.to_name = EAR_STR("B\nBcc: evil@x.test");
    assert_int_equal(ear_mime_write(&out, &raw, NULL), EAR_OK);
    assert_null(strstr(raw.data, "\nBcc"));
    static const char *const addresses[] = {
        "a@b\r\nBcc: c@d", "a b@c", "a@b@c", "", "<a@b>", "a@b>", "@b", "a@", "a,b@c"};
    for (size_t i = 0; i < EAR_COUNT(addresses); i++) {
        out = reply();
        out.to = ear_str_from(addresses[i]);
        assert_int_equal(ear_mime_write(&out, &raw, NULL), EAR_INVALID);
    }
    out = reply();
    out.message_id = EAR_STR("x@y>\r\nBcc: a@b");
    assert_int_equal(ear_mime_write(&out, &raw, NULL), EAR_INVALID);
    out = reply();
    out.in_reply_to = EAR_STR("x@y>\r\nBcc: a@b");
    ear_buf_reset(&raw);
    assert_int_equal(ear_mime_write(&out, &raw, NULL), EAR_OK);
    assert_null(strstr(raw.data, "In-Reply-To"));
    ear_buf_release(&raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read__headers),
        cmocka_unit_test(test_read__text_of_every_shape),
        cmocka_unit_test(test_read__only_what_is_new),
        cmocka_unit_test(test_read__machines_are_known_by_their_headers),
        cmocka_unit_test(test_read__ceilings_hold),
        cmocka_unit_test(test_write__reads_back_as_written),
        cmocka_unit_test(test_write__no_header_can_be_smuggled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* starve: every allocation that outsiders size fails once, one after the other, in each scenario,
 * until the scenario gets through without meeting the failure: nothing may crash or leak (the
 * sanitizers see to that), and the error must be that of memory, or what the caller takes for a
 * reason to try again. jansson's allocations count as ours: what it parses, outsiders size. GMime
 * ends the process without memory, as glib does.
 *
 * starve [SCENARIO…] */
#include "base/base.h"
#include "connectors/bluesky/notice.h"
#include "connectors/mail/letter.h"
#include "metric/metric.h"
#include "mime/mime.h"
#include "offer/post_out.h"
#include "pg/batch.h"
#include "text/text.h"
#include "web/feed_line.h"
#include "web/parcel.h"
#include "web/webhook.h"
#include "wire/wire.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define NOW          (INT64_C(1795305600) * EAR_US_PER_S)
#define BYTES_MAX    ((size_t)1 << 20)
#define FAILURES_MAX 5000

#define POST                                                                                  \
    "{\"platform\":\"forum\",\"external_id\":\"7\",\"author\":{\"id\":\"a\",\"name\":\"N\"}," \
    "\"text\":\"Wo ist mein Paket?\",\"created_at\":\"2026-03-04T05:06:07Z\",\"more\":[1,{}]}"

static const char mail[] =
    "From: Ana <ana@example.org>\r\nTo: <care@example.org>\r\nSubject: "
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
    "Message-ID: <1@example.org>\r\nReferences: <0@example.org> <00@example.org>\r\n"
    "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
    "<p>Hello <b>you</b></p><blockquote>old</blockquote>\r\n--b--\r\n";

static struct ear_str all_bytes(void)
{
    static char bytes[30000];
    for (size_t i = 0; i < sizeof(bytes); i++) bytes[i] = (char)(i * 7);
    return (struct ear_str){bytes, sizeof(bytes)};
}

static ear_err run_buf(void)
{
    struct ear_buf buf;
    ear_buf_init(&buf, BYTES_MAX);
    ear_err err = EAR_OK;
    for (int i = 0; i < 200 && !err; i++) err = ear_buf_printf(&buf, "%d and a text;", i);
    if (!err) err = ear_base64_encode(all_bytes(), &buf);
    ear_buf_release(&buf);
    return err;
}

static ear_err run_file(void)
{
    struct ear_buf buf;
    struct ear_diag diag;
    ear_buf_init(&buf, BYTES_MAX);
    ear_err err = ear_file_read("/proc/self/exe", &buf, &diag);
    ear_buf_release(&buf);
    return err == EAR_TOO_LARGE ? EAR_OK : err;
}

static ear_err run_json(void)
{
    json_t *value = NULL;
    struct ear_buf out;
    ear_buf_init(&out, BYTES_MAX);
    ear_err err = ear_json_parse(EAR_STR(POST), BYTES_MAX, &value, NULL);
    if (!err) err = ear_json_write(value, &out);
    json_decref(value);
    ear_buf_release(&out);
    return err;
}

static ear_err run_text(void)
{
    struct ear_text text;
    struct ear_buf out;
    ear_text_init(&text, BYTES_MAX);
    ear_buf_init(&out, BYTES_MAX);
    ear_err err = ear_text_repair(all_bytes(), &out);
    if (!err) err = ear_text_normalise(&text, ear_buf_str(&out), EAR_STR("@firm"));
    ear_buf_release(&out);
    ear_text_release(&text);
    return err;
}

/* What cannot be unpacked says no more than that; whoever sent it is asked again. */
static ear_err run_wire(void)
{
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    struct ear_buf packed;
    struct ear_id id = ear_id_new(1);
    struct ear_arena *arena = ear_arena_new(BYTES_MAX);
    ear_buf_init(&packed, BYTES_MAX);
    post.post_id = ear_wire_bytes(&id);
    post.text = (char *)(uintptr_t) "Where is my parcel?";
    ear_err err = ear_wire_pack(&post.base, &packed);
    if (!err &&
        !EAR_UNPACK(Earshot__V1__Post, earshot__v1__post__descriptor, ear_buf_str(&packed), arena))
        err = EAR_NO_MEMORY;
    ear_arena_free(&arena);
    ear_buf_release(&packed);
    return err;
}

static ear_err run_mime(void)
{
    struct ear_mime *mime = NULL;
    ear_err err = ear_mime_read(EAR_STR(mail), 60000, &mime, NULL);
    ear_mime_free(&mime);
    return err;
}

static ear_err run_letter(void)
{
    const struct ear_letter_place place = {.platform = EAR_STR("mail"), .account = EAR_STR("@m")};
    struct ear_arena *arena = ear_arena_new(BYTES_MAX);
    struct ear_post_in post;
    ear_err err = ear_letter_post(EAR_STR(mail), NOW, &place, arena, &post);
    ear_arena_free(&arena);
    return err;
}

static ear_err run_notice(void)
{
    static const char notice[] =
        "{\"uri\":\"at://did:plc:a/app.bsky.feed.post/3k\",\"cid\":\"bafy\",\"reason\":\"mention\","
        "\"author\":{\"did\":\"did:plc:a\",\"handle\":\"a.test\",\"displayName\":\"A\"},\"record\":"
        "{\"text\":\"Where is my "
        "parcel?\",\"langs\":[\"en\"],\"createdAt\":\"2026-03-04T05:06:07Z\"},"
        "\"indexedAt\":\"2026-03-04T05:06:08Z\"}";
    const struct ear_notice_place place = {.platform = EAR_STR("bluesky"),
                                           .account = EAR_STR("@firm"),
                                           .own_did = EAR_STR("did:plc:firm"),
                                           .web = EAR_STR("https://bsky.app")};
    struct ear_arena *arena = ear_arena_new(BYTES_MAX);
    struct ear_post_in post;
    json_t *value = NULL;
    ear_err err = ear_json_parse(EAR_STR(notice), BYTES_MAX, &value, NULL);
    if (!err) err = ear_notice_post(value, &place, arena, &post);
    json_decref(value);
    ear_arena_free(&arena);
    return err;
}

/* A line that could not be kept is told as malformed, with the reason; then the answer is written.
 */
static ear_err run_parcel(void)
{
    static const struct ear_post_result none[4];
    struct ear_parcel parcel = {0};
    struct ear_buf out;
    ear_buf_init(&out, BYTES_MAX);
    ear_err err = ear_parcel_read_lines(&parcel, EAR_STR(POST "\n" POST "\nno\n"), NOW, NULL);
    bool short_of = !err && parcel.malformed > 1;
    if (!err) err = ear_parcel_answer(&parcel, none, &out);
    ear_parcel_release(&parcel);
    ear_buf_release(&out);
    return err || !short_of ? err : EAR_NO_MEMORY;
}

static ear_err run_webhook(void)
{
    struct ear_webhook_key key;
    const struct ear_webhook_head head = {EAR_STR("id"), EAR_STR("1795305600"),
                                          EAR_STR("v1,bm90aGluZw== v1,YQ==")};
    ear_err err = ear_webhook_key_parse(EAR_STR("whsec_MDEyMzQ1Njc4OWFiY2RlZg=="), &key, NULL);
    if (err) return EAR_NO_MEMORY; /* a key that cannot be read is none: said, and read again */
    err = ear_webhook_verify(&key, 1, &head, EAR_STR("body"), NOW, 300000, NULL);
    EAR_CHECK(err == EAR_DENIED); /* want of memory lets nobody in */
    return ear_fault_passed() ? EAR_OK : EAR_INVALID;
}

/* A row that was not kept whole must not be counted: the batch is refused as a whole. */
static ear_err run_rows(void)
{
    static const ear_pg_type columns[] = {EAR_PG_ID, EAR_PG_TEXT, EAR_PG_I64};
    struct ear_pg_batch *batch = ear_pg_batch_new(BYTES_MAX);
    struct ear_id id = ear_id_new(1);
    for (unsigned statement = 0; statement < 40; statement++) {
        ear_pg_batch_add(batch, statement);
        ear_pg_text(batch, EAR_STR("a text of some length"));
        struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
        struct ear_pg_array *rows = ear_pg_rows_array(batch, columns, EAR_COUNT(columns));
        for (int i = 0; i < 20; i++) {
            ear_pg_push_id(ids, &id);
            ear_pg_push_id(rows, i % 3 ? &id : NULL);
            ear_pg_push_text(rows, EAR_STR(POST));
            ear_pg_push_int(rows, i);
        }
    }
    ear_err err = ear_pg_batch_seal(batch);
    ear_pg_batch_free(&batch);
    return err;
}

static ear_err run_copies(void)
{
    static const ear_pg_type columns[] = {EAR_PG_ID, EAR_PG_TEXTS, EAR_PG_JSONB};
    struct ear_pg_batch *batch = ear_pg_batch_new(BYTES_MAX);
    struct ear_id id = ear_id_new(1);
    for (unsigned statement = 0; statement < 10; statement++) {
        ear_pg_batch_add(batch, statement);
        struct ear_pg_array *rows = ear_pg_copy(batch, columns, EAR_COUNT(columns));
        for (int i = 0; i < 60; i++) {
            ear_pg_push_id(rows, i % 3 ? &id : NULL);
            ear_pg_push_texts(rows, EAR_STR("one,two,"), ',');
            ear_pg_push_text(rows, EAR_STR("{\"a\": \"text of some length\"}"));
        }
    }
    ear_err err = ear_pg_batch_seal(batch);
    ear_pg_batch_free(&batch);
    return err;
}

/* What is offered: a mention more for each of many accounts. */
static ear_err run_offer(void)
{
    struct ear_post_known known = {.account = EAR_STR("@firm"), .shared = true};
    struct ear_post_in post = {.platform = EAR_STR("forum"), .text = EAR_STR("Wo ist mein Paket?")};
    struct ear_buf out;
    ear_buf_init(&out, BYTES_MAX);
    ear_err err = EAR_OK;
    for (int i = 0; i < 100 && !err; i++)
        err = ear_post_out_fresh(&post, &known, NOW, NOW, EAR_STR("@a\n@b"), &out);
    ear_buf_release(&out);
    return err;
}

static ear_err run_metrics(void)
{
    struct ear_buf out;
    ear_buf_init(&out, BYTES_MAX);
    ear_err err = ear_metric_render(&out);
    ear_buf_release(&out);
    return err;
}

static const struct scenario {
    const char *name;
    ear_err (*run)(void);
} scenarios[] = {
    {"buf", run_buf},         {"file", run_file},       {"json", run_json},
    {"text", run_text},       {"wire", run_wire},       {"mime", run_mime},
    {"letter", run_letter},   {"notice", run_notice},   {"parcel", run_parcel},
    {"webhook", run_webhook}, {"metrics", run_metrics}, {"rows", run_rows},
    {"copies", run_copies},   {"offer", run_offer},
};

/* False when an error came that is not one of memory. */
static bool starve(const struct scenario *scenario)
{
    char spec[64];
    uint64_t nth = 0, silent = 0;
    for (bool through = false; !through;) {
        snprintf(spec, sizeof(spec), "alloc:%llu=fail", (unsigned long long)++nth);
        setenv("EAR_FAULT", spec, 1);
        ear_err err = scenario->run();
        through = ear_fault_passed() < nth;
        if ((through && err) || (err && !ear_err_retryable(err)) || nth > FAILURES_MAX) {
            printf("%s: failure %llu gave %s\n", scenario->name, (unsigned long long)nth,
                   ear_err_name(err));
            return false;
        }
        if (!through && !err) silent++;
    }
    printf("%s: %llu allocations failed in turn, %llu of them made no difference\n", scenario->name,
           (unsigned long long)nth - 1, (unsigned long long)silent);
    return true;
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0) return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    bool ok = true;
    ear_crypt_start();
    for (size_t i = 0; i < EAR_COUNT(scenarios); i++)
        if (wanted(scenarios[i].name, argc, argv)) ok &= starve(&scenarios[i]);
    return ok ? 0 : 1;
}

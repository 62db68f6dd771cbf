/* starve: every allocation that outsiders size fails once, one after the other, in each scenario
 * (starve.h): parsers of ingest, the inside of pg, what is offered. jansson's allocations count as
 * ours: what it parses, outsiders size. GMime ends the process without memory, as glib does.
 *
 * starve [SCENARIO…] */
#include "starve.h"
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

#define NOW (INT64_C(1795305600) * EAR_US_PER_S)

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

static ear_err run_buf(struct ear_buf *out)
{
    struct ear_buf buf;
    ear_buf_init(&buf, STARVE_BYTES_MAX);
    ear_err err = EAR_OK;
    for (int i = 0; i < 200 && !err; i++) err = ear_buf_printf(&buf, "%d and a text;", i);
    if (!err) err = ear_base64_encode(all_bytes(), &buf);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&buf));
    ear_buf_release(&buf);
    return err;
}

static ear_err run_file(struct ear_buf *out)
{
    (void)out;
    struct ear_buf buf;
    struct ear_diag diag;
    ear_buf_init(&buf, STARVE_BYTES_MAX);
    ear_err err = ear_file_read("/proc/self/exe", &buf, &diag);
    ear_buf_release(&buf);
    return err == EAR_TOO_LARGE ? EAR_OK : err;
}

static ear_err run_json(struct ear_buf *out)
{
    json_t *value = NULL;
    struct ear_buf made;
    ear_buf_init(&made, STARVE_BYTES_MAX);
    ear_err err = ear_json_parse(EAR_STR(POST), STARVE_BYTES_MAX, &value, NULL);
    if (!err) err = ear_json_write(value, &made);
    json_decref(value);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&made));
    ear_buf_release(&made);
    return err;
}

static ear_err run_text(struct ear_buf *out)
{
    struct ear_text text;
    struct ear_buf made;
    ear_text_init(&text, STARVE_BYTES_MAX);
    ear_buf_init(&made, STARVE_BYTES_MAX);
    ear_err err = ear_text_repair(all_bytes(), &made);
    if (!err) err = ear_text_normalise(&text, ear_buf_str(&made), EAR_STR("@firm"));
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&text.text));
    ear_buf_release(&made);
    ear_text_release(&text);
    return err;
}

/* What cannot be unpacked says no more than that; whoever sent it is asked again. */
static ear_err run_wire(struct ear_buf *out)
{
    (void)out;
    Earshot__V1__Post post = EARSHOT__V1__POST__INIT;
    struct ear_buf packed;
    struct ear_id id = ear_id_new(1);
    struct ear_arena *arena = ear_arena_new(STARVE_BYTES_MAX);
    ear_buf_init(&packed, STARVE_BYTES_MAX);
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

static ear_err run_mime(struct ear_buf *out)
{
    (void)out;
    struct ear_mime *mime = NULL;
    ear_err err = ear_mime_read(EAR_STR(mail), 60000, &mime, NULL);
    ear_mime_free(&mime);
    return err;
}

static ear_err say_post(struct ear_buf *out, const struct ear_post_in *post)
{
    return ear_buf_printf(out, "%.*s|%.*s|%.*s|%.*s|%.*s", EAR_STR_ARG(post->external_id),
                          EAR_STR_ARG(post->author_id), EAR_STR_ARG(post->author_name),
                          EAR_STR_ARG(post->text), EAR_STR_ARG(post->thread));
}

static ear_err run_letter(struct ear_buf *out)
{
    const struct ear_letter_place place = {.platform = EAR_STR("mail"), .account = EAR_STR("@m")};
    struct ear_arena *arena = ear_arena_new(STARVE_BYTES_MAX);
    struct ear_post_in post;
    ear_err err = ear_letter_post(EAR_STR(mail), NOW, &place, arena, &post);
    if (!err) err = say_post(out, &post);
    ear_arena_free(&arena);
    return err;
}

static ear_err run_notice(struct ear_buf *out)
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
    struct ear_arena *arena = ear_arena_new(STARVE_BYTES_MAX);
    struct ear_post_in post;
    json_t *value = NULL;
    ear_err err = ear_json_parse(EAR_STR(notice), STARVE_BYTES_MAX, &value, NULL);
    if (!err) err = ear_notice_post(value, &place, arena, &post);
    if (!err) err = say_post(out, &post);
    json_decref(value);
    ear_arena_free(&arena);
    return err;
}

/* A line that could not be kept is told as malformed, with the reason; then the answer is written.
 */
static ear_err run_parcel(struct ear_buf *out)
{
    static const struct ear_post_result none[4];
    struct ear_parcel parcel = {0};
    struct ear_buf made;
    ear_buf_init(&made, STARVE_BYTES_MAX);
    ear_err err = ear_parcel_read_lines(&parcel, EAR_STR(POST "\n" POST "\nno\n"), NOW, NULL);
    bool short_of = !err && parcel.malformed > 1;
    if (!err) err = ear_parcel_answer(&parcel, none, &made);
    ear_parcel_release(&parcel);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&made));
    ear_buf_release(&made);
    return err || !short_of ? err : EAR_NO_MEMORY;
}

static ear_err run_webhook(struct ear_buf *out)
{
    (void)out;
    struct ear_webhook_key key;
    const struct ear_webhook_head head = {EAR_STR("id"), EAR_STR("1795305600"),
                                          EAR_STR("v1,bm90aGluZw== v1,YQ==")};
    ear_err err = ear_webhook_key_parse(EAR_STR("whsec_MDEyMzQ1Njc4OWFiY2RlZg=="), &key, NULL);
    if (err) return EAR_NO_MEMORY; /* a key that cannot be read is none: said, and read again */
    err = ear_webhook_verify(&key, 1, &head, EAR_STR("body"), NOW, 300000, NULL);
    EAR_CHECK(err == EAR_DENIED); /* want of memory lets nobody in */
    return EAR_OK;
}

/* A row that was not kept whole must not be counted: the batch is refused as a whole. */
static ear_err run_rows(struct ear_buf *out)
{
    (void)out;
    static const ear_pg_type columns[] = {EAR_PG_ID, EAR_PG_TEXT, EAR_PG_I64};
    struct ear_pg_batch *batch = ear_pg_batch_new(STARVE_BYTES_MAX);
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

static ear_err run_copies(struct ear_buf *out)
{
    (void)out;
    static const ear_pg_type columns[] = {EAR_PG_ID, EAR_PG_TEXTS, EAR_PG_JSONB};
    struct ear_pg_batch *batch = ear_pg_batch_new(STARVE_BYTES_MAX);
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
static ear_err run_offer(struct ear_buf *out)
{
    struct ear_post_known known = {.account = EAR_STR("@firm"), .shared = true};
    struct ear_post_in post = {.platform = EAR_STR("forum"), .text = EAR_STR("Wo ist mein Paket?")};
    struct ear_buf made;
    ear_buf_init(&made, STARVE_BYTES_MAX);
    ear_err err = EAR_OK;
    for (int i = 0; i < 100 && !err; i++)
        err = ear_post_out_fresh(&post, &known, NOW, NOW, EAR_STR("@a\n@b"), &made);
    if (!err) err = ear_buf_append_str(out, ear_buf_str(&made));
    ear_buf_release(&made);
    return err;
}

static ear_err run_metrics(struct ear_buf *out)
{
    (void)out;
    struct ear_buf made;
    ear_buf_init(&made, STARVE_BYTES_MAX);
    ear_err err = ear_metric_render(&made);
    ear_buf_release(&made);
    return err;
}

static const struct starve_scenario scenarios[] = {
    {"buf", run_buf},         {"file", run_file},       {"json", run_json},
    {"text", run_text},       {"wire", run_wire},       {"mime", run_mime},
    {"letter", run_letter},   {"notice", run_notice},   {"parcel", run_parcel},
    {"webhook", run_webhook}, {"metrics", run_metrics}, {"rows", run_rows},
    {"copies", run_copies},   {"offer", run_offer},
};

int main(int argc, char **argv)
{
    return starve_all(scenarios, EAR_COUNT(scenarios), argc, argv);
}

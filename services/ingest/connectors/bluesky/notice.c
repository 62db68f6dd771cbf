#include "notice.h"
#include "atp/atp.h"
#include "text/text.h"
#include "web/feed_line.h"
#include "json/json.h"

#define TEXT_BYTES_MAX     (16u << 10)
#define THREAD_BYTES_MAX   8192u
#define IDENT_BYTES_MAX    1024u
#define LANGUAGE_BYTES_MAX 35u

/* An identifier as it came; empty when it holds what no identifier does (a NUL would make the
 * database refuse the whole batch). */
static struct ear_str ident_at(const json_t *object, const char *path)
{
    struct ear_str text = ear_json_at(object, path);
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] <= 0x20 || text.ptr[i] == 0x7f) return EAR_STR_NONE;
    return text.len <= IDENT_BYTES_MAX ? text : EAR_STR_NONE;
}

struct ear_notice_mark ear_notice_mark(const json_t *notice)
{
    struct ear_notice_mark mark = {.uri = ident_at(notice, "uri")};
    if (ear_time_parse(ear_json_at(notice, "indexedAt"), &mark.at_us)) mark.at_us = 0;
    return mark;
}

int64_t ear_notice_id_time_us(struct ear_str uri)
{
    struct ear_at_uri parts;
    int64_t at_us = 0;
    if (ear_at_uri_parse(uri, &parts) || ear_tid_parse(parts.rkey, &at_us, NULL)) return 0;
    return at_us;
}

static bool entry_of(struct ear_str reason, Earshot__V1__Entry *entry)
{
    static const struct {
        const char *reason;
        Earshot__V1__Entry entry;
    } known[] = {
        {"mention", EARSHOT__V1__ENTRY__ENTRY_MENTION},
        {"reply", EARSHOT__V1__ENTRY__ENTRY_REPLY},
        {"quote", EARSHOT__V1__ENTRY__ENTRY_QUOTE},
    };
    for (size_t i = 0; i < EAR_COUNT(known); i++) {
        if (!ear_str_eq(reason, ear_str_from(known[i].reason))) continue;
        *entry = known[i].entry;
        return true;
    }
    return false;
}

/* Text fit for a database, in the arena. */
static ear_err clean(struct ear_arena *arena, struct ear_str raw, struct ear_str *out)
{
    struct ear_buf buf;
    ear_buf_init(&buf, TEXT_BYTES_MAX);
    ear_err err = ear_text_repair(raw, &buf);
    char *copy = err ? NULL : ear_arena_copy(arena, ear_buf_str(&buf));
    *out = (struct ear_str){copy, copy ? buf.len : 0};
    ear_buf_release(&buf);
    return err ? err : copy ? EAR_OK : EAR_NO_MEMORY;
}

/* A post may be a picture alone; people then see what its author wrote about it. */
static struct ear_str picture_text(const json_t *record)
{
    const json_t *embed = json_object_get(record, "embed");
    const json_t *images = json_object_get(embed, "images");
    struct ear_str alt = ear_json_at(json_array_get(images, 0), "alt");
    if (!alt.len) alt = ear_json_at(embed, "alt");
    if (!alt.len) alt = ear_json_at(embed, "external.title");
    return alt.len ? alt : EAR_STR("[no text]");
}

static ear_err set_text(const json_t *record, struct ear_arena *arena, struct ear_post_in *post)
{
    struct ear_str raw = ear_json_at(record, "text");
    if (!ear_str_trim(raw).len) raw = picture_text(record);
    const json_t *first = json_array_get(json_object_get(record, "langs"), 0);
    if (json_is_string(first) && json_string_length(first) <= LANGUAGE_BYTES_MAX)
        post->language = ear_str_from(json_string_value(first));
    return clean(arena, raw, &post->text);
}

static ear_err set_author(const json_t *notice, struct ear_arena *arena, struct ear_post_in *post)
{
    const json_t *labels = json_object_get(json_object_get(notice, "author"), "labels");
    const json_t *label;
    size_t i;
    json_array_foreach(labels, i, label)
    {
        if (ear_str_eq(ear_json_at(label, "val"), EAR_STR("bot"))) post->automated = true;
    }
    post->author_id = ident_at(notice, "author.did");
    post->author_followers = -1;
    if (!ear_str_starts(post->author_id, EAR_STR("did:"))) return EAR_INVALID;
    ear_err err = clean(arena, ear_json_at(notice, "author.handle"), &post->author_handle);
    if (!err) err = clean(arena, ear_json_at(notice, "author.displayName"), &post->author_name);
    /* A name may have 640 bytes there. */
    post->author_handle = ear_text_cut(post->author_handle, EAR_TEXT_BYTES, EAR_POST_NAME_BYTES_MAX,
                                       EAR_TEXT_AT_GRAPHEME);
    post->author_name = ear_text_cut(post->author_name, EAR_TEXT_BYTES, EAR_POST_NAME_BYTES_MAX,
                                     EAR_TEXT_AT_GRAPHEME);
    return err;
}

/* What the author claims, unless it lies behind what the server saw or before there were platforms.
 */
static void set_time(const json_t *record, int64_t seen_us, struct ear_post_in *post)
{
    int64_t claimed_us = 0;
    bool readable = !ear_time_parse(ear_json_at(record, "createdAt"), &claimed_us);
    post->created_at_us = readable && claimed_us <= seen_us ? claimed_us : seen_us;
    if (!ear_post_in_dated(post, seen_us)) post->created_at_us = seen_us;
    post->trusted_at_us = ear_notice_id_time_us(post->external_id);
}

/* {"uri","cid","root":{"uri","cid"}}: what an answer must point at. */
static ear_err set_thread(const json_t *notice, const json_t *record, struct ear_arena *arena,
                          struct ear_post_in *post)
{
    struct ear_str cid = ident_at(notice, "cid");
    struct ear_str root = ident_at(record, "reply.root.uri");
    struct ear_str root_cid = ident_at(record, "reply.root.cid");
    struct ear_buf text;
    bool child = root.len && root_cid.len;
    post->in_reply_to = ident_at(record, "reply.parent.uri");
    post->conversation = child ? root : post->external_id;
    if (!child) {
        root = post->external_id;
        root_cid = cid;
    }
    json_t *thread =
        json_pack("{s:s%,s:s%,s:{s:s%,s:s%}}", "uri", post->external_id.ptr, post->external_id.len,
                  "cid", cid.ptr ? cid.ptr : "", cid.len, "root", "uri", root.ptr, root.len, "cid",
                  root_cid.ptr ? root_cid.ptr : "", root_cid.len);
    ear_buf_init(&text, THREAD_BYTES_MAX);
    ear_err err = thread ? ear_json_write(thread, &text) : EAR_NO_MEMORY;
    char *copy = err ? NULL : ear_arena_copy(arena, ear_buf_str(&text));
    post->thread = (struct ear_str){copy, copy ? text.len : 0};
    json_decref(thread);
    ear_buf_release(&text);
    return err ? err : copy ? EAR_OK : EAR_NO_MEMORY;
}

static ear_err set_url(const struct ear_notice_place *place, struct ear_arena *arena,
                       struct ear_post_in *post)
{
    struct ear_at_uri uri;
    struct ear_buf text;
    if (ear_at_uri_parse(post->external_id, &uri)) return EAR_INVALID;
    ear_buf_init(&text, 1024);
    ear_err err = ear_buf_printf(&text, "%.*s/profile/%.*s/post/%.*s", EAR_STR_ARG(place->web),
                                 EAR_STR_ARG(uri.authority), EAR_STR_ARG(uri.rkey));
    char *copy = err ? NULL : ear_arena_copy(arena, ear_buf_str(&text));
    post->url = (struct ear_str){copy, copy ? text.len : 0};
    ear_buf_release(&text);
    return err ? err : copy ? EAR_OK : EAR_NO_MEMORY;
}

ear_err ear_notice_post(const json_t *notice, const struct ear_notice_place *place,
                        struct ear_arena *arena, struct ear_post_in *post)
{
    struct ear_notice_mark mark = ear_notice_mark(notice);
    const json_t *record = json_object_get(notice, "record");
    *post = (struct ear_post_in){.kind = EAR_POST_NEW,
                                 .platform = place->platform,
                                 .account = place->account,
                                 .external_id = mark.uri,
                                 .visibility = EARSHOT__V1__VISIBILITY__VISIBILITY_PUBLIC};
    if (!entry_of(ear_json_at(notice, "reason"), &post->entry)) return EAR_UNSUPPORTED;
    if (!mark.at_us || !json_is_object(record)) return EAR_INVALID;
    ear_err err = set_author(notice, arena, post);
    if (!err) err = set_text(record, arena, post);
    if (!err) err = set_thread(notice, record, arena, post);
    if (!err) err = set_url(place, arena, post);
    set_time(record, mark.at_us, post);
    post->own = place->own_did.len && ear_str_eq(post->author_id, place->own_did);
    return err;
}

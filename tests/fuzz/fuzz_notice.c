/* libFuzzer target: any JSON as a notice of Bluesky. What comes out must be a post that the
 * database takes, with a thread that an answer can be written from. */
#include "connectors/bluesky/notice.h"
#include "text/text.h"
#include "web/feed_line.h"
#include "json/json.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_post(const struct ear_post_in *post)
{
    const struct ear_str texts[] = {post->external_id, post->author_id,    post->author_handle,
                                    post->author_name, post->text,         post->language,
                                    post->in_reply_to, post->conversation, post->url};
    json_t *thread = NULL;
    for (size_t i = 0; i < EAR_COUNT(texts); i++) {
        EAR_CHECK(ear_text_is_utf8(texts[i]));
        EAR_CHECK(!texts[i].len || !memchr(texts[i].ptr, '\0', texts[i].len));
    }
    EAR_CHECK(post->text.len > 0 && post->author_id.len > 0);
    EAR_CHECK(ear_json_parse(post->thread, 64u << 10, &thread, NULL) == EAR_OK);
    EAR_CHECK(ear_str_eq(ear_json_at(thread, "uri"), post->external_id));
    json_decref(thread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ear_notice_place place = {.platform = EAR_STR("bluesky"),
                                           .account = EAR_STR("@firm"),
                                           .own_did = EAR_STR("did:plc:firm"),
                                           .web = EAR_STR("https://bsky.app")};
    json_t *notice = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    struct ear_arena *arena = ear_arena_new(1u << 20);
    struct ear_post_in post;
    if (json_is_object(notice) && ear_notice_post(notice, &place, arena, &post) == EAR_OK)
        check_post(&post);
    ear_arena_free(&arena);
    json_decref(notice);
    return 0;
}

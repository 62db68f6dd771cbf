/* libFuzzer target: any bytes as a mail. What comes out must be a post that the database takes,
 * and a thread that an answer can be written from. */
#include "connectors/mail/letter.h"
#include "mime/mime.h"
#include "text/text.h"
#include "web/feed_line.h"
#include "json/json.h"
#include <stdint.h>

#define RECEIVED (INT64_C(1795305600) * EAR_US_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct ear_str text, size_t max)
{
    EAR_CHECK(text.len <= max);
    EAR_CHECK(ear_text_is_utf8(text));
    EAR_CHECK(!text.len || !memchr(text.ptr, '\0', text.len));
}

static void check_post(const struct ear_post_in *post)
{
    struct ear_diag diag = {0};
    json_t *thread = NULL;
    check_text(post->text, EAR_POST_TEXT_BYTES_MAX);
    check_text(post->external_id, EAR_POST_REF_BYTES_MAX);
    check_text(post->author_name, EAR_POST_NAME_BYTES_MAX);
    check_text(post->language, 64);
    EAR_CHECK(post->text.len > 0);
    EAR_CHECK(ear_post_in_check(post, RECEIVED, &diag) == EAR_OK);
    EAR_CHECK(ear_json_parse(post->thread, 64u << 10, &thread, &diag) == EAR_OK);
    EAR_CHECK(ear_mail_id_valid(ear_json_at(thread, "message_id")));
    json_decref(thread);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ear_letter_place place = {
        .platform = EAR_STR("mail"), .account = EAR_STR("@mail"), .own_address = EAR_STR("a@b")};
    struct ear_arena *arena = ear_arena_new(1u << 20);
    struct ear_post_in post;
    if (ear_letter_post((struct ear_str){(const char *)data, size}, RECEIVED, &place, arena,
                        &post) == EAR_OK)
        check_post(&post);
    ear_arena_free(&arena);
    return 0;
}

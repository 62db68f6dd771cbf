/* libFuzzer target: any bytes as one post and as a body of lines. What is accepted must hold the
 * limits that the database and the bus rely on. */
#include "text/text.h"
#include "web/feed_line.h"
#include "web/parcel.h"
#include <stdint.h>

#define NOW (INT64_C(1795305600) * EAR_US_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_post(const struct ear_post_in *post)
{
    EAR_CHECK(post->platform.len > 0 && post->platform.len <= EAR_PLATFORM_BYTES_MAX);
    EAR_CHECK(post->external_id.len > 0 && post->author_id.len > 0);
    EAR_CHECK(post->text.len <= EAR_POST_TEXT_BYTES_MAX);
    EAR_CHECK(ear_text_is_utf8(post->text) && ear_text_is_utf8(post->author_name));
    EAR_CHECK(!post->text.len || !memchr(post->text.ptr, '\0', post->text.len));
}

static void check_answer(const struct ear_parcel *parcel)
{
    static const struct ear_post_result none[EAR_PARCEL_LINES_MAX];
    struct ear_buf out;
    ear_buf_init(&out, 8u << 20);
    EAR_CHECK(ear_parcel_answer(parcel, none, &out) == EAR_OK);
    size_t lines = 0;
    for (size_t i = 0; i < out.len; i++) lines += out.data[i] == '\n';
    EAR_CHECK(lines == parcel->line_count);
    ear_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct ear_str text = {(const char *)data, size};
    struct ear_parcel parcel = {0};
    if (ear_parcel_read_lines(&parcel, text, NOW, NULL) == EAR_OK) {
        EAR_CHECK(parcel.post_count + parcel.malformed == parcel.line_count);
        for (size_t i = 0; i < parcel.post_count; i++) check_post(&parcel.posts[i]);
        check_answer(&parcel);
    }
    ear_parcel_release(&parcel);
    return 0;
}

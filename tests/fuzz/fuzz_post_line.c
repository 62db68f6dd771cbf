/* Lines of classify's input: any bytes are a post or an error that says something. */
#include "judge/post_line.h"
#include "text/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_arena *room = ear_arena_new(EAR_POST_LINE_ROOM_MAX);
    struct ear_model_post post;
    struct ear_diag diag = {0};
    ear_err err =
        ear_post_line_read((struct ear_str){(const char *)data, size}, room, &post, &diag);
    if (err)
        EAR_CHECK(diag.text[0] != '\0');
    else
        EAR_CHECK(ear_text_is_utf8(post.text) && ear_text_is_utf8(post.account));
    ear_arena_free(&room);
    return 0;
}

/* Lines of classify's input: what the quick reader takes, the parser takes too and means the same.
 */
#include "judge/post_line.h"
#include "judge/quick_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_str line = {(const char *)data, size};
    struct ear_post_line parsed;
    struct ear_model_post quick;
    struct ear_buf scratch;
    struct ear_diag diag = {0};
    ear_buf_init(&scratch, EAR_POST_LINE_MAX);
    bool taken = ear_quick_line(line, &scratch, &quick);
    ear_err err = ear_post_line_read(line, &parsed, &diag);
    if (taken && err) EAR_CHECK(strstr(diag.text, "duplicate") || err == EAR_TOO_LARGE);
    if (!err) {
        if (taken) EAR_CHECK(ear_str_eq(quick.text, parsed.post.text));
        ear_post_line_release(&parsed);
    }
    ear_buf_release(&scratch);
    return 0;
}

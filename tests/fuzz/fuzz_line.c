/* Log values of any content: one line stays one line of printable characters. */
#include "log/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_line line;
    size_t half = size / 2;
    ear_line_init(&line);
    ear_line_raw(&line, EAR_STR("level=info"));
    ear_line_pair(&line, "a", (struct ear_str){(const char *)data, half});
    ear_line_pair(&line, "b", (struct ear_str){(const char *)data + half, size - half});
    struct ear_str text = ear_line_end(&line);
    EAR_CHECK(text.len <= EAR_LINE_BYTES);
    for (size_t i = 0; i + 1 < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        EAR_CHECK(c >= 0x20 && c != 0x7F);
    }
    EAR_CHECK(text.ptr[text.len - 1] == '\n');
    return 0;
}

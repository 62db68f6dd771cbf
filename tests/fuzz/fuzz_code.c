/* Base64, hex and ids of any content: what is taken is written as it was read. */
#include "base/base.h"

#define BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ear_str without_padding(struct ear_str s)
{
    while (s.len && s.ptr[s.len - 1] == '=') s.len--;
    return s;
}

static void check_base64(struct ear_str text)
{
    struct ear_buf bytes;
    struct ear_buf again;
    ear_buf_init(&bytes, BYTES_MAX);
    ear_buf_init(&again, 2 * BYTES_MAX);
    if (ear_base64_decode(text, &bytes) == EAR_OK) {
        EAR_CHECK(ear_base64_encode(ear_buf_str(&bytes), &again) == EAR_OK);
        EAR_CHECK(ear_str_eq(without_padding(ear_buf_str(&again)), without_padding(text)));
    }
    ear_buf_reset(&bytes);
    ear_buf_reset(&again);
    if (ear_base64_encode(text, &again) == EAR_OK) {
        EAR_CHECK(ear_base64_decode(ear_buf_str(&again), &bytes) == EAR_OK);
        EAR_CHECK(ear_str_eq(ear_buf_str(&bytes), text));
    }
    ear_buf_release(&bytes);
    ear_buf_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ear_str text = {(const char *)data, size};
    struct ear_id id;
    char id_text[EAR_ID_TEXT_BYTES];
    char hex[33];
    uint8_t raw[16];
    if (size <= BYTES_MAX) check_base64(text);
    if (ear_id_parse(text, &id) == EAR_OK) {
        ear_id_format(&id, id_text);
        EAR_CHECK(ear_str_eq_nocase(ear_str_from(id_text), text));
    }
    if (ear_unhex(text, raw, sizeof(raw)) == EAR_OK) {
        ear_hex(raw, sizeof(raw), hex);
        EAR_CHECK(ear_str_eq_nocase(ear_str_from(hex), text));
    }
    return 0;
}

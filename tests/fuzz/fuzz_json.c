/* JSON of any content: no crash, the ceilings hold, and what is written parses to the same. */
#include "json/json.h"

#define BYTES_MAX ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_members(const json_t *value)
{
    struct ear_str text = EAR_STR_NONE;
    int64_t number = 0;
    bool flag = false;
    const json_t *object = NULL;
    struct ear_diag diag = {0};
    if (ear_json_need_text(value, "text", &text, &diag) == EAR_OK)
        EAR_CHECK(text.len == 0 || !memchr(text.ptr, '\0', text.len));
    if (ear_json_i64(value, "n", -10, 10, &number, &diag) == EAR_OK)
        EAR_CHECK(number >= -10 && number <= 10);
    if (ear_json_bool(value, "b", &flag, &diag) != EAR_OK) EAR_CHECK(diag.text[0]);
    if (ear_json_object(value, "author", &object, &diag) == EAR_OK)
        EAR_CHECK(!object || json_is_object(object));
    text = ear_json_at(value, "author.id");
    EAR_CHECK(text.ptr || text.len == 0);
}

static void write_and_read_back(const json_t *value)
{
    struct ear_buf buf;
    json_t *again = NULL;
    ear_buf_init(&buf, 8 * BYTES_MAX);
    EAR_CHECK(ear_json_write(value, &buf) == EAR_OK);
    EAR_CHECK(ear_json_parse(ear_buf_str(&buf), 8 * BYTES_MAX, &again, NULL) == EAR_OK);
    EAR_CHECK(json_equal(value, again));
    json_decref(again);
    ear_buf_release(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *value = NULL;
    struct ear_diag diag = {0};
    struct ear_str text = {(const char *)data, size};
    ear_err err = ear_json_parse(text, BYTES_MAX, &value, &diag);
    EAR_CHECK((err == EAR_OK) == (value != NULL));
    if (err) return 0;
    read_members(value);
    write_and_read_back(value);
    json_decref(value);
    return 0;
}

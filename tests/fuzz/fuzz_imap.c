/* libFuzzer target: any bytes as an answer line of a mail server: numbers and dates are found in
 * range or not at all, and what is quoted for the server cannot end its quotes. */
#include "connectors/mail/imap.h"

#define FIRST_US (INT64_C(-62135596800) * EAR_US_PER_S)
#define LAST_US  (INT64_C(253402387200) * EAR_US_PER_S)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One quoted string and nothing behind it. */
static void check_quoted(struct ear_str text)
{
    EAR_CHECK(text.len >= 2 && text.ptr[0] == '"' && text.ptr[text.len - 1] == '"');
    for (size_t i = 1; i + 1 < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        EAR_CHECK(c >= 0x20 && c < 0x7f && c != '"');
        if (c == '\\') i++;
        EAR_CHECK(i + 1 < text.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"(UID", " UID", "[UIDVALIDITY", "[UIDNEXT"};
    struct ear_str line = {(const char *)data, size};
    struct ear_buf quoted;
    uint32_t number = 0;
    int64_t at_us = 0;
    for (size_t i = 0; i < EAR_COUNT(names); i++) (void)ear_imap_number(line, names[i], &number);
    if (ear_imap_date(line, &at_us)) {
        char day[EAR_IMAP_DAY_BYTES];
        EAR_CHECK(at_us >= FIRST_US && at_us <= LAST_US);
        ear_imap_day(at_us, day);
        EAR_CHECK(strlen(day) < sizeof(day));
    }
    ear_buf_init(&quoted, (size_t)1 << 20);
    if (ear_imap_quote(line, &quoted) == EAR_OK) check_quoted(ear_buf_str(&quoted));
    ear_buf_release(&quoted);
    return 0;
}

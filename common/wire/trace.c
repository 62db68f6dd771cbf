#include "wire/wire.h"

/* https://www.w3.org/TR/trace-context/#traceparent-header, version 00. */
#define TRACE_LEN    (EAR_TRACE_TEXT_BYTES - 1)
#define TRACE_AT     3
#define TRACE_DIGITS 32
#define SPAN_AT      (TRACE_AT + TRACE_DIGITS + 1)
#define SPAN_DIGITS  16
#define FLAGS_AT     (SPAN_AT + SPAN_DIGITS + 1)

void ear_trace_new(char text[static EAR_TRACE_TEXT_BYTES])
{
    uint8_t bytes[(TRACE_DIGITS + SPAN_DIGITS) / 2];
    ear_random(bytes, sizeof(bytes));
    /* All zeroes means "none"; one chance in 2^64 for the span, but a rule of the format. */
    bytes[0] |= 1;
    bytes[TRACE_DIGITS / 2] |= 1;
    memcpy(text, "00-", TRACE_AT);
    ear_hex(bytes, TRACE_DIGITS / 2, text + TRACE_AT);
    ear_hex(bytes + TRACE_DIGITS / 2, SPAN_DIGITS / 2, text + SPAN_AT);
    text[SPAN_AT - 1] = '-';
    memcpy(text + FLAGS_AT - 1, "-01", 4);
}

/* Lower-case digits, as the standard has it. */
static bool is_hex(const char *text, size_t len, bool *nonzero)
{
    *nonzero = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
        if (c != '0') *nonzero = true;
    }
    return true;
}

bool ear_trace_valid(struct ear_str text)
{
    if (text.len != TRACE_LEN || !ear_str_starts(text, EAR_STR("00-"))) return false;
    if (text.ptr[SPAN_AT - 1] != '-' || text.ptr[FLAGS_AT - 1] != '-') return false;
    bool trace, span, flags;
    return is_hex(text.ptr + TRACE_AT, TRACE_DIGITS, &trace) && trace &&
           is_hex(text.ptr + SPAN_AT, SPAN_DIGITS, &span) && span &&
           is_hex(text.ptr + FLAGS_AT, 2, &flags);
}

#include "labels/mask.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Bytes above ASCII belong to letters of some script, or to signs that nobody parts words with. */
static bool is_word(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c < 0;
}

static bool is_space(char c)
{
    return (unsigned char)c <= ' ' || c == 0x7F;
}

static size_t run_of(struct ear_str s, size_t from, const char *also)
{
    size_t at = from;
    while (at < s.len && (is_word(s.ptr[at]) || (s.ptr[at] && strchr(also, s.ptr[at])))) at++;
    return at;
}

/* A full stop behind a name ends the sentence. */
static size_t without_dots(struct ear_str s, size_t from, size_t end)
{
    while (end > from && (s.ptr[end - 1] == '.' || s.ptr[end - 1] == '-')) end--;
    return end;
}

static size_t link_at(struct ear_str s)
{
    static const char *const begins[] = {"http://", "https://", "www."};
    for (size_t i = 0; i < EAR_COUNT(begins); i++) {
        size_t len = strlen(begins[i]), end = len;
        if (s.len <= len ||
            !ear_str_eq_nocase((struct ear_str){s.ptr, len}, ear_str_from(begins[i])))
            continue;
        while (end < s.len && !is_space(s.ptr[end])) end++;
        return end;
    }
    return 0;
}

static size_t mail_at(struct ear_str s)
{
    size_t at = run_of(s, 0, ".%+-");
    if (at == 0 || at >= s.len || s.ptr[at] != '@') return 0;
    size_t end = without_dots(s, at + 1, run_of(s, at + 1, ".-"));
    return memchr(s.ptr + at, '.', end - at) ? end : 0;
}

/* "@name" and "@name@server". */
static size_t handle_at(struct ear_str s)
{
    if (s.len < 2 || s.ptr[0] != '@' || !is_word(s.ptr[1])) return 0;
    return without_dots(s, 0, run_of(s, 1, ".-@"));
}

static size_t number_at(struct ear_str s)
{
    size_t digits = 0, end = 0;
    for (size_t at = 0; at < s.len && (is_digit(s.ptr[at]) || strchr(" .-/", s.ptr[at])); at++) {
        if (!s.ptr[at]) break;
        if (is_digit(s.ptr[at]))
            digits++, end = at + 1;
        else if (at != end)
            break; /* two signs in a row end a number */
    }
    return digits >= EAR_MASK_DIGITS && is_digit(s.ptr[0]) ? end : 0;
}

static bool is_own(struct ear_str handle, struct ear_str own)
{
    if (own.len && own.ptr[0] == '@') own = (struct ear_str){own.ptr + 1, own.len - 1};
    return own.len && ear_str_eq_nocase((struct ear_str){handle.ptr + 1, handle.len - 1}, own);
}

static ear_err append_zeros(struct ear_str number, struct ear_buf *out)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < number.len && !err; i++)
        err = ear_buf_append_char(out, is_digit(number.ptr[i]) ? '0' : number.ptr[i]);
    return err;
}

/* What begins at the start of a word; *len is what it takes up, 0: nothing to mask. */
static ear_err mask_word(struct ear_str s, struct ear_str own, size_t *len, struct ear_buf *out)
{
    if ((*len = link_at(s))) return ear_buf_append_str(out, EAR_STR("@url"));
    if ((*len = mail_at(s))) return ear_buf_append_str(out, EAR_STR("@mail"));
    if ((*len = number_at(s))) return append_zeros((struct ear_str){s.ptr, *len}, out);
    if (!(*len = handle_at(s))) return EAR_OK;
    struct ear_str handle = {s.ptr, *len};
    return ear_buf_append_str(out, is_own(handle, own) ? handle : EAR_STR("@user"));
}

ear_err ear_mask_text(struct ear_str text, struct ear_str own, struct ear_buf *out)
{
    ear_err err = EAR_OK;
    bool starts = true;
    for (size_t at = 0; at < text.len && !err;) {
        size_t len = 0;
        if (starts) err = mask_word((struct ear_str){text.ptr + at, text.len - at}, own, &len, out);
        if (err || len) {
            at += len;
            starts = false;
            continue;
        }
        char c = text.ptr[at++];
        starts = !is_word(c) && c != '@';
        err = ear_buf_append_char(out, is_space(c) ? ' ' : c);
    }
    return err;
}

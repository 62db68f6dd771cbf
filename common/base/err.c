#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool retryable;
    const char *text;
} table[] = {
#define X(code, name, retry, text) [code] = {name, retry, text},
    EAR_ERR_TABLE(X)
#undef X
};

static bool known(ear_err err)
{
    return (unsigned)err < EAR_ERR_COUNT;
}

const char *ear_err_name(ear_err err)
{
    return known(err) ? table[err].name : "unknown_error";
}

const char *ear_err_text(ear_err err)
{
    return known(err) ? table[err].text : "unknown error";
}

bool ear_err_retryable(ear_err err)
{
    return known(err) && table[err].retryable;
}

/* Cuts text so that no UTF-8 sequence is left half: drops the last lead byte and its followers
 * unless all of them are there. */
static void cut_at_boundary(char *text)
{
    size_t len = strlen(text);
    size_t at = len;
    while (at > 0 && len - at < 3 && ((unsigned char)text[at - 1] & 0xC0) == 0x80) at--;
    if (at == 0) return;
    unsigned char lead = (unsigned char)text[at - 1];
    size_t follow = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : 0;
    if (follow > len - at) text[at - 1] = '\0';
}

/* Fills by way of a copy, since an argument may point into the text that is replaced. */
EAR_PRINTF(2, 0) static void fill(struct ear_diag *diag, const char *fmt, va_list args)
{
    char text[EAR_DIAG_TEXT_BYTES];
    int len = vsnprintf(text, sizeof(text), fmt, args);
    if (len < 0) text[0] = '\0';
    if (len >= (int)sizeof(text)) cut_at_boundary(text);
    memcpy(diag->text, text, sizeof(text));
}

ear_err ear_fail(struct ear_diag *diag, ear_err err, const char *fmt, ...)
{
    if (!diag) return err;
    va_list args;
    va_start(args, fmt);
    fill(diag, fmt, args);
    va_end(args);
    diag->err = err;
    return err;
}

ear_err ear_fail_in(struct ear_diag *diag, ear_err err, const char *context)
{
    if (!diag) return err;
    if (diag->err != EAR_OK) err = diag->err;
    const char *text = diag->text[0] ? diag->text : ear_err_text(err);
    return ear_fail(diag, err, "%s: %s", context, text);
}

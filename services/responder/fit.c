#include "fit.h"

/* Longer than any platform takes in EAR_REPLY_PARTS_MAX parts, shorter than a mistake. */
#define FIT_BYTES_MAX (256 * 1024)

void ear_fit_init(struct ear_fit *fit)
{
    *fit = (struct ear_fit){0};
    ear_buf_init(&fit->text, FIT_BYTES_MAX);
}

void ear_fit_release(struct ear_fit *fit)
{
    ear_buf_release(&fit->text);
    *fit = (struct ear_fit){0};
}

struct ear_str ear_fit_part(const struct ear_fit *fit, size_t part)
{
    EAR_CHECK(part < fit->count);
    size_t from = part ? fit->ends[part - 1] : 0;
    return (struct ear_str){fit->text.data + from, fit->ends[part] - from};
}

ear_err ear_fit_add(struct ear_fit *fit, struct ear_str part)
{
    if (fit->count == EAR_REPLY_PARTS_MAX) return EAR_TOO_LARGE;
    ear_err err = ear_buf_append_str(&fit->text, part);
    if (err) return err;
    fit->ends[fit->count++] = fit->text.len;
    return EAR_OK;
}

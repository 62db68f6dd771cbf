#include "base/buf.h"

#include "base/check.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES ((size_t)64)

void ear_buf_init(struct ear_buf *buf, size_t max_bytes)
{
    *buf = (struct ear_buf){.max = max_bytes};
}

void ear_buf_release(struct ear_buf *buf)
{
    free(buf->data);
    *buf = (struct ear_buf){.max = buf->max};
}

void ear_buf_reset(struct ear_buf *buf)
{
    buf->len = 0;
    if (buf->data) buf->data[0] = '\0';
}

ear_err ear_buf_reserve(struct ear_buf *buf, size_t more)
{
    EAR_CHECK(buf->len <= buf->max);
    if (more > buf->max - buf->len || buf->len + more == SIZE_MAX) return EAR_TOO_LARGE;
    size_t need = buf->len + more + 1;
    if (need <= buf->cap) return EAR_OK;
    size_t cap = buf->cap < FIRST_BYTES ? FIRST_BYTES : buf->cap;
    while (cap < need) cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    if (buf->max < SIZE_MAX && cap > buf->max + 1) cap = buf->max + 1;
    char *data = ear_try_realloc(buf->data, cap);
    if (!data) return EAR_NO_MEMORY;
    buf->data = data;
    buf->cap = cap;
    buf->data[buf->len] = '\0';
    return EAR_OK;
}

ear_err ear_buf_append(struct ear_buf *buf, const void *data, size_t len)
{
    ear_err err = ear_buf_reserve(buf, len);
    if (err) return err;
    if (len) memcpy(buf->data + buf->len, data, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return EAR_OK;
}

ear_err ear_buf_append_str(struct ear_buf *buf, struct ear_str s)
{
    return ear_buf_append(buf, s.ptr, s.len);
}

ear_err ear_buf_append_char(struct ear_buf *buf, char c)
{
    return ear_buf_append(buf, &c, 1);
}

/* Measures first, so that a text past the ceiling leaves the buffer as it was. */
EAR_PRINTF(2, 0) static ear_err append_format(struct ear_buf *buf, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    ear_err err = len < 0 ? EAR_INVALID : ear_buf_reserve(buf, (size_t)len);
    if (!err) {
        int wrote = vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
        EAR_CHECK(wrote == len);
        buf->len += (size_t)len;
    }
    va_end(again);
    return err;
}

ear_err ear_buf_printf(struct ear_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    ear_err err = append_format(buf, fmt, args);
    va_end(args);
    return err;
}

void ear_buf_consume(struct ear_buf *buf, size_t len)
{
    EAR_CHECK(len <= buf->len);
    if (len == 0) return;
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
    buf->data[buf->len] = '\0';
}

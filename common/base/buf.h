/* buf: a growing run of bytes with a ceiling. Always NUL-terminated behind its length, so `data`
 * can be read as text once anything was appended. */
#ifndef EAR_BASE_BUF_H
#define EAR_BASE_BUF_H

#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

struct ear_buf {
    char *data; /* owned */
    size_t len;
    size_t cap;
    size_t max; /* ceiling in bytes */
};

void ear_buf_init(struct ear_buf *buf, size_t max_bytes);
void ear_buf_release(struct ear_buf *buf);
void ear_buf_reset(struct ear_buf *buf); /* length 0, memory kept */

/* EAR_TOO_LARGE past the ceiling, EAR_NO_MEMORY; nothing is appended then. */
ear_err ear_buf_append(struct ear_buf *buf, const void *data, size_t len) EAR_MUST_CHECK;
ear_err ear_buf_append_str(struct ear_buf *buf, struct ear_str s) EAR_MUST_CHECK;
ear_err ear_buf_append_char(struct ear_buf *buf, char c) EAR_MUST_CHECK;
ear_err ear_buf_printf(struct ear_buf *buf, const char *fmt, ...) EAR_MUST_CHECK EAR_PRINTF(2, 3);
/* Room for `more` bytes behind data[len]. */
ear_err ear_buf_reserve(struct ear_buf *buf, size_t more) EAR_MUST_CHECK;
void ear_buf_consume(struct ear_buf *buf, size_t len); /* drops the first len bytes */

static inline struct ear_str ear_buf_str(const struct ear_buf *buf)
{
    return (struct ear_str){buf->data, buf->len};
}

#endif

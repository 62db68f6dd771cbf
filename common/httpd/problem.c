#include "private.h"
#include <stdio.h>

#define PROBLEM_BYTES_MAX (16u << 10)

static ear_err append_escaped(struct ear_buf *out, const char *text)
{
    ear_err err = ear_buf_append_char(out, '"');
    for (const char *at = text; *at && err == EAR_OK; at++) {
        unsigned char c = (unsigned char)*at;
        if (c == '"' || c == '\\') {
            err = ear_buf_printf(out, "\\%c", c);
        } else if (c < 0x20) {
            err = ear_buf_printf(out, "\\u%04x", c);
        } else {
            err = ear_buf_append_char(out, *at);
        }
    }
    return err == EAR_OK ? ear_buf_append_char(out, '"') : err;
}

static ear_err write_problem(struct ear_buf *out, unsigned status, const char *title,
                             const char *detail)
{
    ear_err err = ear_buf_printf(out, "{\"type\":\"about:blank\",\"status\":%u,\"title\":", status);
    if (err == EAR_OK) err = append_escaped(out, title);
    if (err == EAR_OK && detail) {
        err = ear_buf_append_str(out, EAR_STR(",\"detail\":"));
        if (err == EAR_OK) err = append_escaped(out, detail);
    }
    return err == EAR_OK ? ear_buf_append_str(out, EAR_STR("}\n")) : err;
}

void ear_httpd_problem(struct ear_httpd_request *request, unsigned status, const char *title,
                       const char *detail, unsigned retry_after_s)
{
    char seconds[16];
    snprintf(seconds, sizeof(seconds), "%u", retry_after_s);
    const struct ear_httpd_header retry = {"Retry-After", seconds};
    struct ear_buf body;
    ear_buf_init(&body, PROBLEM_BYTES_MAX);
    if (write_problem(&body, status, title, detail) != EAR_OK) ear_buf_reset(&body);
    ear_httpd_answer(request, status, "application/problem+json", ear_buf_str(&body), &retry,
                     retry_after_s ? 1 : 0);
    ear_buf_release(&body);
}

/* err: how anything in Earshot fails.
 *
 * A function that can fail returns ear_err (EAR_OK is 0) and puts results in out-pointers. There
 * is one code per condition that a caller acts on differently; what a person needs to know goes
 * into an optional struct ear_diag that the caller owns. Errors are logged once, where they are
 * handled. */
#ifndef EAR_BASE_ERR_H
#define EAR_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

/*    code, its name, retry, a clause for people */
#define EAR_ERR_TABLE(X)                                                          \
    X(EAR_OK, "ok", false, "ok")                                                  \
    X(EAR_AGAIN, "again", true, "not now: no room, no credit or not ready")       \
    X(EAR_TIMEOUT, "timeout", true, "no answer in time")                          \
    X(EAR_UNAVAILABLE, "unavailable", true, "the other side cannot be reached")   \
    X(EAR_LIMITED, "limited", true, "the other side asks to slow down")           \
    X(EAR_CLOSED, "closed", false, "closed")                                      \
    X(EAR_INVALID, "invalid", false, "malformed or out of range")                 \
    X(EAR_TOO_LARGE, "too_large", false, "larger than its ceiling")               \
    X(EAR_NO_MEMORY, "no_memory", true, "out of memory")                          \
    X(EAR_NOT_FOUND, "not_found", false, "no such thing")                         \
    X(EAR_CONFLICT, "conflict", false, "exists already or was changed meanwhile") \
    X(EAR_DENIED, "denied", false, "not allowed")                                 \
    X(EAR_UNSUPPORTED, "unsupported", false, "not supported")                     \
    X(EAR_DATA, "data", false, "refused by the database because of its content")  \
    X(EAR_UNKNOWN_FATE, "unknown_fate", false, "may or may not have happened")    \
    X(EAR_IO, "io", true, "input or output failed")

typedef enum ear_err {
#define X(code, name, retry, text) code,
    EAR_ERR_TABLE(X)
#undef X
        EAR_ERR_COUNT
} ear_err;

#define EAR_MUST_CHECK              __attribute__((warn_unused_result))
#define EAR_PRINTF(fmt_at, args_at) __attribute__((format(printf, fmt_at, args_at)))

/* The code without its prefix, in lower case ("unavailable"), for logs and labels; static text. */
const char *ear_err_name(ear_err err);

/* One clause for people; static text. */
const char *ear_err_text(ear_err err);

/* True where the same call may succeed later without anything being changed. */
bool ear_err_retryable(ear_err err);

#define EAR_DIAG_TEXT_BYTES 512

/* What went wrong, in words that say what to do about it. Fixed size, owned by the caller;
 * functions take it as a pointer that may be NULL. Text is cut at the size, on a UTF-8
 * boundary. */
struct ear_diag {
    ear_err err;
    char text[EAR_DIAG_TEXT_BYTES];
};

/* Fills diag (which may be NULL) and returns err, so that `return ear_fail(diag, EAR_…, "…")`
 * works. */
ear_err ear_fail(struct ear_diag *diag, ear_err err, const char *fmt, ...) EAR_PRINTF(3, 4);

/* Puts "context: " before the text of diag (may be NULL); returns diag's err or `err`. */
ear_err ear_fail_in(struct ear_diag *diag, ear_err err, const char *context);

#endif

#include "post_in.h"
#include "text/text.h"

#define AHEAD_MAX_US (INT64_C(86400) * EAR_US_PER_S)
/* 1990-01-01: older than any platform. */
#define OLDEST_US (INT64_C(631152000) * EAR_US_PER_S)

struct limit {
    const char *member;
    struct ear_str value;
    size_t max;
    bool needed;
};

static ear_err check_text(const struct limit *limit, struct ear_diag *diag)
{
    if (limit->needed && limit->value.len == 0) {
        return ear_fail(diag, EAR_INVALID, "%s is empty", limit->member);
    }
    if (limit->value.len > limit->max) {
        return ear_fail(diag, EAR_TOO_LARGE, "%s has more than %zu bytes", limit->member,
                        limit->max);
    }
    if (limit->value.len &&
        (memchr(limit->value.ptr, '\0', limit->value.len) || !ear_text_is_utf8(limit->value))) {
        return ear_fail(diag, EAR_INVALID, "%s is not UTF-8 without NUL", limit->member);
    }
    return EAR_OK;
}

static ear_err check_platform(struct ear_str platform, struct ear_diag *diag)
{
    for (size_t i = 0; i < platform.len; i++) {
        char c = platform.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c == '.')) {
            return ear_fail(diag, EAR_INVALID, "platform may hold a-z, 0-9, '-', '_' and '.' only");
        }
    }
    return EAR_OK;
}

bool ear_post_in_dated(const struct ear_post_in *post, int64_t now_us)
{
    return post->created_at_us >= OLDEST_US && post->created_at_us <= now_us + AHEAD_MAX_US;
}

ear_err ear_post_in_check(const struct ear_post_in *post, int64_t now_us, struct ear_diag *diag)
{
    const struct limit limits[] = {
        {"platform", post->platform, EAR_PLATFORM_BYTES_MAX, true},
        {"external_id", post->external_id, EAR_POST_REF_BYTES_MAX, true},
        {"account", post->account, EAR_POST_NAME_BYTES_MAX, false},
        {"author.id", post->author_id, EAR_POST_REF_BYTES_MAX, true},
        {"author.handle", post->author_handle, EAR_POST_NAME_BYTES_MAX, false},
        {"author.name", post->author_name, EAR_POST_NAME_BYTES_MAX, false},
        {"text", post->text, EAR_POST_TEXT_BYTES_MAX, false},
        {"language", post->language, EAR_POST_LANGUAGE_BYTES_MAX, false},
        {"in_reply_to", post->in_reply_to, EAR_POST_REF_BYTES_MAX, false},
        {"conversation", post->conversation, EAR_POST_REF_BYTES_MAX, false},
        {"url", post->url, EAR_POST_URL_BYTES_MAX, false},
        {"thread", post->thread, EAR_POST_TEXT_BYTES_MAX, false},
    };
    ear_err err = EAR_OK;
    for (size_t i = 0; i < EAR_COUNT(limits) && err == EAR_OK; i++) {
        err = check_text(&limits[i], diag);
    }
    if (err == EAR_OK) err = check_platform(post->platform, diag);
    if (err == EAR_OK && post->kind != EAR_POST_DELETE && !ear_post_in_dated(post, now_us)) {
        err = ear_fail(diag, EAR_INVALID, "its time must lie between 1990 and tomorrow");
    }
    return err;
}

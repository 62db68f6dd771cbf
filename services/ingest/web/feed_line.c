#include "web/feed_line.h"

enum member {
    POST,
    KIND,
    PLATFORM,
    EXTERNAL_ID,
    ACCOUNT,
    AUTHOR,
    AUTHOR_ID,
    AUTHOR_HANDLE,
    AUTHOR_NAME,
    AUTHOR_FOLLOWERS,
    TEXT,
    CREATED_AT,
    EDITED_AT,
    IN_REPLY_TO,
    CONVERSATION,
    VISIBILITY,
    LANGUAGE,
    URL,
    MEMBERS
};

#define NAME(text, of)               \
    {                                \
        {text, sizeof(text) - 1}, of \
    }

static const struct ear_json_want members[MEMBERS] = {
    [KIND] = NAME("kind", POST),
    [PLATFORM] = NAME("platform", POST),
    [EXTERNAL_ID] = NAME("external_id", POST),
    [ACCOUNT] = NAME("account", POST),
    [AUTHOR] = NAME("author", POST),
    [AUTHOR_ID] = NAME("id", AUTHOR),
    [AUTHOR_HANDLE] = NAME("handle", AUTHOR),
    [AUTHOR_NAME] = NAME("name", AUTHOR),
    [AUTHOR_FOLLOWERS] = NAME("followers", AUTHOR),
    [TEXT] = NAME("text", POST),
    [CREATED_AT] = NAME("created_at", POST),
    [EDITED_AT] = NAME("edited_at", POST),
    [IN_REPLY_TO] = NAME("in_reply_to", POST),
    [CONVERSATION] = NAME("conversation", POST),
    [VISIBILITY] = NAME("visibility", POST),
    [LANGUAGE] = NAME("language", POST),
    [URL] = NAME("url", POST),
};

static ear_err may_have(const struct ear_json_value *values, enum member which, struct ear_str *out,
                        struct ear_diag *diag)
{
    return ear_json_value_text(&values[which], members[which].name.ptr, out, diag);
}

static ear_err must_have(const struct ear_json_value *values, enum member which,
                         struct ear_str *out, struct ear_diag *diag)
{
    return ear_json_value_need_text(&values[which], members[which].name.ptr, out, diag);
}

static ear_err need_time(const struct ear_json_value *values, enum member which, int64_t *at_us,
                         struct ear_diag *diag)
{
    struct ear_str text;
    ear_err err = must_have(values, which, &text, diag);
    if (err != EAR_OK) return err;
    if (ear_time_parse(text, at_us) != EAR_OK) {
        return ear_fail(diag, EAR_INVALID, "%s must be an RFC 3339 time with a zone",
                        members[which].name.ptr);
    }
    return EAR_OK;
}

static ear_err read_kind(const struct ear_json_value *values, struct ear_post_in *post,
                         struct ear_diag *diag)
{
    struct ear_str kind = EAR_STR("post");
    ear_err err = may_have(values, KIND, &kind, diag);
    if (err != EAR_OK) return err;
    if (ear_str_eq(kind, EAR_STR("edit"))) {
        post->kind = EAR_POST_EDIT;
    } else if (ear_str_eq(kind, EAR_STR("delete"))) {
        post->kind = EAR_POST_DELETE;
    } else if (!ear_str_eq(kind, EAR_STR("post"))) {
        return ear_fail(diag, EAR_INVALID, "kind must be post, edit or delete");
    }
    return EAR_OK;
}

static ear_err read_author(const struct ear_json_value *values, struct ear_post_in *post,
                           struct ear_diag *diag)
{
    ear_json_type type = values[AUTHOR].type;
    if (type == EAR_JSON_ABSENT || type == EAR_JSON_NULL)
        return ear_fail(diag, EAR_INVALID, "author is missing");
    if (type != EAR_JSON_OBJECT) return ear_fail(diag, EAR_INVALID, "\"author\" is not an object");
    ear_err err = must_have(values, AUTHOR_ID, &post->author_id, diag);
    if (err == EAR_OK) err = may_have(values, AUTHOR_HANDLE, &post->author_handle, diag);
    if (err == EAR_OK) err = may_have(values, AUTHOR_NAME, &post->author_name, diag);
    if (err == EAR_OK) {
        err = ear_json_value_i64(&values[AUTHOR_FOLLOWERS], "followers", 0, INT64_MAX / 2,
                                 &post->author_followers, diag);
    }
    return err == EAR_OK ? EAR_OK : ear_fail_in(diag, err, "author");
}

static ear_err read_visibility(const struct ear_json_value *values, struct ear_post_in *post,
                               struct ear_diag *diag)
{
    struct ear_str text = EAR_STR("public");
    ear_err err = may_have(values, VISIBILITY, &text, diag);
    if (err != EAR_OK) return err;
    if (ear_str_eq(text, EAR_STR("direct"))) {
        post->visibility = EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT;
    } else if (!ear_str_eq(text, EAR_STR("public"))) {
        return ear_fail(diag, EAR_INVALID, "visibility must be public or direct");
    }
    return EAR_OK;
}

static ear_err read_times(const struct ear_json_value *values, struct ear_post_in *post,
                          struct ear_diag *diag)
{
    ear_err err = need_time(values, CREATED_AT, &post->created_at_us, diag);
    post->trusted_at_us = post->created_at_us;
    if (err == EAR_OK && post->kind == EAR_POST_EDIT) {
        err = need_time(values, EDITED_AT, &post->created_at_us, diag);
    }
    return err;
}

static ear_err read_texts(const struct ear_json_value *values, struct ear_post_in *post,
                          struct ear_diag *diag)
{
    const struct {
        enum member which;
        struct ear_str *to;
        bool needed;
    } texts[] = {
        {PLATFORM, &post->platform, true},
        {EXTERNAL_ID, &post->external_id, true},
        {ACCOUNT, &post->account, false},
        {TEXT, &post->text, post->kind != EAR_POST_DELETE},
        {IN_REPLY_TO, &post->in_reply_to, false},
        {CONVERSATION, &post->conversation, false},
        {LANGUAGE, &post->language, false},
        {URL, &post->url, false},
    };
    ear_err err = EAR_OK;
    for (size_t i = 0; i < EAR_COUNT(texts) && err == EAR_OK; i++) {
        err = texts[i].needed ? must_have(values, texts[i].which, texts[i].to, diag)
                              : may_have(values, texts[i].which, texts[i].to, diag);
    }
    return err;
}

/* A post is one line: which one of the feed, whoever sent it knows better. */
static void drop_line_number(struct ear_diag *diag)
{
    static const struct ear_str first = {"line 1, ", 8};
    if (!diag || !ear_str_starts(ear_str_from(diag->text), first)) return;
    memmove(diag->text, diag->text + first.len, strlen(diag->text + first.len) + 1);
}

/* Nobody is lost for a clock that is wrong: what cannot have been said then is shown as heard now.
 * (Its id has no time either, see ear_id_post, so that it is known again by every route.) */
static void mend_time(struct ear_post_in *post, int64_t now_us)
{
    if (post->kind == EAR_POST_NEW && !ear_post_in_dated(post, now_us))
        post->created_at_us = now_us;
}

ear_err ear_feed_line_parse(struct ear_str line, int64_t now_us, struct ear_post_in *post,
                            struct ear_arena *room, struct ear_diag *diag)
{
    struct ear_json_value values[MEMBERS];
    *post = (struct ear_post_in){.author_followers = -1};
    ear_err err =
        ear_json_pick(line, EAR_FEED_LINE_BYTES_MAX, members, MEMBERS, values, room, diag);
    if (err != EAR_OK) {
        drop_line_number(diag);
        return err;
    }
    if (values[POST].type != EAR_JSON_OBJECT)
        return ear_fail(diag, EAR_INVALID, "a post is a JSON object");
    err = read_kind(values, post, diag);
    if (err == EAR_OK) err = read_texts(values, post, diag);
    if (err == EAR_OK) err = read_author(values, post, diag);
    if (err == EAR_OK) err = read_visibility(values, post, diag);
    if (err == EAR_OK) err = read_times(values, post, diag);
    if (err != EAR_OK) return err;
    mend_time(post, now_us);
    return ear_post_in_check(post, now_us, diag);
}

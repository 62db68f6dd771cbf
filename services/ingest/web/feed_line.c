#include "web/feed_line.h"

#define VALUES_MAX 1024 /* of a post, what nobody reads included */

static ear_err need_time(const json_t *object, const char *key, int64_t *at_us,
                         struct ear_diag *diag)
{
    struct ear_str text;
    ear_err err = ear_json_need_text(object, key, &text, diag);
    if (err != EAR_OK) return err;
    if (ear_time_parse(text, at_us) != EAR_OK) {
        return ear_fail(diag, EAR_INVALID, "%s must be an RFC 3339 time with a zone", key);
    }
    return EAR_OK;
}

static ear_err read_kind(const json_t *object, struct ear_post_in *post, struct ear_diag *diag)
{
    struct ear_str kind = EAR_STR("post");
    ear_err err = ear_json_text(object, "kind", &kind, diag);
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

static ear_err read_author(const json_t *object, struct ear_post_in *post, struct ear_diag *diag)
{
    const json_t *author = NULL;
    ear_err err = ear_json_object(object, "author", &author, diag);
    if (err == EAR_OK && !author) err = ear_fail(diag, EAR_INVALID, "author is missing");
    if (err == EAR_OK) err = ear_json_need_text(author, "id", &post->author_id, diag);
    if (err == EAR_OK) err = ear_json_text(author, "handle", &post->author_handle, diag);
    if (err == EAR_OK) err = ear_json_text(author, "name", &post->author_name, diag);
    if (err == EAR_OK) {
        err = ear_json_i64(author, "followers", 0, INT64_MAX / 2, &post->author_followers, diag);
    }
    return err == EAR_OK || author == NULL ? err : ear_fail_in(diag, err, "author");
}

static ear_err read_visibility(const json_t *object, struct ear_post_in *post,
                               struct ear_diag *diag)
{
    struct ear_str text = EAR_STR("public");
    ear_err err = ear_json_text(object, "visibility", &text, diag);
    if (err != EAR_OK) return err;
    if (ear_str_eq(text, EAR_STR("direct"))) {
        post->visibility = EARSHOT__V1__VISIBILITY__VISIBILITY_DIRECT;
    } else if (!ear_str_eq(text, EAR_STR("public"))) {
        return ear_fail(diag, EAR_INVALID, "visibility must be public or direct");
    }
    return EAR_OK;
}

static ear_err read_times(const json_t *object, struct ear_post_in *post, struct ear_diag *diag)
{
    ear_err err = need_time(object, "created_at", &post->created_at_us, diag);
    post->trusted_at_us = post->created_at_us;
    if (err == EAR_OK && post->kind == EAR_POST_EDIT) {
        err = need_time(object, "edited_at", &post->created_at_us, diag);
    }
    return err;
}

static ear_err read_texts(const json_t *object, struct ear_post_in *post, struct ear_diag *diag)
{
    const struct {
        const char *key;
        struct ear_str *to;
        bool needed;
    } members[] = {
        {"platform", &post->platform, true},
        {"external_id", &post->external_id, true},
        {"account", &post->account, false},
        {"text", &post->text, post->kind != EAR_POST_DELETE},
        {"in_reply_to", &post->in_reply_to, false},
        {"conversation", &post->conversation, false},
        {"language", &post->language, false},
        {"url", &post->url, false},
    };
    ear_err err = EAR_OK;
    for (size_t i = 0; i < EAR_COUNT(members) && err == EAR_OK; i++) {
        err = members[i].needed ? ear_json_need_text(object, members[i].key, members[i].to, diag)
                                : ear_json_text(object, members[i].key, members[i].to, diag);
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

static void keep_only(json_t *object, const char *const *known, size_t count)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, key, value)
    {
        size_t at = 0;
        while (at < count && strcmp(known[at], key) != 0) at++;
        if (at == count) json_object_del(object, key);
    }
}

/* Posts wait for their commit with their JSON: what nobody reads, and may be as large as a line,
 * does not wait along. */
static void drop_unknown(json_t *object)
{
    static const char *const of_post[] = {"platform", "external_id", "account",      "author",
                                          "text",     "in_reply_to", "conversation", "visibility",
                                          "language", "url"};
    static const char *const of_author[] = {"id", "handle", "name"};
    keep_only(object, of_post, EAR_COUNT(of_post));
    keep_only(json_object_get(object, "author"), of_author, EAR_COUNT(of_author));
}

/* Nobody is lost for a clock that is wrong: what cannot have been said then is shown as heard now.
 * (Its id has no time either, see ear_id_post, so that it is known again by every route.) */
static void mend_time(struct ear_post_in *post, int64_t now_us)
{
    if (post->kind == EAR_POST_NEW && !ear_post_in_dated(post, now_us))
        post->created_at_us = now_us;
}

ear_err ear_feed_line_parse(struct ear_str line, int64_t now_us, struct ear_post_in *post,
                            json_t **owned, struct ear_diag *diag)
{
    *owned = NULL;
    *post = (struct ear_post_in){.author_followers = -1};
    ear_err err = ear_json_parse_few(line, EAR_FEED_LINE_BYTES_MAX, VALUES_MAX, owned, diag);
    if (err != EAR_OK) {
        drop_line_number(diag);
        return err;
    }
    if (!json_is_object(*owned)) err = ear_fail(diag, EAR_INVALID, "a post is a JSON object");
    if (err == EAR_OK) err = read_kind(*owned, post, diag);
    if (err == EAR_OK) err = read_texts(*owned, post, diag);
    if (err == EAR_OK) err = read_author(*owned, post, diag);
    if (err == EAR_OK) err = read_visibility(*owned, post, diag);
    if (err == EAR_OK) err = read_times(*owned, post, diag);
    mend_time(post, now_us);
    if (err == EAR_OK) err = ear_post_in_check(post, now_us, diag);
    if (err == EAR_OK) {
        drop_unknown(*owned);
    } else {
        json_decref(*owned);
        *owned = NULL;
    }
    return err;
}

#include "judge/post_line.h"

/* `yes` is how text says so; NULL: any text does. */
static ear_err read_flag(const json_t *object, const char *flag, const char *member,
                         const char *yes, bool *out, struct ear_diag *diag)
{
    struct ear_str text = EAR_STR_NONE;
    ear_err err = ear_json_bool(object, flag, out, diag);
    if (!err) err = ear_json_text(object, member, &text, diag);
    if (!err && text.ptr) *out |= !yes || ear_str_eq(text, ear_str_from(yes));
    return err;
}

static ear_err read_members(const json_t *object, struct ear_model_post *post,
                            struct ear_diag *diag)
{
    if (!json_is_object(object)) return ear_fail(diag, EAR_INVALID, "not an object");
    ear_err err = ear_json_need_text(object, "text", &post->text, diag);
    if (!err) err = ear_json_text(object, "language", &post->language_hint, diag);
    if (!err) err = ear_json_text(object, "lang", &post->language_hint, diag);
    if (!err) err = ear_json_text(object, "account", &post->account, diag);
    if (!err) err = read_flag(object, "direct", "visibility", "direct", &post->direct, diag);
    if (!err) err = read_flag(object, "reply", "in_reply_to", NULL, &post->reply, diag);
    return err;
}

ear_err ear_post_line_read(struct ear_str line, struct ear_post_line *out, struct ear_diag *diag)
{
    *out = (struct ear_post_line){0};
    ear_err err = ear_json_parse(line, EAR_POST_LINE_MAX, &out->object, diag);
    if (!err) err = read_members(out->object, &out->post, diag);
    if (err) ear_post_line_release(out);
    return err;
}

void ear_post_line_release(struct ear_post_line *line)
{
    json_decref(line->object);
    *line = (struct ear_post_line){0};
}

#include "judge/post_line.h"

enum { LINE, TEXT, LANGUAGE, LANG, ACCOUNT, DIRECT, VISIBILITY, REPLY, IN_REPLY_TO, MEMBERS };

static const struct ear_json_want members[MEMBERS] = {
    [TEXT] = {{"text", 4}, LINE},     [LANGUAGE] = {{"language", 8}, LINE},
    [LANG] = {{"lang", 4}, LINE},     [ACCOUNT] = {{"account", 7}, LINE},
    [DIRECT] = {{"direct", 6}, LINE}, [VISIBILITY] = {{"visibility", 10}, LINE},
    [REPLY] = {{"reply", 5}, LINE},   [IN_REPLY_TO] = {{"in_reply_to", 11}, LINE},
};

static ear_err take_text(const struct ear_json_value *values, size_t member, struct ear_str *out,
                         struct ear_diag *diag)
{
    return ear_json_value_text(&values[member], members[member].name.ptr, out, diag);
}

/* `yes` is how text says so; NULL: any text does. */
static ear_err take_flag(const struct ear_json_value *values, size_t flag, size_t member,
                         const char *yes, bool *out, struct ear_diag *diag)
{
    struct ear_str text = EAR_STR_NONE;
    ear_err err = ear_json_value_bool(&values[flag], members[flag].name.ptr, out, diag);
    if (!err) err = take_text(values, member, &text, diag);
    if (!err && text.ptr) *out |= !yes || ear_str_eq(text, ear_str_from(yes));
    return err;
}

ear_err ear_post_line_read(struct ear_str line, struct ear_arena *room, struct ear_model_post *out,
                           struct ear_diag *diag)
{
    struct ear_json_value values[MEMBERS];
    *out = (struct ear_model_post){0};
    ear_err err = ear_json_pick(line, EAR_POST_LINE_MAX, members, MEMBERS, values, room, diag);
    if (!err && values[LINE].type != EAR_JSON_OBJECT)
        err = ear_fail(diag, EAR_INVALID, "not an object");
    if (!err) err = ear_json_value_need_text(&values[TEXT], "text", &out->text, diag);
    if (!err) err = take_text(values, LANGUAGE, &out->language_hint, diag);
    if (!err) err = take_text(values, LANG, &out->language_hint, diag);
    if (!err) err = take_text(values, ACCOUNT, &out->account, diag);
    if (!err) err = take_flag(values, DIRECT, VISIBILITY, "direct", &out->direct, diag);
    if (!err) err = take_flag(values, REPLY, IN_REPLY_TO, NULL, &out->reply, diag);
    return err;
}

#include "web/parcel.h"
#include "web/feed_line.h"
#include <stdlib.h>

void ear_parcel_release(struct ear_parcel *parcel)
{
    for (size_t i = 0; i < parcel->post_count; i++) json_decref(parcel->owned[i]);
    free(parcel->owned);
    free(parcel->posts);
    free(parcel->lines);
    *parcel = (struct ear_parcel){0};
}

static void make_room(struct ear_parcel *parcel, size_t lines)
{
    parcel->lines = ear_alloc((lines + 1) * sizeof(*parcel->lines));
    parcel->posts = ear_alloc((lines + 1) * sizeof(*parcel->posts));
    parcel->owned = ear_alloc((lines + 1) * sizeof(json_t *));
}

/* What is wrong with a line is noted; want of memory is not the line's fault, and returned. */
static ear_err read_line(struct ear_parcel *parcel, struct ear_str text, size_t number,
                         int64_t now_us)
{
    struct ear_diag diag = {0};
    struct ear_parcel_line *line = &parcel->lines[parcel->line_count++];
    line->number = number;
    line->post = parcel->post_count;
    ear_err err = ear_feed_line_parse(text, now_us, &parcel->posts[line->post],
                                      &parcel->owned[line->post], &diag);
    if (err == EAR_OK) {
        parcel->post_count++;
        return EAR_OK;
    }
    if (ear_err_retryable(err)) return err;
    line->malformed = true;
    parcel->malformed++;
    struct ear_str why = ear_str_from(diag.text);
    if (why.len >= sizeof(line->error)) why.len = sizeof(line->error) - 1;
    if (!ear_str_copy(line->error, sizeof(line->error), why)) line->error[0] = '\0';
    return EAR_OK;
}

ear_err ear_parcel_read_one(struct ear_parcel *parcel, struct ear_str body, int64_t now_us,
                            struct ear_diag *diag)
{
    make_room(parcel, 1);
    ear_err err = read_line(parcel, body, 1, now_us);
    if (err) return ear_fail(diag, err, "%s", ear_err_text(err));
    if (parcel->post_count == 1) return EAR_OK;
    return ear_fail(diag, EAR_INVALID, "%s", parcel->lines[0].error);
}

static size_t count_lines(struct ear_str body)
{
    struct ear_str line;
    size_t count = 0;
    while (body.len && ear_str_split(&body, '\n', &line)) count += ear_str_trim(line).len > 0;
    return count;
}

ear_err ear_parcel_read_lines(struct ear_parcel *parcel, struct ear_str body, int64_t now_us,
                              struct ear_diag *diag)
{
    struct ear_str line;
    size_t count = count_lines(body);
    if (count == 0) return ear_fail(diag, EAR_INVALID, "there is no line in the body");
    if (count > EAR_PARCEL_LINES_MAX) {
        return ear_fail(diag, EAR_TOO_LARGE, "more than %d posts: split the request",
                        EAR_PARCEL_LINES_MAX);
    }
    make_room(parcel, count);
    ear_err err = EAR_OK;
    for (size_t number = 1; !err && parcel->line_count < count && ear_str_split(&body, '\n', &line);
         number++) {
        line = ear_str_trim(line);
        if (line.len) err = read_line(parcel, line, number, now_us);
    }
    return err ? ear_fail(diag, err, "%s", ear_err_text(err)) : EAR_OK;
}

static json_t *line_answer(const struct ear_parcel_line *line,
                           const struct ear_post_result *results)
{
    char id[EAR_ID_TEXT_BYTES];
    if (line->malformed || !results) {
        json_t *error = json_string(line->error);
        return json_pack("{s:I, s:s, s:o}", "line", (json_int_t)line->number, "status", "malformed",
                         "error", error ? error : json_string("not UTF-8"));
    }
    const struct ear_post_result *result = &results[line->post];
    if (result->kind == EAR_RESULT_REFUSED) {
        return json_pack("{s:I, s:s, s:s}", "line", (json_int_t)line->number, "status", "refused",
                         "error", result->why ? result->why : "");
    }
    ear_id_format(&result->post_id, id);
    return json_pack("{s:I, s:s, s:s}", "line", (json_int_t)line->number, "status",
                     ear_post_result_name(result->kind), "post_id", id);
}

ear_err ear_parcel_answer(const struct ear_parcel *parcel, const struct ear_post_result *results,
                          struct ear_buf *out)
{
    ear_err err = EAR_OK;
    for (size_t i = 0; i < parcel->line_count && err == EAR_OK; i++) {
        json_t *answer = line_answer(&parcel->lines[i], results);
        err = answer ? ear_json_write(answer, out) : EAR_NO_MEMORY;
        json_decref(answer);
        if (err == EAR_OK) err = ear_buf_append_char(out, '\n');
    }
    return err;
}

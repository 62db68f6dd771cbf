#include "web/parcel.h"
#include "web/feed_line.h"
#include "json/json.h"
#include <stdlib.h>

#define ANSWER_LINE_BYTES 96 /* of a post that was taken */

void ear_parcel_release(struct ear_parcel *parcel)
{
    ear_arena_free(&parcel->room);
    free(parcel->posts);
    free(parcel->lines);
    *parcel = (struct ear_parcel){0};
}

static void make_room(struct ear_parcel *parcel, size_t lines, struct ear_str body)
{
    parcel->lines = ear_alloc((lines + 1) * sizeof(*parcel->lines));
    parcel->posts = ear_alloc((lines + 1) * sizeof(*parcel->posts));
    parcel->room = ear_arena_new(4 * body.len + lines * EAR_DIAG_TEXT_BYTES);
}

/* What is wrong with a line is noted; want of memory is not the line's fault, and returned. */
static ear_err read_line(struct ear_parcel *parcel, struct ear_str text, size_t number,
                         int64_t now_us)
{
    struct ear_diag diag;
    struct ear_parcel_line *line = &parcel->lines[parcel->line_count++];
    line->number = number;
    line->post = parcel->post_count;
    ear_err err =
        ear_feed_line_parse(text, now_us, &parcel->posts[line->post], parcel->room, &diag);
    if (err == EAR_OK) {
        parcel->post_count++;
        return EAR_OK;
    }
    if (ear_err_retryable(err)) return err;
    parcel->malformed++;
    line->error = ear_arena_copy(parcel->room, ear_str_from(diag.text));
    return line->error ? EAR_OK : EAR_NO_MEMORY;
}

ear_err ear_parcel_read_one(struct ear_parcel *parcel, struct ear_str body, int64_t now_us,
                            struct ear_diag *diag)
{
    make_room(parcel, 1, body);
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
    make_room(parcel, count, body);
    ear_err err = EAR_OK;
    for (size_t number = 1; !err && parcel->line_count < count && ear_str_split(&body, '\n', &line);
         number++) {
        line = ear_str_trim(line);
        if (line.len) err = read_line(parcel, line, number, now_us);
    }
    return err ? ear_fail(diag, err, "%s", ear_err_text(err)) : EAR_OK;
}

static ear_err append_number(struct ear_buf *out, size_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    return ear_buf_append(out, digits + at, sizeof(digits) - at);
}

static ear_err append_error(struct ear_buf *out, const char *error)
{
    json_t *text = json_string(error);
    ear_err err = text ? ear_json_write(text, out) : EAR_NO_MEMORY;
    json_decref(text);
    return err;
}

static ear_err append_id(struct ear_buf *out, const struct ear_id *id)
{
    char text[EAR_ID_TEXT_BYTES];
    ear_id_format(id, text);
    ear_err err = ear_buf_append_char(out, '"');
    if (err == EAR_OK) err = ear_buf_append_str(out, ear_str_from(text));
    return err == EAR_OK ? ear_buf_append_char(out, '"') : err;
}

static ear_err append_line(struct ear_buf *out, const struct ear_parcel_line *line,
                           const struct ear_post_result *result)
{
    const char *error = line->error;
    const char *status = error ? "malformed" : ear_post_result_name(result->kind);
    if (!error && result->kind == EAR_RESULT_REFUSED) error = result->why ? result->why : "";
    ear_err err = ear_buf_append_str(out, EAR_STR("{\"line\":"));
    if (err == EAR_OK) err = append_number(out, line->number);
    if (err == EAR_OK) err = ear_buf_append_str(out, EAR_STR(",\"status\":\""));
    if (err == EAR_OK) err = ear_buf_append_str(out, ear_str_from(status));
    if (err == EAR_OK) {
        err =
            ear_buf_append_str(out, error ? EAR_STR("\",\"error\":") : EAR_STR("\",\"post_id\":"));
    }
    if (err == EAR_OK) err = error ? append_error(out, error) : append_id(out, &result->post_id);
    return err == EAR_OK ? ear_buf_append_str(out, EAR_STR("}\n")) : err;
}

ear_err ear_parcel_answer(const struct ear_parcel *parcel, const struct ear_post_result *results,
                          struct ear_buf *out)
{
    ear_err err = ear_buf_reserve(out, parcel->line_count * ANSWER_LINE_BYTES);
    for (size_t i = 0; i < parcel->line_count && err == EAR_OK; i++) {
        const struct ear_parcel_line *line = &parcel->lines[i];
        err = append_line(out, line, line->error ? NULL : &results[line->post]);
    }
    return err;
}

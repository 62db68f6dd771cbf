#include "replay/tally.h"

#include "json/json.h"

#include <inttypes.h>

#define ANSWER_LINE_BYTES_MAX 8192

void ear_tally_malformed(struct ear_tally *tally, size_t number, const char *why, FILE *err_out)
{
    tally->lines++;
    tally->malformed++;
    fprintf(err_out, "earshotctl: line %zu: malformed: %s\n", number, why);
}

static uint64_t *counter_of(struct ear_tally *tally, struct ear_str status)
{
    if (ear_str_eq(status, EAR_STR("stored"))) return &tally->stored;
    if (ear_str_eq(status, EAR_STR("duplicate"))) return &tally->duplicates;
    if (ear_str_eq(status, EAR_STR("tombstoned"))) return &tally->tombstoned;
    if (ear_str_eq(status, EAR_STR("malformed"))) return &tally->malformed;
    if (ear_str_eq(status, EAR_STR("refused"))) return &tally->refused;
    return NULL;
}

static ear_err read_result(struct ear_tally *tally, struct ear_str line, const size_t *numbers,
                           size_t count, FILE *err_out, struct ear_diag *diag)
{
    json_t *result = NULL;
    int64_t n = 0;
    struct ear_str status = EAR_STR_NONE, why = EAR_STR_NONE;
    ear_err err = ear_json_parse(line, ANSWER_LINE_BYTES_MAX, &result, diag);
    if (!err) err = ear_json_need_text(result, "status", &status, diag);
    if (!err) err = ear_json_text(result, "error", &why, diag);
    if (!err) err = ear_json_i64(result, "line", 1, (int64_t)count, &n, diag);
    uint64_t *counter = err ? NULL : counter_of(tally, status);
    if (!err && (!counter || !n)) err = ear_fail(diag, EAR_INVALID, "not a result of a line");
    if (!err) {
        ++*counter;
        tally->lines++;
        if (counter == &tally->malformed || counter == &tally->refused)
            fprintf(err_out, "earshotctl: line %zu: %.*s: %.*s\n", numbers[n - 1],
                    EAR_STR_ARG(status), EAR_STR_ARG(why));
    }
    json_decref(result);
    return err;
}

ear_err ear_tally_answer(struct ear_tally *tally, struct ear_str answer, const size_t *numbers,
                         size_t count, FILE *err_out, struct ear_diag *diag)
{
    struct ear_tally sum = *tally;
    struct ear_str line;
    size_t results = 0;
    while (ear_str_split(&answer, '\n', &line)) {
        if (ear_str_trim(line).len == 0) continue;
        ear_err err = read_result(&sum, line, numbers, count, err_out, diag);
        if (err) return err;
        results++;
    }
    if (results != count)
        return ear_fail(diag, EAR_INVALID, "%zu results for %zu lines", results, count);
    *tally = sum;
    return EAR_OK;
}

json_t *ear_tally_json(const struct ear_tally *tally, double seconds)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "lines", (json_int_t)tally->lines,
                     "malformed", (json_int_t)tally->malformed, "stored", (json_int_t)tally->stored,
                     "duplicates", (json_int_t)tally->duplicates, "tombstoned",
                     (json_int_t)tally->tombstoned, "refused", (json_int_t)tally->refused,
                     "seconds", seconds);
}

void ear_tally_print(const struct ear_tally *tally, double seconds, FILE *out)
{
    fprintf(out,
            "%" PRIu64 " line%s in %.1f s: %" PRIu64 " stored, %" PRIu64 " duplicates, %" PRIu64
            " malformed",
            tally->lines, tally->lines == 1 ? "" : "s", seconds, tally->stored, tally->duplicates,
            tally->malformed);
    if (tally->tombstoned) fprintf(out, ", %" PRIu64 " removed by their author", tally->tombstoned);
    if (tally->refused) fprintf(out, ", %" PRIu64 " refused", tally->refused);
    fputc('\n', out);
}

#include "judge/printer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define REASONS      5 /* as many as people read */
#define FRAGMENT_MAX ((size_t)64 * 1024)

struct shown {
    size_t head;
    size_t label_count;
    struct ear_buf opening; /* ,"intent":{"label": */
    struct ear_buf *labels; /* "complaint", quoted */
};

struct ear_printer {
    struct ear_printer_opts opts;
    size_t count;
    struct shown heads[EAR_MODEL_HEADS_MAX];
};

static void put(struct ear_buf *out, struct ear_str s)
{
    EAR_CHECK(ear_buf_append(out, s.ptr, s.len) == EAR_OK);
}

/* Bytes of the well-formed code point that s begins with; 0 when it begins with none. */
static size_t well_formed(struct ear_str s)
{
    static const struct {
        unsigned char low, high;  /* of the first byte */
        unsigned char from, till; /* of the second */
        size_t bytes;
    } forms[] = {{0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3},
                 {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
                 {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
                 {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4}};
    const unsigned char *at = (const unsigned char *)s.ptr;
    if (at[0] < 0x80) return 1;
    for (size_t i = 0; i < EAR_COUNT(forms); i++) {
        if (at[0] < forms[i].low || at[0] > forms[i].high) continue;
        if (s.len < forms[i].bytes || at[1] < forms[i].from || at[1] > forms[i].till) return 0;
        for (size_t b = 2; b < forms[i].bytes; b++)
            if ((at[b] & 0xC0) != 0x80) return 0;
        return forms[i].bytes;
    }
    return 0;
}

static void put_escaped(struct ear_str one, struct ear_buf *out)
{
    unsigned char c = (unsigned char)*one.ptr;
    if (c == '"' || c == '\\') {
        char pair[2] = {'\\', (char)c};
        put(out, (struct ear_str){pair, 2});
    } else if (c < 0x20 || c == 0x7F) {
        EAR_CHECK(ear_buf_printf(out, "\\u%04x", c) == EAR_OK);
    } else {
        put(out, one);
    }
}

void ear_printer_text(struct ear_str text, struct ear_buf *out)
{
    put(out, EAR_STR("\""));
    while (text.len) {
        size_t bytes = well_formed(text);
        if (bytes)
            put_escaped((struct ear_str){text.ptr, bytes}, out);
        else
            put(out, EAR_STR("\xEF\xBF\xBD"));
        size_t step = bytes ? bytes : 1;
        text = (struct ear_str){text.ptr + step, text.len - step};
    }
    put(out, EAR_STR("\""));
}

/* Six digits behind the point. */
static void put_p(float p, struct ear_buf *out)
{
    char text[8] = "0.000000";
    unsigned n = p > 0 ? (unsigned)lrintf(fminf(p, 1) * 1e6F) : 0;
    text[0] = n >= 1000000 ? '1' : '0';
    n %= 1000000;
    for (size_t i = sizeof(text) - 1; i > 1; i--, n /= 10) text[i] = (char)('0' + n % 10);
    put(out, (struct ear_str){text, sizeof(text)});
}

static void shown_init(struct shown *shown, size_t index, const struct ear_head *head)
{
    *shown = (struct shown){.head = index, .label_count = head->label_count};
    ear_buf_init(&shown->opening, FRAGMENT_MAX);
    put(&shown->opening, EAR_STR(","));
    ear_printer_text(head->name, &shown->opening);
    put(&shown->opening, EAR_STR(":{\"label\":"));
    shown->labels = ear_alloc(head->label_count * sizeof(*shown->labels));
    for (size_t i = 0; i < head->label_count; i++) {
        ear_buf_init(&shown->labels[i], FRAGMENT_MAX);
        ear_printer_text(head->labels[i], &shown->labels[i]);
    }
}

static ear_err fail_no_head(const struct ear_model *model, struct ear_str name,
                            struct ear_diag *diag)
{
    struct ear_model_info info = ear_model_info(model);
    char names[200] = "";
    for (size_t i = 0, at = 0; i < info.head_count && at < sizeof(names); i++)
        at += (size_t)snprintf(names + at, sizeof(names) - at, "%s%.*s", i ? ", " : "",
                               EAR_STR_ARG(info.heads[i].name));
    return ear_fail(diag, EAR_NOT_FOUND, "the model has no head \"%.*s\"; it has %s",
                    EAR_STR_ARG(name), names);
}

static bool is_shown(const struct ear_printer *printer, size_t head)
{
    for (size_t i = 0; i < printer->count; i++)
        if (printer->heads[i].head == head) return true;
    return false;
}

static ear_err select_named(struct ear_printer *printer, const struct ear_model *model,
                            struct ear_diag *diag)
{
    struct ear_str rest = printer->opts.heads, name;
    while (ear_str_split(&rest, ',', &name)) {
        name = ear_str_trim(name);
        if (ear_str_eq(name, EAR_STR("language")) || ear_str_eq(name, EAR_STR("lang"))) continue;
        int head = ear_model_head(model, name);
        if (head < 0) return fail_no_head(model, name, diag);
        if (is_shown(printer, (size_t)head)) continue; /* JSON has each name once */
        shown_init(&printer->heads[printer->count++], (size_t)head,
                   &ear_model_info(model).heads[head]);
    }
    return EAR_OK;
}

static void select_main(struct ear_printer *printer, const struct ear_model *model)
{
    struct ear_model_info info = ear_model_info(model);
    for (size_t i = 0; i < info.head_count; i++)
        if (!info.heads[i].auxiliary)
            shown_init(&printer->heads[printer->count++], i, &info.heads[i]);
}

ear_err ear_printer_new(const struct ear_model *model, const struct ear_printer_opts *opts,
                        struct ear_printer **out, struct ear_diag *diag)
{
    struct ear_printer *printer = ear_alloc(sizeof(*printer));
    ear_err err = EAR_OK;
    printer->opts = *opts;
    if (opts->heads.len)
        err = select_named(printer, model, diag);
    else
        select_main(printer, model);
    if (err) ear_printer_free(&printer);
    *out = printer;
    return err;
}

void ear_printer_free(struct ear_printer **printer)
{
    if (!*printer) return;
    for (size_t i = 0; i < (*printer)->count; i++) {
        struct shown *shown = &(*printer)->heads[i];
        for (size_t l = 0; l < shown->label_count; l++) ear_buf_release(&shown->labels[l]);
        free(shown->labels);
        ear_buf_release(&shown->opening);
    }
    EAR_FREE(*printer);
}

static void put_probabilities(const struct shown *shown, const float *p, struct ear_buf *out)
{
    put(out, EAR_STR(",\"probabilities\":{"));
    for (size_t i = 0; i < shown->label_count; i++) {
        if (i) put(out, EAR_STR(","));
        put(out, ear_buf_str(&shown->labels[i]));
        put(out, EAR_STR(":"));
        put_p(p[i], out);
    }
    put(out, EAR_STR("}"));
}

static void put_why(const struct shown *shown, uint16_t label, struct ear_model_reader *reader,
                    struct ear_buf *out)
{
    struct ear_reason reasons[REASONS];
    size_t count = ear_model_why(reader, shown->head, label, reasons, REASONS);
    put(out, EAR_STR(",\"why\":["));
    for (size_t i = 0; i < count; i++) {
        put(out, i ? EAR_STR(",{\"text\":") : EAR_STR("{\"text\":"));
        ear_printer_text(reasons[i].text, out);
        EAR_CHECK(ear_buf_printf(out, ",\"weight\":%.3f}", (double)reasons[i].weight) == EAR_OK);
    }
    put(out, EAR_STR("]"));
}

void ear_printer_reading(const struct ear_printer *printer, struct ear_model_reader *reader,
                         const struct ear_reading *reading, struct ear_buf *out)
{
    put(out, EAR_STR("{\"lang\":\""));
    put(out, ear_str_from(reading->language));
    put(out, EAR_STR("\",\"lang_p\":"));
    put_p(reading->language_p, out);
    for (size_t i = 0; i < printer->count; i++) {
        const struct shown *shown = &printer->heads[i];
        const struct ear_prediction *said = &reading->heads[shown->head];
        put(out, ear_buf_str(&shown->opening));
        put(out, ear_buf_str(&shown->labels[said->label]));
        put(out, EAR_STR(",\"p\":"));
        put_p(said->p, out);
        put(out, said->unsure ? EAR_STR(",\"unsure\":true") : EAR_STR(",\"unsure\":false"));
        if (printer->opts.all) put_probabilities(shown, said->p_labels, out);
        if (printer->opts.why) put_why(shown, said->label, reader, out);
        put(out, EAR_STR("}"));
    }
    put(out, EAR_STR("}\n"));
}

void ear_printer_error(const char *said, uint64_t line, struct ear_buf *out)
{
    put(out, EAR_STR("{\"error\":"));
    ear_printer_text(ear_str_from(said), out);
    EAR_CHECK(ear_buf_printf(out, ",\"line\":%llu}\n", (unsigned long long)line) == EAR_OK);
}

/* The tables as --help, --print-config and docs/config.md. */
#include "conf/conf.h"

#include "conf/value.h"

#define LINE_BYTES   80
#define INDENT_BYTES 6
#define VALUE_MAX    ((size_t)65536)

/* Words of text in lines of at most LINE_BYTES, each indented. */
static void wrap(FILE *out, const char *text)
{
    struct ear_str rest = ear_str_from(text);
    struct ear_str word;
    size_t column = 0;
    while (ear_str_split(&rest, ' ', &word)) {
        if (word.len == 0) continue;
        if (column > 0 && column + 1 + word.len > LINE_BYTES) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%*s%.*s", INDENT_BYTES, "", EAR_STR_ARG(word));
        else
            column += (size_t)fprintf(out, " %.*s", EAR_STR_ARG(word));
    }
    fputc('\n', out);
}

static const char *fallback_text(const struct ear_conf_key *key)
{
    if (!key->fallback) return "must be set";
    return key->fallback[0] ? key->fallback : "none";
}

static void range_of(const struct ear_conf_key *key, struct ear_buf *range)
{
    ear_buf_reset(range);
    EAR_CHECK(ear_conf_range_write(key, range) == EAR_OK);
}

static void help_key(const struct ear_conf_key *key, struct ear_buf *scratch, FILE *out)
{
    fprintf(out, "  %s%s\n", key->name,
            key->type == EAR_CONF_SECRET ? "_FILE (a path) or without _FILE" : "");
    wrap(out, key->about);
    struct ear_buf facts;
    ear_buf_init(&facts, VALUE_MAX);
    range_of(key, scratch);
    EAR_CHECK(ear_buf_printf(&facts, "Value: %s%s%s. %s%s.", ear_conf_type_text(key),
                             scratch->len ? "; " : "", scratch->len ? scratch->data : "",
                             key->fallback ? "Default: " : "",
                             key->fallback ? fallback_text(key) : "Must be set") == EAR_OK);
    wrap(out, facts.data);
    ear_buf_release(&facts);
}

void ear_conf_help(const struct ear_conf_table *tables, size_t count, FILE *out)
{
    struct ear_buf scratch;
    ear_buf_init(&scratch, VALUE_MAX);
    for (size_t t = 0; t < count; t++) {
        fprintf(out, "%s%s:\n", t ? "\n" : "", tables[t].title);
        for (size_t k = 0; k < tables[t].count; k++) help_key(&tables[t].keys[k], &scratch, out);
    }
    ear_buf_release(&scratch);
}

void ear_conf_print(const struct ear_conf_table *tables, size_t count, FILE *out)
{
    struct ear_buf value;
    ear_buf_init(&value, VALUE_MAX);
    for (size_t t = 0; t < count; t++) {
        for (size_t k = 0; k < tables[t].count; k++) {
            const struct ear_conf_key *key = &tables[t].keys[k];
            ear_buf_reset(&value);
            ear_err err = ear_conf_value_write(key, tables[t].target, &value);
            EAR_CHECK(err != EAR_NO_MEMORY);
            fprintf(out, "%s=%s\n", key->name, err ? "(too long)" : value.len ? value.data : "");
        }
    }
    ear_buf_release(&value);
}

/* A bar would end the cell. */
static void cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') fputc('\\', out);
        fputc(*text, out);
    }
}

static void markdown_key(const struct ear_conf_key *key, struct ear_buf *range, FILE *out)
{
    bool code = key->fallback && key->fallback[0];
    range_of(key, range);
    fprintf(out, "| `%s`%s | %s | %s", key->name,
            key->type == EAR_CONF_SECRET ? " or the same with `_FILE`" : "",
            ear_conf_type_text(key), code ? "`" : "");
    cell(out, fallback_text(key));
    fprintf(out, "%s | %s | ", code ? "`" : "", range->len ? range->data : "");
    cell(out, key->about);
    fprintf(out, " |\n");
}

void ear_conf_markdown(const struct ear_conf_table *tables, size_t count, FILE *out)
{
    struct ear_buf range;
    ear_buf_init(&range, VALUE_MAX);
    for (size_t t = 0; t < count; t++) {
        fprintf(out, "%s## %s\n\n", t ? "\n" : "", tables[t].title);
        fprintf(out, "| Key | Write | Default | Range | Meaning |\n|---|---|---|---|---|\n");
        for (size_t k = 0; k < tables[t].count; k++) markdown_key(&tables[t].keys[k], &range, out);
    }
    ear_buf_release(&range);
}

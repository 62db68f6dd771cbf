#include "firm_rules.h"

#include "patterns.h"
#include "text/text.h"
#include <stdlib.h>

#define TAG_BYTES_MAX 64
#define SCANNED_BYTES ((size_t)16 * 1024)
/* Whatever its bytes are: three at most for each that is none of UTF-8. There from the start, so
 * that no rule is passed over for want of memory. */
#define REPAIRED_BYTES (SCANNED_BYTES * 3)

struct rule {
    struct ear_str tag; /* of the file */
    unsigned level;
    unsigned line;
};

struct ear_firm_rules {
    char *file; /* owned; the strings lie in it */
    struct rule rules[EAR_FIRM_RULES_MAX];
    size_t rule_count;
    struct ear_patterns *patterns;
    struct ear_buf repaired;
    uint8_t hit[EAR_FIRM_RULES_MAX]; /* of the text being scanned */
};

/* What is only needed while the file is read. */
struct parse {
    const char *name;
    struct ear_firm_rules *rules;
    struct ear_pattern *patterns; /* owned; their ids are rules */
    size_t pattern_count;
    unsigned line;
    struct ear_diag *diag;
};

static ear_err wrong(const struct parse *p, const char *what)
{
    return ear_fail(p->diag, EAR_INVALID, "%s:%u: %s", p->name, p->line, what);
}

static ear_err add_patterns(struct parse *p, struct ear_str rest)
{
    while (rest.len > 0) {
        size_t end = ear_str_find(rest, EAR_STR(" | "));
        struct ear_str one = {rest.ptr, end < rest.len ? end : rest.len};
        rest = end < rest.len ? (struct ear_str){rest.ptr + end + 3, rest.len - end - 3}
                              : EAR_STR_NONE;
        if (p->pattern_count == EAR_FIRM_RULES_PATTERNS_MAX) return wrong(p, "too many patterns");
        one = ear_str_trim(one);
        if (one.len == 0) return wrong(p, "an empty pattern");
        p->patterns[p->pattern_count++] =
            (struct ear_pattern){.text = one, .id = p->rules->rule_count};
    }
    return EAR_OK;
}

/* The line without its comment: a '#' at its beginning or behind a blank. */
static struct ear_str without_comment(struct ear_str line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '#' && (i == 0 || line.ptr[i - 1] == ' ' || line.ptr[i - 1] == '\t'))
            return (struct ear_str){line.ptr, i};
    return line;
}

static ear_err read_line(struct parse *p, struct ear_str line)
{
    line = ear_str_trim(without_comment(line));
    if (line.len == 0) return EAR_OK;
    if (line.ptr[0] < '0' || line.ptr[0] > '0' + EAR_RULE_LEVEL_MAX || line.len < 2 ||
        line.ptr[1] != ' ')
        return wrong(p, "a rule begins with its level, 0, 1 or 2, and a blank");
    struct ear_str rest = {line.ptr + 2, line.len - 2};
    size_t colon = ear_str_find(rest, EAR_STR(":"));
    if (colon >= rest.len) return wrong(p, "no ':' behind the tag");
    struct ear_str tag = ear_str_trim((struct ear_str){rest.ptr, colon});
    if (tag.len == 0 || tag.len > TAG_BYTES_MAX) return wrong(p, "a tag has 1 to 64 bytes");
    if (p->rules->rule_count == EAR_FIRM_RULES_MAX) return wrong(p, "too many rules");
    struct ear_str patterns = {rest.ptr + colon + 1, rest.len - colon - 1};
    if (ear_str_trim(patterns).len == 0) return wrong(p, "no pattern behind the tag");
    ear_err err = add_patterns(p, patterns);
    if (err) return err;
    p->rules->rules[p->rules->rule_count++] =
        (struct rule){.tag = tag, .level = (unsigned)(line.ptr[0] - '0'), .line = p->line};
    return EAR_OK;
}

static ear_err compile(struct parse *p)
{
    size_t bad;
    struct ear_diag why = {.err = EAR_OK};
    ear_err err = ear_patterns_new(p->patterns, p->pattern_count, &p->rules->patterns, &bad, &why);
    if (!err) return EAR_OK;
    if (err == EAR_UNSUPPORTED || bad >= p->pattern_count)
        return ear_fail(p->diag, err, "%s: %s", p->name, why.text);
    return ear_fail(p->diag, err, "%s:%u: \"%.*s\": %s", p->name,
                    p->rules->rules[p->patterns[bad].id].line, EAR_STR_ARG(p->patterns[bad].text),
                    why.text);
}

static ear_err read_lines(struct parse *p, struct ear_str rest)
{
    struct ear_str line;
    ear_err err = EAR_OK;
    while (!err && rest.len > 0 && ear_str_split(&rest, '\n', &line)) {
        p->line++;
        err = read_line(p, line);
    }
    return err;
}

ear_err ear_firm_rules_parse(const char *name, struct ear_str text, struct ear_firm_rules **out,
                             struct ear_diag *diag)
{
    static const struct ear_str mark = {"\xEF\xBB\xBF", 3}; /* that some editors begin files with */
    *out = NULL;
    if (!ear_text_is_utf8(text)) return ear_fail(diag, EAR_INVALID, "%s:1: not UTF-8", name);
    struct ear_firm_rules *rules = ear_alloc(sizeof *rules);
    struct parse p = {.name = name, .rules = rules, .diag = diag};
    ear_buf_init(&rules->repaired, REPAIRED_BYTES);
    rules->file = ear_alloc(text.len + 1);
    if (text.len) memcpy(rules->file, text.ptr, text.len);
    p.patterns = ear_alloc(EAR_FIRM_RULES_PATTERNS_MAX * sizeof *p.patterns);
    struct ear_str lines = {rules->file, text.len};
    if (ear_str_starts(lines, mark)) lines = (struct ear_str){lines.ptr + 3, lines.len - 3};
    ear_err err = ear_buf_reserve(&rules->repaired, REPAIRED_BYTES);
    if (err) ear_fail(diag, err, "%s: %s", name, ear_err_text(err));
    if (!err) err = read_lines(&p, lines);
    if (!err) err = compile(&p);
    EAR_FREE(p.patterns);
    if (err) ear_firm_rules_free(&rules);
    *out = rules;
    return err;
}

void ear_firm_rules_free(struct ear_firm_rules **rules)
{
    if (!*rules) return;
    ear_patterns_free(&(*rules)->patterns);
    ear_buf_release(&(*rules)->repaired);
    EAR_FREE((*rules)->file);
    EAR_FREE(*rules);
}

size_t ear_firm_rules_count(const struct ear_firm_rules *rules)
{
    return rules->rule_count;
}

static void found(void *self, size_t id)
{
    struct ear_firm_rules *rules = self;
    rules->hit[id] = 1;
}

static void collect(const struct ear_firm_rules *rules, struct ear_rule_hits *out)
{
    for (int level = EAR_RULE_LEVEL_MAX; level >= 0; level--)
        for (size_t i = 0; i < rules->rule_count; i++) {
            if (!rules->hit[i] || rules->rules[i].level != (unsigned)level) continue;
            if (out->count == 0) out->level = (unsigned)level;
            if (out->count < EAR_RULE_HITS) out->tags[out->count++] = rules->rules[i].tag;
        }
}

void ear_firm_rules_apply(struct ear_firm_rules *rules, struct ear_str text,
                          struct ear_rule_hits *out)
{
    *out = (struct ear_rule_hits){.level = 0};
    if (text.len > SCANNED_BYTES)
        text = ear_text_cut(text, EAR_TEXT_BYTES, SCANNED_BYTES, EAR_TEXT_AT_GRAPHEME);
    if (!ear_text_is_utf8(text)) {
        ear_buf_reset(&rules->repaired);
        EAR_CHECK(ear_text_repair(text, &rules->repaired) == EAR_OK);
        text = ear_buf_str(&rules->repaired);
    }
    memset(rules->hit, 0, rules->rule_count);
    ear_patterns_scan(rules->patterns, text, found, rules);
    collect(rules, out);
}

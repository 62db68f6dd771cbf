#include "labels/vocabulary.h"

static const struct {
    const char *head;
    const char *labels;
} fixed[] = {
    {"needs_answer", "y n"},
    {"intent", "complaint question request praise suggestion vent spam other"},
    {"sentiment", "neg neu pos"},
    {"urgency", "0 1 2"},
    {"severity", "0 1 2 3"},
};

/* A column of a TSV file: small letters, digits and '_'. */
static bool is_head(struct ear_str s)
{
    if (!s.len || s.len > EAR_LABEL_BYTES_MAX) return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
    }
    return true;
}

static bool is_code(struct ear_str s)
{
    if (s.len < 2 || s.len > 3) return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < 'a' || s.ptr[i] > 'z') return false;
    return true;
}

/* Of a TSV file: nothing that could end it. */
static bool is_cell(struct ear_str s)
{
    if (!s.len || s.len > EAR_LABEL_BYTES_MAX) return false;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F) return false;
    return true;
}

/* A comma parts labels. */
static bool is_free_label(struct ear_str s)
{
    return is_cell(s) && !memchr(s.ptr, ',', s.len);
}

static bool is_listed(const char *list, struct ear_str label)
{
    struct ear_str rest = ear_str_from(list), word;
    while (ear_str_split(&rest, ' ', &word))
        if (ear_str_eq(word, label)) return true;
    return false;
}

ear_err ear_label_check(struct ear_str head, struct ear_str label, struct ear_diag *diag)
{
    static const char *const others[] = {"text",   "lang",  "label", "account",
                                         "direct", "reply", "who",   "post_id"};
    if (!is_head(head))
        return ear_fail(diag, EAR_INVALID, "\"%.*s\" is no head: a-z, 0-9 and _",
                        EAR_STR_ARG(head));
    for (size_t i = 0; i < EAR_COUNT(others); i++)
        if (ear_str_eq(head, ear_str_from(others[i])))
            return ear_fail(diag, EAR_INVALID, "\"%s\" is another column of a training file",
                            others[i]);
    if (ear_str_eq(label, EAR_STR(EAR_LABEL_NONE))) return EAR_OK;
    for (size_t i = 0; i < EAR_COUNT(fixed); i++) {
        if (!ear_str_eq(head, ear_str_from(fixed[i].head))) continue;
        if (is_listed(fixed[i].labels, label)) return EAR_OK;
        return ear_fail(diag, EAR_INVALID, "%s has no label \"%.*s\"; it has %s", fixed[i].head,
                        EAR_STR_ARG(label), fixed[i].labels);
    }
    if (ear_str_eq(head, EAR_STR("language")) && !is_code(label))
        return ear_fail(diag, EAR_INVALID, "\"%.*s\" is no language: a code as en or de",
                        EAR_STR_ARG(label));
    if (is_free_label(label)) return EAR_OK;
    return ear_fail(diag, EAR_INVALID, "a label is 1 to %d bytes without a comma or control sign",
                    EAR_LABEL_BYTES_MAX);
}

bool ear_label_agent_fits(struct ear_str agent)
{
    return is_cell(agent);
}

bool ear_label_head_known(struct ear_str head)
{
    for (size_t i = 0; i < EAR_COUNT(fixed); i++)
        if (ear_str_eq(head, ear_str_from(fixed[i].head))) return true;
    return is_listed("language topic", head);
}

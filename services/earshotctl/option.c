#include "option.h"

#include "text/text.h"

struct option_row {
    const char *name;
    const char *value; /* NULL: a flag */
    const char *about;
    size_t offset;
};

static const struct option_row rows[] = {
#define FLAG(name, field, about) {name, NULL, about, offsetof(struct ear_ctl_options, field)},
#define VALUE(name, field, value, about) \
    {name, value, about, offsetof(struct ear_ctl_options, field)},
    EAR_CTL_OPTIONS(FLAG, VALUE)
#undef FLAG
#undef VALUE
        {"help", NULL, "print this and exit", offsetof(struct ear_ctl_options, help)},
};

/* What an option means for one command, where it is another thing than for the others. */
static const struct {
    const char *command, *option, *about;
} wordings[] = {
    {"apply", "as", "who is on record as the one who changed it (default: your user name)"},
    {"replay", "account", "whose posts they are where a line names no account"},
    {"replay", "timeout", "give up when nothing got through for so long (default: 60s)"},
    {"train", "all", "with --cross-validate: the figures of each label, too"},
    {"train", "heads", "the columns that are heads (default: those called as Earshot's own)"},
    {"case assign", "team", "the team whose queue gets the case"},
    {"dead-letter list", "all", "those that were put back, too"},
    {"dead-letter retry", "as", "who is on record as the one who did it (default: operator)"},
    {"classify", "all", "the probabilities of all labels, too"},
    {"relabel", "as", "the agent who knows better (default: operator)"},
};

bool ear_ctl_listed(const char *list, const char *name)
{
    struct ear_str rest = ear_str_from(list), word;
    while (ear_str_split(&rest, ' ', &word))
        if (ear_str_eq(word, ear_str_from(name))) return true;
    return false;
}

static bool allowed_here(const struct option_row *row, const char *allowed)
{
    return strcmp(row->name, "help") == 0 || ear_ctl_listed(allowed, row->name);
}

static const struct option_row *row_named(struct ear_str name, const char *allowed)
{
    for (size_t i = 0; i < EAR_COUNT(rows); i++)
        if (ear_str_eq(name, ear_str_from(rows[i].name)) && allowed_here(&rows[i], allowed))
            return &rows[i];
    return NULL;
}

/* Files may be called anything; all else goes to a database or a service. */
static ear_err check_text(const struct option_row *row, const char *value, struct ear_diag *diag)
{
    if (ear_ctl_listed("FILE DIR MODEL A,B", row->value) || ear_text_is_utf8(ear_str_from(value)))
        return EAR_OK;
    return ear_fail(diag, EAR_INVALID, "what --%s says is not UTF-8", row->name);
}

/* Takes the option at argv[*at], and the word behind it where it is its value. */
static ear_err take_option(int argc, char **argv, int *at, const char *allowed,
                           struct ear_ctl_options *out, struct ear_diag *diag)
{
    struct ear_str value = ear_str_from(argv[*at] + 2), name;
    EAR_CHECK(ear_str_split(&value, '=', &name));
    const struct option_row *row = row_named(name, allowed);
    if (!row)
        return ear_fail(diag, EAR_INVALID, "no option --%.*s here; see --help", EAR_STR_ARG(name));
    void *field = (char *)out + row->offset;
    if (!row->value) {
        if (value.ptr) return ear_fail(diag, EAR_INVALID, "--%s takes no value", row->name);
        *(bool *)field = true;
        return EAR_OK;
    }
    if (value.ptr) {
        *(const char **)field = value.ptr; /* the rest of a NUL-terminated word */
        return check_text(row, value.ptr, diag);
    }
    if (*at + 1 >= argc)
        return ear_fail(diag, EAR_INVALID, "--%s wants a value: --%s %s", row->name, row->name,
                        row->value);
    *(const char **)field = argv[++*at];
    return check_text(row, argv[*at], diag);
}

ear_err ear_ctl_options_parse(int argc, char **argv, const char *allowed,
                              struct ear_ctl_options *out, int *operand_count,
                              struct ear_diag *diag)
{
    static char out_option[] = "--out", help_option[] = "--help";
    int operands = 0;
    bool only_operands = false;
    for (int at = 0; at < argc; at++) {
        if (!only_operands && strcmp(argv[at], "-o") == 0) argv[at] = out_option;
        if (!only_operands && strcmp(argv[at], "-h") == 0) argv[at] = help_option;
        if (only_operands || strncmp(argv[at], "--", 2) != 0) {
            argv[operands++] = argv[at];
        } else if (argv[at][2] == '\0') {
            only_operands = true;
        } else {
            ear_err err = take_option(argc, argv, &at, allowed, out, diag);
            if (err) return err;
        }
    }
    *operand_count = operands;
    return EAR_OK;
}

static const char *wording(const char *command, const struct option_row *row)
{
    for (size_t i = 0; i < EAR_COUNT(wordings); i++)
        if (strcmp(wordings[i].command, command) == 0 && strcmp(wordings[i].option, row->name) == 0)
            return wordings[i].about;
    return row->about;
}

#define HELP_INDENT  25
#define HELP_COLUMNS 80

void ear_ctl_help_row(const char *word, int column, const char *about, FILE *out)
{
    int used = fprintf(out, "  %-*s", column - 3, word);
    struct ear_str rest = ear_str_from(about), next;
    while (ear_str_split(&rest, ' ', &next)) {
        if (used + 1 + (int)next.len > HELP_COLUMNS)
            used = fprintf(out, "\n%*s", column - 1, "") - 1;
        used += fprintf(out, " %.*s", EAR_STR_ARG(next));
    }
    fputc('\n', out);
}

void ear_ctl_options_help(const char *command, const char *allowed, FILE *out)
{
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        if (!allowed_here(&rows[i], allowed)) continue;
        char word[40];
        snprintf(word, sizeof(word), "--%s%s%s", rows[i].name, rows[i].value ? " " : "",
                 rows[i].value ? rows[i].value : "");
        ear_ctl_help_row(word, HELP_INDENT, wording(command, &rows[i]), out);
    }
}

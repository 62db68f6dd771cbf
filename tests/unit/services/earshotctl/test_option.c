#include "commands.h"
#include "option.h"
#include "text/text.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define WORDS_MAX 8

struct parse_case {
    const char *words[WORDS_MAX];
    const char *allowed;
    const char *said;     /* NULL: taken */
    const char *operands; /* joined by blanks */
    bool json, help;
    const char *as, *reason;
};

static int fill(char **argv, const char *const *words)
{
    int argc = 0;
    while (argc < WORDS_MAX && words[argc]) {
        argv[argc] = (char *)(uintptr_t)words[argc];
        argc++;
    }
    return argc;
}

static void expect_text(const char *wanted, const char *got)
{
    if (!wanted || !got)
        assert_ptr_equal(wanted, got);
    else
        assert_string_equal(wanted, got);
}

static void check(const struct parse_case *c)
{
    char *argv[WORDS_MAX];
    char operands[128] = "";
    struct ear_ctl_options options = {0};
    struct ear_diag diag = {0};
    int count = 0;
    int argc = fill(argv, c->words);
    ear_err err = ear_ctl_options_parse(argc, argv, c->allowed, &options, &count, &diag);
    if (c->said) {
        assert_int_equal(err, EAR_INVALID);
        if (!strstr(diag.text, c->said)) fail_msg("'%s' instead of '%s'", diag.text, c->said);
        return;
    }
    if (err) fail_msg("refused: %s", diag.text);
    for (int i = 0; i < count; i++) {
        size_t used = strlen(operands);
        snprintf(operands + used, sizeof(operands) - used, "%s%s", used ? " " : "", argv[i]);
    }
    assert_string_equal(operands, c->operands ? c->operands : "");
    assert_int_equal(options.json, c->json);
    assert_int_equal(options.help, c->help);
    expect_text(c->as, options.as);
    expect_text(c->reason, options.reason);
}

static void test_options_parse__sorts_words(void **state)
{
    (void)state;
    static const struct parse_case cases[] = {
        {.words = {NULL}, .allowed = ""},
        {.words = {"a", "b"}, .allowed = "", .operands = "a b"},
        {.words = {"a", "--json", "b"}, .allowed = "json", .operands = "a b", .json = true},
        {.words = {"--as", "ana", "a"}, .allowed = "as", .operands = "a", .as = "ana"},
        {.words = {"--as=ana", "--reason="}, .allowed = "as reason", .as = "ana", .reason = ""},
        {.words = {"--reason=a=b"}, .allowed = "as reason", .reason = "a=b"},
        {.words = {"--as", "--json"}, .allowed = "as json", .as = "--json"},
        {.words = {"--as", "x", "--as", "y"}, .allowed = "as", .as = "y"},
        {.words = {"--", "--json", "--"}, .allowed = "json", .operands = "--json --"},
        {.words = {"-", "-x"}, .allowed = "", .operands = "- -x"},
        {.words = {"-h"}, .allowed = "", .help = true},
        {.words = {"--", "-h"}, .allowed = "", .operands = "-h"},
        {.words = {"--help"}, .allowed = "", .help = true},
        {.words = {"--json"}, .allowed = "", .said = "no option --json here"},
        {.words = {"--jso"}, .allowed = "json", .said = "no option --jso here"},
        {.words = {"--no\nsuch"}, .allowed = "json", .said = "no option"},
        {.words = {"--json=yes"}, .allowed = "json", .said = "--json takes no value"},
        {.words = {"a", "--as"}, .allowed = "as", .said = "--as wants a value: --as AGENT"},
        {.words = {"--=x"}, .allowed = "as", .said = "no option -- here"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) check(&cases[i]);
}

static void test_listed__takes_whole_words_only(void **state)
{
    (void)state;
    assert_true(ear_ctl_listed("json as", "as"));
    assert_true(ear_ctl_listed("json as", "json"));
    assert_false(ear_ctl_listed("json as", "a"));
    assert_false(ear_ctl_listed("json as", "json as"));
    assert_false(ear_ctl_listed("", "as"));
}

/* Every option that a command takes exists, and every option belongs to some command. */
static void test_commands__take_options_that_exist(void **state)
{
    (void)state;
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        struct ear_str rest = ear_str_from(ear_ctl_commands[i].options), word;
        while (ear_str_split(&rest, ' ', &word)) {
            char flag[64], value[] = "x";
            struct ear_ctl_options options = {0};
            int count;
            if (!word.len) continue;
            snprintf(flag, sizeof(flag), "--%.*s", EAR_STR_ARG(word));
            char *argv[] = {flag, value};
            if (ear_ctl_options_parse(2, argv, ear_ctl_commands[i].options, &options, &count, NULL))
                fail_msg("%s: no option %s", ear_ctl_commands[i].name, flag);
        }
    }
}

static void expect_80_columns(const char *name, const char *text)
{
    struct ear_str rest = ear_str_from(text), line;
    while (ear_str_split(&rest, '\n', &line))
        if (line.len > 80 && ear_text_graphemes(line) > 80)
            fail_msg("%s: %.*s", name, EAR_STR_ARG(line));
}

static void test_help__fits_a_terminal(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    ear_ctl_help(out);
    assert_int_equal(fclose(out), 0);
    expect_80_columns("help", text);
    assert_non_null(strstr(text, "\n  dead-letter retry  Put dead letters"));
    free(text);
}

/* The help of every command, as a terminal of 80 columns shows it. */
static void test_command_help__fits_a_terminal_and_speaks_of_the_command(void **state)
{
    (void)state;
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        ear_ctl_command_help(&ear_ctl_commands[i], out);
        assert_int_equal(fclose(out), 0);
        expect_80_columns(ear_ctl_commands[i].name, text);
        bool of_case = strncmp(ear_ctl_commands[i].operands, "CASE_ID", 7) == 0;
        if (of_case) assert_non_null(strstr(text, "the last 6 digits"));
        bool puts_back = strcmp(ear_ctl_commands[i].name, "dead-letter list") == 0;
        assert_int_equal(strstr(text, "those that were put back") != NULL, puts_back);
        free(text);
    }
}

static void test_command_find__takes_the_words_of_a_name(void **state)
{
    (void)state;
    static const struct {
        const char *words[WORDS_MAX];
        const char *name;
        int taken;
    } cases[] = {
        {{"migrate"}, "migrate", 1},
        {{"migrate", "x"}, "migrate", 1},
        {{"case", "list", "x"}, "case list", 2},
        {{"dead-letter", "retry"}, "dead-letter retry", 2},
        {{"case"}, NULL, 0},
        {{"case", "lis"}, NULL, 0},
        {{"list"}, NULL, 0},
        {{""}, NULL, 0},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char *argv[WORDS_MAX];
        int taken = 0;
        int argc = fill(argv, cases[i].words);
        const struct ear_ctl_command *command = ear_ctl_command_find(argc, argv, &taken);
        expect_text(cases[i].name, command ? command->name : NULL);
        if (command) assert_int_equal(taken, cases[i].taken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_parse__sorts_words),
        cmocka_unit_test(test_listed__takes_whole_words_only),
        cmocka_unit_test(test_commands__take_options_that_exist),
        cmocka_unit_test(test_help__fits_a_terminal),
        cmocka_unit_test(test_command_help__fits_a_terminal_and_speaks_of_the_command),
        cmocka_unit_test(test_command_find__takes_the_words_of_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

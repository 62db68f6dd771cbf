/* Tables for people, JSON for programs. Standard output is a file while a case runs, or a terminal
 * of a width. */
#include "show.h"
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

static void test_show_span__is_short(void **state)
{
    (void)state;
    static const struct {
        int64_t span_ms;
        const char *wanted;
    } cases[] = {
        {0, "0ms"},          {999, "999ms"},
        {1000, "1.0s"},      {1250, "1.2s"},
        {59999, "59.9s"},    {60000, "1m"},
        {3599999, "59m"},    {3600000, "1h 00m"},
        {3900000, "1h 05m"}, {172799999, "47h 59m"},
        {172800000, "2d"},   {-20, "-20ms"},
        {-90000, "-1m"},     {INT64_MAX, "106751991167d"},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char text[EAR_SHOW_SPAN_BYTES];
        ear_show_span(cases[i].span_ms, text);
        assert_string_equal(text, cases[i].wanted);
    }
}

static void test_show_due__says_how_long_or_how_late(void **state)
{
    (void)state;
    static const struct {
        int64_t left_ms;
        const char *wanted;
    } cases[] = {
        {0, "now"},
        {999, "now"},
        {-999, "now"},
        {1000, "in 1s"},
        {59999, "in 59s"},
        {60000, "in 1m"},
        {-1500, "late 1s"},
        {-180000, "late 3m"},
        {754000, "in 12m"},
        {7500000, "in 2h 05m"},
        {-864000000, "late 10d"},
    };
    int64_t now_us = INT64_C(1785056401512345);
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char text[EAR_SHOW_DUE_BYTES];
        ear_show_due(now_us + cases[i].left_ms * EAR_US_PER_MS, now_us, text);
        assert_string_equal(text, cases[i].wanted);
    }
}

static const struct ear_show_column columns[] = {
    {"id", "ID", EAR_SHOW_SHORT, 0, 0},          {"name", "NAME", EAR_SHOW_TEXT, 8, 0},
    {"hidden", NULL, EAR_SHOW_TEXT, 0, 0},       {"count", "COUNT", EAR_SHOW_INT, 0, 3},
    {"good", "GOOD", EAR_SHOW_BOOL, 0, 1},       {"at", "AT", EAR_SHOW_TIME, 0, 0},
    {"moment", "MOMENT", EAR_SHOW_MOMENT, 0, 2}, {"hop", "HOP", EAR_SHOW_SPAN, 0, 0},
};

struct shown {
    char text[4096];
};

typedef void print_fn(const struct ear_ctl *ctl, const json_t *value);

static void catch_output(print_fn *print, const struct ear_ctl *ctl, const json_t *value,
                         struct shown *shown)
{
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(fileno(file), STDOUT_FILENO);
    print(ctl, value);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    rewind(file);
    size_t len = fread(shown->text, 1, sizeof(shown->text) - 1, file);
    shown->text[len] = '\0';
    fclose(file);
}

static void print_rows(const struct ear_ctl *ctl, const json_t *value)
{
    ear_show_table(ctl, value, columns, EAR_COUNT(columns), "nothing there");
}

static void print_one(const struct ear_ctl *ctl, const json_t *value)
{
    ear_show_object(ctl, json_array_get(value, 0), columns, 4);
}

static void print_text(const struct ear_ctl *ctl, const json_t *value)
{
    (void)ctl;
    ear_show_text(json_string_value(value), 4);
}

static void expect_shown(print_fn *print, bool json, const char *value, const char *wanted)
{
    struct shown shown;
    struct ear_ctl ctl = {.options = {.json = json}};
    json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(parsed);
    catch_output(print, &ctl, parsed, &shown);
    json_decref(parsed);
    assert_string_equal(shown.text, wanted);
}

static void test_show_table__aligns_what_people_read(void **state)
{
    (void)state;
    expect_shown(print_rows, false, "[]", "nothing there\n");
    expect_shown(print_rows, true, "[]", "[]\n");
    expect_shown(
        print_rows, false,
        "[{\"id\":\"019fa000-0000-7000-8000-00000000bbbb\",\"name\":\"Zoë\",\"count\":12,\"good\":"
        "true,"
        "\"at\":\"2026-07-26T10:00:01.512345Z\",\"moment\":\"2026-07-26T10:00:01.512345Z\",\"hop\":"
        "1500},"
        "{\"id\":null,\"name\":\"a longer one\",\"count\":null,\"good\":false,\"at\":null,"
        "\"moment\":\"2026-07-26T10:00:01Z\",\"hop\":null}]",
        "ID        NAME          COUNT  GOOD  AT                MOMENT                   HOP\n"
        "0000bbbb  Zoë           12     yes   2026-07-26 10:00  2026-07-26 10:00:01.512  1.5s\n"
        "–         a longer one  –      no    –                 2026-07-26 10:00:01.000  –\n");
}

/* What a terminal of so many columns shows, with its own line ends, and what COLUMNS says. */
static void expect_on_terminal(void (*print)(const struct ear_ctl *, const json_t *),
                               unsigned short width, const char *columns_say, const char *value,
                               const char *wanted)
{
    char name[64], text[4096];
    struct winsize size = {.ws_row = 24, .ws_col = width};
    struct ear_ctl ctl = {0};
    json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(parsed && master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
    int slave = open(name, O_RDWR | O_NOCTTY);
    assert_int_equal(ioctl(slave, TIOCSWINSZ, &size), 0);
    if (columns_say)
        setenv("COLUMNS", columns_say, 1);
    else
        unsetenv("COLUMNS");
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    dup2(slave, STDOUT_FILENO);
    print(&ctl, parsed);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    close(slave);
    /* It comes in parts; the end is an error, once nobody holds the other side. */
    size_t len = 0;
    ssize_t part;
    while ((part = read(master, text + len, sizeof(text) - 1 - len)) > 0) len += (size_t)part;
    text[len] = '\0';
    close(master);
    unsetenv("COLUMNS");
    json_decref(parsed);
    assert_string_equal(text, wanted);
}

#define WIDE_ROWS                                                                                        \
    "[{\"id\":\"019fa000-0000-7000-8000-00000000bbbb\",\"name\":\"東京の山田太郎\",\"count\":1}," \
    "{\"id\":\"019fa000-0000-7000-8000-00000000cccc\",\"name\":\"e\\u0301tienne\",\"count\":22}]"

static void test_show_table__fits_a_terminal_and_counts_its_cells(void **state)
{
    (void)state;
    static const char wide[] = "ID        NAME            COUNT  GOOD  AT  MOMENT  HOP\r\n"
                               "0000bbbb  東京の山田太郎  1      –     –   –       –\r\n"
                               "0000cccc  e\xCC\x81tienne         22     –     –   –       –\r\n";
    static const char cut[] = "ID        NAME        COUNT  GOOD  AT  MOMENT  HOP\r\n"
                              "0000bbbb  東京の山…   1      –     –   –       –\r\n"
                              "0000cccc  e\xCC\x81tienne     22     –     –   –       –\r\n";
    static const char narrow[] = "ID        NAME      COUNT  AT  HOP\r\n"
                                 "0000bbbb  東京の…   1      –   –\r\n"
                                 "0000cccc  e\xCC\x81tienne   22     –   –\r\n";
    static const struct {
        unsigned short width;
        const char *columns, *wanted;
    } cases[] = {
        {120, NULL, wide}, {54, NULL, wide}, {50, NULL, cut}, {34, NULL, narrow}, {0, NULL, wide},
        {34, "54", wide},  {120, "50", cut}, {50, "", cut},   {50, "wide", cut},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++)
        expect_on_terminal(print_rows, cases[i].width, cases[i].columns, WIDE_ROWS,
                           cases[i].wanted);
}

static const struct ear_show_column way_columns[] = {
    {"at", "TIME", EAR_SHOW_MOMENT, 0, 0},
    {"what", "WHAT", EAR_SHOW_WRAPPED, 6, 0},
    {"id", "ID", EAR_SHOW_TEXT, 0, 0},
};

static void print_way(const struct ear_ctl *ctl, const json_t *value)
{
    ear_show_table(ctl, value, way_columns, EAR_COUNT(way_columns), "");
}

/* Where there is no room a day is said once, and a text goes on in the next line: word by word, as
 * far as a word fits. */
static void test_show_table__folds_days_and_wraps_texts(void **state)
{
    (void)state;
    static const char rows[] =
        "[{\"at\":\"2026-07-25T23:59:59.5Z\",\"what\":\"answer needed, en\",\"id\":\"a\"},"
        "{\"at\":\"2026-07-26T00:00:00Z\",\"what\":\"clock_started\",\"id\":\"b\"},"
        "{\"at\":\"2026-07-26T00:00:01Z\",\"what\":\"東京の山田 é\",\"id\":\"c\"},"
        "{\"at\":null,\"what\":\"\",\"id\":\"d\"}]";
    static const char wide[] = "TIME                     WHAT               ID\r\n"
                               "2026-07-25 23:59:59.500  answer needed, en  a\r\n"
                               "2026-07-26 00:00:00.000  clock_started      b\r\n"
                               "2026-07-26 00:00:01.000  東京の山田 é       c\r\n"
                               "–                        –                  d\r\n";
    static const char folded[] = "TIME          WHAT               ID\r\n"
                                 "2026-07-25\r\n"
                                 "23:59:59.500  answer needed, en  a\r\n"
                                 "2026-07-26\r\n"
                                 "00:00:00.000  clock_started      b\r\n"
                                 "00:00:01.000  東京の山田 é       c\r\n"
                                 "–             –                  d\r\n";
    static const char wrapped[] = "TIME          WHAT     ID\r\n"
                                  "2026-07-25\r\n"
                                  "23:59:59.500  answer   a\r\n"
                                  "              needed,\r\n"
                                  "              en\r\n"
                                  "2026-07-26\r\n"
                                  "00:00:00.000  clock_s  b\r\n"
                                  "              tarted\r\n"
                                  "00:00:01.000  東京の   c\r\n"
                                  "              山田 é\r\n"
                                  "–             –        d\r\n";
    expect_on_terminal(print_way, 46, NULL, rows, wide);
    expect_on_terminal(print_way, 45, NULL, rows, folded);
    expect_on_terminal(print_way, 25, NULL, rows, wrapped);
    expect_shown(print_way, true, "[]", "[]\n");
}

static void test_show_table__cuts_nothing_in_a_pipe(void **state)
{
    (void)state;
    setenv("COLUMNS", "20", 1);
    expect_shown(print_rows, false, WIDE_ROWS,
                 "ID        NAME            COUNT  GOOD  AT  MOMENT  HOP\n"
                 "0000bbbb  東京の山田太郎  1      –     –   –       –\n"
                 "0000cccc  e\xCC\x81tienne         22     –     –   –       –\n");
    unsetenv("COLUMNS");
}

static void test_show_table__gives_programs_everything(void **state)
{
    (void)state;
    static const char row[] =
        "[{\"id\":\"019fa000-0000-7000-8000-00000000bbbb\",\"hidden\":\"x\"}]";
    char wanted[128];
    snprintf(wanted, sizeof(wanted), "%s\n", row);
    expect_shown(print_rows, true, row, wanted);
}

static void test_show_object__puts_a_member_a_line(void **state)
{
    (void)state;
    expect_shown(print_one, false, "[{\"id\":\"x\",\"name\":\"A\",\"hidden\":\"h\",\"count\":1}]",
                 "ID     x\nNAME   A\nCOUNT  1\n");
}

static void test_show__never_obeys_what_customers_write(void **state)
{
    (void)state;
    expect_shown(print_one, false, "[{\"id\":\"x\",\"name\":\"\\u001b[31m\\n\\tq\",\"count\":1}]",
                 "ID     x\nNAME   .[31m  q\nCOUNT  1\n");
    expect_shown(print_text, false, "\"one\\r\\n\\ntwo\\u009b\\u007f\\u202e\\u2066 Zo\\u00eb\"",
                 "    one.\n\n    two......... Zoë\n");
    /* … nor in JSON, where it is still what they wrote. */
    expect_shown(
        print_rows, true,
        "[\"\\u009b \\u0080\\u009f\\u00a0 \\u202a\\u202e \\u2066\\u2069 \\u001b Zo\\u00eb …\"]",
        "[\"\\u009B \\u0080\\u009F\u00a0 \\u202A\\u202E \\u2066\\u2069 \\u001B Zoë …\"]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_show_span__is_short),
        cmocka_unit_test(test_show_due__says_how_long_or_how_late),
        cmocka_unit_test(test_show_table__aligns_what_people_read),
        cmocka_unit_test(test_show_table__fits_a_terminal_and_counts_its_cells),
        cmocka_unit_test(test_show_table__folds_days_and_wraps_texts),
        cmocka_unit_test(test_show_table__cuts_nothing_in_a_pipe),
        cmocka_unit_test(test_show_table__gives_programs_everything),
        cmocka_unit_test(test_show_object__puts_a_member_a_line),
        cmocka_unit_test(test_show__never_obeys_what_customers_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "conf/conf.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

struct shop {
    const char *name;
    const char *token;
    const char *listen;
    int64_t seats;
    int64_t wait_ms;
    int64_t body_bytes;
    bool open;
};

struct other {
    int64_t depth;
};

static struct shop shop;
static struct other other;

static const struct ear_conf_key shop_keys[] = {
    EAR_CONF("EAR_NAME", TEXT, "corner|shop", 0, 0, shop, name, "The shop's name."),
    EAR_CONF("EAR_TOKEN", SECRET, "", 0, 0, shop, token, "What callers must know."),
    EAR_CONF("EAR_LISTEN", ENDPOINT, "*:8080", 0, 0, shop, listen, "Where it listens."),
    EAR_CONF("EAR_SEATS", INT, "4", 1, 100, shop, seats, "How many may sit."),
    EAR_CONF("EAR_WAIT", DURATION, "15s", 1000, 86400000, shop, wait_ms,
             "How long a guest waits before somebody comes, which is a sentence long enough to be "
             "wrapped."),
    EAR_CONF("EAR_BODY", SIZE, "4MiB", 1, 1 << 30, shop, body_bytes, "Largest body taken."),
    EAR_CONF("EAR_OPEN", BOOL, "on", 0, 0, shop, open, "Whether guests come in."),
};
static const struct ear_conf_key other_keys[] = {
    EAR_CONF("EAR_DEPTH", INT, NULL, 0, 0, other, depth, "How deep it goes."),
};
static const struct ear_conf_table tables[] = {
    {"Shop", shop_keys, EAR_COUNT(shop_keys), &shop},
    {"Other", other_keys, EAR_COUNT(other_keys), &other},
};

static char *text;
static size_t text_len;

static FILE *open_text(void)
{
    free(text);
    text = NULL;
    return open_memstream(&text, &text_len);
}

/* Loads from the given variables; what was complained of is in `text`. */
static ear_err load(char **env)
{
    FILE *out = open_text();
    ear_err err = ear_conf_load(tables, EAR_COUNT(tables), env, out);
    fclose(out);
    return err;
}

static void release(void)
{
    ear_conf_release(tables, EAR_COUNT(tables));
}

static void test_conf__defaults_hold(void **state)
{
    (void)state;
    char *env[] = {"PATH=/bin", "EAR_DEPTH=-3", "EAR_NAME=", "EAR_SEATS=", NULL};
    assert_int_equal(load(env), EAR_OK);
    assert_string_equal(text, "");
    assert_string_equal(shop.name, "corner|shop");
    assert_string_equal(shop.token, "");
    assert_string_equal(shop.listen, "*:8080");
    assert_int_equal(shop.seats, 4);
    assert_int_equal(shop.wait_ms, 15000);
    assert_int_equal(shop.body_bytes, 4 << 20);
    assert_true(shop.open);
    assert_int_equal(other.depth, -3);
    release();
    assert_null(shop.name);
    release();
}

static void test_conf__the_environment_wins(void **state)
{
    (void)state;
    char *env[] = {"EAR_DEPTH=9",        "EAR_NAME=a=b c", "EAR_TOKEN=t",
                   "EAR_LISTEN=[::1]:0", "EAR_SEATS=100",  "EAR_WAIT=1d",
                   "EAR_BODY=1GiB",      "EAR_OPEN=off",   NULL};
    assert_int_equal(load(env), EAR_OK);
    assert_string_equal(shop.name, "a=b c");
    assert_string_equal(shop.token, "t");
    assert_string_equal(shop.listen, "[::1]:0");
    assert_int_equal(shop.seats, 100);
    assert_int_equal(shop.wait_ms, 86400000);
    assert_int_equal(shop.body_bytes, 1 << 30);
    assert_false(shop.open);
    release();
}

static void test_conf__reports_all_mistakes_at_once(void **state)
{
    (void)state;
    char *env[] = {"EAR_SEATS=101",
                   "EAR_WAIT=15 s",
                   "EAR_BODY=0",
                   "EAR_OPEN=yes",
                   "EAR_LISTEN=foo",
                   "EAR_SEAT=4",
                   "EAR_NAME_FILE=/x",
                   "EAR_TOKEN_FILE=/nonexistent",
                   NULL};
    assert_int_equal(load(env), EAR_INVALID);
    static const char *const lines[] = {
        "EAR_TOKEN_FILE: cannot open /nonexistent: No such file or directory\n",
        "EAR_LISTEN: \"foo\" is not a valid value; write host:port\n",
        "EAR_SEATS: 101 is out of range; allowed is 1 to 100\n",
        "EAR_WAIT: \"15 s\" is not a valid value; write duration such as 250ms, ",
        "EAR_BODY: 0 is out of range; allowed is 1 to 1GiB\n",
        "EAR_OPEN: \"yes\" is not a valid value; write on or off\n",
        "EAR_DEPTH: must be set. How deep it goes.\n",
        "EAR_SEAT: no such key; --help lists those there are\n",
        "EAR_NAME_FILE: no such key; --help lists those there are\n",
    };
    for (size_t i = 0; i < EAR_COUNT(lines); i++) assert_non_null(strstr(text, lines[i]));
    size_t count = 0;
    for (size_t i = 0; i < text_len; i++) count += text[i] == '\n';
    assert_int_equal(count, EAR_COUNT(lines));
    assert_null(shop.name); /* nothing is left behind to be freed */
}

static void test_conf__endpoints_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        bool good;
    } cases[] = {
        {"*:8080", true},           {"127.0.0.1:1", true},
        {"ingest:65535", true},     {"a.b-c_d:0", true},
        {"[fe80::1%eth0]:5", true}, {"host", false},
        {"host:", false},           {":80", false},
        {"host:65536", false},      {"host:8x", false},
        {"host:-1", false},         {"::1:80", false},
        {"[]:80", false},           {"[::1]", false},
        {"tcp://h:80", false},      {"u@h:80", false},
        {"h h:80", false},          {"h/x:80", false},
        {"h:80 ", false},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        char setting[64];
        snprintf(setting, sizeof(setting), "EAR_LISTEN=%s", cases[i].value);
        char *env[] = {"EAR_DEPTH=1", setting, NULL};
        if ((load(env) == EAR_OK) != cases[i].good) fail_msg("%s", cases[i].value);
        release();
    }
}

static void test_conf__secrets_come_from_files_and_are_not_shown(void **state)
{
    (void)state;
    char path[] = "/tmp/test_conf.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "hush hush\n", 10), 10);
    char setting[64];
    snprintf(setting, sizeof(setting), "EAR_TOKEN_FILE=%s", path);
    char *env[] = {"EAR_DEPTH=1", "EAR_TOKEN=loser", setting, NULL};
    assert_int_equal(load(env), EAR_OK);
    assert_string_equal(shop.token, "hush hush");
    FILE *out = open_text();
    ear_conf_print(tables, EAR_COUNT(tables), out);
    fclose(out);
    assert_string_equal(text, "EAR_NAME=corner|shop\nEAR_TOKEN=(set)\nEAR_LISTEN=*:8080\n"
                              "EAR_SEATS=4\nEAR_WAIT=15s\nEAR_BODY=4MiB\nEAR_OPEN=on\n"
                              "EAR_DEPTH=1\n");
    release();
    /* A secret that is not text is refused, and not quoted. */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, "hu\0sh", 5, 0), 5);
    assert_int_equal(load(env), EAR_INVALID);
    assert_null(strstr(text, "hu"));
    close(fd);
    unlink(path);
}

static void test_conf__what_is_printed_loads_again(void **state)
{
    (void)state;
    static const int64_t waits_ms[] = {1000, 1001, 60000, 90000, 3600000, 86400000};
    for (size_t i = 0; i < EAR_COUNT(waits_ms); i++) {
        char setting[64];
        snprintf(setting, sizeof(setting), "EAR_WAIT=%lld", (long long)waits_ms[i]);
        char *env[] = {"EAR_DEPTH=1", setting, NULL};
        assert_int_equal(load(env), EAR_OK);
        FILE *out = open_text();
        ear_conf_print(tables, EAR_COUNT(tables), out);
        fclose(out);
        release();
        char *line = strstr(text, "EAR_WAIT=");
        *strchr(line, '\n') = '\0';
        snprintf(setting, sizeof(setting), "%s", line);
        assert_int_equal(load(env), EAR_OK);
        assert_int_equal(shop.wait_ms, waits_ms[i]);
        release();
    }
}

static void test_conf_help__fits_a_terminal_and_names_each_key(void **state)
{
    (void)state;
    FILE *out = open_text();
    ear_conf_help(tables, EAR_COUNT(tables), out);
    fclose(out);
    for (size_t i = 0; i < EAR_COUNT(shop_keys); i++)
        assert_non_null(strstr(text, shop_keys[i].name));
    assert_non_null(strstr(text, "Value: whole number; 1 to 100. Default: 4."));
    assert_non_null(strstr(text, "Value: whole number. Must be set."));
    struct ear_str rest = ear_str_from(text);
    struct ear_str line;
    while (ear_str_split(&rest, '\n', &line)) assert_true(line.len <= 80);
}

static void test_conf_markdown__is_a_table_a_group(void **state)
{
    (void)state;
    FILE *out = open_text();
    ear_conf_markdown(tables, EAR_COUNT(tables), out);
    fclose(out);
    assert_non_null(strstr(text, "## Shop\n\n| Key |"));
    assert_non_null(strstr(text, "\n\n## Other\n\n| Key |"));
    assert_non_null(
        strstr(text, "| `EAR_NAME` | text | `corner\\|shop` |  | The shop's name. |\n"));
    assert_non_null(strstr(text, "| `EAR_DEPTH` | whole number | must be set |  |"));
}

static int free_text(void **state)
{
    (void)state;
    free(text);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conf__defaults_hold),
        cmocka_unit_test(test_conf__the_environment_wins),
        cmocka_unit_test(test_conf__reports_all_mistakes_at_once),
        cmocka_unit_test(test_conf__endpoints_are_checked),
        cmocka_unit_test(test_conf__secrets_come_from_files_and_are_not_shown),
        cmocka_unit_test(test_conf__what_is_printed_loads_again),
        cmocka_unit_test(test_conf_help__fits_a_terminal_and_names_each_key),
        cmocka_unit_test(test_conf_markdown__is_a_table_a_group),
    };
    return cmocka_run_group_tests(tests, NULL, free_text);
}

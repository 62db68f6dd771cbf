/* The quick reader says yes only to what the parser takes too, and means the same by it: on lines
 * written for it and on many thousands of damaged ones. */
#include "judge/post_line.h"
#include "judge/quick_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const usual[] = {
    "{\"text\":\"hello\"}",
    " { \"text\" : \"\" , \"lang\" : \"de\" } ",
    "{\"text\":\"a\\n\\t\\\"\\\\\\/\\b\\f\\r \\u00e9\\u20AC\\ud83d\\ude00\",\"account\":\"@firm\"}",
    ("{\"platform\":\"feed\",\"author\":{\"id\":\"9\",\"followers\":33,\"x\":[1,-2,{}],\"y\":[]},"
     "\"text\":\"caf\xc3\xa9 \xf0\x9f\x98\x80\",\"visibility\":\"direct\",\"in_reply_to\":\"x\"}"),
    "{\"text\":\"a\",\"language\":\"fr\",\"lang\":null,\"account\":null,\"in_reply_to\":null}",
    "{\"text\":\"a\",\"language\":\"fr\",\"lang\":\"de\",\"direct\":false,\"reply\":true}",
    "{\"ok\":true,\"no\":false,\"none\":null,\"n\":0,\"text\":\"end\"}",
};
/* Left to the parser: right or wrong, rare or refused. */
static const char *const others[] = {
    "",
    "{}",
    "[]",
    "null",
    "{\"text\":1}",
    "{\"text\":null}",
    "{\"text\":\"a\"",
    "{\"text\":\"a\"}x",
    "{\"text\":\"a\",}",
    "{\"text\":\"a\" \"b\":1}",
    "{\"text\":\"\\ud83d\"}",
    "{\"text\":\"\\ude00\"}",
    "{\"text\":\"\\u0000\"}",
    "{\"text\":\"\\x\"}",
    "{\"text\":\"a\",\"text\":\"b\"}",
    "{\"t\\u0065xt\":\"a\"}",
    "{\"text\":\"a\",\"n\":01}",
    "{\"text\":\"a\",\"n\":-}",
    "{\"text\":\"a\",\"n\":1.5}",
    "{\"text\":\"a\nb\"}",
    "{\"text\":\"\xff\"}",
    "{\"text\":\"a\",\"x\":\"\xc0\xaf\"}",
    "{\"text\":\"a\",\"lang\":5}",
    "{\"text\":\"a\",\"direct\":\"yes\"}",
    "{\"text\":\"a\",\"n\":123456789012345678901234567890}",
};

static void expect_same(const struct ear_model_post *a, const struct ear_model_post *b,
                        struct ear_str line)
{
    if (!ear_str_eq(a->text, b->text) || !ear_str_eq(a->language_hint, b->language_hint) ||
        !ear_str_eq(a->account, b->account) || a->direct != b->direct || a->reply != b->reply)
        fail_msg("read otherwise: %.*s", EAR_STR_ARG(line));
}

/* True when the quick reader took the line; the parser has to agree. A name that stands twice in
 * members that mean nothing is the one thing that only the parser minds. */
static bool compare(struct ear_str line, struct ear_buf *scratch)
{
    struct ear_model_post quick;
    struct ear_post_line parsed;
    struct ear_diag diag = {0};
    if (!ear_quick_line(line, scratch, &quick)) return false;
    if (ear_post_line_read(line, &parsed, &diag)) {
        if (!strstr(diag.text, "duplicate")) fail_msg("%s: %.*s", diag.text, EAR_STR_ARG(line));
        return true;
    }
    expect_same(&quick, &parsed.post, line);
    ear_post_line_release(&parsed);
    return true;
}

static void test_quick_line__takes_the_usual(void **state)
{
    struct ear_buf *scratch = *state;
    for (size_t i = 0; i < EAR_COUNT(usual); i++)
        if (!compare(ear_str_from(usual[i]), scratch)) fail_msg("not taken: %s", usual[i]);
}

static void test_quick_line__leaves_the_rest(void **state)
{
    struct ear_buf *scratch = *state;
    for (size_t i = 0; i < EAR_COUNT(others); i++)
        if (compare(ear_str_from(others[i]), scratch)) fail_msg("taken: %s", others[i]);
}

static void test_quick_line__agrees_on_damaged_lines(void **state)
{
    struct ear_buf *scratch = *state;
    static const char bytes[] = "\"\\{}[],:ntfu0-1e. \x01\xc3\xff";
    uint64_t random = 42;
    size_t taken = 0;
    for (size_t round = 0; round < 60000; round++) {
        const char *from = usual[round % EAR_COUNT(usual)];
        size_t len = strlen(from);
        char *line = ear_alloc(len + 1); /* exact, so that a read beyond the end is seen */
        memcpy(line, from, len);
        for (size_t change = 0; change < 1 + round % 3; change++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
            line[(random >> 33) % len] = bytes[(random >> 20) % (sizeof(bytes) - 1)];
        }
        taken += compare((struct ear_str){line, len - round % 2}, scratch);
        free(line);
    }
    assert_in_range(taken, 500, 59000); /* both kinds were there */
}

static int set_up(void **state)
{
    struct ear_buf *scratch = ear_alloc(sizeof(*scratch));
    ear_buf_init(scratch, 1 << 20);
    *state = scratch;
    return 0;
}

static int tear_down(void **state)
{
    struct ear_buf *scratch = *state;
    ear_buf_release(scratch);
    free(scratch);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quick_line__takes_the_usual),
        cmocka_unit_test(test_quick_line__leaves_the_rest),
        cmocka_unit_test(test_quick_line__agrees_on_damaged_lines),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

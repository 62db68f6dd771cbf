/* Lines out of files and pipes: numbers, blank and too long ones, ends without a line end. */
#include "replay/feed.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static struct ear_loop *loop;

static int start(void **state)
{
    (void)state;
    return ear_loop_new(&loop) != EAR_OK;
}

static int end(void **state)
{
    (void)state;
    ear_loop_free(&loop);
    return 0;
}

/* Next line, waiting for it. */
static ear_feed_state next(struct ear_feed *feed, struct ear_str *line, size_t *number)
{
    ear_feed_state state;
    while ((state = ear_feed_peek(feed, line, number)) == EAR_FEED_WAIT) ear_loop_turn(loop, 1000);
    return state;
}

static struct ear_feed *feed_of(const char *bytes, size_t len, char *path)
{
    struct ear_feed *feed = NULL;
    struct ear_diag diag = {0};
    snprintf(path, 64, "/tmp/earshot-feed.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    close(fd);
    if (ear_feed_open(&feed, loop, path, &diag)) fail_msg("%s", diag.text);
    return feed;
}

static void test_feed__numbers_lines_and_leaves_out_blank_ones(void **state)
{
    (void)state;
    static const char text[] = "one\r\n\n  \ttwo \n\r\nthree";
    static const struct {
        size_t number;
        const char *line;
    } wanted[] = {{1, "one"}, {3, "two"}, {5, "three"}};
    char path[64];
    struct ear_str line;
    size_t number;
    struct ear_feed *feed = feed_of(text, sizeof(text) - 1, path);
    for (size_t i = 0; i < EAR_COUNT(wanted); i++) {
        for (int again = 0; again < 2; again++) {
            assert_int_equal(next(feed, &line, &number), EAR_FEED_LINE);
            assert_int_equal(number, wanted[i].number);
            assert_true(ear_str_eq(line, ear_str_from(wanted[i].line)));
        }
        ear_feed_take(feed);
    }
    assert_int_equal(next(feed, &line, &number), EAR_FEED_END);
    assert_int_equal(next(feed, &line, &number), EAR_FEED_END);
    ear_feed_free(&feed);
    unlink(path);
}

static void test_feed__skips_lines_that_are_too_long(void **state)
{
    (void)state;
    static const size_t lens[] = {EAR_FEED_LINE_MAX - 1,
                                  EAR_FEED_LINE_MAX,
                                  EAR_FEED_LINE_MAX + 1,
                                  3 * EAR_FEED_LINE_MAX,
                                  5,
                                  EAR_FEED_LINE_MAX + 70000,
                                  EAR_FEED_LINE_MAX};
    char path[64], *bytes = ear_alloc(10 * EAR_FEED_LINE_MAX);
    size_t used = 0, number;
    struct ear_str line;
    for (size_t i = 0; i < EAR_COUNT(lens); i++) {
        memset(bytes + used, 'a' + (int)i, lens[i]);
        used += lens[i];
        bytes[used++] = '\n';
    }
    struct ear_feed *feed = feed_of(bytes, used - 1, path); /* the last one has no end */
    for (size_t i = 0; i < EAR_COUNT(lens); i++) {
        bool is_long = lens[i] > EAR_FEED_LINE_MAX;
        assert_int_equal(next(feed, &line, &number), is_long ? EAR_FEED_LONG : EAR_FEED_LINE);
        assert_int_equal(number, i + 1);
        if (!is_long) {
            assert_int_equal(line.len, lens[i]);
            assert_int_equal(line.ptr[0], 'a' + (int)i);
            assert_int_equal(line.ptr[line.len - 1], 'a' + (int)i);
        }
        ear_feed_take(feed);
    }
    assert_int_equal(next(feed, &line, &number), EAR_FEED_END);
    ear_feed_free(&feed);
    unlink(path);
    free(bytes);
}

static void test_feed__does_not_wait_for_a_silent_pipe(void **state)
{
    (void)state;
    int ends[2];
    char path[64];
    struct ear_feed *feed = NULL;
    struct ear_str line;
    size_t number;
    assert_int_equal(pipe(ends), 0);
    snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
    assert_int_equal(ear_feed_open(&feed, loop, path, NULL), EAR_OK);
    assert_int_equal(ear_feed_peek(feed, &line, &number), EAR_FEED_WAIT);
    assert_int_equal(write(ends[1], "one\ntw", 6), 6);
    assert_int_equal(next(feed, &line, &number), EAR_FEED_LINE);
    ear_feed_take(feed);
    assert_int_equal(ear_feed_peek(feed, &line, &number), EAR_FEED_WAIT);
    assert_int_equal(write(ends[1], "o", 1), 1);
    close(ends[1]);
    assert_int_equal(next(feed, &line, &number), EAR_FEED_LINE);
    assert_true(ear_str_eq(line, EAR_STR("two")));
    ear_feed_take(feed);
    assert_int_equal(next(feed, &line, &number), EAR_FEED_END);
    ear_feed_free(&feed);
    close(ends[0]);
}

static void test_feed_open__refuses_what_is_no_feed(void **state)
{
    (void)state;
    static const char *const paths[] = {"/tmp", "/nowhere/at/all", ""};
    for (size_t i = 0; i < EAR_COUNT(paths); i++) {
        struct ear_feed *feed = NULL;
        struct ear_diag diag = {0};
        assert_int_equal(ear_feed_open(&feed, loop, paths[i], &diag), EAR_INVALID);
        assert_true(diag.text[0] != '\0');
        assert_null(feed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_feed__numbers_lines_and_leaves_out_blank_ones),
        cmocka_unit_test(test_feed__skips_lines_that_are_too_long),
        cmocka_unit_test(test_feed__does_not_wait_for_a_silent_pipe),
        cmocka_unit_test(test_feed_open__refuses_what_is_no_feed),
    };
    return cmocka_run_group_tests(tests, start, end);
}

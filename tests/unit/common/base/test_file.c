#include "base/check.h"
#include "base/file.h"
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/test_file.XXXXXX";
static char path[sizeof(folder) + 16];

static void write_file(struct ear_str content)
{
    struct ear_diag diag = {0};
    if (ear_file_write(path, content, 0600, &diag)) fail_msg("%s", diag.text);
}

/* Files whose name begins so. */
static size_t count_files(const char *prefix)
{
    size_t count = 0;
    DIR *list = opendir(folder);
    for (const struct dirent *e; (e = readdir(list));)
        count += strncmp(e->d_name, prefix, strlen(prefix)) == 0;
    closedir(list);
    return count;
}

static void test_file__reads_what_was_written(void **state)
{
    (void)state;
    struct ear_buf buf;
    struct stat meta;
    write_file(EAR_STR("old and longer"));
    write_file(EAR_STR("a\0b\n"));
    assert_int_equal(stat(path, &meta), 0);
    assert_int_equal(meta.st_mode & 0777, 0600);
    ear_buf_init(&buf, 100);
    assert_int_equal(ear_buf_append_char(&buf, '>'), EAR_OK);
    assert_int_equal(ear_file_read(path, &buf, NULL), EAR_OK);
    assert_true(ear_str_eq(ear_buf_str(&buf), EAR_STR(">a\0b\n")));
    ear_buf_release(&buf);
}

static void test_file_write__leaves_nothing_beside(void **state)
{
    (void)state;
    write_file(EAR_STR("x"));
    struct ear_diag diag = {0};
    assert_int_equal(ear_file_write(folder, EAR_STR("x"), 0600, &diag), EAR_INVALID);
    assert_int_equal(ear_file_write("/nonexistent/x", EAR_STR("x"), 0600, &diag), EAR_NOT_FOUND);
    assert_non_null(strstr(diag.text, "/nonexistent/x"));
    assert_int_equal(count_files("file"), 1);
    assert_int_equal(count_files("file."), 0);
}

/* As Ctrl-C in the middle of it; this one comes by itself. */
static void test_file_write__a_signal_leaves_nothing_beside(void **state)
{
    (void)state;
    static const char content[4096];
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000}); /* past it: SIGXFSZ */
        ear_err err = ear_file_write(path, (struct ear_str){content, sizeof(content)}, 0600, NULL);
        _exit(err ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
    assert_int_equal(count_files("file."), 0);
}

/* What is no file would be gone: as root /dev/null was. */
static void test_file_write__replaces_plain_files_only(void **state)
{
    (void)state;
    char other[sizeof(path) + 8];
    struct stat meta;
    snprintf(other, sizeof(other), "%s.other", path);
    write_file(EAR_STR("x"));
    for (int link = 0; link < 2; link++) {
        struct ear_diag diag = {0};
        assert_int_equal(link ? symlink(path, other) : mkfifo(other, 0600), 0);
        assert_int_equal(ear_file_can_write(other, &diag), EAR_INVALID);
        assert_int_equal(ear_file_write(other, EAR_STR("y"), 0600, &diag), EAR_INVALID);
        assert_non_null(strstr(diag.text, "no plain file"));
        assert_int_equal(lstat(other, &meta), 0);
        assert_true(link ? S_ISLNK(meta.st_mode) : S_ISFIFO(meta.st_mode));
        assert_int_equal(unlink(other), 0);
    }
}

static void test_file_can_write__changes_nothing(void **state)
{
    (void)state;
    struct ear_diag diag = {0};
    unlink(path);
    assert_int_equal(ear_file_can_write(path, &diag), EAR_OK);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(ear_file_can_write("/nonexistent/x", &diag), EAR_NOT_FOUND);
    assert_int_equal(rmdir(folder), 0); /* nothing is left in it */
    assert_int_equal(mkdir(folder, 0700), 0);
}

static void test_file_read__keeps_the_ceiling(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 4095, 16384, 16385, 70000};
    char *bytes = ear_alloc(70000);
    for (size_t i = 0; i < EAR_COUNT(sizes); i++) {
        struct ear_buf buf;
        struct ear_diag diag = {0};
        write_file((struct ear_str){bytes, sizes[i]});
        ear_buf_init(&buf, sizes[i]);
        assert_int_equal(ear_file_read(path, &buf, &diag), EAR_OK);
        assert_int_equal(buf.len, sizes[i]);
        ear_buf_release(&buf);
        if (sizes[i] == 0) continue;
        ear_buf_init(&buf, sizes[i] - 1);
        assert_int_equal(ear_file_read(path, &buf, &diag), EAR_TOO_LARGE);
        assert_non_null(strstr(diag.text, path));
        char most[64];
        snprintf(most, sizeof most, "than the %zu bytes", sizes[i] - 1);
        assert_non_null(strstr(diag.text, most));
        assert_int_equal(buf.len, 0);
        ear_buf_release(&buf);
    }
    free(bytes);
}

static void test_file_read__says_what_is_wrong(void **state)
{
    (void)state;
    struct ear_buf buf;
    struct ear_diag diag = {0};
    ear_buf_init(&buf, 100);
    assert_int_equal(ear_file_read("/nonexistent", &buf, &diag), EAR_NOT_FOUND);
    assert_string_equal(diag.text, "cannot open /nonexistent: No such file or directory");
    assert_int_equal(ear_file_read(folder, &buf, &diag), EAR_INVALID);
    ear_buf_release(&buf);
}

static void test_file_read_secret__drops_one_line_end(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *secret; /* NULL: refused */
    } cases[] = {
        {"s3cret", "s3cret"},
        {"s3cret\n", "s3cret"},
        {"s3cret\r\n", "s3cret"},
        {"a\nb\n", "a\nb"},
        {"s3cret\n\n", "s3cret\n"},
        {" s ", " s "},
        {"", NULL},
        {"\n", NULL},
        {"\r\n", NULL},
    };
    for (size_t i = 0; i < EAR_COUNT(cases); i++) {
        struct ear_buf buf;
        ear_buf_init(&buf, 100);
        write_file(ear_str_from(cases[i].content));
        ear_err err = ear_file_read_secret(path, &buf, NULL);
        assert_int_equal(err, cases[i].secret ? EAR_OK : EAR_INVALID);
        assert_string_equal(buf.data, cases[i].secret ? cases[i].secret : "");
        ear_buf_release(&buf);
    }
}

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof(path), "%s/file", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__reads_what_was_written),
        cmocka_unit_test(test_file_write__leaves_nothing_beside),
        cmocka_unit_test(test_file_write__a_signal_leaves_nothing_beside),
        cmocka_unit_test(test_file_write__replaces_plain_files_only),
        cmocka_unit_test(test_file_can_write__changes_nothing),
        cmocka_unit_test(test_file_read__keeps_the_ceiling),
        cmocka_unit_test(test_file_read__says_what_is_wrong),
        cmocka_unit_test(test_file_read_secret__drops_one_line_end),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

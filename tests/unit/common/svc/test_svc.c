#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "svc/private.h"
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The service under test runs in a child process; it tells its port through a pipe. */
struct toy_settings {
    int64_t drain_ms; /* -1: never drained */
    bool ready;
    bool broken; /* start fails */
    bool fails;  /* ear_svc_fail from inside */
    int64_t pipe_fd;
};

struct toy {
    struct ear_svc *svc;
    struct ear_timer *timer;
};

static struct toy_settings settings;

static const struct ear_conf_key toy_keys[] = {
    EAR_CONF("EAR_TOY_DRAIN", INT, "0", -1, 60000, toy_settings, drain_ms, "Time to drain."),
    EAR_CONF("EAR_TOY_READY", BOOL, "on", 0, 0, toy_settings, ready, "Whether it is ready."),
    EAR_CONF("EAR_TOY_BROKEN", BOOL, "off", 0, 0, toy_settings, broken, "Whether start fails."),
    EAR_CONF("EAR_TOY_FAILS", BOOL, "off", 0, 0, toy_settings, fails, "Whether it fails later."),
    EAR_CONF("EAR_TOY_PIPE", INT, "-1", -1, 1024, toy_settings, pipe_fd, "Where the port goes."),
};
static const struct ear_conf_table toy_table = {
    .title = "Toy", .keys = toy_keys, .count = EAR_COUNT(toy_keys), .target = &settings};

static void on_timer(void *self)
{
    struct toy *toy = self;
    struct ear_diag diag;
    if (settings.fails) {
        ear_fail(&diag, EAR_DENIED, "the key is another");
        ear_svc_fail(toy->svc, &diag);
    } else {
        ear_svc_drained(toy->svc);
    }
}

static ear_err toy_start(struct ear_svc *svc, void **self, struct ear_diag *diag)
{
    if (settings.broken) return ear_fail(diag, EAR_INVALID, "broken on purpose");
    struct toy *toy = ear_alloc(sizeof(*toy));
    toy->svc = svc;
    ear_timer_new(&toy->timer, ear_svc_loop(svc), on_timer, toy);
    if (settings.fails) ear_timer_start(toy->timer, 1, 0);
    if (settings.pipe_fd >= 0) {
        dprintf((int)settings.pipe_fd, "%u\n", ear_httpd_port(ear_svc_httpd(svc)));
    }
    *self = toy;
    return EAR_OK;
}

static bool toy_ready(void *self, struct ear_diag *why)
{
    (void)self;
    if (!settings.ready) ear_fail(why, EAR_UNAVAILABLE, "no \"database\"");
    return settings.ready;
}

static void toy_describe(void *self, struct ear_buf *json)
{
    (void)self;
    assert_int_equal(ear_buf_append_str(json, EAR_STR("\"backlog\":3")), EAR_OK);
}

static void toy_drain(void *self)
{
    struct toy *toy = self;
    if (settings.drain_ms >= 0) ear_timer_start(toy->timer, settings.drain_ms, 0);
}

static void toy_stop(void *self)
{
    struct toy *toy = self;
    ear_timer_free(&toy->timer);
    free(toy);
}

static const struct ear_svc_def toy_def = {
    .name = "toy",
    .summary = "a service for tests",
    .tables = &toy_table,
    .table_count = 1,
    .http_default = "127.0.0.1:0",
    .start = toy_start,
    .ready = toy_ready,
    .describe = toy_describe,
    .drain = toy_drain,
    .stop = toy_stop,
};

struct run {
    pid_t pid;
    unsigned port;
    FILE *out; /* what it says on stdout and stderr */
};

/* Runs the toy with the given settings ("A=b") and option. */
static void run(struct run *run, const char *const *env, char *option)
{
    int port[2], out[2];
    assert_int_equal(pipe(port), 0);
    assert_int_equal(pipe(out), 0);
    run->pid = fork();
    if (run->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails, nothing is left behind */
        char fd[16];
        snprintf(fd, sizeof(fd), "%d", port[1]);
        setenv("EAR_TOY_PIPE", fd, 1);
        for (; env && *env; env++) putenv((char *)(uintptr_t)*env);
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        close(port[0]);
        char name[] = "toy";
        char *argv[] = {name, option, NULL};
        int code = ear_svc_run(&toy_def, option ? 2 : 1, argv);
        fflush(stdout);
        _exit(code);
    }
    close(port[1]);
    close(out[1]);
    char text[16] = "";
    ssize_t got = read(port[0], text, sizeof(text) - 1);
    run->port = got > 0 ? (unsigned)strtoul(text, NULL, 10) : 0;
    run->out = fdopen(out[0], "r");
    close(port[0]);
}

/* Waits for its end and compares exit code and a piece of what it said. */
static void ended(struct run *run, int code, const char *said)
{
    char all[65536];
    int status = 0;
    size_t len = fread(all, 1, sizeof(all) - 1, run->out);
    all[len] = '\0';
    fclose(run->out);
    assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != code || !strstr(all, said)) {
        fail_msg("status %d, wanted code %d and \"%s\" in:\n%s", status, code, said, all);
    }
}

static void get(const struct run *run, const char *path, char *answer, size_t size)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)run->port),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    dprintf(fd, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", path);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < size - 1; len += (size_t)(n > 0 ? n : 0)) {
        n = read(fd, answer + len, size - 1 - len);
    }
    answer[len] = '\0';
    close(fd);
}

static void test_svc__answers_health_and_metrics(void **state)
{
    (void)state;
    static char answer[65536];
    struct run one;
    run(&one, NULL, NULL);
    get(&one, "/healthz", answer, sizeof(answer));
    assert_non_null(strstr(answer, "200 OK"));
    get(&one, "/readyz", answer, sizeof(answer));
    assert_non_null(strstr(answer, "200 OK"));
    assert_non_null(strstr(answer, "\"ready\":true,\"service\":\"toy\""));
    assert_non_null(strstr(answer, "\"schema\":[1,1],\"backlog\":3}"));
    get(&one, "/metrics", answer, sizeof(answer));
    assert_non_null(strstr(answer, "earshot_ready 1"));
    assert_non_null(strstr(answer, "earshot_build_info{service=\"toy\",version="));
    kill(one.pid, SIGTERM);
    ended(&one, 0, "event=svc.stopped");
}

static void test_svc__says_why_it_is_not_ready(void **state)
{
    (void)state;
    static char answer[8192];
    const char *env[] = {"EAR_TOY_READY=off", NULL};
    struct run one;
    run(&one, env, NULL);
    get(&one, "/readyz", answer, sizeof(answer));
    assert_non_null(strstr(answer, "503"));
    assert_non_null(strstr(answer, "\"ready\":false"));
    assert_non_null(strstr(answer, "\"why\":\"no \\\"database\\\"\""));
    kill(one.pid, SIGINT);
    ended(&one, 0, "event=svc.draining");
}

/* Of so many checks with this answer, the one at which a line is written; 0: none. */
static unsigned told_at(struct ear_svc *svc, unsigned checks, const char *why)
{
    struct ear_diag diag = {0};
    for (unsigned check = 1; check <= checks; check++) {
        if (why) ear_fail(&diag, EAR_UNAVAILABLE, "%s", why);
        if (ear_svc_tells(svc, !why, &diag)) return check;
    }
    return 0;
}

static void test_svc__tells_another_reason_but_not_each_turn(void **state)
{
    (void)state;
    struct ear_svc *svc = ear_alloc(sizeof(*svc));
    assert_int_equal(told_at(svc, 100, "no database"),
                     EAR_SVC_TELL_CHECKS); /* it may be starting */
    assert_int_equal(told_at(svc, 100, "no database"), 0);
    assert_int_equal(told_at(svc, 100, "an old schema"), 1);
    assert_int_equal(told_at(svc, 2, "no database"), 0);
    assert_int_equal(told_at(svc, 2, "an old schema"), 0);
    assert_int_equal(told_at(svc, 100, "no database"), EAR_SVC_TELL_CHECKS - 4);
    assert_int_equal(told_at(svc, 100, NULL), 1);
    assert_int_equal(told_at(svc, 100, NULL), 0);
    assert_int_equal(told_at(svc, 100, "no database"), 1); /* also one known from before */
    assert_int_equal(told_at(svc, 100, "an old schema"), EAR_SVC_TELL_CHECKS);
    free(svc);
}

static void test_svc__drains_as_long_as_it_may(void **state)
{
    (void)state;
    static char answer[8192];
    const char *slow[] = {"EAR_TOY_DRAIN=-1", "EAR_DRAIN_TIMEOUT=300ms", NULL};
    struct run one;
    run(&one, slow, NULL);
    kill(one.pid, SIGTERM);
    do {
        get(&one, "/readyz", answer, sizeof(answer));
    } while (!strstr(answer, "\"why\":\"draining\""));
    ended(&one, 1, "event=svc.drain_timeout");
}

static void test_svc__stops_at_once_at_the_second_signal(void **state)
{
    (void)state;
    static char answer[8192];
    const char *slow[] = {"EAR_TOY_DRAIN=-1", "EAR_DRAIN_TIMEOUT=60s", NULL};
    struct run one;
    run(&one, slow, NULL);
    kill(one.pid, SIGTERM);
    do {
        get(&one, "/readyz", answer, sizeof(answer));
    } while (!strstr(answer, "\"why\":\"draining\""));
    kill(one.pid, SIGTERM);
    ended(&one, 1, "event=svc.stopped");
}

static void test_svc__exit_codes_tell_what_happened(void **state)
{
    (void)state;
    static const struct {
        const char *env[3];
        const char *option;
        int code;
        const char *said;
    } rows[] = {
        {{NULL}, "--help", 0, "EAR_DRAIN_TIMEOUT"},
        {{NULL}, "--version", 0, "earshot-toy " EAR_VERSION},
        {{"EAR_TOY_DRAIN=7"}, "--print-config", 0, "EAR_TOY_DRAIN=7"},
        {{NULL}, "--print-config-docs", 0, "| `EAR_TOY_DRAIN`"},
        {{NULL}, "--what", 2, "see --help"},
        {{"EAR_TOY_DRAIN=x", "EAR_NO_SUCH=1"}, NULL, 2, "EAR_NO_SUCH"},
        {{"EAR_LOG_LEVEL=loud"}, NULL, 2, "EAR_LOG_LEVEL"},
        {{"EAR_TOY_BROKEN=on"}, NULL, 1, "why=\"broken on purpose\""},
        {{"EAR_HTTP=203.0.113.9:1"}, NULL, 1, "cannot listen on 203.0.113.9:1"},
        {{"EAR_TOY_FAILS=on"}, NULL, 1, "event=svc.failed err=denied why=\"the key is another\""},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct run one;
        run(&one, rows[i].env, (char *)(uintptr_t)rows[i].option);
        ended(&one, rows[i].code, rows[i].said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_svc__answers_health_and_metrics),
        cmocka_unit_test(test_svc__says_why_it_is_not_ready),
        cmocka_unit_test(test_svc__tells_another_reason_but_not_each_turn),
        cmocka_unit_test(test_svc__drains_as_long_as_it_may),
        cmocka_unit_test(test_svc__stops_at_once_at_the_second_signal),
        cmocka_unit_test(test_svc__exit_codes_tell_what_happened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

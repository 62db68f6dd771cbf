#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "httpd/httpd.h"
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS      300
#define CONNECTIONS_MAX 16

struct site {
    struct ear_loop *loop;
    struct ear_httpd *httpd;
    struct ear_httpd_request *kept[8];
    size_t kept_count;
    struct ear_buf got; /* what the client read */
    bool closed;        /* the server closed the client's connection */
    int calls;
};

static void echo(void *self, struct ear_httpd_request *request)
{
    struct site *site = self;
    site->calls++;
    struct ear_buf out;
    ear_buf_init(&out, 1 << 20);
    struct ear_str account = ear_httpd_segment(request, "account");
    struct ear_str lane = ear_httpd_query(request, "lane");
    struct ear_str kind = ear_httpd_header(request, "content-type");
    assert_int_equal(ear_buf_printf(&out, "%.*s|%.*s|%.*s|%zu", EAR_STR_ARG(account),
                                    EAR_STR_ARG(lane), EAR_STR_ARG(kind),
                                    ear_httpd_body(request).len),
                     EAR_OK);
    ear_httpd_answer(request, 200, "text/plain", ear_buf_str(&out), NULL, 0);
    ear_buf_release(&out);
}

static void keep(void *self, struct ear_httpd_request *request)
{
    struct site *site = self;
    site->kept[site->kept_count++] = request;
}

static int set_up(void **state)
{
    struct site *site = ear_alloc(sizeof(*site));
    struct ear_diag diag;
    const struct ear_httpd_opts opts = {.listen = "127.0.0.1:0", .timeout_ms = TIMEOUT_MS};
    assert_int_equal(ear_loop_new(&site->loop), EAR_OK);
    assert_int_equal(ear_httpd_new(&site->httpd, site->loop, &opts, &diag), EAR_OK);
    const struct ear_httpd_route routes[] = {
        {"POST", "/v1/accounts/{account}/posts", 1000, echo, site},
        {"GET", "/late", 0, keep, site},
        {"GET", "/now", 0, echo, site},
    };
    for (size_t i = 0; i < EAR_COUNT(routes); i++) ear_httpd_route(site->httpd, &routes[i]);
    ear_buf_init(&site->got, 1 << 20);
    *state = site;
    return 0;
}

static int tear_down(void **state)
{
    struct site *site = *state;
    ear_httpd_free(&site->httpd);
    ear_loop_free(&site->loop);
    ear_buf_release(&site->got);
    free(site);
    return 0;
}

static int dial(const struct site *site)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(ear_httpd_port(site->httpd)),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void listen_once(struct site *site, int fd)
{
    char chunk[4096];
    ssize_t n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n > 0) assert_int_equal(ear_buf_append(&site->got, chunk, (size_t)n), EAR_OK);
    if (n == 0 || (n < 0 && errno != EAGAIN)) site->closed = true;
}

/* Turns the loop until the client has read `needle`, or until the connection is closed. */
static bool hear(struct site *site, int fd, const char *needle)
{
    int64_t end = ear_clock_mono_ms() + 5000;
    while (ear_clock_mono_ms() < end) {
        ear_loop_turn(site->loop, 10);
        listen_once(site, fd);
        if (needle && site->got.len && strstr(site->got.data, needle)) return true;
        if (site->closed) return needle == NULL;
    }
    return false;
}

static void forget(struct site *site)
{
    ear_buf_reset(&site->got);
    site->closed = false;
}

static void wait_kept(struct site *site, size_t count)
{
    int64_t end = ear_clock_mono_ms() + 5000;
    while (site->kept_count < count && ear_clock_mono_ms() < end) ear_loop_turn(site->loop, 10);
    assert_int_equal(site->kept_count, count);
}

static void test_httpd__routes_and_refuses(void **state)
{
    struct site *site = *state;
    static const struct {
        const char *request;
        const char *want[3];
    } rows[] = {
        {"POST /v1/accounts/shop/posts?lane=live HTTP/1.1\r\nHost: x\r\n"
         "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
         {"HTTP/1.1 200 OK", "shop|live|application/json|2", "Content-Type: text/plain"}},
        {"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
         {"HTTP/1.1 404", "application/problem+json", "\"status\":404"}},
        {"GET /v1/accounts//posts HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 404"}},
        {"GET /a/b/c/d/e/f/g/h/i/j HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 404"}},
        {"GET /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\n\r\n",
         {"HTTP/1.1 405", "Allow: POST", "\"status\":405"}},
        {"DELETE /now HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 405", "Allow: GET"}},
        {"HEAD /now HTTP/1.1\r\nHost: x\r\n\r\n", {"HTTP/1.1 200 OK", "Content-Length: 4"}},
        {"POST /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
         {"HTTP/1.1 200 OK", "shop|||5"}},
        {"POST /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
         {"HTTP/1.1 400"}},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        int fd = dial(site);
        say(fd, rows[i].request);
        for (size_t w = 0; w < 3 && rows[i].want[w]; w++) {
            if (!hear(site, fd, rows[i].want[w])) {
                fail_msg("row %zu: no \"%s\" in: %s", i, rows[i].want[w], site->got.data);
            }
        }
        close(fd);
        forget(site);
    }
    assert_int_equal(ear_httpd_active(site->httpd), 0);
}

static void test_httpd__refuses_a_large_body_without_reading_on(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    say(fd, "POST /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\nabc");
    assert_true(hear(site, fd, "HTTP/1.1 413"));
    assert_true(hear(site, fd, "\"status\":413"));
    assert_true(hear(site, fd, NULL));
    close(fd);
    forget(site);
    fd = dial(site);
    say(fd, "POST /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
            "Content-Length: 99999999\r\n\r\n");
    assert_true(hear(site, fd, "HTTP/1.1 413"));
    assert_null(strstr(site->got.data, "100 Continue"));
    close(fd);
    assert_int_equal(site->calls, 0);
}

static void test_httpd__refuses_a_chunked_body_once_it_is_too_large(void **state)
{
    struct site *site = *state;
    char chunk[600 + 1];
    memset(chunk, 'a', sizeof(chunk) - 1);
    chunk[sizeof(chunk) - 1] = '\0';
    int fd = dial(site);
    say(fd, "POST /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        say(fd, "258\r\n");
        say(fd, chunk);
        say(fd, "\r\n");
    }
    assert_true(hear(site, fd, "HTTP/1.1 413"));
    assert_true(hear(site, fd, NULL));
    close(fd);
    assert_int_equal(site->calls, 0);
    assert_int_equal(ear_httpd_active(site->httpd), 0);
}

/* Turns the loop for a while whatever happens, so that a dripping client stays slow. */
static void pause_ms(struct site *site, int64_t ms)
{
    int64_t end = ear_clock_mono_ms() + ms;
    while (ear_clock_mono_ms() < end) ear_loop_turn(site->loop, 5);
}

static void test_httpd__cuts_who_drips_headers(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    int64_t began = ear_clock_mono_ms();
    say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n");
    while (!site->closed && ear_clock_mono_ms() - began < 5000) {
        (void)!send(fd, "X-A: b\r\n", 8, MSG_NOSIGNAL);
        pause_ms(site, 20);
        listen_once(site, fd);
    }
    assert_true(site->closed);
    assert_true(ear_clock_mono_ms() - began >= TIMEOUT_MS);
    assert_int_equal(site->calls, 0);
    close(fd);
}

static void test_httpd__cuts_who_drips_a_body(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    int64_t began = ear_clock_mono_ms();
    say(fd, "POST /v1/accounts/shop/posts HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n");
    while (!site->closed && ear_clock_mono_ms() - began < 5000) {
        (void)!send(fd, "a", 1, MSG_NOSIGNAL);
        pause_ms(site, 20);
        listen_once(site, fd);
    }
    assert_true(site->closed);
    assert_int_equal(site->calls, 0);
    close(fd);
}

/* Their time is not up for long: they go because somebody else comes. */
static void test_httpd__many_who_say_nothing_keep_nobody_out(void **state)
{
    struct site *site = *state;
    int silent[CONNECTIONS_MAX * 8];
    struct ear_diag diag;
    const struct ear_httpd_opts opts = {
        .listen = "127.0.0.1:0", .timeout_ms = 600000, .max_connections = CONNECTIONS_MAX};
    const struct ear_httpd_route route = {"GET", "/now", 0, echo, site};
    ear_httpd_free(&site->httpd);
    assert_int_equal(ear_httpd_new(&site->httpd, site->loop, &opts, &diag), EAR_OK);
    ear_httpd_route(site->httpd, &route);
    for (size_t i = 0; i < EAR_COUNT(silent); i++) {
        silent[i] = dial(site);
        say(silent[i], "GET /now HTTP/1.1\r\nHost:");
        ear_loop_turn(site->loop, 0);
    }
    int fd = dial(site);
    say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(site, fd, "HTTP/1.1 200"));
    close(fd);
    for (size_t i = 0; i < EAR_COUNT(silent); i++) close(silent[i]);
}

/* No more descriptors than are open now, or as many as there were. */
static void limit_descriptors(struct rlimit *kept, bool limited)
{
    struct rlimit least;
    if (limited) {
        int next = dup(0);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, kept), 0);
        least = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = kept->rlim_max};
        close(next);
    }
    assert_int_equal(setrlimit(RLIMIT_NOFILE, limited ? &least : kept), 0);
}

/* MHD takes nobody in any more until a connection ends, and then waits to be called once more. */
static void test_httpd__takes_newcomers_again_after_a_want_of_descriptors(void **state)
{
    struct site *site = *state;
    struct rlimit kept;
    int old = dial(site);
    say(old, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(site, old, "200 OK"));
    forget(site);
    int first = dial(site);
    limit_descriptors(&kept, true);
    for (int i = 0; i < 5; i++) ear_loop_turn(site->loop, 10);
    limit_descriptors(&kept, false);
    int newcomer = dial(site);
    say(newcomer, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 5; i++) ear_loop_turn(site->loop, 1);
    close(old);
    assert_true(hear(site, newcomer, "200 OK"));
    close(newcomer);
    close(first);
}

/* The very first newcomer finds no descriptor: nobody turns in circles for him. */
static void test_httpd__does_not_spin_for_who_finds_no_descriptor(void **state)
{
    struct site *site = *state;
    struct rlimit kept;
    for (int i = 0; i < 5; i++) ear_loop_turn(site->loop, 1);
    int first = dial(site), turns = 0;
    say(first, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    limit_descriptors(&kept, true);
    int64_t until_ms = ear_clock_mono_ms() + 200;
    for (; ear_clock_mono_ms() < until_ms; turns++) ear_loop_turn(site->loop, 100);
    limit_descriptors(&kept, false);
    assert_true(turns < 50);
    assert_true(hear(site, first, "200 OK"));
    close(first);
}

static void test_httpd__answers_garbage_behind_a_request_once(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n\x01\x02garbage\r\n\r\n\r\n");
    assert_true(hear(site, fd, "HTTP/1.1 200 OK"));
    assert_true(hear(site, fd, NULL));
    assert_int_equal(site->calls, 1);
    close(fd);
}

static void test_httpd__keeps_the_connection_and_its_order(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\nGET /now?lane=two HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_kept(site, 1);
    assert_int_equal(site->calls, 0);
    ear_httpd_answer(site->kept[0], 200, "text/plain", EAR_STR("first"), NULL, 0);
    assert_true(hear(site, fd, "|two|"));
    assert_true(strstr(site->got.data, "first") < strstr(site->got.data, "|two|"));
    forget(site);
    say(fd, "GET /now?lane=three HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(site, fd, "|three|"));
    close(fd);
}

static void test_httpd__waits_for_a_late_answer_past_the_timeout(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_kept(site, 1);
    assert_int_equal(ear_httpd_active(site->httpd), 1);
    int64_t end = ear_clock_mono_ms() + 2 * TIMEOUT_MS;
    while (ear_clock_mono_ms() < end) ear_loop_turn(site->loop, 50);
    ear_httpd_problem(site->kept[0], 503, "Busy", "say \"please\"", 7);
    assert_true(hear(site, fd, "HTTP/1.1 503"));
    assert_true(hear(site, fd, "Retry-After: 7"));
    assert_true(hear(site, fd, "say \\\"please\\\""));
    assert_int_equal(ear_httpd_active(site->httpd), 0);
    close(fd);
}

static void test_httpd__drops_the_answer_of_a_client_that_left(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_kept(site, 1);
    const struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(fd);
    ear_loop_turn(site->loop, 20);
    ear_httpd_answer(site->kept[0], 200, "text/plain", EAR_STR("too late"), NULL, 0);
    ear_loop_turn(site->loop, 20);
    assert_int_equal(ear_httpd_active(site->httpd), 0);
    fd = dial(site);
    say(fd, "GET /now HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(hear(site, fd, "200 OK"));
    close(fd);
}

static void test_httpd__may_be_freed_with_requests_open(void **state)
{
    struct site *site = *state;
    int waiting = dial(site), half = dial(site);
    say(waiting, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    say(half, "GET /la");
    wait_kept(site, 1);
    ear_httpd_free(&site->httpd);
    assert_true(hear(site, waiting, NULL));
    close(waiting);
    close(half);
}

static void test_httpd__quiesce_refuses_new_clients_and_answers_old_ones(void **state)
{
    struct site *site = *state;
    int fd = dial(site);
    say(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_kept(site, 1);
    ear_httpd_quiesce(site->httpd);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(ear_httpd_port(site->httpd)),
                             .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&to, sizeof(to)), -1);
    close(late);
    ear_httpd_answer(site->kept[0], 200, "text/plain", EAR_STR("done"), NULL, 0);
    assert_true(hear(site, fd, "done"));
    close(fd);
}

static void test_httpd__says_what_is_wrong_with_an_address(void **state)
{
    struct site *site = *state;
    char taken[32];
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", ear_httpd_port(site->httpd));
    const struct {
        const char *listen;
        ear_err err;
    } rows[] = {
        {taken, EAR_CONFLICT},
        {"nonsense", EAR_INVALID},
        {"127.0.0.1:99999", EAR_INVALID},
        {"example.org:1", EAR_INVALID},
        {"203.0.113.7:0", EAR_INVALID},
        {"*:0", EAR_OK},
        {"localhost:0", EAR_OK},
    };
    for (size_t i = 0; i < EAR_COUNT(rows); i++) {
        struct ear_httpd *httpd = NULL;
        struct ear_diag diag = {.text = ""};
        const struct ear_httpd_opts opts = {.listen = rows[i].listen};
        assert_int_equal(ear_httpd_new(&httpd, site->loop, &opts, &diag), rows[i].err);
        if (rows[i].err) assert_non_null(strstr(diag.text, rows[i].listen));
        ear_httpd_free(&httpd);
    }
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_httpd__routes_and_refuses),
        TEST(test_httpd__refuses_a_large_body_without_reading_on),
        TEST(test_httpd__refuses_a_chunked_body_once_it_is_too_large),
        TEST(test_httpd__cuts_who_drips_headers),
        TEST(test_httpd__cuts_who_drips_a_body),
        TEST(test_httpd__many_who_say_nothing_keep_nobody_out),
        TEST(test_httpd__takes_newcomers_again_after_a_want_of_descriptors),
        TEST(test_httpd__does_not_spin_for_who_finds_no_descriptor),
        TEST(test_httpd__answers_garbage_behind_a_request_once),
        TEST(test_httpd__keeps_the_connection_and_its_order),
        TEST(test_httpd__waits_for_a_late_answer_past_the_timeout),
        TEST(test_httpd__drops_the_answer_of_a_client_that_left),
        TEST(test_httpd__may_be_freed_with_requests_open),
        TEST(test_httpd__quiesce_refuses_new_clients_and_answers_old_ones),
        TEST(test_httpd__says_what_is_wrong_with_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

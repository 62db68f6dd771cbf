/* load: posts into ingest, as fast as it takes them or at a given rate, over kept-alive
 * connections. The load generator of tests/bench/run; its own CPU is no part of any figure.
 *
 *   load port=N path=/v1/replay?lane=live auth="Bearer …" texts=FILE run=NAME posts=N [KEY=VALUE…]
 *
 * per=100 posts a request (NDJSON); per=1 sends signed webhooks, with secret=whsec_… instead of
 * auth. authors=N different writers, drawn by a fixed hash of the post's number; connections=N;
 * rate=N posts a second, 0 for as fast as it goes; seconds=N ends it before posts are used up;
 * first=N the number of the first post. texts= has one text a line, each a JSON string with its
 * quotes.
 *
 * Latency counts from the time a request was due, not from when a connection was free for it. An
 * answer of 429 or 503 is tried again after RETRY_MS. Prints one JSON object. */
#include "base/base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 512
#define REQUEST_MAX     (8u << 20)
#define ANSWER_MAX      (8u << 20)
#define RETRY_MS        20
#define KEY_MAX         64

static struct {
    int64_t port, posts, per, authors, connections, rate, seconds, first;
    const char *path, *auth, *secret, *texts, *run, *account, *platform;
} opt = {.per = 100,
         .authors = 25000,
         .connections = 16,
         .path = "/v1/replay?lane=live",
         .run = "run",
         .account = "@bench",
         .platform = "bench"};

struct line {
    int fd;
    bool busy;
    struct ear_buf out, in;
    size_t sent;
    int64_t posts;
    int64_t due_ns;
    int64_t retry_ns; /* 0: not waiting for a second try */
};

static struct {
    struct line lines[CONNECTIONS_MAX];
    struct ear_buf corpus, body;
    struct ear_str *texts;
    size_t text_count;
    uint8_t key[KEY_MAX];
    size_t key_len;
    int64_t start_ns, start_us, next, acknowledged, retries;
    int64_t *waits_ns;
    size_t requests;
    int poll;
} load;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "load: %s: %s\n", what, errno ? strerror(errno) : "no");
    exit(1);
}

static void must(ear_err err, const char *what)
{
    if (err == EAR_OK) return;
    fprintf(stderr, "load: %s: %s\n", what, ear_err_name(err));
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec * INT64_C(1000000000) + at.tv_nsec;
}

/* --- What is sent --- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static void append_post(struct ear_buf *to, int64_t number, int64_t due_ns)
{
    char at[EAR_TIME_TEXT_BYTES];
    uint64_t author = mix((uint64_t)number) % (uint64_t)opt.authors;
    struct ear_str text = load.texts[(size_t)number % load.text_count];
    ear_time_format(load.start_us + (due_ns - load.start_ns) / 1000, at);
    must(ear_buf_printf(to,
                        "{\"platform\":\"%s\",\"external_id\":\"%s-%lld\",\"account\":\"%s\","
                        "\"author\":{\"id\":\"%s-%llu\",\"handle\":\"c%llu\"},\"text\":%.*s,"
                        "\"created_at\":\"%s\"}",
                        opt.platform, opt.run, (long long)number, opt.account, opt.run,
                        (unsigned long long)author, (unsigned long long)author, (int)text.len,
                        text.ptr, at),
         "post");
}

static void append_signature(struct ear_buf *to, int64_t number)
{
    uint8_t mac[EAR_HMAC_BYTES];
    char id[64], at[32];
    snprintf(id, sizeof(id), "%s-%lld", opt.run, (long long)number);
    snprintf(at, sizeof(at), "%lld", (long long)time(NULL));
    const struct ear_str parts[] = {ear_str_from(id), EAR_STR("."), ear_str_from(at), EAR_STR("."),
                                    ear_buf_str(&load.body)};
    ear_hmac_sha256((struct ear_str){(const char *)load.key, load.key_len}, parts, EAR_COUNT(parts),
                    mac);
    must(ear_buf_printf(to, "webhook-id: %s\r\nwebhook-timestamp: %s\r\nwebhook-signature: v1,", id,
                        at),
         "head");
    must(ear_base64_encode((struct ear_str){(const char *)mac, sizeof(mac)}, to), "signature");
    must(ear_buf_append_str(to, EAR_STR("\r\n")), "head");
}

static void write_request(struct line *line)
{
    ear_buf_reset(&load.body);
    ear_buf_reset(&line->out);
    for (int64_t i = 0; i < line->posts; i++) {
        if (i) must(ear_buf_append_char(&load.body, '\n'), "body");
        append_post(&load.body, load.next + i, line->due_ns);
    }
    must(ear_buf_printf(&line->out,
                        "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/%s\r\n"
                        "Content-Length: %zu\r\n",
                        opt.path, opt.secret ? "json" : "x-ndjson", load.body.len),
         "head");
    if (opt.secret) {
        append_signature(&line->out, load.next);
    } else {
        must(ear_buf_printf(&line->out, "Authorization: %s\r\n", opt.auth), "head");
    }
    must(ear_buf_append_str(&line->out, EAR_STR("\r\n")), "head");
    must(ear_buf_append_str(&line->out, ear_buf_str(&load.body)), "body");
}

/* --- Connections --- */

static void watch(struct line *line, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = line};
    if (epoll_ctl(load.poll, EPOLL_CTL_MOD, line->fd, &event) < 0) die("epoll");
}

static void dial(struct line *line)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)opt.port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = 0, .data.ptr = line};
    int one = 1;
    line->fd = socket(AF_INET, SOCK_STREAM, 0);
    if (line->fd < 0 || connect(line->fd, (struct sockaddr *)&to, sizeof(to)) < 0) die("connect");
    setsockopt(line->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (epoll_ctl(load.poll, EPOLL_CTL_ADD, line->fd, &event) < 0) die("epoll");
    ear_buf_init(&line->out, REQUEST_MAX);
    ear_buf_init(&line->in, ANSWER_MAX);
}

static void push(struct line *line)
{
    while (line->sent < line->out.len) {
        ssize_t n = send(line->fd, line->out.data + line->sent, line->out.len - line->sent,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            watch(line, EPOLLIN | EPOLLOUT);
            return;
        }
        if (n < 0) die("send");
        line->sent += (size_t)n;
    }
    watch(line, EPOLLIN);
}

static void begin(struct line *line)
{
    line->sent = 0;
    line->retry_ns = 0;
    ear_buf_reset(&line->in);
    push(line);
}

/* Status and length of the answer; false while it is not whole. */
static bool whole(const struct line *line, int64_t *status)
{
    static const char length[] = "\r\nContent-Length: ";
    const char *text = line->in.data, *end = text ? strstr(text, "\r\n\r\n") : NULL;
    if (!end) return false;
    const char *found = strcasestr(text, length);
    int64_t bytes = 0;
    must(ear_num_i64((struct ear_str){text + 9, 3}, 100, 599, status), "status line");
    if (!found || found > end) die("an answer without length");
    found += sizeof(length) - 1;
    must(ear_num_i64((struct ear_str){found, strcspn(found, "\r")}, 0, ANSWER_MAX, &bytes),
         "length");
    return line->in.len >= (size_t)(end - text) + 4 + (size_t)bytes;
}

static void answered(struct line *line)
{
    int64_t status = 0;
    if (!whole(line, &status)) return;
    if (status == 429 || status == 503) {
        load.retries++;
        line->retry_ns = now_ns() + RETRY_MS * INT64_C(1000000);
        return;
    }
    if (status != 200) {
        fprintf(stderr, "load: %.*s\n", (int)line->in.len, line->in.data);
        exit(1);
    }
    line->busy = false;
    load.acknowledged += line->posts;
    load.waits_ns[load.requests++] = now_ns() - line->due_ns;
}

static void pull(struct line *line)
{
    for (;;) {
        must(ear_buf_reserve(&line->in, 65536), "answer");
        ssize_t n = recv(line->fd, line->in.data + line->in.len, 65536, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (n <= 0) die("ingest hung up");
        line->in.len += (size_t)n;
        line->in.data[line->in.len] = '\0';
        if (n < 65536) break;
    }
    answered(line);
}

/* --- The course --- */

static int64_t due_of(int64_t number, int64_t now)
{
    return opt.rate ? load.start_ns + number * INT64_C(1000000000) / opt.rate : now;
}

static bool over(int64_t now)
{
    return load.next - opt.first >= opt.posts ||
           (opt.seconds && now - load.start_ns >= opt.seconds * INT64_C(1000000000));
}

static void feed(struct line *line, int64_t now)
{
    int64_t left = opt.posts - (load.next - opt.first);
    line->posts = left < opt.per ? left : opt.per;
    line->due_ns = due_of(load.next - opt.first, now);
    line->busy = true;
    write_request(line);
    load.next += line->posts;
    begin(line);
}

/* Nanoseconds until something is to be done; -1: nothing but answers are awaited. */
static int64_t give(void)
{
    int64_t now = now_ns(), wait = -1;
    for (int64_t i = 0; i < opt.connections; i++) {
        struct line *line = &load.lines[i];
        int64_t at = 0;
        if (line->busy && !line->retry_ns) continue;
        if (!line->busy && over(now)) continue;
        at = line->busy ? line->retry_ns : due_of(load.next - opt.first, now);
        if (at > now) {
            if (wait < 0 || at - now < wait) wait = at - now;
        } else if (line->busy) {
            begin(line);
        } else {
            feed(line, now);
        }
    }
    return wait;
}

static bool any_busy(void)
{
    for (int64_t i = 0; i < opt.connections; i++)
        if (load.lines[i].busy) return true;
    return false;
}

static void run(void)
{
    struct epoll_event events[64];
    for (;;) {
        int64_t wait = give();
        if (wait < 0 && !any_busy()) return;
        struct timespec until = {wait / 1000000000, wait % 1000000000};
        int count = epoll_pwait2(load.poll, events, 64, wait < 0 ? NULL : &until, NULL);
        if (count < 0 && errno != EINTR) die("epoll");
        for (int i = 0; i < count; i++) {
            struct line *line = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) push(line);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) pull(line);
        }
    }
}

/* --- Options, texts, and the end --- */

static void read_option(const char *word)
{
    static const struct {
        const char *name;
        int64_t *number;
        const char **text;
    } known[] = {{"port", &opt.port, NULL},
                 {"posts", &opt.posts, NULL},
                 {"per", &opt.per, NULL},
                 {"authors", &opt.authors, NULL},
                 {"connections", &opt.connections, NULL},
                 {"rate", &opt.rate, NULL},
                 {"seconds", &opt.seconds, NULL},
                 {"first", &opt.first, NULL},
                 {"path", NULL, &opt.path},
                 {"auth", NULL, &opt.auth},
                 {"secret", NULL, &opt.secret},
                 {"texts", NULL, &opt.texts},
                 {"run", NULL, &opt.run},
                 {"account", NULL, &opt.account},
                 {"platform", NULL, &opt.platform}};
    struct ear_str value = ear_str_from(word), name = {0};
    if (!ear_str_split(&value, '=', &name)) die(word);
    for (size_t i = 0; i < EAR_COUNT(known); i++) {
        if (!ear_str_eq(name, ear_str_from(known[i].name))) continue;
        if (known[i].text) *known[i].text = value.ptr;
        if (known[i].number) must(ear_num_i64(value, 0, INT64_MAX / 4, known[i].number), word);
        return;
    }
    die(word);
}

static void read_texts(void)
{
    struct ear_diag diag = {0};
    ear_buf_init(&load.corpus, 256u << 20);
    if (ear_file_read(opt.texts, &load.corpus, &diag) != EAR_OK) die(diag.text);
    struct ear_str rest = ear_buf_str(&load.corpus), text = {0};
    load.texts = ear_alloc((load.corpus.len / 2 + 1) * sizeof(*load.texts));
    while (ear_str_split(&rest, '\n', &text))
        if (text.len > 2) load.texts[load.text_count++] = text;
    if (!load.text_count) die("no texts");
}

static void read_key(void)
{
    struct ear_buf bytes;
    if (!opt.secret) return;
    ear_buf_init(&bytes, KEY_MAX);
    struct ear_str text = ear_str_from(opt.secret);
    must(ear_base64_decode((struct ear_str){text.ptr + 6, text.len - 6}, &bytes), "secret");
    memcpy(load.key, bytes.data, bytes.len);
    load.key_len = bytes.len;
    ear_buf_release(&bytes);
}

static int compare(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static double wait_ms(double part)
{
    if (!load.requests) return 0;
    size_t at = (size_t)(part * (double)(load.requests - 1));
    return (double)load.waits_ns[at] / 1e6;
}

static void report(void)
{
    double seconds = (double)(now_ns() - load.start_ns) / 1e9;
    qsort(load.waits_ns, load.requests, sizeof(*load.waits_ns), compare);
    printf("{\"posts\":%lld,\"requests\":%zu,\"retries\":%lld,\"seconds\":%.3f,\"rate\":%.0f,"
           "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f}\n",
           (long long)load.acknowledged, load.requests, (long long)load.retries, seconds,
           (double)load.acknowledged / seconds, wait_ms(0.5), wait_ms(0.99), wait_ms(1));
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) read_option(argv[i]);
    if (!opt.port || !opt.posts || !opt.texts || !opt.authors || !opt.per || opt.connections < 1 ||
        opt.connections > CONNECTIONS_MAX)
        die("port=, posts= and texts= are needed; see the head of load.c");
    ear_crypt_start();
    read_texts();
    read_key();
    ear_buf_init(&load.body, REQUEST_MAX);
    load.poll = epoll_create1(0);
    for (int64_t i = 0; i < opt.connections; i++) dial(&load.lines[i]);
    load.waits_ns = ear_alloc((size_t)(opt.posts / opt.per + 1) * sizeof(*load.waits_ns));
    load.start_us = ear_clock_wall_us();
    load.start_ns = now_ns();
    load.next = opt.first;
    run();
    report();
    return 0;
}

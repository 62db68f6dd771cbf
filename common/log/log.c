#include "log/log.h"

#include "log/line.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char *const level_names[] = {
    [EAR_LOG_DEBUG] = "debug",
    [EAR_LOG_INFO] = "info",
    [EAR_LOG_WARN] = "warn",
    [EAR_LOG_ERROR] = "error",
};

/* What a thread holds back between hold and release. */
#define HELD_BYTES ((size_t)16 << 10)
static _Thread_local struct {
    bool on;
    size_t len;
    char bytes[HELD_BYTES];
} held;

/* Set once at start, before any thread; read by all of them. */
static struct {
    char service[32];
    atomic_int least;
    atomic_int fd;
} out = {.service = "earshot", .least = EAR_LOG_INFO, .fd = STDERR_FILENO};

void ear_log_start(const char *service, ear_level least)
{
    EAR_CHECK(ear_str_copy(out.service, sizeof(out.service), ear_str_from(service)));
    atomic_store(&out.least, (int)least);
}

void ear_log_to(int fd)
{
    atomic_store(&out.fd, fd);
}

ear_err ear_log_parse_level(struct ear_str text, ear_level *level)
{
    for (size_t i = 0; i < EAR_COUNT(level_names); i++) {
        if (!ear_str_eq(text, ear_str_from(level_names[i]))) continue;
        *level = (ear_level)i;
        return EAR_OK;
    }
    return EAR_INVALID;
}

/* Many lines are of one second: its text is made once. */
static void put_time(struct ear_line *line, int64_t at_us)
{
    static _Thread_local int64_t second = -1;
    static _Thread_local char text[EAR_TIME_TEXT_BYTES];
    if (at_us / EAR_US_PER_S != second) {
        ear_time_format(at_us - at_us % EAR_US_PER_S, text);
        second = at_us / EAR_US_PER_S;
    }
    int ms = (int)(at_us % EAR_US_PER_S / EAR_US_PER_MS);
    const char fraction[] = {'.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10),
                             (char)('0' + ms % 10), 'Z'};
    struct ear_str whole = ear_str_from(text);
    whole.len--; /* its Z stands behind the fraction instead */
    ear_line_raw(line, EAR_STR("ts="));
    ear_line_raw(line, whole);
    ear_line_raw(line, (struct ear_str){fraction, sizeof(fraction)});
}

static void put_kv(struct ear_line *line, const struct ear_kv *kv)
{
    char text[40];
    switch (kv->type) {
    case EAR_KV_TEXT:
        ear_line_pair(line, kv->key, kv->text);
        return;
    case EAR_KV_INT:
        snprintf(text, sizeof(text), "%lld", (long long)kv->integer);
        break;
    case EAR_KV_REAL:
        snprintf(text, sizeof(text), "%.6g", kv->real);
        break;
    case EAR_KV_ID:
        if (!kv->id) {
            ear_line_pair(line, kv->key, EAR_STR(""));
            return;
        }
        ear_id_format(kv->id, text);
        break;
    case EAR_KV_END:
        return;
    }
    ear_line_plain_pair(line, kv->key, ear_str_from(text));
}

/* A line that cannot be written is lost: there is nowhere to complain. */
static void write_line(struct ear_str text)
{
    int fd = atomic_load(&out.fd);
    while (text.len > 0) {
        ssize_t put = write(fd, text.ptr, text.len);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return;
        text.ptr += put;
        text.len -= (size_t)put;
    }
}

static void write_held(void)
{
    size_t len = held.len;
    held.len = 0;
    if (len) write_line((struct ear_str){held.bytes, len});
}

void ear_log_hold(void)
{
    held.on = true;
}

void ear_log_release(void)
{
    int saved = errno;
    held.on = false;
    write_held();
    errno = saved;
}

static void put_line(struct ear_str text, ear_level level)
{
    if (held.len + text.len > sizeof(held.bytes)) write_held();
    if (!held.on || level > EAR_LOG_INFO || text.len > sizeof(held.bytes)) {
        write_held();
        write_line(text);
        return;
    }
    memcpy(held.bytes + held.len, text.ptr, text.len);
    held.len += text.len;
}

void ear_log_write(const struct ear_event *event, const struct ear_kv *kvs)
{
    if ((int)event->level < atomic_load(&out.least)) return;
    int saved = errno; /* callers log first and look at errno afterwards */
    struct ear_line line;
    ear_line_init(&line);
    put_time(&line, ear_clock_wall_us());
    ear_line_plain_pair(&line, "level", ear_str_from(level_names[event->level]));
    ear_line_pair(&line, "svc", ear_str_from(out.service));
    ear_line_pair(&line, "event", ear_str_from(event->name));
    for (; kvs->type != EAR_KV_END; kvs++) put_kv(&line, kvs);
    put_line(ear_line_end(&line), event->level);
    errno = saved;
}

bool ear_log_gate_open(struct ear_log_gate *gate, int64_t now_ms, int64_t interval_ms,
                       uint64_t *suppressed)
{
    if (now_ms < gate->next_ms) {
        gate->suppressed++;
        return false;
    }
    if (suppressed) *suppressed = gate->suppressed;
    *gate = (struct ear_log_gate){.next_ms = now_ms + interval_ms};
    return true;
}

bool ear_log_budget_spend(struct ear_log_budget *budget, int64_t now_ms, uint64_t *suppressed)
{
    if (now_ms >= budget->until_ms) {
        budget->until_ms = now_ms + EAR_LOG_BUDGET_MS;
        budget->spent = 0;
    }
    if (budget->spent == (budget->lines ? budget->lines : EAR_LOG_BUDGET_LINES)) {
        budget->suppressed++;
        return false;
    }
    budget->spent++;
    *suppressed = budget->suppressed;
    budget->suppressed = 0;
    return true;
}

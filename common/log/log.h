/* log: one logfmt line an event, on stderr. Layer 1, stands on base; any thread.
 *
 *   ts=2026-11-22T01:52:08.123Z level=info svc=ingest event=bus.peer_up peer=3fa9… credit=512
 *
 * Events are a closed catalogue: each module that logs has an events.def whose rows are
 *
 *   EAR_EVENT(PEER_UP, INFO, "bus.peer_up", "A downstream replica said hello and gave credit.")
 *
 * declared and defined as shown below; docs/events.md is made from these files. Lines about a post
 * or case carry post= or case= with its id; texts and handles of customers never appear. Values are
 * quoted and escaped as needed and cut at 512 bytes.
 *
 * A line is written before ear_log returns, by a blocking write of the caller's thread. So a stderr
 * that nobody reads (a full pipe, a terminal that was stopped) stalls the service: its links' peers
 * then treat it as silent and take its work over, and it goes on where it stood once somebody
 * reads. That is chosen: the last lines before a crash are out, in order, and a log that is full is
 * not silently cut. Where a log driver may stand still, let that buffer and drop (Docker:
 * mode=non-blocking, max-buffer-size). With a stderr that does not block, what does not fit is
 * lost. */
#ifndef EAR_LOG_H
#define EAR_LOG_H

#include "base/base.h"
#include <stdint.h>

typedef enum ear_level { EAR_LOG_DEBUG, EAR_LOG_INFO, EAR_LOG_WARN, EAR_LOG_ERROR } ear_level;

struct ear_event {
    ear_level level;
    const char *name;
    const char *meaning;
};

/* In a module's events.h:              In one of its .c files:
 *   #define EAR_EVENT EAR_EVENT_DECLARE    #include "events.h"
 *   #include "events.def"                  #define EAR_EVENT EAR_EVENT_DEFINE
 *   #undef EAR_EVENT                       #include "events.def"
 */
#define EAR_EVENT_DECLARE(id, lvl, text, about) extern const struct ear_event EV_##id;
#define EAR_EVENT_DEFINE(id, lvl, text, about) \
    const struct ear_event EV_##id = {EAR_LOG_##lvl, text, about};

typedef enum ear_kv_type {
    EAR_KV_END,
    EAR_KV_TEXT,
    EAR_KV_INT,
    EAR_KV_REAL,
    EAR_KV_ID
} ear_kv_type;

struct ear_kv {
    const char *key;
    ear_kv_type type;
    union {
        struct ear_str text;
        int64_t integer;
        double real;
        const struct ear_id *id;
    };
};

#define kv_text(k, v) ((struct ear_kv){.key = (k), .type = EAR_KV_TEXT, .text = ear_str_from(v)})
#define kv_str(k, v)  ((struct ear_kv){.key = (k), .type = EAR_KV_TEXT, .text = (v)})
#define kv_int(k, v)  ((struct ear_kv){.key = (k), .type = EAR_KV_INT, .integer = (int64_t)(v)})
#define kv_real(k, v) ((struct ear_kv){.key = (k), .type = EAR_KV_REAL, .real = (v)})
#define kv_id(k, v)   ((struct ear_kv){.key = (k), .type = EAR_KV_ID, .id = (v)})
/* err=<name> and why=<text> of a diag. */
#define kv_err(e)  kv_text("err", ear_err_name(e))
#define kv_diag(d) kv_err((d)->err), kv_text("why", (d)->text)

/* ear_log(&EV_PEER_UP, kv_text("peer", name), kv_int("credit", 512)); */
#define ear_log(event, ...) \
    ear_log_write((event), (const struct ear_kv[]){__VA_ARGS__ __VA_OPT__(, ){.type = EAR_KV_END}})

void ear_log_write(const struct ear_event *event, const struct ear_kv *kvs);

/* For a loop that writes a line a post: this thread's lines between the two go out together, a few
 * kilobytes at a time, instead of one by one. Nothing in between may wait, fail or return to the
 * loop. A warning takes what was held along with it. */
void ear_log_hold(void);
void ear_log_release(void);

/* The svc= of every line, and the least level written. Defaults: "earshot", INFO. */
void ear_log_start(const char *service, ear_level least);
ear_err ear_log_parse_level(struct ear_str text, ear_level *level) EAR_MUST_CHECK;
/* Lines go to fd (default 2). For tests. */
void ear_log_to(int fd);
/* The same event at most once per interval_ms; further ones are counted and the count is added as
 * suppressed= to the next line. state is the caller's, zeroed at first. */
struct ear_log_gate {
    int64_t next_ms;
    uint64_t suppressed;
};
bool ear_log_gate_open(struct ear_log_gate *gate, int64_t now_ms, int64_t interval_ms,
                       uint64_t *suppressed);

/* For lines that outsiders cause: the first EAR_LOG_BUDGET_LINES (or lines) of EAR_LOG_BUDGET_MS
 * are written, so that single mistakes are all seen and a flood fills no disk; further ones are
 * counted as above. state is the caller's, zeroed at first but for lines. */
#define EAR_LOG_BUDGET_LINES 20
#define EAR_LOG_BUDGET_MS    30000
struct ear_log_budget {
    unsigned lines; /* 0: EAR_LOG_BUDGET_LINES */
    int64_t until_ms;
    unsigned spent;
    uint64_t suppressed;
};
bool ear_log_budget_spend(struct ear_log_budget *budget, int64_t now_ms, uint64_t *suppressed);

#endif

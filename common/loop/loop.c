#include "events.h"
#include "log/log.h"
#include "metric/metric.h"
#include "private.h"
#include <stdlib.h>

#define EAR_EVENT EAR_EVENT_DEFINE
#include "events.def"
#undef EAR_EVENT

#define EAR_METRIC EAR_METRIC_DEFINE
#include "metrics.def"
#undef EAR_METRIC

#define STALL_NS      UINT64_C(1000000000)
#define STALL_GATE_MS 10000

struct later {
    struct later *next;
    ear_loop_fn *fn;
    void *self;
};

void ear_loop_must(int rc)
{
    EAR_CHECK(rc == 0);
}

/* How long this turn worked, from the first callback behind its wait to the next wait. */
static void measure_turn(struct ear_loop *loop)
{
    if (!loop->woken_ns) return;
    uint64_t busy = uv_hrtime() - loop->woken_ns;
    loop->woken_ns = 0;
    ear_metric_observe(&M_LOOP_BUSY, (double)busy / 1e9);
    uint64_t suppressed = 0;
    if (busy > STALL_NS &&
        ear_log_gate_open(loop->gate, (int64_t)uv_now(&loop->uv), STALL_GATE_MS, &suppressed)) {
        ear_log(&EV_LOOP_STALLED, kv_int("busy_ms", busy / 1000000),
                kv_int("suppressed", suppressed));
    }
}

/* libuv could tell how long it waits, but then asks the kernel twice a turn. */
void ear_loop_woken(struct ear_loop *loop)
{
    if (!loop->woken_ns) loop->woken_ns = uv_hrtime();
}

/* Nothing happened but that a timer is due. */
static void on_check(uv_check_t *handle)
{
    ear_loop_woken(handle->data);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct ear_loop *loop = handle->data;
    ear_loop_run_hooks(loop);
    measure_turn(loop);
}

static void run_later(struct ear_loop *loop)
{
    struct later *list = loop->later_first;
    loop->later_first = NULL;
    loop->later_end = &loop->later_first;
    while (list) {
        struct later *one = list;
        list = one->next;
        one->fn(one->self);
        free(one);
    }
}

static void on_later(uv_idle_t *handle)
{
    struct ear_loop *loop = handle->data;
    run_later(loop);
    if (!loop->later_first) uv_idle_stop(handle);
}

/* Timers are run before the poll as well as after it: a limit that has run out by then, since the
 * process was kept waiting, would leave the poll with none. A loop that is to stop does not wait.
 */
static void on_limit(uv_timer_t *handle)
{
    uv_stop(handle->loop);
}

ear_err ear_loop_new(struct ear_loop **out)
{
    struct ear_loop *loop = ear_alloc(sizeof(*loop));
    if (uv_loop_init(&loop->uv) != 0) {
        free(loop);
        return EAR_IO;
    }
    loop->gate = ear_alloc(sizeof(*loop->gate));
    loop->later_end = &loop->later_first;
    ear_loop_must(uv_prepare_init(&loop->uv, &loop->prepare));
    ear_loop_must(uv_check_init(&loop->uv, &loop->check));
    ear_loop_must(uv_idle_init(&loop->uv, &loop->awake));
    ear_loop_must(uv_idle_init(&loop->uv, &loop->later_idle));
    ear_loop_must(uv_timer_init(&loop->uv, &loop->limit));
    loop->prepare.data = loop;
    loop->check.data = loop;
    loop->later_idle.data = loop;
    ear_loop_must(uv_prepare_start(&loop->prepare, on_prepare));
    ear_loop_must(uv_check_start(&loop->check, on_check));
    *out = loop;
    return EAR_OK;
}

void ear_loop_free(struct ear_loop **loop_ptr)
{
    struct ear_loop *loop = *loop_ptr;
    if (!loop) return;
    while (loop->later_first) run_later(loop);
    EAR_CHECK(loop->live == 0);
    ear_loop_run_hooks(loop); /* forgets the freed ones */
    ear_loop_free_signals(loop);
    uv_close((uv_handle_t *)&loop->prepare, NULL);
    uv_close((uv_handle_t *)&loop->check, NULL);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    uv_close((uv_handle_t *)&loop->later_idle, NULL);
    uv_close((uv_handle_t *)&loop->limit, NULL);
    while (uv_run(&loop->uv, UV_RUN_DEFAULT) != 0) {
    }
    ear_loop_must(uv_loop_close(&loop->uv));
    free(loop->gate);
    EAR_FREE(*loop_ptr);
}

void ear_loop_run(struct ear_loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping) uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void ear_loop_turn(struct ear_loop *loop, int64_t timeout_ms)
{
    if (timeout_ms <= 0) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        return;
    }
    uv_update_time(&loop->uv);
    ear_loop_must(uv_timer_start(&loop->limit, on_limit, (uint64_t)timeout_ms, 0));
    uv_run(&loop->uv, UV_RUN_ONCE);
    uv_timer_stop(&loop->limit);
}

void ear_loop_stop(struct ear_loop *loop)
{
    loop->stopping = true;
    uv_stop(&loop->uv);
}

int64_t ear_loop_now_ms(const struct ear_loop *loop)
{
    return (int64_t)uv_now(&loop->uv);
}

void ear_loop_later(struct ear_loop *loop, ear_loop_fn *fn, void *self)
{
    struct later *one = ear_alloc(sizeof(*one));
    one->fn = fn;
    one->self = self;
    *loop->later_end = one;
    loop->later_end = &one->next;
    ear_loop_must(uv_idle_start(&loop->later_idle, on_later));
}

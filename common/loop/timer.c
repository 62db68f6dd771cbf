#include "private.h"
#include <stdlib.h>

#define GRID_MS 1000

struct ear_timer {
    uv_timer_t uv;
    struct ear_loop *loop;
    ear_loop_fn *fn;
    void *self;
    uint64_t repeat_ms; /* 0: once */
};

static void on_timer(uv_timer_t *handle);

/* What repeats every second or more rarely is due on whole seconds, so that all of it wakes the
 * process once; the first time may come earlier for that, never later. */
static void start(struct ear_timer *timer, uint64_t delay_ms)
{
    uint64_t now_ms = uv_now(&timer->loop->uv);
    if (timer->repeat_ms >= GRID_MS && delay_ms >= GRID_MS) {
        uint64_t due_ms = (now_ms + delay_ms) / GRID_MS * GRID_MS;
        delay_ms = due_ms > now_ms ? due_ms - now_ms : 1;
    }
    ear_loop_must(uv_timer_start(&timer->uv, on_timer, delay_ms, 0));
}

static void on_timer(uv_timer_t *handle)
{
    struct ear_timer *timer = handle->data;
    if (timer->repeat_ms) start(timer, timer->repeat_ms);
    timer->fn(timer->self);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void ear_timer_new(struct ear_timer **out, struct ear_loop *loop, ear_loop_fn *fn, void *self)
{
    struct ear_timer *timer = ear_alloc(sizeof(*timer));
    timer->loop = loop;
    timer->fn = fn;
    timer->self = self;
    ear_loop_must(uv_timer_init(&loop->uv, &timer->uv));
    timer->uv.data = timer;
    loop->live++;
    *out = timer;
}

void ear_timer_free(struct ear_timer **timer_ptr)
{
    struct ear_timer *timer = *timer_ptr;
    if (!timer) return;
    timer->loop->live--;
    uv_close((uv_handle_t *)&timer->uv, on_closed);
    *timer_ptr = NULL;
}

void ear_timer_start(struct ear_timer *timer, int64_t delay_ms, int64_t repeat_ms)
{
    timer->repeat_ms = repeat_ms > 0 ? (uint64_t)repeat_ms : 0;
    start(timer, delay_ms > 0 ? (uint64_t)delay_ms : 0);
}

void ear_timer_stop(struct ear_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool ear_timer_active(const struct ear_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv) != 0;
}

#include "private.h"
#include <stdlib.h>

struct ear_timer {
    uv_timer_t uv;
    struct ear_loop *loop;
    ear_loop_fn *fn;
    void *self;
};

static void on_timer(uv_timer_t *handle)
{
    struct ear_timer *timer = handle->data;
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
    uint64_t delay = delay_ms > 0 ? (uint64_t)delay_ms : 0;
    uint64_t repeat = repeat_ms > 0 ? (uint64_t)repeat_ms : 0;
    ear_loop_must(uv_timer_start(&timer->uv, on_timer, delay, repeat));
}

void ear_timer_stop(struct ear_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

bool ear_timer_active(const struct ear_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->uv) != 0;
}

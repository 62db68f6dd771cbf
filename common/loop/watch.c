#include "private.h"
#include <stdlib.h>

struct ear_watch {
    uv_poll_t uv;
    struct ear_loop *loop;
    ear_watch_fn *fn;
    void *self;
    unsigned events;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_poll(uv_poll_t *handle, int status, int uv_events);

static void start(struct ear_watch *watch)
{
    int events = ((watch->events & EAR_READABLE) ? UV_READABLE : 0) |
                 ((watch->events & EAR_WRITABLE) ? UV_WRITABLE : 0);
    if (events) {
        ear_loop_must(uv_poll_start(&watch->uv, events, on_poll));
    } else {
        uv_poll_stop(&watch->uv);
    }
}

static void on_poll(uv_poll_t *handle, int status, int uv_events)
{
    struct ear_watch *watch = handle->data;
    ear_loop_woken(watch->loop);
    unsigned events = ((uv_events & UV_READABLE) ? EAR_READABLE : 0u) |
                      ((uv_events & UV_WRITABLE) ? EAR_WRITABLE : 0u);
    if (status < 0) {
        /* libuv gives up on the descriptor; the owner learns what is wrong from its next read or
         * write, and goes on being told until it acts. */
        events = watch->events;
        start(watch);
    }
    watch->fn(watch->self, events);
}

ear_err ear_watch_new(struct ear_watch **out, struct ear_loop *loop, int fd, ear_watch_fn *fn,
                      void *self)
{
    struct ear_watch *watch = ear_alloc(sizeof(*watch));
    int rc = uv_poll_init(&loop->uv, &watch->uv, fd);
    if (rc != 0) {
        free(watch);
        return rc == UV_EEXIST ? EAR_CONFLICT : EAR_IO;
    }
    watch->uv.data = watch;
    watch->loop = loop;
    watch->fn = fn;
    watch->self = self;
    loop->live++;
    *out = watch;
    return EAR_OK;
}

void ear_watch_free(struct ear_watch **watch_ptr)
{
    struct ear_watch *watch = *watch_ptr;
    if (!watch) return;
    watch->loop->live--;
    uv_close((uv_handle_t *)&watch->uv, on_closed);
    *watch_ptr = NULL;
}

void ear_watch_set(struct ear_watch *watch, unsigned events)
{
    if (watch->events == events) return;
    watch->events = events;
    start(watch);
}

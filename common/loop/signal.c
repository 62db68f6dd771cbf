#include "private.h"
#include <stdlib.h>

struct signal_slot {
    uv_signal_t uv;
    struct signal_slot *next;
    ear_signal_fn *fn;
    void *self;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct signal_slot *slot = handle->data;
    slot->fn(slot->self, signum);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static struct signal_slot *find(struct ear_loop *loop, int signum, const void *self)
{
    struct signal_slot *slot = loop->signals;
    while (slot && (slot->uv.signum != signum || slot->self != self)) slot = slot->next;
    return slot;
}

ear_err ear_loop_on_signal(struct ear_loop *loop, int signum, ear_signal_fn *fn, void *self)
{
    struct signal_slot *slot = find(loop, signum, self);
    if (slot) {
        slot->fn = fn;
        return EAR_OK;
    }
    slot = ear_alloc(sizeof(*slot));
    ear_loop_must(uv_signal_init(&loop->uv, &slot->uv));
    slot->uv.data = slot;
    slot->fn = fn;
    slot->self = self;
    if (uv_signal_start(&slot->uv, on_signal, signum) != 0) {
        uv_close((uv_handle_t *)&slot->uv, on_closed);
        return EAR_INVALID;
    }
    slot->next = loop->signals;
    loop->signals = slot;
    return EAR_OK;
}

void ear_loop_free_signals(struct ear_loop *loop)
{
    while (loop->signals) {
        struct signal_slot *slot = loop->signals;
        loop->signals = slot->next;
        uv_close((uv_handle_t *)&slot->uv, on_closed);
    }
}

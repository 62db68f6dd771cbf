#include "private.h"
#include <stdlib.h>

struct ear_hook {
    struct ear_loop *loop;
    struct ear_hook *next;
    ear_hook_fn *fn; /* NULL once freed */
    void *self;
    bool freed;
};

static void on_awake(uv_idle_t *handle)
{
    (void)handle; /* an active idle handle is all it takes to keep the loop from sleeping */
}

static void sweep(struct ear_loop *loop)
{
    struct ear_hook **at = &loop->hooks;
    while (*at) {
        struct ear_hook *hook = *at;
        if (hook->freed) {
            *at = hook->next;
            free(hook);
        } else {
            at = &hook->next;
        }
    }
}

void ear_loop_run_hooks(struct ear_loop *loop)
{
    bool more = false;
    for (struct ear_hook *hook = loop->hooks; hook; hook = hook->next) {
        if (!hook->freed) more |= hook->fn(hook->self);
    }
    sweep(loop);
    if (more) {
        ear_loop_must(uv_idle_start(&loop->awake, on_awake));
    } else {
        uv_idle_stop(&loop->awake);
    }
}

void ear_hook_new(struct ear_hook **out, struct ear_loop *loop, ear_hook_fn *fn, void *self)
{
    struct ear_hook *hook = ear_alloc(sizeof(*hook));
    *hook = (struct ear_hook){.loop = loop, .next = loop->hooks, .fn = fn, .self = self};
    loop->hooks = hook;
    loop->live++;
    *out = hook;
}

/* The list may be under way: the hook is taken off at the end of the turn. */
void ear_hook_free(struct ear_hook **hook_ptr)
{
    struct ear_hook *hook = *hook_ptr;
    if (!hook) return;
    hook->freed = true;
    hook->loop->live--;
    *hook_ptr = NULL;
}

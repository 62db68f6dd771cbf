/* private: what the rooms of loop share. Only here and in the .c files beside it is uv.h seen. */
#ifndef EAR_LOOP_PRIVATE_H
#define EAR_LOOP_PRIVATE_H

#include "loop/loop.h"
#include <uv.h>

struct later;
struct signal_slot;

struct ear_loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* runs the hooks; always active, so that the loop never runs dry */
    uv_check_t check;     /* behind the wait, for the busy time */
    uv_idle_t awake;      /* active while a hook has more to do */
    uv_idle_t later_idle; /* active while something waits for the next turn */
    uv_timer_t limit;     /* ends the wait of ear_loop_turn */
    struct ear_hook *hooks;
    struct later *later_first;
    struct later **later_end;
    struct signal_slot *signals; /* owned */
    size_t live;                 /* handles and look-ups that their owners still hold */
    bool stopping;
    uint64_t woken_ns; /* when this turn began to work; 0 while it waits */
    struct ear_log_gate *gate;
};

/* For uv calls that can only fail by a bug of ours. */
void ear_loop_must(int rc);
/* What comes out of the wait says so first: callbacks of the kernel's news. */
void ear_loop_woken(struct ear_loop *loop);
void ear_loop_run_hooks(struct ear_loop *loop);
void ear_loop_free_signals(struct ear_loop *loop);

#endif

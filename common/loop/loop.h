/* loop: the one event loop of a service: libuv behind a few words. Layer 2, stands on base, log
 * and metric. Everything here belongs to the loop's thread; nothing here blocks.
 *
 * Handles are heap objects that the caller owns; _free stops them at once (no callback comes any
 * more) and releases the memory one turn later, so freeing inside a callback is allowed. */
#ifndef EAR_LOOP_H
#define EAR_LOOP_H

#include "base/base.h"
#include <stdint.h>

struct ear_loop;
struct ear_timer;
struct ear_watch;
struct ear_hook;

typedef void ear_loop_fn(void *self);

ear_err ear_loop_new(struct ear_loop **out) EAR_MUST_CHECK;
/* All handles must have been freed; aborts when something still lives. */
void ear_loop_free(struct ear_loop **loop);
/* Runs until ear_loop_stop. May be called again afterwards. */
void ear_loop_run(struct ear_loop *loop);
/* One turn: waits at most timeout_ms for something to happen. For tools and tests. */
void ear_loop_turn(struct ear_loop *loop, int64_t timeout_ms);
void ear_loop_stop(struct ear_loop *loop);
int64_t ear_loop_now_ms(const struct ear_loop *loop); /* monotonic, of this turn */
/* Calls fn once, in the next turn. */
void ear_loop_later(struct ear_loop *loop, ear_loop_fn *fn, void *self);

/* Timers. repeat_ms 0: once. Starting a running timer restarts it. What repeats every second or
 * more rarely is due on whole seconds, the first time for that up to a second early. */
void ear_timer_new(struct ear_timer **out, struct ear_loop *loop, ear_loop_fn *fn, void *self);
void ear_timer_free(struct ear_timer **timer);
void ear_timer_start(struct ear_timer *timer, int64_t delay_ms, int64_t repeat_ms);
void ear_timer_stop(struct ear_timer *timer);
bool ear_timer_active(const struct ear_timer *timer);

/* File descriptors. The watch borrows fd and must be freed before fd is closed. */
#define EAR_READABLE 1u
#define EAR_WRITABLE 2u
typedef void ear_watch_fn(void *self, unsigned events);
ear_err ear_watch_new(struct ear_watch **out, struct ear_loop *loop, int fd, ear_watch_fn *fn,
                      void *self) EAR_MUST_CHECK;
void ear_watch_free(struct ear_watch **watch);
void ear_watch_set(struct ear_watch *watch, unsigned events); /* 0: none */

/* A hook runs once a turn, before the loop waits. It returns true while it has more to do: the
 * loop then does not sleep (ZeroMQ's edge-triggered descriptors need this). */
typedef bool ear_hook_fn(void *self);
void ear_hook_new(struct ear_hook **out, struct ear_loop *loop, ear_hook_fn *fn, void *self);
void ear_hook_free(struct ear_hook **hook);

/* POSIX signals; fn gets the number. Several may hear of the same; one handler a signal and self.
 */
typedef void ear_signal_fn(void *self, int signum);
ear_err ear_loop_on_signal(struct ear_loop *loop, int signum, ear_signal_fn *fn,
                           void *self) EAR_MUST_CHECK;

/* Name look-up in libuv's thread pool. fn gets numeric addresses ("10.0.0.7", "::1"), sorted,
 * without doubles; count 0 and err EAR_NOT_FOUND or EAR_UNAVAILABLE when there is none. Numeric
 * hosts answer without asking anybody. The look-up cannot be cancelled: *token is freed by fn's
 * return; ear_resolve_forget makes it silent. */
struct ear_resolve;
typedef void ear_resolve_fn(void *self, ear_err err, const char *const *addresses, size_t count);
void ear_resolve_start(struct ear_resolve **token, struct ear_loop *loop, const char *host,
                       ear_resolve_fn *fn, void *self);
void ear_resolve_forget(struct ear_resolve **token);

/* What would hold the loop up (reading and checking a large file): `work` runs in another thread,
 * which takes no signals, and touches nothing but its job; then `done` comes in the loop's thread,
 * exactly once, and the job is its again. It cannot be cancelled: ear_offload_forget only makes
 * `done` come with wanted false, at the latest within ear_loop_free. */
struct ear_offload;
typedef void ear_offload_fn(void *job, bool wanted);
void ear_offload_start(struct ear_offload **token, struct ear_loop *loop, ear_loop_fn *work,
                       ear_offload_fn *done, void *job);
void ear_offload_forget(struct ear_offload **token);

#endif

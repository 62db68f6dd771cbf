#include "private.h"
#include <stdlib.h>

struct ear_offload {
    uv_work_t uv;
    struct ear_loop *loop;
    ear_loop_fn *work;
    ear_offload_fn *done;
    void *job;
    bool forgotten;
};

static void on_work(uv_work_t *req)
{
    struct ear_offload *offload = req->data;
    offload->work(offload->job);
}

static void on_done(uv_work_t *req, int status)
{
    struct ear_offload *offload = req->data;
    (void)status; /* never cancelled */
    ear_loop_woken(offload->loop);
    if (!offload->forgotten) offload->loop->live--;
    offload->done(offload->job, !offload->forgotten);
    free(offload);
}

void ear_offload_start(struct ear_offload **token, struct ear_loop *loop, ear_loop_fn *work,
                       ear_offload_fn *done, void *job)
{
    struct ear_offload *offload = ear_alloc(sizeof(*offload));
    offload->loop = loop;
    offload->work = work;
    offload->done = done;
    offload->job = job;
    offload->uv.data = offload;
    loop->live++;
    if (token) *token = offload;
    sigset_t before;
    ear_signals_hold(&before); /* it may make libuv's threads, which are to take none */
    int rc = uv_queue_work(&loop->uv, &offload->uv, on_work, on_done);
    ear_signals_let(&before);
    ear_loop_must(rc);
}

void ear_offload_forget(struct ear_offload **token)
{
    if (!*token) return;
    (*token)->forgotten = true;
    (*token)->loop->live--;
    *token = NULL;
}

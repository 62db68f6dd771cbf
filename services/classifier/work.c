#include "work.h"

#include <stdlib.h>

/* A batch at its ceilings, and what triage adds to each post of it. */
#define IMAGE_BYTES_MAX ((size_t)2 * EAR_BATCH_BYTES_MAX)

struct ear_work *ear_work_new(const struct ear_batch *batch)
{
    struct ear_work *work = ear_alloc(sizeof(*work));
    ear_err err = EAR_OK;
    work->id = batch->id;
    work->lane = batch->lane;
    work->count = batch->count;
    work->since_ms = ear_clock_mono_ms();
    if (!ear_str_copy(work->trace, sizeof(work->trace), batch->trace)) work->trace[0] = '\0';
    ear_buf_init(&work->raw, EAR_BATCH_BYTES_MAX);
    ear_buf_init(&work->image, IMAGE_BYTES_MAX);
    for (size_t i = 0; i < batch->count && !err; i++) {
        err = ear_buf_append_str(&work->raw, batch->items[i]);
        work->raw_ends[i] = work->raw.len;
    }
    if (err) ear_work_free(&work); /* the bus has checked the ceilings: it is memory */
    return work;
}

void ear_work_free(struct ear_work **work)
{
    if (!*work) return;
    ear_buf_release(&(*work)->raw);
    ear_buf_release(&(*work)->image);
    EAR_FREE(*work);
}

static struct ear_str slice(const struct ear_buf *buf, const size_t *ends, size_t at)
{
    size_t from = at ? ends[at - 1] : 0;
    if (from > ends[at]) return EAR_STR_NONE;
    return (struct ear_str){buf->data + from, ends[at] - from};
}

struct ear_str ear_work_item(const struct ear_work *work, size_t at)
{
    return slice(&work->raw, work->raw_ends, at);
}

void ear_work_add_image(struct ear_work *work, size_t at)
{
    work->image_ends[work->image_count] = work->image.len;
    work->origins[work->image_count] = (uint16_t)at;
    work->image_count++;
}

struct ear_batch ear_work_batch(const struct ear_work *work, struct ear_str *items)
{
    for (size_t i = 0; i < work->image_count; i++)
        items[i] = slice(&work->image, work->image_ends, i);
    return (struct ear_batch){.id = work->id,
                              .lane = work->lane,
                              .trace = ear_str_from(work->trace),
                              .items = items,
                              .count = work->image_count};
}

void ear_work_slim(struct ear_work *work)
{
    ear_buf_release(&work->raw);
    ear_buf_release(&work->image);
}

void ear_work_set_fates(struct ear_work *work, const uint8_t *fates, size_t count)
{
    EAR_CHECK(count == work->image_count);
    for (size_t i = 0; i < count; i++) work->fates[work->origins[i]] = fates[i];
}

void ear_work_push(struct ear_work_queue *queue, struct ear_work *work)
{
    work->next = NULL;
    *(queue->last ? &queue->last->next : &queue->first) = work;
    queue->last = work;
    queue->posts += work->count;
}

void ear_work_remove(struct ear_work_queue *queue, struct ear_work *work)
{
    struct ear_work *before = NULL, *at = queue->first;
    for (; at && at != work; at = at->next) before = at;
    if (!at) return;
    *(before ? &before->next : &queue->first) = work->next;
    if (queue->last == work) queue->last = before;
    queue->posts -= work->count;
}

void ear_work_pop(struct ear_work_queue *queue)
{
    ear_work_remove(queue, queue->first);
}

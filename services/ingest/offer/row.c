#include "offer/row.h"
#include <stdlib.h>

struct ear_row *ear_row_new(const struct ear_id *id, ear_lane lane, int tries, struct ear_str trace,
                            const struct ear_id *posts, size_t count)
{
    struct ear_row *row = ear_alloc(sizeof(*row));
    row->id = *id;
    row->lane = lane;
    row->tries = tries;
    if (!ear_str_copy(row->trace, sizeof(row->trace), trace)) row->trace[0] = '\0';
    row->posts = ear_alloc((count + 1) * sizeof(*row->posts));
    row->states = ear_alloc(count + 1);
    if (count) memcpy(row->posts, posts, count * sizeof(*posts));
    row->count = count;
    row->pending = count;
    return row;
}

void ear_row_free(struct ear_row **row)
{
    free((*row)->posts);
    free((*row)->states);
    EAR_FREE(*row);
}

void ear_row_set(struct ear_row *row, size_t at, ear_cell_state state)
{
    uint8_t old = row->states[at];
    if (old == EAR_CELL_PENDING) row->pending--;
    if (old == EAR_CELL_FLYING) row->flying--;
    if (state == EAR_CELL_PENDING) row->pending++;
    if (state == EAR_CELL_FLYING) row->flying++;
    row->states[at] = (uint8_t)state;
}

bool ear_row_is_over(const struct ear_row *row)
{
    return row->pending == 0 && row->flying == 0;
}

size_t ear_row_left(const struct ear_row *row, struct ear_id *left, bool *counted)
{
    size_t count = 0;
    *counted = false;
    for (size_t i = 0; i < row->count; i++) {
        if (row->states[i] == EAR_CELL_DONE) continue;
        if (row->states[i] == EAR_CELL_BAD) *counted = true;
        left[count++] = row->posts[i];
    }
    return count;
}

struct ear_flight *ear_flight_new(ear_lane lane, const struct ear_cell *cells, size_t count)
{
    struct ear_flight *flight = ear_alloc(sizeof(*flight) + count * sizeof(*cells));
    flight->batch_id = ear_id_new(ear_clock_wall_us());
    flight->lane = lane;
    flight->sent_ms = ear_clock_mono_ms();
    flight->count = count;
    memcpy(flight->cells, cells, count * sizeof(*cells));
    return flight;
}

void ear_row_queue_push(struct ear_row_queue *queue, struct ear_row *row)
{
    if (row->queued) return;
    row->queued = true;
    row->next = NULL;
    if (queue->last) {
        queue->last->next = row;
    } else {
        queue->first = row;
    }
    queue->last = row;
}

void ear_row_queue_push_front(struct ear_row_queue *queue, struct ear_row *row)
{
    if (row->queued) return;
    row->queued = true;
    row->next = queue->first;
    queue->first = row;
    if (!queue->last) queue->last = row;
}

static void drop_first(struct ear_row_queue *queue)
{
    struct ear_row *row = queue->first;
    queue->first = row->next;
    if (!queue->first) queue->last = NULL;
    row->queued = false;
    row->next = NULL;
}

static size_t take_from(struct ear_row *row, struct ear_cell *cells, size_t max)
{
    size_t count = 0;
    for (size_t at = 0; at < row->count && count < max; at++) {
        if (row->states[at] != EAR_CELL_PENDING) continue;
        ear_row_set(row, at, EAR_CELL_FLYING);
        cells[count++] = (struct ear_cell){row, at};
    }
    return count;
}

size_t ear_row_queue_take(struct ear_row_queue *queue, struct ear_cell *cells, size_t max)
{
    size_t count = 0;
    while (queue->first && count < max) {
        struct ear_row *row = queue->first;
        if (row->tries > 0 && count > 0) break;
        count += take_from(row, cells + count, max - count);
        if (row->pending > 0) break;
        drop_first(queue);
        if (row->tries > 0) break;
    }
    return count;
}

ear_cell_state ear_cell_state_of(uint8_t fate)
{
    switch (fate) {
    case EAR_ITEM_DONE:
        return EAR_CELL_DONE;
    case EAR_ITEM_RETURNED:
        return EAR_CELL_BACK;
    default:
        return EAR_CELL_BAD;
    }
}

static int compare_cells(const void *a, const void *b)
{
    return ear_id_cmp(ear_cell_post(a), ear_cell_post(b));
}

void ear_cells_sort(struct ear_cell *cells, size_t count)
{
    qsort(cells, count, sizeof(*cells), compare_cells);
}

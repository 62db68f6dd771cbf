/* row: an intake row as memory knows it while its posts are on their way, and the flights (batches)
 * they are in. Data and its invariants only; offer decides, settle writes. */
#ifndef EAR_INGEST_ROW_H
#define EAR_INGEST_ROW_H

#include "bus/bus.h"
#include "wire/wire.h"

typedef enum ear_cell_state {
    EAR_CELL_PENDING, /* to be offered */
    EAR_CELL_FLYING,  /* being read, or in a flight */
    EAR_CELL_DONE,
    EAR_CELL_BACK, /* handed back untouched */
    EAR_CELL_BAD,  /* lost or failed */
} ear_cell_state;

struct ear_row {
    struct ear_row *next; /* in the lane's queue, or in settle's lists */
    void *home;           /* whoever judges it */
    struct ear_id id;
    ear_lane lane;
    int tries;
    int64_t stored_at_us; /* when its posts were, unless somebody asked for them again */
    char trace[EAR_TRACE_TEXT_BYTES];
    struct ear_id *posts;
    uint8_t *states; /* ear_cell_state */
    size_t count;
    size_t pending;
    size_t flying;
    bool queued;
};

/* One post of a row. */
struct ear_cell {
    struct ear_row *row;
    size_t at;
};

struct ear_flight {
    struct ear_id batch_id;
    ear_lane lane;
    int64_t sent_ms;
    size_t count;
    struct ear_cell cells[]; /* in the order of the batch's items */
};

/* Copies the ids; all posts are pending. */
struct ear_row *ear_row_new(const struct ear_id *id, ear_lane lane, int tries, struct ear_str trace,
                            const struct ear_id *posts, size_t count);
void ear_row_free(struct ear_row **row);
void ear_row_set(struct ear_row *row, size_t at, ear_cell_state state);
/* Nothing is pending or under way. */
bool ear_row_is_over(const struct ear_row *row);
/* Copies the ids that are not done into left (room for count); true in *counted when one was lost
 * or failed. */
size_t ear_row_left(const struct ear_row *row, struct ear_id *left, bool *counted);

static inline const struct ear_id *ear_cell_post(const struct ear_cell *cell)
{
    return &cell->row->posts[cell->at];
}

/* What an ear_fate of its batch makes of it. */
ear_cell_state ear_cell_state_of(uint8_t fate);
void ear_cells_sort(struct ear_cell *cells, size_t count); /* by post id */

struct ear_flight *ear_flight_new(ear_lane lane, const struct ear_cell *cells, size_t count);

/* Rows with something pending, oldest first. */
struct ear_row_queue {
    struct ear_row *first;
    struct ear_row *last;
};
void ear_row_queue_push(struct ear_row_queue *queue, struct ear_row *row);
void ear_row_queue_push_front(struct ear_row_queue *queue, struct ear_row *row);
/* Takes up to max pending posts from the front, marks them flying, drops rows that have none left
 * from the queue. A row that has failed before goes alone. */
size_t ear_row_queue_take(struct ear_row_queue *queue, struct ear_cell *cells, size_t max);

#endif

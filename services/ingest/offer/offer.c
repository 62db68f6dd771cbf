#include "offer/offer.h"
#include "events.h"
#include "offer/post_out.h"
#include "offer/row.h"
#include "offer/settle.h"
#include "store_sql.h"
#include <stdlib.h>

#define READ_POSTS_MAX 2048       /* ids taken from intake rows at a time, a lane */
#define READ_BYTES_MAX (8u << 20) /* of packed posts at a time */
#define READ_RETRY_MS  1000

struct lane {
    struct ear_offer *offer;
    ear_lane lane;
    struct ear_row_queue queue;    /* rows in memory with something pending */
    struct ear_row_queue suspects; /* the same, of rows that came back ungracefully */
    size_t suspect_posts;
    bool behind;    /* the database may hold rows that are not in memory */
    unsigned marks; /* times it fell behind: what changed during a read counts */
    unsigned marks_at_read;
    bool busy;                                  /* a statement for this lane is under way */
    struct ear_cell cells[EAR_BATCH_POSTS_MAX]; /* being read, in the order of post ids */
    size_t cell_count;
};

struct ear_offer {
    struct ear_offer_opts opts;
    struct ear_source *source;
    struct ear_settler *settler;
    struct ear_timer *retry;
    struct ear_map *rows;    /* by id */
    struct ear_map *flights; /* by batch id */
    size_t in_flight[EAR_LANES];
    struct ear_row *on_trial; /* the one suspect that is being read or in flight */
    struct lane lanes[EAR_LANES];
    bool draining;
};

static struct ear_str key_of(const struct ear_id *id)
{
    return (struct ear_str){(const char *)id->b, EAR_ID_BYTES};
}

/* --- Rows come and go --- */

static struct ear_row *add_row(struct ear_offer *offer, struct ear_row *row)
{
    row->home = offer;
    EAR_CHECK(ear_map_put(offer->rows, key_of(&row->id), row) == NULL);
    return row;
}

static void on_row_over(void *self, struct ear_row *row, bool again)
{
    struct ear_offer *offer = self;
    ear_map_take(offer->rows, key_of(&row->id));
    if (again) ear_offer_behind(offer, row->lane);
}

static void judge_if_over(struct ear_offer *offer, struct ear_row *row)
{
    if (!ear_row_is_over(row)) return;
    if (offer->on_trial == row) offer->on_trial = NULL;
    ear_settler_judge(offer->settler, &row);
}

/* --- Sending --- */

/* Rows that came back ungracefully are tried one at a time, so that whoever dies of a post says
 * nothing about another that was on its way as well. */
static struct ear_row_queue *queue_of(struct lane *lane, const struct ear_row *row)
{
    return row->tries > 0 ? &lane->suspects : &lane->queue;
}

static void put_back(struct lane *lane, const struct ear_cell *cells, size_t count)
{
    for (size_t i = count; i > 0; i--) {
        struct ear_row *row = cells[i - 1].row;
        ear_row_set(row, cells[i - 1].at, EAR_CELL_PENDING);
        ear_row_queue_push_front(queue_of(lane, row), row);
        if (row->tries > 0) lane->suspect_posts++;
        if (lane->offer->on_trial == row && row->flying == 0) lane->offer->on_trial = NULL;
    }
}

static ear_err send_one(struct lane *lane, const struct ear_cell *cells,
                        const struct ear_str *items, size_t count)
{
    struct ear_offer *offer = lane->offer;
    struct ear_flight *flight = ear_flight_new(lane->lane, cells, count);
    const struct ear_batch batch = {.id = flight->batch_id,
                                    .lane = lane->lane,
                                    .trace = ear_str_from(cells[0].row->trace),
                                    .items = items,
                                    .count = count};
    (void)ear_fault("ingest.before_offer");
    ear_err err = ear_source_offer(offer->source, &batch);
    if (err != EAR_OK) {
        free(flight);
        return err;
    }
    (void)ear_fault("ingest.after_offer");
    ear_map_put(offer->flights, key_of(&flight->batch_id), flight);
    offer->in_flight[lane->lane] += count;
    ear_log(&EV_INGEST_OFFERED, kv_id("batch", &flight->batch_id),
            kv_text("lane", ear_lane_name(lane->lane)), kv_int("posts", count));
    return EAR_OK;
}

/* In batches within the bus's ceilings. What finds no credit is pending again. */
static void send_all(struct lane *lane, const struct ear_cell *cells, const struct ear_str *items,
                     size_t count)
{
    size_t from = 0;
    while (from < count) {
        size_t to = from, bytes = 0;
        while (to < count && to - from < EAR_BATCH_POSTS_MAX &&
               (to == from || bytes + items[to].len <= EAR_BATCH_BYTES_MAX / 2))
            bytes += items[to++].len;
        if (send_one(lane, cells + from, items + from, to - from) != EAR_OK) break;
        from = to;
    }
    put_back(lane, cells + from, count - from);
}

static bool has_room(const struct ear_offer *offer, const struct ear_fresh *fresh)
{
    size_t least = fresh->count < EAR_BATCH_POSTS_MAX ? fresh->count : EAR_BATCH_POSTS_MAX;
    struct ear_source_stats stats;
    ear_source_stats(offer->source, &stats);
    return ear_source_room(offer->source, fresh->lane) >= least &&
           stats.credit_posts[fresh->lane] >= (int64_t)fresh->count;
}

void ear_offer_fresh(struct ear_offer *offer, const struct ear_fresh *fresh)
{
    struct lane *lane = &offer->lanes[fresh->lane];
    bool known = ear_map_get(offer->rows, key_of(&fresh->intake_id)) != NULL; /* read meanwhile */
    bool straight = !known && !offer->draining && !lane->behind && !lane->busy &&
                    !lane->queue.first && has_room(offer, fresh);
    if (!straight) {
        ear_offer_behind(offer, fresh->lane);
        return;
    }
    struct ear_row *row =
        add_row(offer, ear_row_new(&fresh->intake_id, fresh->lane, 0, ear_str_from(fresh->trace),
                                   fresh->post_ids, fresh->count));
    row->stored_at_us = fresh->stored_at_us;
    struct ear_cell *cells = ear_alloc(fresh->count * sizeof(*cells));
    for (size_t i = 0; i < fresh->count; i++) {
        cells[i] = (struct ear_cell){row, i};
        ear_row_set(row, i, EAR_CELL_FLYING);
    }
    send_all(lane, cells, fresh->items, fresh->count);
    free(cells);
}

/* --- Reading posts of rows that are in memory --- */

struct reading {
    struct ear_buf bytes;
    struct ear_cell cells[EAR_BATCH_POSTS_MAX];
    struct ear_str items[EAR_BATCH_POSTS_MAX];
    size_t ends[EAR_BATCH_POSTS_MAX]; /* items move while the buffer grows */
    size_t count;
    struct ear_cell left[EAR_BATCH_POSTS_MAX]; /* there, but no room for them now */
    size_t left_count;
    bool there[EAR_BATCH_POSTS_MAX]; /* which of the lane's cells */
};

static void read_one(struct reading *reading, struct lane *lane, const struct ear_pg_result *result,
                     size_t row)
{
    size_t at = ear_post_out_place(result, row);
    EAR_CHECK(at < lane->cell_count && !reading->there[at]);
    reading->there[at] = true;
    if (ear_post_out_row(result, row, &reading->bytes) != EAR_OK) {
        reading->left[reading->left_count++] = lane->cells[at];
        return;
    }
    reading->cells[reading->count] = lane->cells[at];
    reading->ends[reading->count++] = reading->bytes.len;
}

/* A post whose row is gone (erased, its month dropped) has nothing left to be done. */
static void settle_missing(struct lane *lane, const struct reading *reading)
{
    for (size_t i = 0; i < lane->cell_count; i++) {
        if (reading->there[i]) continue;
        ear_row_set(lane->cells[i].row, lane->cells[i].at, EAR_CELL_DONE);
        judge_if_over(lane->offer, lane->cells[i].row);
    }
}

static void send_read(struct lane *lane, const struct ear_pg_result *result)
{
    struct reading *reading = ear_alloc(sizeof(*reading));
    ear_buf_init(&reading->bytes, READ_BYTES_MAX);
    for (size_t row = 0; row < ear_pg_rows(result); row++) read_one(reading, lane, result, row);
    settle_missing(lane, reading);
    for (size_t i = 0, from = 0; i < reading->count; from = reading->ends[i++]) {
        reading->items[i] = (struct ear_str){reading->bytes.data + from, reading->ends[i] - from};
    }
    lane->cell_count = 0;
    put_back(lane, reading->left, reading->left_count);
    if (lane->offer->draining) {
        put_back(lane, reading->cells, reading->count);
    } else {
        send_all(lane, reading->cells, reading->items, reading->count);
    }
    ear_buf_release(&reading->bytes);
    free(reading);
}

static void pump_lane(struct lane *lane);

static void on_posts(void *self, ear_err err, const struct ear_pg_result *const *results,
                     size_t count, const struct ear_diag *diag)
{
    struct lane *lane = self;
    if (err == EAR_CLOSED) return;
    lane->busy = false;
    if (err != EAR_OK || count != 1) {
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "read_posts"), kv_diag(diag));
        put_back(lane, lane->cells, lane->cell_count);
        lane->cell_count = 0;
        ear_timer_start(lane->offer->retry, READ_RETRY_MS, 0);
        return;
    }
    send_read(lane, results[0]);
    pump_lane(lane);
}

static bool may_try(const struct lane *lane)
{
    const struct ear_row *on_trial = lane->offer->on_trial;
    return lane->suspects.first && (!on_trial || on_trial == lane->suspects.first);
}

static void read_posts(struct lane *lane, size_t room)
{
    size_t max = room < EAR_BATCH_POSTS_MAX ? room : EAR_BATCH_POSTS_MAX;
    bool trial = may_try(lane);
    if (trial) lane->offer->on_trial = lane->suspects.first;
    lane->cell_count = ear_row_queue_take(trial ? &lane->suspects : &lane->queue, lane->cells, max);
    if (trial) lane->suspect_posts -= lane->cell_count;
    ear_cells_sort(lane->cells, lane->cell_count);
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_POSTS);
    struct ear_pg_array *ids = ear_pg_array(batch, EAR_PG_ID);
    struct ear_pg_array *times = ear_pg_array(batch, EAR_PG_TIME);
    for (size_t i = 0; i < lane->cell_count; i++) {
        ear_pg_push_id(ids, ear_cell_post(&lane->cells[i]));
        ear_pg_push_int(times, lane->cells[i].row->stored_at_us);
    }
    lane->busy = true;
    ear_pg_run(lane->offer->opts.pg, &batch, on_posts, lane);
}

/* --- Reading rows --- */

static void add_read_row(struct lane *lane, const struct ear_pg_result *result, size_t first,
                         const struct ear_id *posts, size_t count)
{
    struct ear_id id = ear_pg_get_id(result, first, 0);
    if (ear_map_get(lane->offer->rows, key_of(&id))) return;
    struct ear_row *row = ear_row_new(&id, lane->lane, (int)ear_pg_get_i64(result, first, 1),
                                      ear_pg_get_str(result, first, 2), posts, count);
    row->stored_at_us = ear_pg_get_time(result, first, 4);
    ear_row_queue_push(queue_of(lane, row), add_row(lane->offer, row));
    if (row->tries > 0) lane->suspect_posts += count;
}

/* The result has one line a post, those of a row together. */
static size_t take_rows(struct lane *lane, const struct ear_pg_result *result)
{
    size_t lines = ear_pg_rows(result), rows = 0;
    struct ear_id *posts = ear_alloc((lines + 1) * sizeof(*posts));
    for (size_t from = 0; from < lines; rows++) {
        struct ear_id id = ear_pg_get_id(result, from, 0);
        size_t to = from;
        for (; to < lines; to++) {
            struct ear_id other = ear_pg_get_id(result, to, 0);
            if (ear_id_cmp(&id, &other) != 0) break;
            posts[to - from] = ear_pg_get_id(result, to, 3);
        }
        add_read_row(lane, result, from, posts, to - from);
        from = to;
    }
    free(posts);
    return rows;
}

static void on_rows(void *self, ear_err err, const struct ear_pg_result *const *results,
                    size_t count, const struct ear_diag *diag)
{
    struct lane *lane = self;
    if (err == EAR_CLOSED) return;
    lane->busy = false;
    if (err != EAR_OK || count != 1) {
        ear_log(&EV_INGEST_STORE_FAILED, kv_text("statement", "read_intake"), kv_diag(diag));
        ear_timer_start(lane->offer->retry, READ_RETRY_MS, 0);
        return;
    }
    /* Nothing more, and nothing came meanwhile: from here on fresh posts go straight. */
    if (take_rows(lane, results[0]) == 0 && lane->marks == lane->marks_at_read)
        lane->behind = false;
    ear_offer_pump(lane->offer);
}

struct id_list {
    struct ear_pg_array *array;
    ear_lane lane;
};

static bool add_known(void *self, struct ear_str key, void *value)
{
    (void)key;
    struct id_list *list = self;
    const struct ear_row *row = value;
    if (row->lane == list->lane) ear_pg_push_id(list->array, &row->id);
    return true;
}

static void read_rows(struct lane *lane)
{
    struct ear_offer *offer = lane->offer;
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_READ_INTAKE);
    ear_pg_i16(batch, (int16_t)lane->lane);
    ear_pg_id(batch, &offer->opts.owner);
    struct id_list known = {ear_pg_array(batch, EAR_PG_ID), lane->lane};
    ear_map_each(offer->rows, add_known, &known);
    ear_pg_i64(batch, READ_POSTS_MAX);
    lane->busy = true;
    lane->marks_at_read = lane->marks;
    ear_pg_run(offer->opts.pg, &batch, on_rows, lane);
}

/* --- Pumping --- */

static void pump_lane(struct lane *lane)
{
    struct ear_offer *offer = lane->offer;
    if (offer->draining || lane->busy || !ear_pg_is_up(offer->opts.pg)) return;
    size_t room = ear_source_room(offer->source, lane->lane);
    if (room == 0) return;
    if (may_try(lane) || lane->queue.first) {
        read_posts(lane, room);
    } else if (lane->behind && lane->suspect_posts < READ_POSTS_MAX) {
        read_rows(lane);
    }
}

void ear_offer_pump(struct ear_offer *offer)
{
    const struct lane *live = &offer->lanes[EAR_LANE_LIVE];
    pump_lane(&offer->lanes[EAR_LANE_LIVE]);
    if (!live->behind && !live->queue.first) pump_lane(&offer->lanes[EAR_LANE_BACKFILL]);
}

void ear_offer_behind(struct ear_offer *offer, ear_lane lane)
{
    offer->lanes[lane].behind = true;
    offer->lanes[lane].marks++;
    ear_offer_pump(offer);
}

/* --- What the source tells --- */

/* Also what the timer for another try calls. */
static void on_room(void *self)
{
    ear_offer_pump(self);
}

/* The flight is over: fates has a byte a post, or is NULL when it was lost. */
static void land(struct ear_offer *offer, struct ear_flight *flight, const uint8_t *fates)
{
    static const char *const names[] = {"", "", "done", "returned", "failed"};
    double counts[5] = {0};
    for (size_t i = 0; i < flight->count; i++) {
        struct ear_cell *cell = &flight->cells[i];
        ear_cell_state state = fates ? ear_cell_state_of(fates[i]) : EAR_CELL_BAD;
        if (fates && state == EAR_CELL_BAD) {
            ear_log(&EV_INGEST_POST_FAILED, kv_id("post", ear_cell_post(cell)),
                    kv_int("tries", cell->row->tries + 1));
        }
        counts[state]++;
        ear_row_set(cell->row, cell->at, state);
        judge_if_over(offer, cell->row);
    }
    for (int state = EAR_CELL_DONE; state <= EAR_CELL_BAD; state++) {
        if (counts[state] > 0) {
            ear_metric_add(&M_SETTLED_TOTAL, counts[state], ear_lane_name(flight->lane),
                           fates ? names[state] : "lost");
        }
    }
    offer->in_flight[flight->lane] -= flight->count;
    free(flight);
}

static void on_settled(void *self, const struct ear_settle *settle)
{
    struct ear_offer *offer = self;
    struct ear_flight *flight = ear_map_take(offer->flights, key_of(&settle->batch_id));
    if (!flight) return;
    (void)ear_fault("ingest.after_settle");
    ear_metric_observe(&M_SETTLE_SECONDS, (double)(ear_clock_mono_ms() - flight->sent_ms) / 1000.0,
                       ear_lane_name(flight->lane));
    land(offer, flight, settle->count == flight->count ? settle->fates : NULL);
    ear_offer_pump(offer);
}

static void on_lost(void *self, const struct ear_id *batch_id)
{
    struct ear_offer *offer = self;
    struct ear_flight *flight = ear_map_take(offer->flights, key_of(batch_id));
    if (!flight) return;
    ear_log(&EV_INGEST_LOST, kv_id("batch", batch_id), kv_int("posts", flight->count));
    land(offer, flight, NULL);
    ear_offer_pump(offer);
}

/* --- Its life --- */

ear_err ear_offer_new(struct ear_offer **out, const struct ear_offer_opts *opts,
                      struct ear_diag *diag)
{
    static const struct ear_source_ops ops = {
        .room = on_room, .settled = on_settled, .lost = on_lost};
    struct ear_offer *offer = ear_alloc(sizeof(*offer));
    ear_err err = ear_source_new(&offer->source, opts->bus, opts->endpoint, &ops, offer, diag);
    if (err != EAR_OK) {
        free(offer);
        return err;
    }
    ear_source_admit(offer->source, "classifier");
    offer->opts = *opts;
    offer->rows = ear_map_new();
    offer->flights = ear_map_new();
    ear_settler_new(&offer->settler, opts->loop, opts->pg, &opts->owner, on_row_over, offer);
    ear_timer_new(&offer->retry, opts->loop, on_room, offer);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        offer->lanes[lane].offer = offer;
        offer->lanes[lane].lane = lane;
    }
    *out = offer;
    return EAR_OK;
}

static bool take_out_of_settler(void *self, struct ear_str key, void *value)
{
    (void)key;
    (void)self;
    struct ear_row *row = value;
    if (!ear_row_is_over(row)) ear_row_free(&row);
    return true;
}

void ear_offer_free(struct ear_offer **offer_ptr)
{
    struct ear_offer *offer = *offer_ptr;
    if (!offer) return;
    ear_source_free(&offer->source);
    /* Rows that are over belong to the settler, the others to nobody but the map. */
    ear_map_each(offer->rows, take_out_of_settler, NULL);
    ear_settler_free(&offer->settler);
    ear_map_free(&offer->rows, NULL);
    ear_map_free(&offer->flights, free);
    ear_timer_free(&offer->retry);
    EAR_FREE(*offer_ptr);
}

void ear_offer_drain(struct ear_offer *offer)
{
    offer->draining = true;
}

bool ear_offer_idle(const struct ear_offer *offer)
{
    return ear_map_count(offer->flights) == 0 && ear_settler_idle(offer->settler) &&
           !offer->lanes[EAR_LANE_LIVE].busy && !offer->lanes[EAR_LANE_BACKFILL].busy;
}

void ear_offer_stats(const struct ear_offer *offer, struct ear_offer_stats *out)
{
    ear_source_stats(offer->source, &out->source);
    for (ear_lane lane = 0; lane < EAR_LANES; lane++) {
        out->in_flight[lane] = offer->in_flight[lane];
        out->behind[lane] = offer->lanes[lane].behind || offer->lanes[lane].queue.first;
    }
}

/* pool: the connections of one ear_pg and the batches that wait for them or run. Private to pg.
 *
 * Flights stay in one list in the order they were given; slots run them. Callbacks come only from
 * the loop, through ear_pg_finish. */
#ifndef EAR_PG_POOL_H
#define EAR_PG_POOL_H

#include "log/log.h"
#include "pg/batch.h"
#include "pg/conn.h"
#include "pg/pace.h"
#include "pg/result.h"
#include "pg/setup.h"
#include <sys/queue.h>

struct ear_pg_slot;
struct ear_pg_listener;
struct ear_pg_script;

typedef enum ear_pg_phase { EAR_PG_WAITING, EAR_PG_RUNNING, EAR_PG_OVER } ear_pg_phase;

/* A batch on its way. */
struct ear_pg_flight {
    TAILQ_ENTRY(ear_pg_flight) link;
    struct ear_pg *pg;
    struct ear_pg_batch *batch; /* owned */
    ear_pg_fn *fn;
    void *self;
    struct ear_pg_set **keep;       /* not NULL: results go there instead of being freed */
    struct ear_pg_session *session; /* NULL: a transaction of its own */
    struct ear_pg_slot *slot;       /* while it runs */
    struct ear_pg_set *set;         /* owned; results as they come */
    int64_t since_ms, begun_ms;
    ear_pg_phase phase;
    bool wrote;          /* a row, by the word of the server */
    bool opens, commits; /* sends BEGIN before, COMMIT behind */
    /* Commands: these and the statements. Sent so far; before the job that runs. */
    size_t sent, sent_before;
    bool drop; /* the connection is of no more use */
    ear_err err;
    struct ear_diag diag;
};
TAILQ_HEAD(ear_pg_flights, ear_pg_flight);

struct ear_pg_session {
    struct ear_pg *pg;
    struct ear_pg_slot *slot;     /* the connection it holds */
    struct ear_pg_flight *flight; /* not finished yet */
    bool begun;
    ear_err err; /* why it is dead */
};

/* A pooled connection and who uses it. */
struct ear_pg_slot {
    struct ear_pg *pg;
    struct ear_pg_conn *conn; /* owned */
    struct ear_pg_setup setup;
    struct ear_pg_flight *flight;
    struct ear_pg_session *session;
    bool counted; /* in pg->usable */
};

/* Of rights.h: whether one is missing. */
struct ear_pg_rights {
    struct ear_timer *timer; /* owned; NULL: nobody looks */
    struct ear_diag missing; /* err: a right is missing */
    size_t at;               /* to that statement; without one, the statement to look at next */
    bool looking;
    size_t from, count; /* whose plans were asked for */
    size_t refused;     /* of these, the one whose plan was not given; count: none */
    struct ear_diag why;
};

struct ear_pg {
    struct ear_loop *loop;
    struct ear_pg_target target;
    struct ear_pg_statements statements;
    int64_t patience_ms;       /* a batch without any answer for so long loses its connection */
    struct ear_pg_slot *slots; /* owned */
    size_t slot_count;
    size_t usable;
    struct ear_pg_flights flights;
    size_t flight_count, waiting, max_waiting;
    struct ear_timer *kick; /* the next turn: deliver what is over, start what waits */
    bool calling;           /* inside a callback */
    bool quiet;             /* the caller says why there is no connection */
    struct ear_diag why;    /* the last reason of a failed connect */
    struct ear_log_gate gate;
    struct ear_pg_pace pace;
    ear_loop_fn *up, *down, *connected;
    void *self;
    struct ear_pg_rights rights;
    struct ear_pg_listener *listener; /* owned; NULL until used */
    struct ear_pg_script *script;     /* owned; NULL until used */
};

/* Takes the batch; the flight is in the list and waits. */
struct ear_pg_flight *ear_pg_enqueue(struct ear_pg *pg, struct ear_pg_batch **batch, ear_pg_fn *fn,
                                     void *self);
/* Ends a flight that never ran, in the next turn. */
void ear_pg_refuse(struct ear_pg_flight *flight, ear_err err, const char *why);
/* All that wait for a connection and would rather not. */
void ear_pg_refuse_waiting(struct ear_pg *pg);
/* Calls fn and frees the flight. */
void ear_pg_finish(struct ear_pg_flight *flight);
/* Sends a waiting flight; refuses it where it does not fit its statements. */
void ear_pg_launch(struct ear_pg_flight *flight, struct ear_pg_slot *slot);
/* The slot is without flight: rolls back what is open or makes it free for others. */
void ear_pg_release_slot(struct ear_pg_slot *slot);
void ear_pg_kick(struct ear_pg *pg);

void ear_pg_listener_free(struct ear_pg_listener **listener);
void ear_pg_script_free(struct ear_pg_script **script);

#endif

/* session: a transaction of more than one round trip on a connection of its own. */
#include "pg/pool.h"

#include <stdlib.h>

void ear_pg_session_new(struct ear_pg_session **out, struct ear_pg *pg)
{
    *out = ear_alloc(sizeof(**out));
    (*out)->pg = pg;
}

void ear_pg_session_run(struct ear_pg_session *session, struct ear_pg_batch **batch, bool commit,
                        ear_pg_fn *fn, void *self)
{
    EAR_CHECK(!session->flight);
    struct ear_pg_flight *flight = ear_pg_enqueue(session->pg, batch, fn, self);
    flight->session = session;
    flight->opens = !session->begun;
    flight->commits = commit;
    session->flight = flight;
    session->begun = true;
    if (flight->phase == EAR_PG_OVER) {
        session->err = flight->err;
        return;
    }
    if (session->err)
        ear_pg_refuse(flight, session->err, "the session has ended");
    else if (session->slot)
        ear_pg_launch(flight, session->slot);
    else
        ear_pg_kick(session->pg);
}

void ear_pg_session_end(struct ear_pg_session **ref)
{
    struct ear_pg_session *session = *ref;
    if (!session) return;
    *ref = NULL;
    struct ear_pg_flight *flight = session->flight;
    if (flight) {
        flight->session = NULL;
        if (flight->phase == EAR_PG_WAITING)
            ear_pg_refuse(flight, EAR_CLOSED, "the session has ended");
    }
    struct ear_pg_slot *slot = session->slot;
    if (slot) {
        slot->session = NULL;
        ear_pg_release_slot(slot);
    }
    free(session);
}

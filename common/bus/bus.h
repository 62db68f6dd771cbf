/* bus: batches between services, and commands to one, over ZeroMQ. Layer 3, stands on base, loop
 * and wire. Loop thread only; libzmq's own threads stay inside.
 *
 * Three roles:
 *   source  binds a ROUTER (mandatory) and offers batches to the sinks that have given credit;
 *   sink    opens one DEALER per source address it finds behind a name, and settles what it got;
 *   calls   a ROUTER that answers commands (server) and DEALERs that ask (client).
 * A source keeps a batch until it is settled; when a sink goes away (socket monitor, missed beats)
 * its unsettled batches come back through `lost`. Credit is an absolute, cumulative count of posts
 * and bytes per lane, set anew by Hello, so a lost message leaks nothing. docs/protocol.md has the
 * messages. Every link is CURVE with keys known to a ZAP handler; without keys only loopback
 * addresses are accepted.
 *
 * None of these objects may be freed from inside one of its own callbacks (ear_loop_later can). */
#ifndef EAR_BUS_H
#define EAR_BUS_H

#include "base/base.h"
#include "loop/loop.h"

struct ear_bus; /* one a process: ZeroMQ context, keys, ZAP handler */
struct ear_source;
struct ear_sink;
struct ear_server;
struct ear_client;

typedef enum ear_lane { EAR_LANE_LIVE, EAR_LANE_BACKFILL, EAR_LANES } ear_lane;
const char *ear_lane_name(ear_lane lane); /* "live", "backfill": for labels, logs and answers */

struct ear_bus_opts {
    const char *service; /* "ingest": whose key this process holds */
    /* Both borrowed as long as the bus is there: ear_bus_reload reads them again. */
    const char *key_file;   /* CURVE secret of the service; NULL: no CURVE */
    const char *peers_file; /* lines "service public-key": who may connect, and servers' keys */
    int64_t beat_ms;        /* 0: 1000; a link is dead after three silent beats */
    int64_t resolve_ms;     /* 0: 2000; how often names are resolved again */
};

ear_err ear_bus_new(struct ear_bus **out, struct ear_loop *loop, const struct ear_bus_opts *opts,
                    struct ear_diag *diag) EAR_MUST_CHECK;
/* All sources, sinks, servers and clients must have been freed. */
void ear_bus_free(struct ear_bus **bus);
/* Reads key and peers file again. Whoever is not listed any more loses its link within a beat;
 * where our own key is another one, all links to us are made anew. On an error, which diag
 * explains, all stays as it was. Does nothing without CURVE. */
ear_err ear_bus_reload(struct ear_bus *bus, struct ear_diag *diag) EAR_MUST_CHECK;
/* Makes a CURVE pair as Z85 text. For `earshotctl keygen`. */
void ear_bus_keypair(char public_key[static 41], char secret_key[static 41]);

/* --- Batches -------------------------------------------------------------------------------- */

#define EAR_BATCH_POSTS_MAX 512
#define EAR_BATCH_BYTES_MAX (1u << 20)

/* A batch in flight. Items are packed messages, opaque here. Everything is borrowed during the
 * call that shows it; ear_source_offer copies. */
struct ear_batch {
    struct ear_id id; /* kept through all hops */
    ear_lane lane;
    struct ear_str trace; /* W3C traceparent, may be empty */
    const struct ear_str *items;
    size_t count;
};

/* What became of one item. */
typedef enum ear_fate {
    EAR_ITEM_DONE,     /* committed downstream */
    EAR_ITEM_RETURNED, /* handed back untouched (drain): offer again, do not count a try */
    EAR_ITEM_FAILED,   /* could not be processed: counts as a try */
} ear_fate;

struct ear_settle {
    struct ear_id batch_id;
    const uint8_t *fates; /* one ear_fate per item */
    size_t count;
};

/* --- Source --------------------------------------------------------------------------------- */

struct ear_source_ops {
    /* There is room for more in some lane: offer until EAR_AGAIN. */
    void (*room)(void *self);
    /* The batch is over. Always all items at once; comes exactly once per offered batch, unless
     * lost comes instead. */
    void (*settled)(void *self, const struct ear_settle *settle);
    /* The sink that held it is gone without settling. */
    void (*lost)(void *self, const struct ear_id *batch_id);
};

struct ear_source_stats {
    size_t sinks;
    size_t unsettled_batches;
    size_t unsettled_posts[EAR_LANES];
    int64_t credit_posts[EAR_LANES]; /* what could be offered now */
};

/* endpoint: "host:port" to bind, host "*" for all; port 0 lets the system choose. */
ear_err ear_source_new(struct ear_source **out, struct ear_bus *bus, const char *endpoint,
                       const struct ear_source_ops *ops, void *self,
                       struct ear_diag *diag) EAR_MUST_CHECK;
void ear_source_free(struct ear_source **source);
uint16_t ear_source_port(const struct ear_source *source);
/* From now on only these services may take from it ("classifier", or several with commas), known by
 * their CURVE keys; the others get no answer. Copies. Without CURVE, and so on this machine only,
 * nobody is asked who he is. */
void ear_source_admit(struct ear_source *source, const char *services);
/* Sends to the sink with the most credit in the lane. EAR_AGAIN without credit: keep the batch and
 * wait for room(). EAR_TOO_LARGE past the ceilings above. */
ear_err ear_source_offer(struct ear_source *source, const struct ear_batch *batch) EAR_MUST_CHECK;
/* Posts of a lane that one offer could hold now (0: none). */
size_t ear_source_room(const struct ear_source *source, ear_lane lane);
void ear_source_stats(const struct ear_source *source, struct ear_source_stats *out);

/* --- Sink ----------------------------------------------------------------------------------- */

struct ear_sink_ops {
    /* A batch came. Settle it later by its id, exactly once. */
    void (*batch)(void *self, const struct ear_batch *batch);
    /* The source of this batch is gone: what we know of it need not be settled (settling it is
     * allowed and does nothing). Work that can be stopped may be dropped. May be NULL. */
    void (*orphaned)(void *self, const struct ear_id *batch_id);
    /* Draining, and no batch is on its way here any more. Comes once, unless ear_sink_is_quiet says
     * so right after ear_sink_drain. May be NULL. */
    void (*quiet)(void *self);
};

struct ear_sink_opts {
    const char *sources;        /* "host:port[,host:port…]"; names may stand for many replicas */
    const char *source_service; /* whose public key they must show */
    int64_t window_posts[EAR_LANES]; /* 0: 4096 live, 512 back-fill; per source */
    int64_t window_bytes;            /* 0: 8 MiB; per source and lane */
};

ear_err ear_sink_new(struct ear_sink **out, struct ear_bus *bus, const struct ear_sink_opts *opts,
                     const struct ear_sink_ops *ops, void *self,
                     struct ear_diag *diag) EAR_MUST_CHECK;
void ear_sink_free(struct ear_sink **sink);
void ear_sink_settle(struct ear_sink *sink, const struct ear_settle *settle);
/* Takes all credit back; batches still unsettled are the caller's to settle (RETURNED or DONE).
 * What was on its way is returned as it comes: a process that ends before the sink is quiet loses
 * it. */
void ear_sink_drain(struct ear_sink *sink);
/* Every source has said that it sends no more, is gone, or had three beats to say it. */
bool ear_sink_is_quiet(const struct ear_sink *sink);
size_t ear_sink_unsettled(const struct ear_sink *sink); /* batches */
size_t ear_sink_sources(const struct ear_sink *sink);   /* live links */
/* Whether a source can be reached, for /readyz; otherwise why names the first that is unknown or
 * refuses us, or else that does not answer. */
bool ear_sink_reaches(const struct ear_sink *sink, struct ear_diag *why);

/* --- Calls ---------------------------------------------------------------------------------- */

/* A question under way at the server, which owns it until it is answered. */
struct ear_call;
typedef void ear_server_fn(void *self, struct ear_call *call, struct ear_str request);

ear_err ear_server_new(struct ear_server **out, struct ear_bus *bus, const char *endpoint,
                       ear_server_fn *fn, void *self, struct ear_diag *diag) EAR_MUST_CHECK;
/* Questions without an answer are forgotten: who asked hears of it by his time-out. */
void ear_server_free(struct ear_server **server);
uint16_t ear_server_port(const struct ear_server *server);
/* Who may ask: as ear_source_admit. */
void ear_server_admit(struct ear_server *server, const char *services);
/* Which service asked, by its CURVE key ("" without CURVE). Borrowed until answered. */
const char *ear_call_peer(const struct ear_call *call);
/* Answers; the call is dead afterwards. */
void ear_server_answer(struct ear_server *server, struct ear_call **call, struct ear_str answer);

/* Comes exactly once for each question, never from inside ear_client_ask:
 *   EAR_OK           the answer;
 *   EAR_TIMEOUT      asked, but nobody answered in time: it may have been acted on, so ask again
 *                    with the same command id;
 *   EAR_UNAVAILABLE  no replica was there in all that time: nobody was asked;
 *   EAR_LIMITED      too many questions are under way already: not asked;
 *   EAR_NO_MEMORY    likewise;
 *   EAR_TOO_LARGE    the request is larger than a question may be (1 MiB): not asked;
 *   EAR_CLOSED       the client is being freed; where it was asked, it may have been acted on. */
typedef void ear_client_fn(void *self, ear_err err, struct ear_str answer);
ear_err ear_client_new(struct ear_client **out, struct ear_bus *bus, const char *servers,
                       const char *server_service, struct ear_diag *diag) EAR_MUST_CHECK;
/* Questions under way get EAR_CLOSED. */
void ear_client_free(struct ear_client **client);
/* Whether a replica can be asked; otherwise why names the first that is unknown or does not answer.
 */
bool ear_client_reaches(const struct ear_client *client, struct ear_diag *why);
/* Asks one live replica; after a third of the time without an answer asks another the same. */
void ear_client_ask(struct ear_client *client, struct ear_str request, int64_t timeout_ms,
                    ear_client_fn *fn, void *self);

#endif

/* relay: takes batches from ingests, has their posts read, offers the images to assignments.
 *
 * What goes back to an ingest is what an assignment said, never more: a batch is settled upstream
 * only when its image was settled downstream. One that was lost downstream goes back as failed,
 * since it may be what killed the other side; ingest counts that and halves it. Nothing is kept
 * beyond the credit given, and live posts are read before back-fill. Loop thread only. */
#ifndef EAR_CLASSIFIER_RELAY_H
#define EAR_CLASSIFIER_RELAY_H

#include "bus/bus.h"
#include "settings.h"

struct ear_relay;

struct ear_relay_stats {
    size_t upstream;   /* ingests linked */
    size_t downstream; /* assignments linked */
    size_t raw_posts[EAR_LANES], ready_posts[EAR_LANES], away_posts[EAR_LANES];
    int64_t credit_posts[EAR_LANES];
    int64_t oldest_ms; /* age of the oldest batch here; 0: none */
};

ear_err ear_relay_new(struct ear_relay **out, struct ear_loop *loop,
                      const struct ear_classifier_settings *settings,
                      struct ear_diag *diag) EAR_MUST_CHECK;
void ear_relay_free(struct ear_relay **relay);
uint16_t ear_relay_port(const struct ear_relay *relay);
/* Reads the CURVE key and the peers file again. */
ear_err ear_relay_reload(struct ear_relay *relay, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_relay_stats(const struct ear_relay *relay, struct ear_relay_stats *out);
/* Whether an ingest can be reached; otherwise why. */
bool ear_relay_reaches(const struct ear_relay *relay, struct ear_diag *why);
/* Takes nothing more, hands back what was not sent on, and calls drained once all that was sent on
 * is settled (never from inside this call). */
void ear_relay_drain(struct ear_relay *relay, ear_loop_fn *drained, void *self);

#endif

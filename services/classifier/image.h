/* image: one packed post in, one packed triaged post out. Pure: the time comes in as an argument.
 *
 * The post travels on as the bytes that came, so what a newer ingest wrote into it is kept; its
 * text stays behind: who decides whose a post is has no use for what it says. */
#ifndef EAR_CLASSIFIER_IMAGE_H
#define EAR_CLASSIFIER_IMAGE_H

#include "triage.h"
#include "wire/wire.h"

/* What became of a post, for log and metrics. */
struct ear_image_facts {
    struct ear_id post_id;
    int64_t stored_at_us;
    struct ear_triage triage;
};

/* Appends the packed TriagedPost to out. EAR_INVALID: not a post, or without its ids.
 * EAR_TOO_LARGE, EAR_NO_MEMORY: of out. Nothing is appended then. */
ear_err ear_image_make(struct ear_triager *triager, struct ear_str post, int64_t now_us,
                       struct ear_buf *out, struct ear_image_facts *facts) EAR_MUST_CHECK;

const char *ear_answer_name(ear_answer answer);
const char *ear_intent_name(ear_intent intent);

#endif

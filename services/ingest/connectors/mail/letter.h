/* letter: one mail of a mailbox as a post. Pure.
 *
 * A mail's name is its Message-ID, the same by every route; a mail without one gets a name made of
 * its bytes. Its time is what its Date says, which nobody changes once it is sent, unless the
 * server's clock makes that absurd. */
#ifndef EAR_INGEST_MAIL_LETTER_H
#define EAR_INGEST_MAIL_LETTER_H

#include "post_in.h"

struct ear_letter_place {
    struct ear_str platform;
    struct ear_str account;
    struct ear_str own_address; /* lower case; may be empty */
};

/* Fills post with texts in the arena. EAR_INVALID for what is no mail at all. */
ear_err ear_letter_post(struct ear_str raw, int64_t received_us,
                        const struct ear_letter_place *place, struct ear_arena *arena,
                        struct ear_post_in *post) EAR_MUST_CHECK;

#endif

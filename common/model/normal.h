/* normal: the one normaliser of trainer and service, a post made comparable and cut into tokens.
 *
 * On top of ear_text_normalise (entities, NFKC, case folding, squeezed repeats, masks for URLs,
 * mail addresses and handles but the firm's own) it decodes literal \uXXXX and numeric entities,
 * sets masks off by blanks, marks tokens in the scope of a negation, and notes what folding takes
 * away (capitals, elongation). Any bytes are allowed; linear time; normalising what was normalised
 * changes nothing. Owned and used again by one thread; nothing is allocated once it is warm. */
#ifndef EAR_MODEL_NORMAL_H
#define EAR_MODEL_NORMAL_H

#include "base/base.h"
#include "model/shape.h"
#include "text/text.h"

#define EAR_NORMAL_TOKENS_MAX 4096 /* of more the first count */
#define EAR_NORMAL_NEGATION   8    /* tokens that a negation reaches, within its clause */

struct ear_normal_token {
    struct ear_str text; /* borrows from the normalised text */
    ear_token_kind kind;
    bool negated;
    bool breaks; /* a sentence or clause ended before it */
};

struct ear_normal {
    struct ear_text work; /* work.text is the normalised text */
    struct ear_buf decoded;
    struct ear_buf spaced;
    struct ear_str raw;              /* what was read of the raw text; borrowed */
    struct ear_normal_token *tokens; /* owned */
    size_t token_count;
    struct ear_normal_shape shape; /* of the raw text */
    uint16_t negations[26]; /* by first letter the lengths that words of negation have, as bits */
};

void ear_normal_init(struct ear_normal *n);
void ear_normal_release(struct ear_normal *n);

/* `account` is the firm's handle, with or without '@', may be empty. Of raw text beyond
 * EAR_MODEL_TEXT_MAX the beginning counts. Never fails. */
void ear_normalise(struct ear_normal *n, struct ear_str raw, struct ear_str account);

/* Valid until the next call. Well-formed UTF-8 without blanks at its ends. */
static inline struct ear_str ear_normal_text(const struct ear_normal *n)
{
    return ear_buf_str(&n->work.text);
}

#endif

/* network: a second way in which a model reads a post: filters over one, two and three words in a
 * row, of whose responses the strongest of the post counts. A section of the model file, optional.
 *
 * It was trained as filters over vectors of words; since a filter is linear in them, the two are
 * multiplied out when the file is written: of each word the section has what it adds to each
 * filter at each of the filter's places. Windows hang over both ends of the post, where nothing is
 * added: n words are n windows of one, n + 1 of two and n + 2 of three. Words are the tokens of the
 * normaliser by their text, the first EAR_NETWORK_TOKENS of a post. One that the section does not
 * know adds the row `unknown`; a negated one adds the row `negated` too. An output is
 *     max(0, bias + the most that the rows of a window sum to)
 * and 0 where there is no word. Outputs are dense inputs of the heads. Sums are of whole numbers,
 * so that every machine says the same. Private to model and trainer; views borrow the section. */
#ifndef EAR_MODEL_NETWORK_H
#define EAR_MODEL_NETWORK_H

#include "model/normal.h"

#define EAR_NETWORK_WIDTHS  3   /* filters over 1, 2, 3 words in a row */
#define EAR_NETWORK_PLACES  6   /* of a word in a window: 1 + 2 + 3, in this order */
#define EAR_NETWORK_FILTERS 128 /* of a width at most; a multiple of 16 */
#define EAR_NETWORK_WORDS   65535
#define EAR_NETWORK_TOKENS  96 /* of a post; of more the first count */

/* Borrowed. What is the same for a word is numbered [place][filter]. */
struct ear_network_parts {
    const struct ear_str *words; /* tokens as the normaliser leaves them, each once */
    size_t word_count, filters;
    const float *rows; /* [word][place][filter] */
    const float *unknown, *negated;
    const float *bias; /* [width][filter] */
};

struct ear_network_slot; /* private */

/* Zero: none. */
struct ear_network {
    const struct ear_network_slot *slots;
    size_t slot_count;
    const int8_t *rows;  /* unknown, negated, then the words' */
    const float *scale;  /* [width][filter] */
    const int16_t *bias; /* in units of scale */
    size_t filters;
};

/* Appends the section: numbers of a filter are rounded to 127ths of its largest. Of words that
 * share a hash the first has the row. EAR_INVALID for counts out of range or numbers that are none.
 */
ear_err ear_network_write(const struct ear_network_parts *parts,
                          struct ear_buf *out) EAR_MUST_CHECK;
/* The section is aligned to 16. EAR_INVALID says what does not fit. */
ear_err ear_network_open(struct ear_str section, struct ear_network *out,
                         struct ear_diag *diag) EAR_MUST_CHECK;

/* EAR_NETWORK_WIDTHS × filters; 0: none. */
static inline size_t ear_network_outputs(const struct ear_network *network)
{
    return EAR_NETWORK_WIDTHS * network->filters;
}

/* Fills out[0 .. outputs), [width][filter]. */
void ear_network_read(const struct ear_network *network, const struct ear_normal *normal,
                      float *out);

/* Tokens of the post. */
struct ear_network_window {
    uint16_t first, words; /* no words: of an empty post */
};
/* Fills window[0 .. count): the strongest window of each of these outputs, which is why it is what
 * it is. */
void ear_network_windows(const struct ear_network *network, const struct ear_normal *normal,
                         const uint16_t *output, size_t count, struct ear_network_window *window);

#endif

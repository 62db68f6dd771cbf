/* language: which language a text is in. Scripts that one language writes decide at once; the
 * rest is naive Bayes over the character 1- to 5-grams of words, hashed to a table of quantised
 * log-probabilities, the columns of a row being languages side by side.
 *
 * Layer: above text; pure, no allocation, safe from any thread. The table is a section of the
 * model file, made by earshotctl's language_train; it is borrowed and outlives the view. Addresses,
 * handles, hashtags, numbers, emoji and names in quotes say nothing about a language and are
 * passed over. Format: docs/classifier.md. */
#ifndef EAR_MODEL_LANGUAGE_H
#define EAR_MODEL_LANGUAGE_H

#include "base/base.h"

#define EAR_LANGUAGE_BYTES     4  /* of a code: ISO 639-1 and its NUL */
#define EAR_LANGUAGE_ALIGN     64 /* of the section in memory */
#define EAR_LANGUAGE_BYTES_MAX ((size_t)3 * 1024 * 1024)

struct ear_language_layout; /* private to language.c and the trainer */

/* Embedded by the caller; zero means: no table, all but the scripts is "und". */
struct ear_language {
    const struct ear_language_layout *layout; /* borrows the section */
    const uint8_t *rows;
};

struct ear_language_guess {
    char code[EAR_LANGUAGE_BYTES]; /* "und" when unsure */
    char best[EAR_LANGUAGE_BYTES]; /* the likeliest even then; "und" when nothing speaks for any */
    float p;                       /* of best, calibrated */
};

/* EAR_INVALID where the section is not such a table; `said` gets one line for people. */
ear_err ear_language_open(struct ear_str section, struct ear_language *out,
                          struct ear_diag *said) EAR_MUST_CHECK;
/* How many languages it tells apart by letters, scripts of one language not counted. */
size_t ear_language_count(const struct ear_language *language);

/* `text` is normalised: as ear_text_normalise leaves it (lower case, NFKC, masks in place; marks
 * and emoji may be there or not). `hint` is BCP 47 as a platform gave it, or empty: it breaks
 * ties, it does not overrule the text. */
void ear_language_guess(const struct ear_language *language, struct ear_str text,
                        struct ear_str hint, struct ear_language_guess *out);

#endif

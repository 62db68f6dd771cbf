/* letters: what of a post tells its language: the letters of its words in lower case, words parted
 * by single blanks, a blank at both ends. Masks, numbers, marks, emoji and laughter are left out,
 * and so are hashtags and names in quotes as long as something else remains.
 *
 * Layer: base only; pure. Takes normalised text (ear_text_normalise) of any bytes. */
#ifndef EAR_MODEL_LETTERS_H
#define EAR_MODEL_LETTERS_H

#include "base/base.h"

#define EAR_LETTERS_MAX 512 /* some 80 words: more changes nothing */

/* Scripts that several languages write, told apart by their letters. */
typedef enum ear_lettered { EAR_LATIN, EAR_CYRILLIC, EAR_ARABIC, EAR_LETTERED } ear_lettered;

struct ear_letters {
    int32_t points[EAR_LETTERS_MAX]; /* of the script below only */
    size_t count;                    /* 0: no letter, or none of such a script */
    ear_lettered script;             /* that most letters are of */
    const char *only;  /* static: the one language of the script that prevails, or NULL */
    float share;       /* of that script among all letters */
    size_t read_bytes; /* of the text, which may be longer than fits */
};

void ear_letters_cut(struct ear_str text, struct ear_letters *out);

#endif

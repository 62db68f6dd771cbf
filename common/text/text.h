/* text: what people wrote, made comparable and countable. What the classifier and its trainer
 * must do alike stands here, and what the responder needs to fit a reply to a platform.
 *
 * Layer: above base only, no I/O, no globals, safe from any thread. Any bytes are allowed as
 * input: an ill-formed byte counts and normalises as one U+FFFD. Everything takes linear time.
 * Results are borrowed slices of the input or go into buffers of the caller, whose ceilings hold
 * (EAR_TOO_LARGE, EAR_NO_MEMORY). Sources: Unicode UAX #15 (normalisation), UAX #29 (graphemes),
 * docs.x.com "Counting characters" (weighted length). */
#ifndef EAR_TEXT_H
#define EAR_TEXT_H

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include <stdint.h>

/* ---- bytes ---- */

bool ear_text_is_utf8(struct ear_str s);
/* Appends s as well-formed UTF-8 that a database takes: ill-formed bytes and NUL become U+FFFD,
 * CR LF becomes LF, other control characters but tab and line feed become a space. */
ear_err ear_text_repair(struct ear_str s, struct ear_buf *out) EAR_MUST_CHECK;

/* ---- comparable text ---- */

/* A workspace, owned by the caller and used again for every post. */
struct ear_text {
    struct ear_buf folded; /* scratch */
    struct ear_buf text;   /* the result */
};

void ear_text_init(struct ear_text *t, size_t max_bytes);
void ear_text_release(struct ear_text *t);

/* Fills t->text with: entities decoded, NFKC and case folded, ignorable code points dropped,
 * typographic quotes and dashes made plain, white space runs made one blank, letters repeated
 * more than twice (signs: three times) squeezed, and masks set: @url, @mail, @firm for
 * `own_handle` (with or without its '@', may be empty), @user for other handles. */
ear_err ear_text_normalise(struct ear_text *t, struct ear_str raw,
                           struct ear_str own_handle) EAR_MUST_CHECK;

/* What a run of normalised text is. */
typedef enum ear_token_kind {
    EAR_TOKEN_WORD,   /* letters, with inner apostrophes and hyphens; one ideograph each */
    EAR_TOKEN_NUMBER, /* digits, with inner . , : / and letters behind them ("5g", "12:30") */
    EAR_TOKEN_TAG,    /* hashtag, without its '#' */
    EAR_TOKEN_MASK,   /* @url @mail @firm @user */
    EAR_TOKEN_FACE,   /* emoji or emoticon */
    EAR_TOKEN_MARK    /* one sign, or a run of the same sign */
} ear_token_kind;

struct ear_token {
    struct ear_str text; /* borrows from the normalised text */
    ear_token_kind kind;
};

/* Cuts the next token off *rest, which is normalised text; false at the end. Elided articles
 * ("l'app", "dell'ordine", "c'est") come as two words. */
bool ear_text_next(struct ear_str *rest, struct ear_token *token);

/* ---- length ---- */

typedef enum ear_text_unit {
    EAR_TEXT_BYTES,
    EAR_TEXT_CODE_POINTS,
    EAR_TEXT_UTF16,     /* code units, as JavaScript and most phones count */
    EAR_TEXT_GRAPHEMES, /* what people call characters; Bluesky */
    EAR_TEXT_COLUMNS,   /* cells of a terminal: wide letters of East Asia and emoji 2, marks 0 */
    EAR_TEXT_X_WEIGHT   /* X: most scripts of Europe 1, others and emoji 2, a URL 23 */
} ear_text_unit;

size_t ear_text_length(struct ear_str s, ear_text_unit unit);
size_t ear_text_graphemes(struct ear_str s);

typedef enum ear_text_edge {
    EAR_TEXT_AT_GRAPHEME, /* never inside a character, an emoji sequence or (X) a URL */
    EAR_TEXT_AT_WORD      /* before white space where the last third has some */
} ear_text_edge;

/* The longest beginning of s within the limit that ends at such an edge. Borrowed. */
struct ear_str ear_text_cut(struct ear_str s, ear_text_unit unit, size_t limit, ear_text_edge edge);

#endif

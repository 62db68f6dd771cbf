/* language_layout: the language table as it lies in the file, little endian, and how a gram finds
 * its row. Shared by language.c and the trainer, so that both see the same rows. Private to them.
 */
#ifndef EAR_MODEL_LANGUAGE_LAYOUT_H
#define EAR_MODEL_LANGUAGE_LAYOUT_H

#include "model/letters.h"

#define EAR_LANGUAGE_MAGIC     "EARLANG1"
#define EAR_LANGUAGE_COLUMNS   32
#define EAR_LANGUAGE_GRAM_MAX  5
#define EAR_LANGUAGE_ROW_BYTES (EAR_LANGUAGE_COLUMNS / 2) /* two columns a byte, low half first */

/* Rows follow. A column holds a whole number of steps from 0 (never seen) to 15; a step is so
 * many nats of log-probability. Each lettered script has rows and columns of its own. */
struct ear_language_layout {
    char magic[8];
    float step;         /* nats */
    float sharpness;    /* grams overlap: a summed nat is worth less than one */
    float unsure_below; /* of p */
    float familiar;     /* steps a gram below which a text is of no language known */
    uint32_t row_first[EAR_LETTERED];
    uint32_t row_count[EAR_LETTERED];
    char codes[EAR_LETTERED][EAR_LANGUAGE_COLUMNS][4]; /* "" ends the list */
    float prior[EAR_LETTERED][EAR_LANGUAGE_COLUMNS];   /* nats */
    uint8_t reserved[16];                              /* 0: rows start at a multiple of 64 */
};
_Static_assert(sizeof(struct ear_language_layout) % 64 == 0, "rows are aligned");

/* The hash of a gram grows by a letter at a time: all lengths from one place in one pass. */
static inline uint32_t ear_gram_grow(uint32_t hash, int32_t letter)
{
    hash = (hash ^ (uint32_t)letter) * UINT32_C(0x9E3779B1);
    return hash ^ hash >> 15;
}
#define EAR_GRAM_SEED UINT32_C(2166136261)

static inline uint32_t ear_gram_row(uint32_t hash, uint32_t first, uint32_t count)
{
    uint32_t spread = hash * UINT32_C(0x85EBCA6B);
    return first + (uint32_t)((uint64_t)spread * count >> 32);
}

#endif

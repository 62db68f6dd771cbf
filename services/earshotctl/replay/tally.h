/* tally: what became of the lines of a feed. */
#ifndef EAR_CTL_TALLY_H
#define EAR_CTL_TALLY_H

#include "base/base.h"
#include <jansson.h>
#include <stdio.h>

struct ear_tally {
    uint64_t lines; /* not blank */
    uint64_t malformed;
    uint64_t stored;
    uint64_t duplicates;
    uint64_t tombstoned; /* removed by their author before they came */
    uint64_t refused;
};

/* Counts a line that cannot be a post, and names it on err_out. */
void ear_tally_malformed(struct ear_tally *tally, size_t number, const char *why, FILE *err_out);
/* Counts ingest's answer to a batch: {"line":n,"status":…,"error":…} a line, n from 1 counts the
 * lines of the batch, whose places in the feed are numbers[]. What was not taken is named on
 * err_out. EAR_INVALID when it is no such answer, with nothing counted. */
ear_err ear_tally_answer(struct ear_tally *tally, struct ear_str answer, const size_t *numbers,
                         size_t count, FILE *err_out, struct ear_diag *diag) EAR_MUST_CHECK;
/* {"lines", "malformed", "stored", "duplicates", "tombstoned", "refused", "seconds"}. New
 * reference. */
json_t *ear_tally_json(const struct ear_tally *tally, double seconds);
void ear_tally_print(const struct ear_tally *tally, double seconds, FILE *out);

#endif

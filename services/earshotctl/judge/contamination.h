/* contamination: posts to judge by that are found again among those to train with, up to handles,
 * links, numbers, signs, case and spacing (learn/split.h). Files with val, dev or test in their
 * names are to judge by, all others to train with; each is held against each. A post of few words
 * ("thanks a lot") is no copy: people write it again and again. */
#ifndef EAR_JUDGE_CONTAMINATION_H
#define EAR_JUDGE_CONTAMINATION_H

#include "base/base.h"

#include <jansson.h>

#define EAR_CONTAMINATION_WORDS 5 /* from which on the same words are a copy */

struct ear_contamination_count {
    size_t train_files, held_files, train_rows, held_rows;
    size_t copies; /* rows to judge by that a file to train with has too */
};

/* Reads folders and files. `pairs` gets one object for every two files that share posts: train,
 * held, copies, short (shared, of few words), of (rows of held), and line and twin, where the first
 * copy stands in held and in train. */
ear_err ear_contamination_check(char *const *paths, size_t count, json_t *pairs,
                                struct ear_contamination_count *out,
                                struct ear_diag *diag) EAR_MUST_CHECK;

#endif

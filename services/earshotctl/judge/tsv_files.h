/* tsv_files: the *.tsv files that operands of the command line stand for. */
#ifndef EAR_JUDGE_TSV_FILES_H
#define EAR_JUDGE_TSV_FILES_H

#include "base/base.h"

typedef enum ear_tsv_part {
    EAR_TSV_ALL,      /* every *.tsv of a folder */
    EAR_TSV_HELD_OUT, /* those for validation or test where there are any, else all */
} ear_tsv_part;

/* True for names of files that train learns nothing from (ear_dataset_part_of). */
bool ear_tsv_held_out(const char *path);
/* Calls take for a file, or in order of their names for the files of a folder; stops at an error.
 * EAR_NOT_FOUND where there is no such file, or none in the folder. */
ear_err ear_tsv_each(const char *path, ear_tsv_part part,
                     ear_err (*take)(void *self, const char *path, struct ear_diag *diag),
                     void *self, struct ear_diag *diag) EAR_MUST_CHECK;

#endif

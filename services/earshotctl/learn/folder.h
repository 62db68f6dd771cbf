/* folder: lessons from labelled files without a recipe: the files named, and all *.tsv of folders
 * named, in the order of their names. A file whose name has a part "val" or "dev" is validation,
 * one with "test" is left out. Which columns are heads: those named by --heads; a name that is no
 * column names the column `label` (or `labels`, commas between them) instead. Without --heads every
 * column of a head that Earshot ships counts, and `label` is named after the file. */
#ifndef EAR_LEARN_FOLDER_H
#define EAR_LEARN_FOLDER_H

#include "lessons.h"

struct ear_folder {
    char *const *paths; /* files and folders */
    size_t path_count;
    const char *validation; /* a file more; may be NULL */
    const char *heads;      /* "a,b"; may be NULL */
    const char *outside;    /* the label for everything else; may be NULL */
    bool network;           /* for all heads, see blend.h; else for those of many labels … */
    bool no_network;        /* … or for none */
    const char *texts;      /* files and folders, commas between them, see texts.h: then all heads
                               have a network; may be NULL */
    const char *lexicons;   /* a folder with afinn165.tsv, vader.tsv, cuss_en.tsv; may be NULL */
};

ear_err ear_folder_read(const struct ear_folder *folder, struct ear_lessons *lessons,
                        struct ear_diag *diag) EAR_MUST_CHECK;

#endif

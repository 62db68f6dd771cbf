/* material: the rows of a labelled file become examples of heads. A post is added once, whatever
 * the number of heads that learn from it. */
#ifndef EAR_LEARN_MATERIAL_H
#define EAR_LEARN_MATERIAL_H

#include "lessons.h"

#define EAR_USE_MAPS 64

/* What one head takes from a file. Borrowed. */
struct ear_use {
    struct ear_task *task;
    size_t column;
    const struct ear_dataset *from; /* NULL: the file itself; else labels joined by key */
    ear_part part;
    bool home; /* see ear_example */
    float weight;
    size_t map_count; /* 0: cells are labels; else others than these are passed over */
    struct ear_str map_from[EAR_USE_MAPS], map_to[EAR_USE_MAPS]; /* from "*": any other */
};

/* Joined labels have a column `key`: the post's ear_split_key, 16 hexadecimal digits. */
#define EAR_KEY_DIGITS 16

struct ear_material {
    const char *name; /* of the file, for diag */
    const struct ear_dataset *posts;
    const struct ear_use *uses;
    size_t use_count;
    struct ear_map *joined; /* key to row number + 1, of the joined labels; may be NULL */
};

/* Empty cells, "?" and "-" are no labels. EAR_INVALID with "FILE: …" for a label the head has not.
 */
ear_err ear_material_take(struct ear_lessons *lessons, const struct ear_material *material,
                          struct ear_diag *diag) EAR_MUST_CHECK;
/* Of posts without labels the words, behind all posts that have some. */
void ear_material_words(struct ear_lessons *lessons, const struct ear_dataset *posts);
/* The map for ear_material.joined; NULL and diag when a key is none or stands there twice. */
struct ear_map *ear_material_join(const char *name, const struct ear_dataset *labels,
                                  struct ear_diag *diag);

#endif

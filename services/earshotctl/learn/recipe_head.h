/* recipe_head: the line of a recipe that describes a head. */
#ifndef EAR_LEARN_RECIPE_HEAD_H
#define EAR_LEARN_RECIPE_HEAD_H

#include "lessons.h"
#include "recipe_line.h"

ear_err ear_recipe_head(struct ear_lessons *lessons, const struct ear_line *line) EAR_MUST_CHECK;

#endif

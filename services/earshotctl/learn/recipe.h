/* recipe: how the shipped model is trained, as a text file: which files of the datasets' folder
 * teach which heads, with which labels and weights. Lines of words; "key=value" words in any
 * order; '#' begins a comment. docs/classifier.md explains the lines:
 *     name TEXT · licence TEXT · rows N · folds N · coverage PERCENT
 *     features [words=N] [char-min=N] [char-max=N] [bits=N] [posts=N]
 *              [word-weight=X] [char-weight=X] [cue-weight=X]
 *     network [words=N] [dims=N] [filters=N] [epochs=N] [rate=X] [drop=X] [word-drop=X] [home=X]
 *             [text-epochs=N] [text-rate=X]
 *     list FILE channel=valence|mood|rude [scale=X] [languages=de,fr]
 *     own-list FILE …        the same beside the recipe
 *     language FILE [map=English:en,…] [code=de]
 *     head NAME kind=softmax|binary|ordinal|flags [labels=a,b,…] [cost=X] [balance=X] [ratio=X]
 *          [dense=X] [home=X] [tune=X] [temper=X] [lean=X,Y,…] [coverage=SHARE] [soft=X]
 *          [languages=en,de] [for=HEAD] [blend] [network] [stacked] [auxiliary]
 *     file FILE              below the datasets' folder
 *     own-file FILE          beside the recipe
 *     labels FILE            joined to the file above by key; stands beside the recipe
 *     use HEAD column=NAME [weight=X] [extra] [home] [joined] [map=from:to,…]
 *     texts FILE             below the datasets' folder, behind all files: words for the network */
#ifndef EAR_LEARN_RECIPE_H
#define EAR_LEARN_RECIPE_H

#include "lessons.h"

/* Fills the lessons from files below `dir`. Errors name file and line. */
ear_err ear_recipe_read(const char *path, const char *dir, struct ear_lessons *lessons,
                        struct ear_diag *diag) EAR_MUST_CHECK;

#endif

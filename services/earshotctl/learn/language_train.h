/* language_train: makes the table of common/model/language.h out of texts whose language is known.
 *
 * Counts the grams of each language, each language's texts weighing the same whatever their
 * number, and writes log-probabilities in steps. Our own talk.def and the cues come with the first
 * text of a language. Deterministic: the same texts in the same order give the same bytes. Texts
 * in scripts of one language need no learning and are passed over. */
#ifndef EAR_LEARN_LANGUAGE_TRAIN_H
#define EAR_LEARN_LANGUAGE_TRAIN_H

#include "base/base.h"

struct ear_language_trainer;

struct ear_language_trainer *ear_language_trainer_new(void); /* half a megabyte a language */
void ear_language_trainer_free(struct ear_language_trainer **trainer);
/* One text as it was written, and its language: ISO 639-1, two or three letters. EAR_INVALID for
 * another code, EAR_TOO_LARGE for a text of more than 1 MiB. */
ear_err ear_language_trainer_add(struct ear_language_trainer *trainer, struct ear_str code,
                                 struct ear_str text, struct ear_diag *diag) EAR_MUST_CHECK;
/* What we know ourselves of some thirty languages: small words, and how people talk. For who has no
 * texts to give. */
ear_err ear_language_trainer_add_own(struct ear_language_trainer *trainer,
                                     struct ear_diag *diag) EAR_MUST_CHECK;
/* Appends the table. EAR_INVALID where no lettered script has two languages,
 * EAR_TOO_LARGE where one has more than the table has columns. */
ear_err ear_language_trainer_write(const struct ear_language_trainer *trainer, struct ear_buf *out,
                                   struct ear_diag *diag) EAR_MUST_CHECK;

#endif

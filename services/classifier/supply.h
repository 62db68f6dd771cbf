/* supply: what posts are read with, fetched from files: the model, the firm's topic table, its
 * rules. Files are looked at every two seconds and at SIGHUP; one that changed is read and checked
 * in another thread, and put in place when the relay says that no batch is half read. One that is
 * refused, or gone, is logged once, and what stood before goes on. Loop thread only. */
#ifndef EAR_CLASSIFIER_SUPPLY_H
#define EAR_CLASSIFIER_SUPPLY_H

#include "loop/loop.h"
#include "settings.h"
#include "triage.h"

struct ear_supply;

/* Reads all files, which blocks: before the loop runs. An error names the key and the file.
 * `loaded` comes whenever something waits to be put in place. */
ear_err ear_supply_new(struct ear_supply **out, struct ear_loop *loop,
                       const struct ear_classifier_settings *settings, ear_loop_fn *loaded,
                       void *self, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_supply_free(struct ear_supply **supply);

/* Puts what waits in place, between batches; true when heads may say other things from now on. */
bool ear_supply_refresh(struct ear_supply *supply);
/* The one triager, borrowed. */
struct ear_triager *ear_supply_triager(const struct ear_supply *supply);

#endif

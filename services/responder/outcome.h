/* outcome: tells assignment what became of each reply, until it has acknowledged it. The command's
 * id comes from the reply's, so that telling twice is telling once. */
#ifndef EAR_RESPONDER_OUTCOME_H
#define EAR_RESPONDER_OUTCOME_H

#include "responder.h"

struct ear_outcomes;

ear_err ear_outcomes_new(struct ear_outcomes **out, struct ear_responder *core,
                         struct ear_diag *diag) EAR_MUST_CHECK;
void ear_outcomes_free(struct ear_outcomes **outcomes);
/* There may be one to tell. */
void ear_outcomes_wake(struct ear_outcomes *outcomes);
size_t ear_outcomes_under_way(const struct ear_outcomes *outcomes);
/* Otherwise why names the assignment that cannot be told. */
bool ear_outcomes_reach(const struct ear_outcomes *outcomes, struct ear_diag *why);

#endif

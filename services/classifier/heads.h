/* heads: from signals to decisions. Each head is a small table of weights, one row a value; the
 * probability is a softmax over the rows. The weights were set by hand and then fitted to
 * labelled posts under a pull towards the hand-set values (README.md says how and how good). */
#ifndef EAR_CLASSIFIER_HEADS_H
#define EAR_CLASSIFIER_HEADS_H

#include "model/cues/signals.h"
#include "triage.h"

/* Fills answer, intent, sentiment, topic, urgency and severity of out. */
void ear_heads_decide(const struct ear_signals *signals, struct ear_triage *out);

#endif

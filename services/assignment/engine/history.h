/* history: Pure. How verdicts and entries look as rows: certainty and doubts of a triage, the
 * detail of a line of history. Ids, codes and times only: a detail never holds a text. */
#ifndef EAR_ASSIGNMENT_HISTORY_H
#define EAR_ASSIGNMENT_HISTORY_H

#include "engine/facts.h"

/* Least probability of the heads that decided (answer and intent, where they were sure); 0 when
 * neither was. */
float ear_triage_certainty(const struct ear_triage *triage);
/* A bit a head that did not know: 1 answer, 2 intent, 4 sentiment, 8 topic, 16 urgency,
 * 32 severity, 64 language. */
int ear_triage_doubts(const struct ear_triage *triage);

/* Its detail is no more than team, agent, clock_no and respond_by. */
bool ear_entry_is_plain(const struct ear_entry *e);
/* Appends a JSON object, or nothing where the entry has no detail. */
ear_err ear_entry_detail(const struct ear_entry *e, struct ear_buf *out) EAR_MUST_CHECK;

#endif

/* refusal: Pure. Why a command is not carried out. The message says whom it is about and where to
 * look: who reads it may have sent more than one. It lies in the book's arena. */
#ifndef EAR_ASSIGNMENT_REFUSAL_H
#define EAR_ASSIGNMENT_REFUSAL_H

#include "engine/act.h"

/* error: a code as CommandResult names it. */
void ear_refuse(struct ear_book *book, struct ear_answer *answer, const char *error,
                const char *fmt, ...) EAR_PRINTF(4, 5);
/* Of an agent who is not in care.yaml, or not any more. */
void ear_refuse_agent(struct ear_book *book, struct ear_answer *answer, const char *error,
                      const char *id);
/* Of a team that is not; names those that are. */
void ear_refuse_team(struct ear_book *book, struct ear_answer *answer, const char *id);

#endif

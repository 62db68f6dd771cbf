/* inbox: takes replies over from assignment: stored first, settled then. A repeat is settled and
 * changes nothing. What PostgreSQL refuses for its content ends as failed, by itself. */
#ifndef EAR_RESPONDER_INBOX_H
#define EAR_RESPONDER_INBOX_H

#include "responder.h"

struct ear_inbox;

ear_err ear_inbox_new(struct ear_inbox **out, struct ear_responder *core,
                      struct ear_diag *diag) EAR_MUST_CHECK;
void ear_inbox_free(struct ear_inbox **inbox);
void ear_inbox_drain(struct ear_inbox *inbox);
/* Nothing under way, and nothing more comes. */
bool ear_inbox_is_drained(const struct ear_inbox *inbox);
size_t ear_inbox_room(const struct ear_inbox *inbox); /* replies that assignment may still offer */
size_t ear_inbox_sources(const struct ear_inbox *inbox); /* live links to assignment */
/* Otherwise why names the assignment that cannot be reached. */
bool ear_inbox_reaches(const struct ear_inbox *inbox, struct ear_diag *why);

#endif

/* tell: what was decided about the posts of a job, into the log and the metrics. Private to work.
 */
#ifndef EAR_ASSIGNMENT_TELL_H
#define EAR_ASSIGNMENT_TELL_H

#include "engine/book.h"
#include "job.h"

/* strangers: accounts that care.yaml does not know, which are said once each. */
void ear_tell_decided(const struct ear_job *job, const struct ear_book *book,
                      struct ear_map *strangers);

#endif

/* hearing: the listeners of this process, one for each enabled account that a connector can hear,
 * kept in step with care.yaml. */
#ifndef EAR_INGEST_HEARING_H
#define EAR_INGEST_HEARING_H

#include "hear/listener.h"

struct ear_hearing;

void ear_hearing_new(struct ear_hearing **out, const struct ear_listener_env *env);
/* Ends all listeners. */
void ear_hearing_free(struct ear_hearing **hearing);
/* Begins with new accounts, ends with gone ones, opens changed ones anew. */
void ear_hearing_follow(struct ear_hearing *hearing, const struct ear_care *care);
/* NULL is one without listeners: leases, timers and questions may outlive them. */
void ear_hearing_lease_changed(struct ear_hearing *hearing, const char *lease, bool held);
/* Sets the metrics of each account. */
void ear_hearing_show(const struct ear_hearing *hearing);
/* For /readyz: how many accounts cannot be heard, and the first of them, since when and why. */
ear_err ear_hearing_describe(const struct ear_hearing *hearing,
                             struct ear_buf *json) EAR_MUST_CHECK;

#endif

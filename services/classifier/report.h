/* report: how the relay is, for /readyz. */
#ifndef EAR_CLASSIFIER_REPORT_H
#define EAR_CLASSIFIER_REPORT_H

#include "relay.h"

/* True while posts can come and go; otherwise why not. */
bool ear_report_ready(const struct ear_relay *relay, struct ear_diag *why);
/* Links, backlog, in flight and credit as members of a JSON object, without braces. */
void ear_report_describe(const struct ear_relay *relay, struct ear_buf *json);

#endif

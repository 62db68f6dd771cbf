/* vocabulary: Pure. Which labels a correction may carry. The heads that services act on have fixed
 * ones; a firm's own heads and topics may have any, within bounds. */
#ifndef EAR_LABELS_VOCABULARY_H
#define EAR_LABELS_VOCABULARY_H

#include "base/base.h"

#define EAR_LABEL_BYTES_MAX 64
#define EAR_LABEL_NONE      "-" /* takes a correction back */

/* EAR_INVALID with diag naming the labels that the head has. */
ear_err ear_label_check(struct ear_str head, struct ear_str label,
                        struct ear_diag *diag) EAR_MUST_CHECK;
/* Whether `agent` can stand in a column of the training files. */
bool ear_label_agent_fits(struct ear_str agent);
/* One that a model of Earshot has; others are a firm's own. */
bool ear_label_head_known(struct ear_str head);

#endif

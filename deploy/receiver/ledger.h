/* ledger: the file of what was received, one JSON object a line, each webhook id once.
 *
 *   {"received_at":"2026-11-22T…Z","webhook_id":"…","body":{…}}
 *
 * An entry is written by one write(2) before it counts, so a line is there or it is not. Ids are
 * read back from the file at start: a repeat is known after a restart too. */
#ifndef EAR_RECEIVER_LEDGER_H
#define EAR_RECEIVER_LEDGER_H

#include "base/base.h"
#include <stdint.h>

struct ear_ledger;

/* Opens or creates the file; copies path. */
ear_err ear_ledger_new(struct ear_ledger **out, const char *path,
                       struct ear_diag *diag) EAR_MUST_CHECK;
void ear_ledger_free(struct ear_ledger **ledger);

/* body must be one JSON object (EAR_INVALID otherwise); *repeat says that the id was there already
 * and nothing was written. EAR_IO when the file cannot be written: ask the sender to try again. */
ear_err ear_ledger_add(struct ear_ledger *ledger, struct ear_str webhook_id, struct ear_str body,
                       int64_t now_us, bool *repeat, struct ear_diag *diag) EAR_MUST_CHECK;

size_t ear_ledger_entries(const struct ear_ledger *ledger);
size_t ear_ledger_repeats(const struct ear_ledger *ledger); /* since the start */

#endif

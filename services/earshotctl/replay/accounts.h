/* accounts: how many lines of a feed were for which account, and which of these are none of the
 * firm's. Posts for such an account are stored for none, so that a wrong name would go unnoticed.
 */
#ifndef EAR_CTL_ACCOUNTS_H
#define EAR_CTL_ACCOUNTS_H

#include "ctl.h"

struct ear_accounts;

struct ear_accounts *ear_accounts_new(void);
void ear_accounts_free(struct ear_accounts **accounts);
/* Counts the line for the account that it names, if it does; what is no JSON is passed over. */
void ear_accounts_note(struct ear_accounts *accounts, struct ear_str line);
/* Says on standard error how many lines were for accounts that are not in care.yaml, and which
 * there are. Asks the database; without EAR_PG, and where no line named an account, nothing. */
void ear_accounts_tell(const struct ear_accounts *accounts, struct ear_ctl *ctl);

#endif

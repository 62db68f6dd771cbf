/* mail: the ingest half: a mailbox read by IMAP. */
#ifndef EAR_INGEST_MAIL_H
#define EAR_INGEST_MAIL_H

#include "connector.h"

extern const struct ear_connector_in ear_mail_in;

#endif

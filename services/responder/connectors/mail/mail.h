/* mail: the responder half: replies by SMTP. */
#ifndef EAR_RESPONDER_MAIL_H
#define EAR_RESPONDER_MAIL_H

#include "connector.h"

extern const struct ear_connector_out ear_mail_out;

#endif

/* session: the tokens of an account and their stored text. Private to atp. */
#ifndef EAR_ATP_SESSION_H
#define EAR_ATP_SESSION_H

#include "atp/atp.h"

struct ear_atp_session {
    char *did;     /* owned; "" when unknown */
    char *access;  /* owned; NULL: none or refused */
    char *refresh; /* owned; NULL: none or refused */
    struct ear_buf text;
    bool changed;
};

void ear_atp_session_init(struct ear_atp_session *session);
void ear_atp_session_release(struct ear_atp_session *session);
/* Takes up stored text made for the same service and identifier; anything else is ignored. */
void ear_atp_session_load(struct ear_atp_session *session, struct ear_str text, const char *service,
                          const char *identifier);
/* Takes the answer of createSession or refreshSession. */
ear_err ear_atp_session_adopt(struct ear_atp_session *session, const json_t *answer,
                              const char *service, const char *identifier) EAR_MUST_CHECK;
void ear_atp_session_drop(char **token); /* wipes, frees, nulls */

#endif

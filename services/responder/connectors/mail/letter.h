/* letter: a reply as a mail that threads where the customer wrote. Pure. */
#ifndef EAR_RESPONDER_MAIL_LETTER_H
#define EAR_RESPONDER_MAIL_LETTER_H

#include "connector.h"

#define EAR_LETTER_TO_BYTES 321

struct ear_letter_from {
    struct ear_str address; /* also the domain of Message-IDs */
    struct ear_str name;    /* may be empty */
};

/* Appends the mail's bytes; `to` gets the envelope's recipient. The job's key is the Message-ID.
 * EAR_INVALID with a diag where there is nobody to write to. */
ear_err ear_letter_write(const struct ear_send_job *job, const struct ear_letter_from *from,
                         int64_t now_us, struct ear_buf *raw, char to[static EAR_LETTER_TO_BYTES],
                         struct ear_diag *diag) EAR_MUST_CHECK;

/* Appends "earshot.<reply id>@<domain>". */
ear_err ear_letter_key(const struct ear_id *reply_id, struct ear_str address,
                       struct ear_buf *key) EAR_MUST_CHECK;

#endif

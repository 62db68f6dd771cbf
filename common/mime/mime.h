/* mime: mail, read and written: GMime behind a few words. What both halves of the mail connector
 * share. Layer 2, stands on base and text. One thread (the loop's); nothing here blocks or keeps
 * state. Sources: RFC 5322, 2045-2049, 2047, 3834 (automatic answers), 3464 (reports).
 *
 * What comes in is untrusted: sizes, depth and counts have ceilings, text comes out well-formed,
 * identifiers hold printable ASCII without spaces or brackets or are left out. */
#ifndef EAR_MIME_H
#define EAR_MIME_H

#include "base/base.h"
#include <stdint.h>

#define EAR_MAIL_REFERENCES_MAX 50u
#define EAR_MAIL_ID_BYTES_MAX   998u

/* ---- reading ---- */

struct ear_mail {
    struct ear_str message_id;                          /* without <>; empty when there is none */
    struct ear_str in_reply_to;                         /* likewise; the first one */
    struct ear_str references[EAR_MAIL_REFERENCES_MAX]; /* oldest first; the first and the newest
                                                           where there are more */
    size_t reference_count;
    struct ear_str from;      /* address in lower case: "ana@cust.test"; empty: none */
    struct ear_str from_name; /* decoded; may be empty */
    struct ear_str reply_to;  /* where answers go: Reply-To, else From; lower case */
    struct ear_str subject;   /* decoded, one line */
    int64_t date_us;          /* of the Date header; 0: none or unreadable */
    struct ear_str text;      /* what was newly written: plain text, or HTML without its tags;
                                 quoted history and signature cut off where that is certain */
    struct ear_str language;  /* Content-Language; may be empty */
    bool automated;           /* sent by a machine or to a list: no rule may answer it */
    bool report;              /* a delivery report */
};

struct ear_mime;

/* text_max_bytes: more text than that is cut off. EAR_INVALID when it is no mail at all,
 * EAR_NO_MEMORY. raw need not live longer than the call. */
ear_err ear_mime_read(struct ear_str raw, size_t text_max_bytes, struct ear_mime **out,
                      struct ear_diag *diag) EAR_MUST_CHECK;
const struct ear_mail *ear_mime_mail(const struct ear_mime *mime); /* lives as long as mime */
void ear_mime_free(struct ear_mime **mime);

/* ---- writing ---- */

struct ear_mail_out {
    struct ear_str from, from_name; /* address, display name (may be empty) */
    struct ear_str to, to_name;
    struct ear_str subject;           /* UTF-8; encoded as needed */
    struct ear_str message_id;        /* without <> */
    struct ear_str in_reply_to;       /* without <>; may be empty */
    const struct ear_str *references; /* oldest first, without <> */
    size_t reference_count;
    struct ear_str text; /* UTF-8, LF line ends */
    int64_t date_us;
    bool by_rule; /* written by no person: Auto-Submitted: auto-replied */
};

/* Appends the whole mail with CRLF line ends, 7-bit. Nothing of what is given can add a header:
 * control characters become spaces. EAR_INVALID for addresses or ids that are none. */
ear_err ear_mime_write(const struct ear_mail_out *mail, struct ear_buf *out,
                       struct ear_diag *diag) EAR_MUST_CHECK;

/* Printable ASCII without spaces and angle brackets, one '@' inside, within the ceiling. */
bool ear_mail_id_valid(struct ear_str id);
/* Good enough to be written into SMTP and headers: one '@', no spaces, quotes, brackets. */
bool ear_mail_address_valid(struct ear_str address);

#endif

/* imap: one command at a time over a link that is logged in (RFC 3501, 9051). Knows tags, lines
 * and literals; what commands mean is the caller's. Loop thread only.
 *
 * A literal is taken by its length, so nothing inside a mail can pass for an answer of the
 * server. */
#ifndef EAR_INGEST_MAIL_IMAP_H
#define EAR_INGEST_MAIL_IMAP_H

#include "fetch/fetch.h"

#define EAR_IMAP_LITERAL_MAX (1u << 20)

struct ear_imap;

struct ear_imap_calls {
    /* Logged in (err EAR_OK), or not; why is for people. After an error the object is dead. Also
     * called when the server leaves later, with the error. */
    void (*state)(void *self, ear_err err, const char *why);
    /* An untagged answer without "* " and line end; literal: its last one, empty where none. */
    void (*answer)(void *self, struct ear_str line, struct ear_str literal);
    /* The command ended. ok: OK; text: what the server says of it. */
    void (*done)(void *self, bool ok, struct ear_str text);
};

ear_err ear_imap_open(struct ear_imap **out, struct ear_fetch *fetch,
                      const struct ear_fetch_request *login, const struct ear_imap_calls *calls,
                      void *self, struct ear_diag *diag) EAR_MUST_CHECK;
/* May be called inside any of the calls. */
void ear_imap_close(struct ear_imap **imap);
/* Sends `command` (without tag and line end); one at a time. */
ear_err ear_imap_command(struct ear_imap *imap, struct ear_str command) EAR_MUST_CHECK;

/* ---- pure ---- */

/* The number behind `name` and a blank ("UID 17"); false when absent. */
bool ear_imap_number(struct ear_str line, const char *name, uint32_t *value);
/* "INTERNALDATE \"17-Jul-1996 02:44:25 -0700\""; false when absent or malformed. */
bool ear_imap_date(struct ear_str line, int64_t *at_us);
/* "17-Jul-1996" for SEARCH SINCE. */
#define EAR_IMAP_DAY_BYTES 16
void ear_imap_day(int64_t at_us, char text[static EAR_IMAP_DAY_BYTES]);
/* Appends a quoted string; EAR_INVALID for control and non-ASCII characters. */
ear_err ear_imap_quote(struct ear_str text, struct ear_buf *out) EAR_MUST_CHECK;

#endif

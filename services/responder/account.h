/* account: the firm's presences as the responder knows them: what care.yaml declares, the lease to
 * send, the connector's instance, and what is under way. Accounts that only replies name are kept
 * too, undeclared, so that their replies come to an end. */
#ifndef EAR_RESPONDER_ACCOUNT_H
#define EAR_RESPONDER_ACCOUNT_H

#include "bucket.h"
#include "responder.h"
#include <sys/queue.h>

struct ear_attempt;
TAILQ_HEAD(ear_attempts, ear_attempt);

struct ear_account {
    struct ear_responder *core;
    char *id;         /* owned, as are the texts below */
    char *lease_name; /* "send/<id>" */
    char *platform;
    char *author_id;
    char *settings; /* JSON */
    char *secrets;  /* names of files, one a line */
    bool declared, enabled;
    bool listed; /* seen by the reading under way */
    bool stale;  /* what it is declared as, or its lease, changed: to be opened anew */

    const struct ear_connector_out *connector; /* NULL: none fits */
    void *voice;                               /* the connector's instance; NULL: not open */
    bool opening;
    int64_t open_again_ms;             /* monotonic; after settings that did not do */
    char trouble[EAR_DIAG_TEXT_BYTES]; /* why it cannot answer now; "": it can, for all we know */
    int64_t trouble_since_us;
    bool unusable; /* the trouble: it could not be opened */

    int64_t epoch; /* of the lease; 0: not ours */
    bool leaving;  /* ours, but over our share: it goes when nothing is under way any more */
    int64_t leased_until_ms;

    struct ear_bucket bucket;
    int64_t resume_at_us; /* the platform's own limit */
    int64_t ahead_us;     /* of the database's clock before ours; rather too little than too much */

    bool loading, wake_again;
    size_t under_way;
    struct ear_attempts attempts;
    struct ear_timer *timer; /* the next look into the queue */
};

struct ear_accounts {
    struct ear_responder *core;
    struct ear_map *by_id; /* owns struct ear_account */
    bool reading, read_again, read_once;
    bool failed; /* the last reading: the beat asks again */
    bool renew;  /* the reading under way or to come opens all voices anew: secrets may differ */
};

void ear_accounts_new(struct ear_accounts **out, struct ear_responder *core);
void ear_accounts_free(struct ear_accounts **accounts);
/* Reads the accounts, once more when asked meanwhile. */
void ear_accounts_read(struct ear_accounts *accounts);
/* The same, and what is open is opened anew: care.yaml was applied. */
void ear_accounts_renew(struct ear_accounts *accounts);
struct ear_account *ear_accounts_find(struct ear_accounts *accounts, struct ear_str id);
size_t ear_accounts_under_way(struct ear_accounts *accounts);
/* For /readyz: how many of ours cannot answer, and the first of them, since when and why. */
ear_err ear_accounts_describe(struct ear_accounts *accounts, struct ear_buf *json) EAR_MUST_CHECK;

/* The lease is ours for some time still, and we are to use it. */
bool ear_account_leased(const struct ear_account *account);
/* The database's time: what journal and queue are compared with, on whatever host. */
int64_t ear_account_now_us(const struct ear_account *account);
/* What the platform's answer to a try says of the account. reason: as of the try, NULL: it was let
 * in; why: for people, may be NULL. */
void ear_account_learn(struct ear_account *account, const char *reason, const char *why);
/* It can answer, for all we know. */
void ear_account_works(struct ear_account *account);
/* Whatever became of it, it waits no more: what it met is no trouble of the account any more. */
void ear_account_reply_ended(struct ear_account *account);
/* True when it can speak now; otherwise begins to open it, and wakes the sender when that ended. */
bool ear_account_open(struct ear_account *account);

#endif

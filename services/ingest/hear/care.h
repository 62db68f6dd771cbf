/* care: the firm's accounts as care.yaml declares them, kept in memory and read again whenever
 * `earshotctl apply` says so (NOTIFY earshot_care) and after each reconnect.
 *
 * Accounts are replaced as a whole at each reading: borrow them for a call, keep keys. Secrets are
 * small files below one folder; they are read here, on the loop, since that happens only when an
 * operator changes something. */
#ifndef EAR_INGEST_CARE_H
#define EAR_INGEST_CARE_H

#include "connector.h"
#include "pg/pg.h"
#include "web/webhook.h"

#define EAR_ACCOUNT_KEYS_MAX 8

struct ear_account {
    const char *key;
    const char *platform;
    const char *author_id; /* "" when not said */
    bool enabled;
    json_t *settings; /* object */
    json_t *secrets;  /* array of texts: contents of the named files, in order */
    struct ear_webhook_key keys[EAR_ACCOUNT_KEYS_MAX];
    size_t key_count;
    const struct ear_connector_in *connector; /* NULL: heard by webhook only */
    uint8_t print[EAR_SHA256_BYTES];          /* of settings and secrets: differs when they do */
};

struct ear_care;
struct ear_care_opts {
    struct ear_loop *loop;
    struct ear_pg *pg;
    const char *secrets_dir; /* "": no secrets */
    ear_loop_fn *changed;    /* after each reading that worked */
    void *self;
};

ear_err ear_care_new(struct ear_care **out, const struct ear_care_opts *opts,
                     struct ear_diag *diag) EAR_MUST_CHECK;
void ear_care_free(struct ear_care **care);
bool ear_care_loaded(const struct ear_care *care);

/* Gives up a reference to an account's secrets; who gives up the last one wipes them. */
void ear_secrets_forget(json_t *secrets);

/* NULL when there is none of that key. */
const struct ear_account *ear_care_find(const struct ear_care *care, struct ear_str key);
size_t ear_care_count(const struct ear_care *care);
const struct ear_account *ear_care_at(const struct ear_care *care, size_t index);
/* True where an account of the firm on this platform has this author id. */
bool ear_care_is_own(const struct ear_care *care, struct ear_str platform,
                     struct ear_str author_id);
/* True where another account is on the platform of this one. */
bool ear_care_has_others(const struct ear_care *care, const struct ear_account *account);
/* Logs once a key that posts name an account that is not there. */
void ear_care_warn_unknown(struct ear_care *care, struct ear_str key);

#endif

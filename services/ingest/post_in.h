/* post_in: a post as some route hands it to ingest, before it has an id, and what it must fulfil.
 * Plain data; every text is borrowed from whoever made it. Connectors, the webhook and the feed
 * reader all speak this. Pure. */
#ifndef EAR_INGEST_POST_IN_H
#define EAR_INGEST_POST_IN_H

#include "base/base.h"
#include "pb/post.pb-c.h"

#define EAR_POST_TEXT_BYTES_MAX     (64u << 10)
#define EAR_POST_REF_BYTES_MAX      1024 /* external ids */
#define EAR_POST_NAME_BYTES_MAX     512  /* handles, names, accounts */
#define EAR_POST_URL_BYTES_MAX      2048
#define EAR_PLATFORM_BYTES_MAX      64
#define EAR_POST_LANGUAGE_BYTES_MAX 64

typedef enum ear_post_kind {
    EAR_POST_NEW,
    EAR_POST_EDIT,   /* the text of an earlier post changed: becomes a revision */
    EAR_POST_DELETE, /* the author removed it: becomes a tombstone; only platform, external_id and
                        author_id count. May come before the post itself */
} ear_post_kind;

struct ear_post_in {
    ear_post_kind kind;
    struct ear_str platform;    /* "bluesky", "mail" …; an open set */
    struct ear_str external_id; /* the platform's global, immutable id of the post */
    struct ear_str account;     /* key of the firm's account that heard it; may be empty */

    struct ear_str author_id;     /* immutable: a DID, a mail address in lower case */
    struct ear_str author_handle; /* changeable; may be empty */
    struct ear_str author_name;   /* may be empty */
    int64_t author_followers;     /* reach: goes to its own table only; -1: not said */

    struct ear_str text;     /* well-formed UTF-8 without NUL (ear_text_repair where in doubt) */
    struct ear_str language; /* BCP 47 as the platform gave it; may be empty */

    int64_t created_at_us; /* as shown to people; the author may have set it */
    int64_t trusted_at_us; /* the platform's own time, the same by every route, which the author
                              cannot change later; goes into post_id. 0: there is none */

    struct ear_str in_reply_to;  /* external id of the post it answers; may be empty */
    struct ear_str conversation; /* external id of the conversation; may be empty */
    Earshot__V1__Visibility visibility;
    Earshot__V1__Entry entry;
    struct ear_str url;    /* for people to open; may be empty */
    struct ear_str thread; /* JSON text that the responder half of the same connector reads when
                              this post is answered; opaque to everybody else; may be empty */
    bool own;              /* written by the account itself */
    bool automated;        /* auto-reply or bulk by its headers: no rule ever answers it */
};

/* Whether its time can be believed at all. */
bool ear_post_in_dated(const struct ear_post_in *post, int64_t now_us);
/* What every route's posts must fulfil: sizes, UTF-8, sane times. EAR_INVALID or EAR_TOO_LARGE with
 * a diag that names the member. */
ear_err ear_post_in_check(const struct ear_post_in *post, int64_t now_us,
                          struct ear_diag *diag) EAR_MUST_CHECK;

#endif

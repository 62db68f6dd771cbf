/* notice: one notification of app.bsky.notification.listNotifications as a post. Pure.
 *
 * What is heard is untrusted: a record holds whatever its author wrote. A notice's time is the
 * earlier of what the author claims and when the server saw it, so it orders nothing safely; the
 * time that goes into post_id is the one inside the record's key, which nobody can change. */
#ifndef EAR_INGEST_BLUESKY_NOTICE_H
#define EAR_INGEST_BLUESKY_NOTICE_H

#include "post_in.h"
#include <jansson.h>

struct ear_notice_place {
    struct ear_str platform;
    struct ear_str account;
    struct ear_str own_did;
    struct ear_str web; /* "https://bsky.app" */
};

/* What the walk over the notifications needs to know of one. */
struct ear_notice_mark {
    struct ear_str uri;
    int64_t at_us; /* as the server sorts it; 0: unreadable */
};
struct ear_notice_mark ear_notice_mark(const json_t *notice);

/* Fills post; texts are borrowed from notice or live in the arena. EAR_UNSUPPORTED for what is no
 * mention, reply or quote; EAR_INVALID for what cannot be a post; EAR_NO_MEMORY past the arena. */
ear_err ear_notice_post(const json_t *notice, const struct ear_notice_place *place,
                        struct ear_arena *arena, struct ear_post_in *post) EAR_MUST_CHECK;

int64_t ear_notice_id_time_us(struct ear_str uri);

#endif

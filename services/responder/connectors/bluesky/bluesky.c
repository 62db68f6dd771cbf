/* A reply is one or more records under keys made of the reply's id. A key that exists already is
 * answered with a bare 500, so whatever is no clear answer is read back by its key: what stands
 * there with our text is ours, from this try or an earlier one. */
#include "bluesky.h"
#include "atp/atp.h"
#include "compose.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>

#define REQUEST_TIMEOUT_MS INT64_C(20000)
#define SEND_TIMEOUT_MS    INT64_C(60000)
#define PARTS_DEFAULT      4
#define URI_BYTES          1024u
#define CID_BYTES          256u
#define COLLECTION         "app.bsky.feed.post"

struct bluesky {
    struct ear_speak_env env;
    struct ear_atp *atp;
    struct ear_timer *limit; /* owned: for a whole send or look */
    char *repo;              /* owned */
    int64_t parts_max;
    /* the job under way */
    const struct ear_send_job *job; /* borrowed; NULL: none */
    bool looking;
    size_t part;
    json_t *thread; /* owned: what parent and root borrow at first */
    struct ear_bluesky_ref parent, root;
    char uri[URI_BYTES], cid[CID_BYTES]; /* of the part before */
    char first_uri[URI_BYTES];
    int64_t visible_at_us;
    int64_t pause_until_us; /* what the platform said of its limits last */
    int status;             /* the server's last */
    int create_status;      /* why a part is read back */
    char create_why[256];
};

static void create_part(struct bluesky *b);
static ear_err read_part(struct bluesky *b, struct ear_diag *diag);

/* ---- the end of a job ---- */

static const struct ear_send_job *end_job(struct bluesky *b)
{
    const struct ear_send_job *job = b->job;
    ear_timer_stop(b->limit);
    json_decref(b->thread);
    b->thread = NULL;
    b->job = NULL;
    return job;
}

static void end_visible(struct bluesky *b)
{
    struct ear_str session = ear_atp_session_changed(b->atp);
    if (b->looking) {
        struct ear_look_result found = {.state = EAR_LOOK_FOUND,
                                        .external_id = ear_str_from(b->first_uri),
                                        .visible_at_us = b->visible_at_us,
                                        .session = session};
        b->env.looked(b->env.core, end_job(b), &found);
    } else {
        struct ear_send_result sent = {.state = EAR_SEND_SENT,
                                       .status = b->status,
                                       .external_id = ear_str_from(b->first_uri),
                                       .visible_at_us = b->visible_at_us,
                                       .pause_until_us = b->pause_until_us,
                                       .session = session};
        b->env.sent(b->env.core, end_job(b), &sent);
    }
}

static void end_send(struct bluesky *b, ear_send_state state, const char *reason, const char *why,
                     int64_t retry_at_us)
{
    struct ear_send_result result = {.state = state,
                                     .status = b->status,
                                     .partly = b->part > 0,
                                     .reason = reason,
                                     .why = why,
                                     .retry_at_us = retry_at_us,
                                     .session = ear_atp_session_changed(b->atp)};
    if (strcmp(reason, "limited") == 0) result.pause_until_us = retry_at_us;
    b->env.sent(b->env.core, end_job(b), &result);
}

static void end_look(struct bluesky *b, ear_look_state state, const char *why, int64_t retry_at_us)
{
    struct ear_look_result result = {.state = state,
                                     .partly = b->part > 0,
                                     .why = why,
                                     .retry_at_us = retry_at_us,
                                     .session = ear_atp_session_changed(b->atp)};
    b->env.looked(b->env.core, end_job(b), &result);
}

static void on_limit(void *self)
{
    struct bluesky *b = self;
    ear_atp_cancel(b->atp);
    if (b->looking)
        end_look(b, EAR_LOOK_CANT, "no answer in time", 0);
    else
        end_send(b, EAR_SEND_UNKNOWN, "no_answer", "no answer in time", 0);
}

/* ---- parts ---- */

static void part_visible(struct bluesky *b, const json_t *body, int64_t at_us)
{
    if (!ear_str_copy(b->uri, sizeof(b->uri), ear_json_at(body, "uri")) ||
        !ear_str_copy(b->cid, sizeof(b->cid), ear_json_at(body, "cid")))
        b->uri[0] = b->cid[0] = '\0';
    if (b->part == 0) {
        memcpy(b->first_uri, b->uri, sizeof(b->uri));
        b->visible_at_us = at_us;
    }
    b->parent = (struct ear_bluesky_ref){ear_str_from(b->uri), ear_str_from(b->cid)};
    if (++b->part == b->job->fit->count) {
        end_visible(b);
    } else if (!b->looking) {
        create_part(b);
    } else {
        struct ear_diag diag = {0};
        if (read_part(b, &diag)) end_look(b, EAR_LOOK_CANT, diag.text, 0);
    }
}

static bool is_ours(const struct bluesky *b, const json_t *body)
{
    return ear_str_eq(ear_json_at(body, "value.text"), ear_fit_part(b->job->fit, b->part));
}

static void judge_absent(struct bluesky *b)
{
    if (b->looking)
        end_look(b, EAR_LOOK_ABSENT, "no record stands under the reply's key", 0);
    else if (b->create_status / 100 == 4 && b->create_status != 409)
        end_send(b, EAR_SEND_FAILED, "refused", b->create_why, 0);
    else
        end_send(b, EAR_SEND_RETRY, "unavailable", b->create_why, 0);
}

static void on_read(void *self, const struct ear_atp_answer *answer)
{
    struct bluesky *b = self;
    int64_t at_us = 0;
    b->status = answer->status;
    if (answer->err == EAR_NOT_FOUND) {
        judge_absent(b);
    } else if (answer->err) {
        /* Nobody can say what became of it: it is looked for later. */
        if (b->looking)
            end_look(b, EAR_LOOK_CANT, answer->why, answer->retry_at_us);
        else
            end_send(b, EAR_SEND_UNKNOWN, "no_answer", answer->why, 0);
    } else if (is_ours(b, answer->body)) {
        if (ear_time_parse(ear_json_at(answer->body, "value.createdAt"), &at_us)) at_us = 0;
        part_visible(b, answer->body, at_us);
    } else if (b->looking) {
        end_look(b, EAR_LOOK_ABSENT, "another text stands under the reply's key", 0);
    } else {
        end_send(b, EAR_SEND_FAILED, "key_taken", "another text stands under the reply's key", 0);
    }
}

static ear_err read_part(struct bluesky *b, struct ear_diag *diag)
{
    char rkey[EAR_BLUESKY_RKEY_BYTES];
    struct ear_buf method;
    ear_buf_init(&method, 2048);
    ear_err err = ear_bluesky_part_key(b->job->key, b->part, rkey);
    if (!err) err = ear_buf_append_str(&method, EAR_STR("com.atproto.repo.getRecord?repo="));
    if (!err) err = ear_url_escape(ear_str_from(b->repo), &method);
    if (!err) err = ear_buf_printf(&method, "&collection=" COLLECTION "&rkey=%s", rkey);
    if (err)
        ear_fail(diag, err, "the reply's key is no record key");
    else
        err = ear_atp_call(b->atp, method.data, NULL, on_read, b, diag);
    ear_buf_release(&method);
    return err;
}

static void read_back(struct bluesky *b, const struct ear_atp_answer *answer)
{
    struct ear_diag diag = {0};
    b->create_status = answer->status;
    snprintf(b->create_why, sizeof(b->create_why), "%s", answer->why);
    if (read_part(b, &diag)) end_send(b, EAR_SEND_UNKNOWN, "no_answer", diag.text, 0);
}

static void on_created(void *self, const struct ear_atp_answer *answer)
{
    struct bluesky *b = self;
    b->pause_until_us = answer->retry_at_us;
    b->status = answer->status;
    if (!answer->err)
        part_visible(b, answer->body, 0);
    else if (answer->err == EAR_LIMITED)
        end_send(b, EAR_SEND_RETRY, "limited", answer->why, answer->retry_at_us);
    else if (answer->err == EAR_DENIED)
        end_send(b, EAR_SEND_RETRY, "denied", answer->why, answer->retry_at_us);
    else if (answer->fate == EAR_FATE_NOT_SENT)
        end_send(b, EAR_SEND_RETRY, "unreachable", answer->why, answer->retry_at_us);
    else if (answer->fate == EAR_FATE_UNKNOWN)
        end_send(b, EAR_SEND_UNKNOWN, "no_answer", answer->why, 0);
    else
        read_back(b, answer);
}

static json_t *create_input(struct bluesky *b, const char *rkey)
{
    const struct ear_bluesky_post post = {.text = ear_fit_part(b->job->fit, b->part),
                                          .parent = b->parent,
                                          .root = b->root,
                                          .mention_handle = b->job->recipient_name,
                                          .mention_did = b->job->recipient_id,
                                          .at_us = ear_clock_wall_us()};
    json_t *record = ear_bluesky_record(&post);
    return record ? json_pack("{s:s,s:s,s:s,s:o}", "repo", b->repo, "collection", COLLECTION,
                              "rkey", rkey, "record", record)
                  : NULL;
}

static ear_err try_create(struct bluesky *b, struct ear_diag *diag)
{
    char rkey[EAR_BLUESKY_RKEY_BYTES];
    if (ear_bluesky_part_key(b->job->key, b->part, rkey))
        return ear_fail(diag, EAR_INVALID, "the reply's key is no record key");
    json_t *input = create_input(b, rkey);
    if (!input) return ear_fail(diag, EAR_NO_MEMORY, "the reply cannot be written as a record");
    ear_err err = ear_atp_call(b->atp, "com.atproto.repo.createRecord", input, on_created, b, diag);
    json_decref(input);
    return err;
}

static void create_part(struct bluesky *b)
{
    struct ear_diag diag = {0};
    ear_err err = try_create(b, &diag);
    if (err)
        end_send(b, ear_err_retryable(err) ? EAR_SEND_RETRY : EAR_SEND_FAILED, ear_err_name(err),
                 diag.text, 0);
}

/* ---- where the answered post stands ---- */

static void on_placed(void *self, const struct ear_atp_answer *answer)
{
    struct bluesky *b = self;
    const json_t *post = json_array_get(json_object_get(answer->body, "posts"), 0);
    if (answer->err == EAR_LIMITED) {
        end_send(b, EAR_SEND_RETRY, "limited", answer->why, answer->retry_at_us);
    } else if (answer->err) {
        end_send(b, EAR_SEND_RETRY, answer->err == EAR_DENIED ? "denied" : "unreachable",
                 answer->why, answer->retry_at_us);
    } else if (ear_bluesky_place(post, &b->parent, &b->root)) {
        end_send(b, EAR_SEND_FAILED, "gone", "the answered post is not there any more", 0);
    } else {
        b->thread = json_incref((json_t *)(uintptr_t)post);
        create_part(b);
    }
}

/* Posts that came by another route than this connector bring no thread. */
static ear_err find_place(struct bluesky *b, struct ear_diag *diag)
{
    struct ear_at_uri uri;
    struct ear_buf method;
    if (ear_at_uri_parse(b->job->post_id, &uri))
        return ear_fail(diag, EAR_INVALID, "the place of the answered post is not known");
    ear_buf_init(&method, 2048);
    ear_err err = ear_buf_append_str(&method, EAR_STR("app.bsky.feed.getPosts?uris="));
    if (!err) err = ear_url_escape(b->job->post_id, &method);
    if (err)
        ear_fail(diag, err, "the answered post's name is too long");
    else
        err = ear_atp_call(b->atp, method.data, NULL, on_placed, b, diag);
    ear_buf_release(&method);
    return err;
}

static ear_err begin_send(struct bluesky *b, struct ear_diag *diag)
{
    ear_err err = ear_bluesky_thread(b->job->thread, &b->thread, &b->parent, &b->root);
    if (!err) return try_create(b, diag);
    json_decref(b->thread);
    b->thread = NULL;
    if (ear_err_retryable(err)) return ear_fail(diag, err, "the thread cannot be read now");
    return find_place(b, diag);
}

/* ---- what the core calls ---- */

static ear_err begin_job(struct bluesky *b, const struct ear_send_job *job, bool looking,
                         struct ear_diag *diag)
{
    if (b->job) return ear_fail(diag, EAR_AGAIN, "another reply is under way");
    b->job = job;
    b->looking = looking;
    b->part = 0;
    b->status = 0;
    b->visible_at_us = b->pause_until_us = 0;
    ear_err err = looking ? read_part(b, diag) : begin_send(b, diag);
    if (err)
        end_job(b);
    else
        ear_timer_start(b->limit, SEND_TIMEOUT_MS, 0);
    return err;
}

static ear_err bluesky_send(void *self, const struct ear_send_job *job, struct ear_diag *diag)
{
    if (job->direct)
        return ear_fail(diag, EAR_UNSUPPORTED, "Bluesky replies are public; this one must not be");
    return begin_job(self, job, false, diag);
}

static ear_err bluesky_look(void *self, const struct ear_send_job *job, struct ear_diag *diag)
{
    return begin_job(self, job, true, diag);
}

static ear_err bluesky_fit(void *self, struct ear_str text, struct ear_str sign_off,
                           struct ear_fit *fit, struct ear_diag *diag)
{
    const struct bluesky *b = self;
    return ear_bluesky_fit(text, sign_off, (size_t)b->parts_max, fit, diag);
}

static ear_err bluesky_key(void *self, const struct ear_id *reply_id, struct ear_buf *key)
{
    char rkey[EAR_BLUESKY_RKEY_BYTES];
    (void)self;
    ear_bluesky_key(reply_id, rkey);
    return ear_buf_append_str(key, ear_str_from(rkey));
}

static void bluesky_close(void **self)
{
    struct bluesky *b = *self;
    if (!b) return;
    ear_atp_free(&b->atp);
    json_decref(b->thread);
    ear_timer_free(&b->limit);
    free(b->repo);
    free(b);
    *self = NULL;
}

static ear_err open_session(struct bluesky *b, const struct ear_account_out *account,
                            struct ear_str session, struct ear_diag *diag)
{
    char *service =
        ear_str_dup_or(ear_json_at(account->settings, "service"), "https://bsky.social");
    char *ca_file = ear_str_dup_or(ear_json_at(account->settings, "ca_file"), NULL);
    char *password = ear_str_dup_or(account->secrets[0], "");
    ear_err err = ear_atp_new(&b->atp,
                              &(struct ear_atp_opts){.fetch = b->env.fetch,
                                                     .service = service,
                                                     .identifier = b->repo,
                                                     .password = password,
                                                     .ca_file = ca_file,
                                                     .session = session,
                                                     .timeout_ms = REQUEST_TIMEOUT_MS},
                              diag);
    ear_secret_wipe(password, strlen(password));
    free(password);
    free(ca_file);
    free(service);
    return err ? ear_fail_in(diag, err, "setting \"service\"") : EAR_OK;
}

static ear_err read_settings(struct bluesky *b, const struct ear_account_out *account,
                             struct ear_diag *diag)
{
    struct ear_str identifier = ear_json_at(account->settings, "identifier");
    struct ear_str parts = ear_json_at(account->settings, "max_posts");
    b->repo = ear_str_dup_or(identifier.len ? identifier : account->author_id, NULL);
    b->parts_max = PARTS_DEFAULT;
    if (!b->repo)
        return ear_fail(diag, EAR_INVALID,
                        "the account has neither author_id nor the setting \"identifier\"");
    if (parts.len && ear_num_i64(parts, 1, EAR_REPLY_PARTS_MAX, &b->parts_max))
        return ear_fail(diag, EAR_INVALID, "setting \"max_posts\" must be 1 to %d",
                        EAR_REPLY_PARTS_MAX);
    if (!account->secret_count)
        return ear_fail(diag, EAR_INVALID, "the account names no secret: the app password");
    return EAR_OK;
}

static ear_err bluesky_open(void **out, const struct ear_speak_env *env,
                            const struct ear_account_out *account, struct ear_str session,
                            struct ear_diag *diag)
{
    struct bluesky *b = ear_alloc(sizeof(*b));
    void *self = b;
    *b = (struct bluesky){.env = *env};
    ear_timer_new(&b->limit, env->loop, on_limit, b);
    ear_err err = read_settings(b, account, diag);
    if (!err) err = open_session(b, account, session, diag);
    if (err) bluesky_close(&self);
    *out = self;
    return err;
}

const struct ear_connector_out ear_bluesky_out = {
    .name = "bluesky",
    .caps = {.direct = false,
             .look = true,
             .again = EAR_AGAIN_AFTER_LOOK,
             .send_timeout_ms = SEND_TIMEOUT_MS,
             .settling_ms = 5000,
             .concurrent = 1,
             /* 5,000 points an hour, a post costs 3: 1,666, with some left for people. */
             .rate_count = 25,
             .rate_ms = 60000},
    .open = bluesky_open,
    .fit = bluesky_fit,
    .key = bluesky_key,
    .send = bluesky_send,
    .look = bluesky_look,
    .close = bluesky_close,
};

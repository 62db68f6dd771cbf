#include "session.h"
#include "json/json.h"
#include <stdlib.h>

#define SESSION_BYTES_MAX (32u << 10)

void ear_atp_session_init(struct ear_atp_session *session)
{
    *session = (struct ear_atp_session){.did = ear_strdup("")};
    ear_buf_init(&session->text, SESSION_BYTES_MAX);
}

void ear_atp_session_drop(char **token)
{
    if (*token) ear_secret_wipe(*token, strlen(*token));
    EAR_FREE(*token);
}

void ear_atp_session_release(struct ear_atp_session *session)
{
    ear_atp_session_drop(&session->access);
    ear_atp_session_drop(&session->refresh);
    if (session->text.data) ear_secret_wipe(session->text.data, session->text.len);
    ear_buf_release(&session->text);
    free(session->did);
}

static void take_token(char **token, struct ear_str text)
{
    ear_atp_session_drop(token);
    if (text.len) *token = ear_strdup(text.ptr);
}

static void take_did(struct ear_atp_session *session, struct ear_str did)
{
    if (!did.len) return;
    free(session->did);
    session->did = ear_strdup(did.ptr);
}

static bool says(const json_t *object, const char *key, const char *value)
{
    return ear_str_eq(ear_json_at(object, key), ear_str_from(value));
}

void ear_atp_session_load(struct ear_atp_session *session, struct ear_str text, const char *service,
                          const char *identifier)
{
    json_t *stored = NULL;
    if (!text.len || ear_json_parse(text, SESSION_BYTES_MAX, &stored, NULL)) return;
    if (says(stored, "service", service) && says(stored, "identifier", identifier)) {
        take_token(&session->access, ear_json_at(stored, "access"));
        take_token(&session->refresh, ear_json_at(stored, "refresh"));
        take_did(session, ear_json_at(stored, "did"));
    }
    json_decref(stored);
}

static ear_err write_text(struct ear_atp_session *session, const char *service,
                          const char *identifier)
{
    json_t *stored =
        json_pack("{s:s,s:s,s:s,s:s,s:s}", "service", service, "identifier", identifier, "did",
                  session->did, "access", session->access, "refresh", session->refresh);
    ear_buf_reset(&session->text);
    ear_err err = stored ? ear_json_write(stored, &session->text) : EAR_INVALID;
    json_decref(stored);
    return err;
}

ear_err ear_atp_session_adopt(struct ear_atp_session *session, const json_t *answer,
                              const char *service, const char *identifier)
{
    struct ear_str access = ear_json_at(answer, "accessJwt");
    struct ear_str refresh = ear_json_at(answer, "refreshJwt");
    struct ear_str did = ear_json_at(answer, "did");
    if (!access.len || !refresh.len || !did.len) return EAR_INVALID;
    take_token(&session->access, access);
    take_token(&session->refresh, refresh);
    take_did(session, did);
    ear_err err = write_text(session, service, identifier);
    session->changed = !err;
    return EAR_OK; /* too long to be stored is no reason not to go on */
}

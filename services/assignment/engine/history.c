#include "engine/history.h"

float ear_triage_certainty(const struct ear_triage *triage)
{
    bool answer = triage->answer != EARSHOT__V1__ANSWER__ANSWER_UNSURE;
    bool intent = triage->intent != EARSHOT__V1__INTENT__INTENT_UNSURE;
    if (answer && intent)
        return triage->answer_p < triage->intent_p ? triage->answer_p : triage->intent_p;
    if (answer) return triage->answer_p;
    return intent ? triage->intent_p : 0;
}

int ear_triage_doubts(const struct ear_triage *triage)
{
    const bool unsure[] = {triage->answer == EARSHOT__V1__ANSWER__ANSWER_UNSURE,
                           triage->intent == EARSHOT__V1__INTENT__INTENT_UNSURE,
                           triage->sentiment == EARSHOT__V1__SENTIMENT__SENTIMENT_UNSURE,
                           triage->topic == EARSHOT__V1__TOPIC__TOPIC_UNSURE,
                           triage->urgency_unsure != 0,
                           triage->severity_unsure != 0,
                           strcmp(triage->language, "und") == 0};
    int bits = 0;
    for (size_t i = 0; i < EAR_COUNT(unsure); i++)
        if (unsure[i]) bits |= 1 << i;
    return bits;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

static ear_err append_quoted(struct ear_buf *out, const char *text)
{
    ear_err err = ear_buf_append_char(out, '"');
    for (const char *p = text; !err && *p; p++) {
        size_t plain = 0;
        while (is_plain(p[plain])) plain++;
        err = ear_buf_append(out, p, plain);
        p += plain;
        if (err || !*p) break;
        if (*p == '"' || *p == '\\')
            err = ear_buf_printf(out, "\\%c", *p);
        else
            err = ear_buf_printf(out, "\\u%04x", (unsigned)*p);
    }
    return err ? err : ear_buf_append_char(out, '"');
}

static ear_err append_key(struct ear_buf *out, size_t start, const char *key)
{
    ear_err err = ear_buf_append_str(out, out->len == start ? EAR_STR("{\"") : EAR_STR(",\""));
    if (!err) err = ear_buf_append_str(out, ear_str_from(key));
    return err ? err : ear_buf_append_str(out, EAR_STR("\":"));
}

static ear_err append_text(struct ear_buf *out, size_t start, const char *key, const char *value)
{
    if (!value || !value[0]) return EAR_OK;
    ear_err err = append_key(out, start, key);
    return err ? err : append_quoted(out, value);
}

static ear_err append_number(struct ear_buf *out, size_t start, const char *key, int64_t value)
{
    if (value == 0) return EAR_OK;
    ear_err err = append_key(out, start, key);
    return err ? err : ear_buf_printf(out, "%lld", (long long)value);
}

static ear_err append_time(struct ear_buf *out, size_t start, const char *key, int64_t at_us)
{
    char text[EAR_TIME_TEXT_BYTES];
    if (at_us == 0) return EAR_OK;
    ear_time_format(at_us, text);
    return append_text(out, start, key, text);
}

static ear_err append_id(struct ear_buf *out, size_t start, const char *key,
                         const struct ear_id *id)
{
    char text[EAR_ID_TEXT_BYTES];
    if (ear_id_is_nil(id)) return EAR_OK;
    ear_id_format(id, text);
    return append_text(out, start, key, text);
}

bool ear_entry_is_plain(const struct ear_entry *e)
{
    return (!e->from_agent || !e->from_agent[0]) && !e->affinity && !e->late_by_us &&
           !e->visible_at_us && ear_id_is_nil(&e->other_customer) &&
           (!e->account || !e->account[0]);
}

ear_err ear_entry_detail(const struct ear_entry *e, struct ear_buf *out)
{
    size_t start = out->len;
    ear_err err = append_text(out, start, "agent", e->agent);
    if (!err) err = append_text(out, start, "team", e->team);
    if (!err) err = append_text(out, start, "from_agent", e->from_agent);
    if (!err && e->affinity) err = append_number(out, start, "affinity", 1);
    if (!err) err = append_number(out, start, "clock_no", e->clock_no);
    if (!err) err = append_time(out, start, "respond_by", e->respond_by_us);
    if (!err) err = append_number(out, start, "late_by_us", e->late_by_us);
    if (!err) err = append_time(out, start, "visible_at", e->visible_at_us);
    if (!err) err = append_id(out, start, "other_customer", &e->other_customer);
    if (!err) err = append_text(out, start, "account", e->account);
    if (!err && out->len > start) err = ear_buf_append_char(out, '}');
    return err;
}

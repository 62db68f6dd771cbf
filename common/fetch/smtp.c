/* One mail by SMTP (RFC 5321). libcurl connects, secures and logs in; the mail itself is spoken
 * here, because its fate hangs on one byte: before the final dot the server has nothing, after it
 * nobody knows until the answer. libcurl's own SMTP would also block the loop at QUIT. */
#include "engine.h"
#include <stdio.h>
#include <stdlib.h>

#define MAIL_BYTES_MAX     (900u << 10)
#define LINE_BYTES_MAX     4096u
#define RECIPIENTS_MAX     32u
#define TIMEOUT_DEFAULT_MS INT64_C(60000)

typedef enum smtp_state { SMTP_LOGIN, SMTP_FROM, SMTP_TO, SMTP_DATA, SMTP_BODY } smtp_state;

struct mail {
    struct ear_active active;
    struct ear_link *link;   /* owned */
    struct ear_timer *limit; /* owned: for all of it */
    smtp_state state;
    char *from;               /* owned */
    char *to[RECIPIENTS_MAX]; /* owned */
    size_t to_count, to_accepted;
    struct ear_buf body; /* dot-stuffed, with the final dot */
    struct ear_buf line; /* of the server, not ended yet */
    int status;
};

static void mail_drop(struct ear_active *active)
{
    struct mail *mail = EAR_CONTAINER(active, struct mail, active);
    ear_link_close(&mail->link);
    ear_timer_free(&mail->limit);
    for (size_t i = 0; i < mail->to_count; i++) free(mail->to[i]);
    free(mail->from);
    ear_buf_release(&mail->body);
    ear_buf_release(&mail->line);
    free(mail);
}

/* Only bytes that the socket has not taken are certainly not out. */
static bool dot_may_be_out(const struct mail *mail)
{
    return mail->state == SMTP_BODY && ear_link_waiting(mail->link) == 0;
}

static void end(struct mail *mail, ear_err err, const char *why)
{
    struct ear_fetch_result result = {
        .err = err, .fate = EAR_FATE_ANSWERED, .status = mail->status, .why = why};
    if (err) result.fate = dot_may_be_out(mail) ? EAR_FATE_UNKNOWN : EAR_FATE_NOT_SENT;
    ear_active_finish(&mail->active, &result);
}

static bool say(struct mail *mail, const char *verb, const char *address)
{
    struct ear_buf line;
    ear_buf_init(&line, LINE_BYTES_MAX);
    ear_err err = address ? ear_buf_printf(&line, "%s<%s>\r\n", verb, address)
                          : ear_buf_printf(&line, "%s\r\n", verb);
    if (!err) err = ear_link_send(mail->link, ear_buf_str(&line));
    ear_buf_release(&line);
    if (err) end(mail, err, "the mail could not be queued");
    return !err;
}

static bool next_recipient(struct mail *mail)
{
    if (mail->to_accepted < mail->to_count)
        return say(mail, "RCPT TO:", mail->to[mail->to_accepted]);
    mail->state = SMTP_DATA;
    return say(mail, "DATA", NULL);
}

static bool send_body(struct mail *mail)
{
    ear_err err = ear_link_send(mail->link, ear_buf_str(&mail->body));
    if (err) {
        end(mail, err, "the mail could not be queued");
        return false;
    }
    mail->state = SMTP_BODY;
    return true;
}

/* What comes next when a step was answered well. False: it is over. */
static bool advance(struct mail *mail)
{
    switch (mail->state) {
    case SMTP_FROM:
        mail->state = SMTP_TO;
        return next_recipient(mail);
    case SMTP_TO:
        mail->to_accepted++;
        return next_recipient(mail);
    case SMTP_DATA:
        return send_body(mail);
    case SMTP_LOGIN:
    case SMTP_BODY:
        break;
    }
    /* Nobody waits for the answer to QUIT: the mail is theirs already. */
    ear_err ignored = ear_link_send(mail->link, EAR_STR("QUIT\r\n"));
    (void)ignored;
    end(mail, EAR_OK, "");
    return false;
}

/* One line of the server. False: it is over. */
static bool hear_line(struct mail *mail, struct ear_str line)
{
    int64_t code = 0;
    if (line.len < 3 || ear_num_i64((struct ear_str){line.ptr, 3}, 200, 599, &code)) {
        end(mail, EAR_UNAVAILABLE, "the server does not speak SMTP");
        return false;
    }
    if (line.len > 3 && line.ptr[3] == '-') return true; /* more lines of this answer follow */
    mail->status = (int)code;
    bool good = mail->state == SMTP_DATA ? code == 354 : code / 100 == 2;
    if (good) return advance(mail);
    if (code >= 400)
        end(mail, EAR_OK, "");
    else
        end(mail, EAR_UNAVAILABLE, "the server gave an answer that does not belong there");
    return false;
}

static void hear(struct mail *mail, struct ear_str data)
{
    struct ear_str line;
    while (data.len) {
        const char *lf = memchr(data.ptr, '\n', data.len);
        line = (struct ear_str){data.ptr, lf ? (size_t)(lf - data.ptr) + 1 : data.len};
        data = (struct ear_str){data.ptr + line.len, data.len - line.len};
        if (ear_buf_append_str(&mail->line, line)) {
            end(mail, EAR_UNAVAILABLE, "the server sent a line without end");
            return;
        }
        if (!lf) return;
        bool on = hear_line(mail, ear_str_trim(ear_buf_str(&mail->line)));
        if (!on) return;
        ear_buf_reset(&mail->line);
    }
}

static void on_link(void *self, ear_link_event event, struct ear_str data, ear_err err,
                    const char *why)
{
    struct mail *mail = self;
    if (event == EAR_LINK_DATA) hear(mail, data);
    if (event == EAR_LINK_UP) {
        mail->state = SMTP_FROM;
        say(mail, "MAIL FROM:", mail->from);
    }
    if (event != EAR_LINK_DOWN) return;
    if (mail->state == SMTP_LOGIN) mail->status = ear_link_status(mail->link);
    bool refused = mail->state == SMTP_LOGIN && mail->status >= 400 && mail->status < 600;
    end(mail, refused ? EAR_OK : err, why);
}

static void on_limit(void *self)
{
    end(self, EAR_TIMEOUT, "no answer from the mail server in time");
}

/* A dot at the start of a line is doubled, the end is CRLF . CRLF. */
static ear_err stuff(struct ear_buf *out, struct ear_str body)
{
    ear_err err = EAR_OK;
    bool at_start = true;
    for (size_t i = 0; i < body.len && !err; i++) {
        if (at_start && body.ptr[i] == '.') err = ear_buf_append_char(out, '.');
        if (!err) err = ear_buf_append_char(out, body.ptr[i]);
        at_start = body.ptr[i] == '\n';
    }
    if (!err && !at_start) err = ear_buf_append_str(out, EAR_STR("\r\n"));
    return err ? err : ear_buf_append_str(out, EAR_STR(".\r\n"));
}

static bool is_mailbox(const char *text)
{
    struct ear_str s = ear_str_from(text);
    return s.len > 0 && s.len <= 320 && ear_line_safe(s) && !strpbrk(text, "<> \t");
}

static ear_err check(const struct ear_fetch_request *request, struct ear_diag *diag)
{
    if (!request->mail_from || (request->mail_from[0] && !is_mailbox(request->mail_from)))
        return ear_fail(diag, EAR_INVALID, "the sender is not a mail address");
    if (!request->mail_to_count || request->mail_to_count > RECIPIENTS_MAX)
        return ear_fail(diag, EAR_INVALID, "a mail needs 1 to %u recipients", RECIPIENTS_MAX);
    for (size_t i = 0; i < request->mail_to_count; i++)
        if (!is_mailbox(request->mail_to[i]))
            return ear_fail(diag, EAR_INVALID, "the recipient is not a mail address");
    return EAR_OK;
}

static struct mail *mail_new(struct ear_fetch *fetch, const struct ear_fetch_request *request,
                             ear_fetch_fn *fn, void *self)
{
    struct mail *mail = ear_alloc(sizeof(*mail));
    *mail = (struct mail){.from = ear_strdup(request->mail_from)};
    ear_buf_init(&mail->body, MAIL_BYTES_MAX);
    ear_buf_init(&mail->line, LINE_BYTES_MAX);
    for (size_t i = 0; i < request->mail_to_count; i++)
        mail->to[mail->to_count++] = ear_strdup(request->mail_to[i]);
    ear_timer_new(&mail->limit, ear_fetch_loop(fetch), on_limit, mail);
    ear_active_start(&mail->active, fetch, request->url, fn, self, mail_drop);
    return mail;
}

ear_err ear_smtp_start(struct ear_fetch *fetch, const struct ear_fetch_request *request,
                       ear_fetch_fn *fn, void *self, uint64_t *id, struct ear_diag *diag)
{
    ear_err err = check(request, diag);
    if (err) return err;
    struct mail *mail = mail_new(fetch, request, fn, self);
    err = stuff(&mail->body, request->body);
    if (err)
        ear_fail(diag, err, "the mail is larger than %u bytes", MAIL_BYTES_MAX);
    else
        err = ear_link_start(&mail->link, fetch, request, on_link, mail, diag);
    if (err) {
        ear_fetch_cancel(fetch, mail->active.id);
        return err;
    }
    ear_timer_start(mail->limit, request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_DEFAULT_MS,
                    0);
    if (id) *id = mail->active.id;
    return EAR_OK;
}

#include "receiver.h"
#include "events.h"
#include "ledger.h"
#include "metrics.h"
#include "verify.h"
#include <stdlib.h>

#define BODY_BYTES_MAX (256u << 10)

struct ear_receiver {
    struct ear_ledger *ledger; /* owned */
    struct ear_buf key;        /* of the shared secret */
    size_t refused;
};

static void answer_json(struct ear_httpd_request *request, unsigned status, const char *text)
{
    ear_httpd_answer(request, status, "application/json", ear_str_from(text), NULL, 0);
}

static void refuse(struct ear_receiver *receiver, struct ear_httpd_request *request, ear_err err,
                   struct ear_diag *diag)
{
    receiver->refused++;
    ear_metric_add(&M_WEBHOOKS_TOTAL, 1, "refused");
    diag->err = err;
    ear_log(&EV_REFUSED, kv_diag(diag));
    if (err == EAR_DENIED)
        ear_httpd_problem(request, 401, "Not signed by us", diag->text, 0);
    else if (err == EAR_IO)
        ear_httpd_problem(request, 503, "Cannot be kept now", diag->text, 5);
    else
        ear_httpd_problem(request, 400, "Malformed webhook", diag->text, 0);
}

static void accept_reply(void *self, struct ear_httpd_request *request)
{
    struct ear_receiver *receiver = self;
    const struct ear_webhook webhook = {.id = ear_httpd_header(request, "webhook-id"),
                                        .timestamp = ear_httpd_header(request, "webhook-timestamp"),
                                        .signatures =
                                            ear_httpd_header(request, "webhook-signature"),
                                        .body = ear_httpd_body(request)};
    struct ear_diag diag = {0};
    int64_t now_us = ear_clock_wall_us();
    bool repeat = false;
    ear_err err =
        ear_webhook_verify(&webhook, ear_buf_str(&receiver->key), now_us / EAR_US_PER_S, &diag);
    if (err == EAR_OK)
        err = ear_ledger_add(receiver->ledger, webhook.id, webhook.body, now_us, &repeat, &diag);
    if (err != EAR_OK) {
        refuse(receiver, request, err, &diag);
        return;
    }
    ear_metric_add(&M_WEBHOOKS_TOTAL, 1, repeat ? "repeat" : "new");
    ear_log(repeat ? &EV_REPEATED : &EV_RECEIVED, kv_str("webhook", webhook.id));
    answer_json(request, 200, repeat ? "{\"repeat\":true}\n" : "{\"repeat\":false}\n");
}

static void show_counts(void *self, struct ear_httpd_request *request)
{
    const struct ear_receiver *receiver = self;
    struct ear_buf text;
    ear_buf_init(&text, 256);
    if (ear_buf_printf(&text, "{\"received\":%zu,\"repeats\":%zu,\"refused\":%zu}\n",
                       ear_ledger_entries(receiver->ledger), ear_ledger_repeats(receiver->ledger),
                       receiver->refused) == EAR_OK)
        answer_json(request, 200, text.data);
    else
        ear_httpd_problem(request, 503, "Out of memory", "Try again.", 1);
    ear_buf_release(&text);
}

ear_err ear_receiver_new(struct ear_receiver **out, struct ear_httpd *httpd, const char *secret,
                         const char *ledger_path, struct ear_diag *diag)
{
    struct ear_receiver *receiver = ear_alloc(sizeof(*receiver));
    ear_buf_init(&receiver->key, 4096);
    ear_err err = ear_webhook_key(ear_str_from(secret), &receiver->key, diag);
    if (err == EAR_OK) err = ear_ledger_new(&receiver->ledger, ledger_path, diag);
    if (err != EAR_OK) {
        ear_receiver_free(&receiver);
        return err;
    }
    ear_httpd_route(httpd, &(struct ear_httpd_route){"POST", "/replies", BODY_BYTES_MAX,
                                                     accept_reply, receiver});
    ear_httpd_route(httpd, &(struct ear_httpd_route){"GET", "/replies", 0, show_counts, receiver});
    *out = receiver;
    return EAR_OK;
}

void ear_receiver_free(struct ear_receiver **receiver)
{
    if (!*receiver) return;
    ear_ledger_free(&(*receiver)->ledger);
    if ((*receiver)->key.data) ear_secret_wipe((*receiver)->key.data, (*receiver)->key.len);
    ear_buf_release(&(*receiver)->key);
    EAR_FREE(*receiver);
}

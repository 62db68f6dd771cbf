/* earshot-receiver: what a firm's own system does with Earshot's outbound webhook, as small as it
 * can be: verify, write down, answer. The quickstart shows replies with it. */
#include "receiver.h"
#include "svc/svc.h"

static struct settings {
    const char *secret;
    const char *ledger;
} settings;

static const struct ear_conf_key keys[] = {
    EAR_CONF("EAR_RECEIVER_SECRET", SECRET, NULL, 0, 0, settings, secret,
             "Shared secret of the account's outbound webhook, whsec_ and base64."),
    EAR_CONF("EAR_RECEIVER_LEDGER", TEXT, NULL, 0, 0, settings, ledger,
             "File that takes every verified reply as one line of JSON."),
};
static const struct ear_conf_table tables[] = {
    {.title = "Receiver", .keys = keys, .count = EAR_COUNT(keys), .target = &settings},
};

static ear_err start(struct ear_svc *svc, void **self, struct ear_diag *diag)
{
    struct ear_receiver *receiver = NULL;
    ear_err err =
        ear_receiver_new(&receiver, ear_svc_httpd(svc), settings.secret, settings.ledger, diag);
    *self = receiver;
    return err;
}

static void stop(void *self)
{
    struct ear_receiver *receiver = self;
    ear_receiver_free(&receiver);
}

/* No drain: every request is answered in the call that brings it, so nothing is ever under way. */
int main(int argc, char **argv)
{
    static const struct ear_svc_def def = {
        .name = "receiver",
        .summary = "Takes signed replies over HTTP and writes them down.",
        .tables = tables,
        .table_count = EAR_COUNT(tables),
        .http_default = "*:8090",
        .start = start,
        .stop = stop,
    };
    return ear_svc_run(&def, argc, argv);
}

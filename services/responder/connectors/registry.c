/* One line a connector; adding one touches nothing else of this service. */
#include "connector.h"
#include "connectors/bluesky/bluesky.h"
#include "connectors/mail/mail.h"
#include "connectors/webhook/webhook.h"
#include "json/json.h"

static const struct ear_connector_out *const connectors[] = {
    &ear_bluesky_out,
    &ear_mail_out,
    &ear_webhook_out,
    NULL,
};

const struct ear_connector_out *const *ear_connectors_out(void)
{
    return connectors;
}

const struct ear_connector_out *ear_connector_out_find(struct ear_str platform,
                                                       const json_t *settings)
{
    struct ear_str chosen = ear_json_at(settings, "connector");
    struct ear_str name = chosen.len ? chosen : platform;
    for (const struct ear_connector_out *const *c = connectors; *c; c++)
        if (ear_str_eq(name, ear_str_from((*c)->name))) return *c;
    return NULL;
}

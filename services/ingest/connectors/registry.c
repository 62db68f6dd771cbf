/* One line a connector; adding one touches nothing else of this service. */
#include "connector.h"
#include "connectors/bluesky/bluesky.h"
#include "connectors/mail/mail.h"
#include "json/json.h"

static const struct ear_connector_in *const connectors[] = {
    &ear_bluesky_in,
    &ear_mail_in,
    NULL,
};

const struct ear_connector_in *ear_connector_in_find(struct ear_str platform,
                                                     const json_t *settings)
{
    struct ear_str chosen = ear_json_at(settings, "connector");
    struct ear_str name = chosen.len ? chosen : platform;
    for (const struct ear_connector_in *const *c = connectors; *c; c++)
        if (ear_str_eq(name, ear_str_from((*c)->name))) return *c;
    return NULL;
}

/* earshot-responder: sends replies to the platforms, once each, and tells what became of them. */
#include "responder.h"

#define KEY(name, type, fallback, min, max, field, about) \
    EAR_CONF(name, type, fallback, min, max, ear_responder_settings, field, about)

static const struct ear_conf_key keys[] = {
    KEY("EAR_PG", TEXT, NULL, 0, 0, pg,
        "Where PostgreSQL is: a libpq connection string for the role earshot_responder; of "
        "several hosts the one that takes writes."),
    KEY("EAR_PG_PASSWORD", SECRET, "", 0, 0, pg_password,
        "Password of the role; better a file named by EAR_PG_PASSWORD_FILE."),
    KEY("EAR_BUS_KEY_FILE", TEXT, "", 0, 0, bus_key_file,
        "CURVE secret key of this service; without it only loopback addresses are used."),
    KEY("EAR_BUS_PEERS_FILE", TEXT, "", 0, 0, bus_peers_file,
        "Public keys of the services, as written by earshotctl keygen."),
    KEY("EAR_RESPONDER_ASSIGNMENTS", TEXT, "localhost:5703", 0, 0, assignments,
        "Where replies come from: host:port, comma-separated; a name may stand for many replicas."),
    KEY("EAR_RESPONDER_COMMANDS", TEXT, "localhost:5704", 0, 0, commands,
        "Where outcomes are told: host:port, comma-separated."),
    KEY("EAR_SECRETS_DIR", TEXT, "/run/secrets", 0, 0, secrets_dir,
        "Folder with the files that accounts name as their secrets."),
    KEY("EAR_RESPONDER_LEASE", DURATION, "15s", 2000, 300000, lease_ms,
        "How long an account stays with a responder that was not heard of."),
    KEY("EAR_RESPONDER_TRIES", INT, "10", 1, 1000, tries_max,
        "Tries of a reply before it counts as failed; waits that a platform asks for do not "
        "count."),
    KEY("EAR_RESPONDER_GIVE_UP_AFTER", DURATION, "1d", 1000, 2592000000, age_max_ms,
        "Age at which a reply that could not be sent counts as failed."),
    KEY("EAR_RESPONDER_BACKOFF", DURATION, "1s", 10, 3600000, backoff_floor_ms,
        "Least wait before another try; it doubles with every try, with jitter."),
    KEY("EAR_RESPONDER_BACKOFF_MAX", DURATION, "5m", 10, 86400000, backoff_cap_ms,
        "Greatest wait before another try."),
};

int main(int argc, char **argv)
{
    const struct ear_conf_table table = {.title = "Responder",
                                         .keys = keys,
                                         .count = EAR_COUNT(keys),
                                         .target = &ear_responder_settings};
    const struct ear_svc_def def = {.name = "responder",
                                    .summary = "Sends replies to the platforms, once each, and "
                                               "tells assignment what became of them.",
                                    .tables = &table,
                                    .table_count = 1,
                                    .http_default = "*:8083",
                                    .start = ear_responder_start,
                                    .ready = ear_responder_ready,
                                    .reload = ear_responder_reload,
                                    .describe = ear_responder_describe,
                                    .drain = ear_responder_drain,
                                    .stop = ear_responder_stop};
    return ear_svc_run(&def, argc, argv);
}

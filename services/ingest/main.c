/* earshot-ingest: hears the firm's accounts and hands what it heard to classifiers. */
#include "ingest.h"

#define S ear_ingest_settings

static const struct ear_conf_key keys[] = {
    EAR_CONF(
        "EAR_PG", TEXT, NULL, 0, 0, S, pg,
        "PostgreSQL, as a connection string of libpq; of several hosts the one that takes writes."),
    EAR_CONF("EAR_PG_PASSWORD", SECRET, "", 0, 0, S, pg_password,
             "Password of the role, when the connection string has none."),
    EAR_CONF("EAR_PG_CONNECTIONS", INT, "4", 2, 32, S, pg_connections,
             "Connections to PostgreSQL."),
    EAR_CONF("EAR_INGEST_BUS", ENDPOINT, "*:5701", 0, 0, S, bus,
             "Where classifiers connect: host:port; host * is every address."),
    EAR_CONF("EAR_BUS_KEY_FILE", TEXT, "", 0, 0, S, bus_key_file,
             "This service's CURVE key, made by earshotctl keygen; without it only loopback "
             "addresses are accepted."),
    EAR_CONF("EAR_BUS_PEERS_FILE", TEXT, "", 0, 0, S, bus_peers_file,
             "Public keys of the services, made by earshotctl keygen."),
    EAR_CONF("EAR_SECRETS_DIR", TEXT, "/run/secrets", 0, 0, S, secrets_dir,
             "Folder of the secret files that care.yaml names for accounts."),
    EAR_CONF("EAR_INGEST_REPLAY_TOKEN", SECRET, "", 0, 0, S, replay_token,
             "Bearer token of POST /v1/replay; without it nobody can replay."),
    EAR_CONF("EAR_INGEST_QUEUE_POSTS", INT, "20000", 100, 10000000, S, queue_posts,
             "Posts a lane that may wait in memory for their commit; past it, senders get 429."),
    EAR_CONF("EAR_INGEST_QUEUE_BYTES", SIZE, "24MiB", 1 << 20, INT64_C(1) << 34, S, queue_bytes,
             "Bytes a lane that may wait in memory for their commit."),
    EAR_CONF("EAR_INGEST_LEASE", DURATION, "10s", 1000, 300000, S, lease_ms,
             "How long an instance that died keeps its accounts and unsettled posts from others."),
    EAR_CONF("EAR_INGEST_WEBHOOK_WINDOW", DURATION, "5m", 1000, 3600000, S, window_ms,
             "How far webhook-timestamp may be from now, either way."),
    EAR_CONF("EAR_INGEST_RECEIPTS", DURATION, "3d", 60000, INT64_C(7776000000), S, receipts_ms,
             "How long a repeated webhook-id gets its first answer again."),
    EAR_CONF("EAR_INGEST_SETTLE_WAIT", DURATION, "10s", 0, 300000, S, settle_wait_ms,
             "How long SIGTERM waits for classifiers to settle what they hold; keep it below "
             "EAR_DRAIN_TIMEOUT."),
};

static const struct ear_conf_table table = {
    .title = "Ingest", .keys = keys, .count = EAR_COUNT(keys), .target = &ear_ingest_settings};

int main(int argc, char **argv)
{
    static const struct ear_svc_def def = {
        .name = "ingest",
        .summary = "takes posts from platforms, webhooks and feeds, stores them, and offers them "
                   "to classifiers",
        .tables = &table,
        .table_count = 1,
        .http_default = "*:8080",
        .start = ear_ingest_start,
        .ready = ear_ingest_ready,
        .reload = ear_ingest_reload,
        .describe = ear_ingest_describe,
        .drain = ear_ingest_drain,
        .stop = ear_ingest_stop,
    };
    return ear_svc_run(&def, argc, argv);
}

/* settings: what ingest is configured by; main.c has the table. Filled before anything starts,
 * constant afterwards. Times in milliseconds. */
#ifndef EAR_INGEST_SETTINGS_H
#define EAR_INGEST_SETTINGS_H

#include <stdint.h>

struct ear_ingest_settings {
    const char *pg;
    const char *pg_password;
    int64_t pg_connections;
    const char *bus;
    const char *bus_key_file;
    const char *bus_peers_file;
    const char *secrets_dir;
    const char *replay_token;
    int64_t queue_posts;
    int64_t queue_bytes;
    int64_t lease_ms;
    int64_t window_ms;
    int64_t receipts_ms;
    int64_t settle_wait_ms;
};

#endif

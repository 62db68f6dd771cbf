/* private: what the rooms of svc share. */
#ifndef EAR_SVC_PRIVATE_H
#define EAR_SVC_PRIVATE_H

#include "svc/svc.h"

#define TABLES_MAX 8

struct settings {
    const char *http_listen;
    const char *log_level;
    int64_t drain_timeout_ms;
};

/* What every service is configured by, then the tables of the service. */
struct setup {
    struct settings settings;
    struct ear_conf_key keys[3];
    struct ear_conf_table tables[TABLES_MAX];
    size_t table_count;
};

struct ear_svc {
    const struct ear_svc_def *def;
    struct setup setup;
    struct ear_loop *loop;
    struct ear_httpd *httpd;
    struct ear_timer *drain_timer;
    struct ear_timer *ready_timer; /* logs when readiness changes */
    struct ear_id instance;
    void *self;
    bool started;
    bool draining;
    bool was_ready;
    bool told; /* of its readiness, for the first time */
    unsigned checks, told_at;
    struct ear_diag told_why; /* what it waited for then */
    int exit_code;
};

/* options: true when the program shall go on; *code is its exit code otherwise. */
bool ear_svc_options(struct setup *setup, const struct ear_svc_def *def, int argc, char **argv,
                     int *code);
void ear_setup_fill(struct setup *setup, const struct ear_svc_def *def);

/* health: the endpoints, and whether work can be done. */
void ear_svc_health(struct ear_svc *svc);
bool ear_svc_is_ready(struct ear_svc *svc, struct ear_diag *why);

/* Whether this check, one a second, is worth a line: of a change at once, but whoever is not ready
 * at the start has so many checks time; and of one who waits for something else than before, so
 * many after the line before: not of each turn. */
#define EAR_SVC_TELL_CHECKS 30
bool ear_svc_tells(struct ear_svc *svc, bool ready, const struct ear_diag *why);

#endif

/* svc: one way to start, watch, drain and stop a service. Layer 4, stands on all of common below.
 *
 * ear_svc_run reads the configuration, opens the log, makes loop and HTTP server (/healthz,
 * /readyz, /metrics), calls start, and runs until SIGTERM or SIGINT. Then it calls drain and waits
 * for ear_svc_drained (at most EAR_DRAIN_TIMEOUT); a second signal stops at once. SIGHUP calls
 * reload. stop releases.
 *
 * Options of every program: --help, --version, --print-config, --print-config-docs. Exit codes: 0
 * stopped as asked, 1 could not start or a drain ran out of time, 2 bad configuration or usage. */
#ifndef EAR_SVC_H
#define EAR_SVC_H

#include "base/base.h"
#include "conf/conf.h"
#include "httpd/httpd.h"
#include "log/log.h"
#include "loop/loop.h"
#include "metric/metric.h"
#include "svc/failing.h"

struct ear_svc;

struct ear_svc_def {
    const char *name;                    /* "ingest" */
    const char *summary;                 /* one sentence for --help */
    const struct ear_conf_table *tables; /* the service's own */
    size_t table_count;
    const char *http_default; /* "*:8080" */
    /* Makes everything; what it returns as *self is handed to the others. diag says what to do. */
    ear_err (*start)(struct ear_svc *svc, void **self, struct ear_diag *diag);
    /* True when work can be done now; otherwise says in one clause why not (for /readyz). */
    bool (*ready)(void *self, struct ear_diag *why);
    /* Adds lines to /readyz's JSON body ("key":value, without braces); may be NULL. */
    void (*describe)(void *self, struct ear_buf *json);
    /* SIGHUP: reads again what may change while it runs; on an error all stays as it was. NULL: the
     * signal ends the process, as by default. */
    ear_err (*reload)(void *self, struct ear_diag *diag);
    /* Stop taking work; call ear_svc_drained when nothing is under way any more. */
    void (*drain)(void *self);
    void (*stop)(void *self);
};

int ear_svc_run(const struct ear_svc_def *def, int argc, char **argv);

struct ear_loop *ear_svc_loop(struct ear_svc *svc);
struct ear_httpd *ear_svc_httpd(struct ear_svc *svc);
/* Random per process start: owner of leases and intake rows. */
const struct ear_id *ear_svc_instance(const struct ear_svc *svc);
void ear_svc_drained(struct ear_svc *svc);
/* Ends the process from inside after an error that no retry mends; logged as svc.failed. */
void ear_svc_fail(struct ear_svc *svc, const struct ear_diag *diag);

#endif

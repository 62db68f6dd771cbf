#include "svc/svc.h"
#include "events.h"
#include "private.h"
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>

#define EAR_EVENT EAR_EVENT_DEFINE
#include "events.def"
#undef EAR_EVENT

#define EAR_METRIC EAR_METRIC_DEFINE
#include "metrics.def"
#undef EAR_METRIC

#define READY_CHECK_MS     1000
#define LARGE_BUFFER_BYTES (2 << 20)
#define TRIM_BYTES         (8 << 20)
#define LINGER_TURNS       20 /* for answers that drain gave and that are still on their way out */
#define LINGER_TURN_MS     50

static void end(struct ear_svc *svc, int code)
{
    if (svc->exit_code == 0) svc->exit_code = code;
    ear_loop_stop(svc->loop);
}

static void on_drain_timeout(void *self)
{
    struct ear_svc *svc = self;
    ear_log(&EV_SVC_DRAIN_TIMEOUT, kv_int("after_ms", svc->setup.settings.drain_timeout_ms));
    end(svc, 1);
}

static void on_signal(void *self, int signum)
{
    struct ear_svc *svc = self;
    if (svc->draining) {
        end(svc, 1);
        return;
    }
    svc->draining = true;
    ear_log(&EV_SVC_DRAINING, kv_int("signal", signum));
    ear_timer_start(svc->drain_timer, svc->setup.settings.drain_timeout_ms, 0);
    if (svc->def->drain) {
        svc->def->drain(svc->self);
    } else {
        ear_svc_drained(svc);
    }
}

static void on_hangup(void *self, int signum)
{
    struct ear_svc *svc = self;
    struct ear_diag diag = {0};
    (void)signum;
    if (!svc->started || svc->draining) return;
    if (svc->def->reload(svc->self, &diag) == EAR_OK)
        ear_log(&EV_SVC_RELOADED);
    else
        ear_log(&EV_SVC_RELOAD_FAILED, kv_diag(&diag));
}

void ear_svc_drained(struct ear_svc *svc)
{
    if (svc->draining) end(svc, 0);
}

void ear_svc_fail(struct ear_svc *svc, const struct ear_diag *diag)
{
    ear_log(&EV_SVC_FAILED, kv_diag(diag));
    svc->exit_code = 1;
    ear_loop_stop(svc->loop);
}

static bool is_news(const struct ear_svc *svc, bool ready, const struct ear_diag *why)
{
    if (ready != svc->was_ready) return true;
    if (ready || svc->checks - svc->told_at < EAR_SVC_TELL_CHECKS) return false;
    return !svc->told || strcmp(why->text, svc->told_why.text) != 0;
}

bool ear_svc_tells(struct ear_svc *svc, bool ready, const struct ear_diag *why)
{
    svc->checks++;
    if (!is_news(svc, ready, why)) return false;
    svc->was_ready = ready;
    svc->told = true;
    svc->told_at = svc->checks;
    svc->told_why = *why;
    return true;
}

static void on_ready_check(void *self)
{
    struct ear_svc *svc = self;
    struct ear_diag why;
    bool ready = ear_svc_is_ready(svc, &why);
    if (!ear_svc_tells(svc, ready, &why)) return;
    if (ready) {
        ear_log(&EV_SVC_READY);
    } else if (!svc->draining) {
        ear_log(&EV_SVC_NOT_READY, kv_text("why", why.text));
    }
}

static ear_err open_all(struct ear_svc *svc, struct ear_diag *diag)
{
    const struct ear_httpd_opts opts = {.listen = svc->setup.settings.http_listen};
    ear_err err = ear_loop_new(&svc->loop);
    if (err != EAR_OK) return ear_fail(diag, err, "the event loop could not start");
    ear_timer_new(&svc->drain_timer, svc->loop, on_drain_timeout, svc);
    ear_timer_new(&svc->ready_timer, svc->loop, on_ready_check, svc);
    if (ear_loop_on_signal(svc->loop, SIGTERM, on_signal, svc) != EAR_OK ||
        ear_loop_on_signal(svc->loop, SIGINT, on_signal, svc) != EAR_OK ||
        (svc->def->reload && ear_loop_on_signal(svc->loop, SIGHUP, on_hangup, svc) != EAR_OK)) {
        return ear_fail(diag, EAR_IO, "signals cannot be watched");
    }
    err = ear_httpd_new(&svc->httpd, svc->loop, &opts, diag);
    if (err != EAR_OK) return ear_fail_in(diag, err, "EAR_HTTP");
    ear_svc_health(svc);
    return svc->def->start(svc, &svc->self, diag);
}

/* Answers that were given last are sent before the server goes away. */
static void linger(struct ear_svc *svc)
{
    if (!svc->httpd) return;
    ear_httpd_quiesce(svc->httpd);
    for (int i = 0; i < LINGER_TURNS && ear_httpd_active(svc->httpd) > 0; i++) {
        ear_loop_turn(svc->loop, LINGER_TURN_MS);
    }
    ear_loop_turn(svc->loop, 1);
}

static void close_all(struct ear_svc *svc)
{
    ear_timer_free(&svc->drain_timer);
    ear_timer_free(&svc->ready_timer);
    if (svc->started) linger(svc);
    if (svc->started && svc->def->stop) svc->def->stop(svc->self);
    ear_httpd_free(&svc->httpd);
    ear_loop_free(&svc->loop);
}

static void serve(struct ear_svc *svc)
{
    struct ear_diag diag = {0};
    if (open_all(svc, &diag) != EAR_OK) {
        ear_log(&EV_SVC_FAILED, kv_diag(&diag));
        svc->exit_code = 1;
        return;
    }
    svc->started = true;
    ear_log(&EV_SVC_STARTED, kv_text("version", EAR_VERSION), kv_id("instance", &svc->instance),
            kv_int("http", ear_httpd_port(svc->httpd)));
    ear_timer_start(svc->ready_timer, 0, READY_CHECK_MS);
    if (svc->exit_code == 0) ear_loop_run(svc->loop);
}

/* Left alone, glibc learns from the first large buffer that is freed to take the next ones from its
 * heap, and what was once touched there stays. From pages of their own, bodies and batches cost
 * what they hold while they live, and nothing afterwards. */
static void keep_memory_flat(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE_BUFFER_BYTES);
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
}

int ear_svc_run(const struct ear_svc_def *def, int argc, char **argv)
{
    int code = 0;
    ear_streams_hold();
    struct ear_svc *svc = ear_alloc(sizeof(*svc));
    ear_level level = EAR_LOG_INFO;
    svc->def = def;
    ear_setup_fill(&svc->setup, def);
    if (ear_svc_options(&svc->setup, def, argc, argv, &code)) {
        EAR_CHECK(ear_log_parse_level(ear_str_from(svc->setup.settings.log_level), &level) == 0);
        ear_log_start(def->name, level);
        ear_crypt_start();
        signal(SIGPIPE, SIG_IGN);
        keep_memory_flat();
        svc->instance = ear_id_new(ear_clock_wall_us());
        serve(svc);
        close_all(svc);
        code = svc->exit_code;
        ear_log(&EV_SVC_STOPPED, kv_int("code", code));
        ear_conf_release(svc->setup.tables, svc->setup.table_count);
    }
    free(svc);
    return code;
}

struct ear_loop *ear_svc_loop(struct ear_svc *svc)
{
    return svc->loop;
}

struct ear_httpd *ear_svc_httpd(struct ear_svc *svc)
{
    return svc->httpd;
}

const struct ear_id *ear_svc_instance(const struct ear_svc *svc)
{
    return &svc->instance;
}

#include "health/probe.h"

#include "fetch/fetch.h"

struct probe {
    bool done;
    ear_err err;
    int status;
    char why[EAR_DIAG_TEXT_BYTES];
};

static void answered(void *self, const struct ear_fetch_result *result)
{
    struct probe *probe = self;
    probe->done = true;
    probe->err = result->err;
    probe->status = result->status;
    if (result->reason) snprintf(probe->why, sizeof(probe->why), "%s", result->reason);
}

ear_exit ear_probe(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct probe probe = {0};
    struct ear_diag diag = {0};
    struct ear_fetch *fetch = NULL;
    struct ear_fetch_request request = {.url = argv[0], .timeout_ms = ctl->settings.timeout_ms};
    ear_err err = ear_fetch_new(&fetch, ctl->loop, "earshotctl/" EAR_VERSION);
    if (!err) err = ear_fetch_start(fetch, &request, answered, &probe, NULL, &diag);
    while (!err && !probe.done) ear_loop_turn(ctl->loop, 100);
    ear_fetch_free(&fetch);
    if (err) {
        ear_ctl_fail(err, "%s: %s, as http://127.0.0.1:8080/readyz", argv[0], diag.text);
        return EAR_EXIT_USAGE;
    }
    if (probe.err) return ear_ctl_fail(probe.err, "%s: %s", argv[0], probe.why);
    if (probe.status == 200) return EAR_EXIT_OK;
    ear_ctl_fail(EAR_DENIED, "%s answers %d", argv[0], probe.status);
    return EAR_EXIT_REFUSED;
}

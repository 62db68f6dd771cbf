#include "events.h"
#include "private.h"
#include "wire/wire.h"
#include "json/json.h"

#define READY_BYTES_MAX   (256u << 10)
#define METRICS_BYTES_MAX (16u << 20)

static void on_healthz(void *self, struct ear_httpd_request *request)
{
    (void)self;
    ear_httpd_answer(request, 200, "text/plain", EAR_STR("ok\n"), NULL, 0);
}

bool ear_svc_is_ready(struct ear_svc *svc, struct ear_diag *why)
{
    *why = (struct ear_diag){0};
    bool ready = false;
    if (svc->draining) {
        ear_fail(why, EAR_CLOSED, "draining");
    } else if (!svc->started) {
        ear_fail(why, EAR_AGAIN, "starting");
    } else {
        ready = !svc->def->ready || svc->def->ready(svc->self, why);
    }
    ear_metric_set(&M_SVC_READY, ready ? 1 : 0);
    return ready;
}

static json_t *ready_head(const struct ear_svc *svc, bool ready, const struct ear_diag *why)
{
    char instance[EAR_ID_TEXT_BYTES];
    ear_id_format(&svc->instance, instance);
    json_t *head = json_pack("{s:b, s:s, s:s, s:s, s:[i,i]}", "ready", ready, "service",
                             svc->def->name, "version", EAR_VERSION, "instance", instance, "schema",
                             (int)ear_wire_reads().least, (int)ear_wire_reads().greatest);
    EAR_CHECK(head);
    if (!ready) json_object_set_new(head, "why", json_string(why->text));
    return head;
}

static ear_err write_ready(struct ear_svc *svc, bool ready, const struct ear_diag *why,
                           struct ear_buf *out)
{
    struct ear_buf more;
    ear_buf_init(&more, READY_BYTES_MAX);
    json_t *head = ready_head(svc, ready, why);
    ear_err err = ear_json_write(head, out);
    json_decref(head);
    if (svc->started && svc->def->describe) svc->def->describe(svc->self, &more);
    if (err == EAR_OK && more.len > 0) {
        out->data[out->len - 1] = ','; /* instead of the closing brace */
        err = ear_buf_append_str(out, ear_buf_str(&more));
        if (err == EAR_OK) err = ear_buf_append_char(out, '}');
    }
    ear_buf_release(&more);
    return err == EAR_OK ? ear_buf_append_char(out, '\n') : err;
}

static void on_readyz(void *self, struct ear_httpd_request *request)
{
    struct ear_svc *svc = self;
    struct ear_diag why;
    struct ear_buf out;
    ear_buf_init(&out, READY_BYTES_MAX);
    bool ready = ear_svc_is_ready(svc, &why);
    if (write_ready(svc, ready, &why, &out) == EAR_OK) {
        ear_httpd_answer(request, ready ? 200 : 503, "application/json", ear_buf_str(&out), NULL,
                         0);
    } else {
        ear_httpd_problem(request, 500, "Cannot describe itself", NULL, 0);
    }
    ear_buf_release(&out);
}

static void on_metrics(void *self, struct ear_httpd_request *request)
{
    struct ear_diag why;
    struct ear_buf out;
    ear_buf_init(&out, METRICS_BYTES_MAX);
    (void)ear_svc_is_ready(self, &why);
    if (ear_metric_render(&out) == EAR_OK) {
        ear_httpd_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8",
                         ear_buf_str(&out), NULL, 0);
    } else {
        ear_httpd_problem(request, 500, "Too many metrics", NULL, 0);
    }
    ear_buf_release(&out);
}

void ear_svc_health(struct ear_svc *svc)
{
    const struct ear_httpd_route routes[] = {
        {.method = "GET", .path = "/healthz", .handle = on_healthz, .self = svc},
        {.method = "GET", .path = "/readyz", .handle = on_readyz, .self = svc},
        {.method = "GET", .path = "/metrics", .handle = on_metrics, .self = svc},
    };
    for (size_t i = 0; i < EAR_COUNT(routes); i++) ear_httpd_route(svc->httpd, &routes[i]);
    ear_metric_set(&M_SVC_BUILD, 1, svc->def->name, EAR_VERSION);
    ear_metric_register(&M_SVC_READY);
}

/* earshot-classifier: reads posts and says what each needs. Holds no state. */
#include "report.h"
#include "svc/svc.h"

static struct ear_classifier_settings settings;

#define KEY(name, type, fallback, min, max, field, about) \
    EAR_CONF(name, type, fallback, min, max, ear_classifier_settings, field, about)

static const struct ear_conf_key keys[] = {
    KEY("EAR_CLASSIFIER_INGESTS", TEXT, "localhost:5701", 0, 0, ingests,
        "Buses of ingest, host:port[,host:port…]; a name may stand for many replicas."),
    KEY("EAR_CLASSIFIER_BUS", ENDPOINT, "*:5702", 0, 0, bus,
        "Where assignments fetch triaged posts."),
    KEY("EAR_BUS_KEY_FILE", TEXT, "", 0, 0, bus_key_file,
        "CURVE secret key of this service (earshotctl keygen); empty: loopback only."),
    KEY("EAR_BUS_PEERS_FILE", TEXT, "", 0, 0, bus_peers_file,
        "Public keys of all services, a line \"service key\" each."),
    KEY("EAR_CLASSIFIER_MODEL", TEXT, "", 0, 0, model,
        "Model file; empty: share/earshot/earshot.model beside the program's bin."),
    KEY("EAR_CLASSIFIER_TOPICS", TEXT, "", 0, 0, topics,
        "Model file whose head \"topic\" replaces the model's: the firm's own topic table."),
    KEY("EAR_CLASSIFIER_RULES", TEXT, "", 0, 0, rules,
        "The firm's rules, which raise urgency (deploy/rules/care.rules is an example)."),
    KEY("EAR_CLASSIFIER_COVERAGE", INT, "0", 0, 100, coverage,
        "Percent of posts that each head is to be sure of; 0: as the model has it."),
    KEY("EAR_CLASSIFIER_WINDOW_LIVE", INT, "8192", 1, 1 << 20, window_live,
        "Live posts taken from each ingest before the first of them is settled."),
    KEY("EAR_CLASSIFIER_WINDOW_BACKFILL", INT, "512", 1, 1 << 20, window_backfill,
        "Back-fill posts taken from each ingest before the first of them is settled."),
};
static const struct ear_conf_table table = {"Classifier", keys, EAR_COUNT(keys), &settings};

static struct ear_svc *service;

static ear_err start(struct ear_svc *svc, void **self, struct ear_diag *diag)
{
    service = svc;
    return ear_relay_new((struct ear_relay **)self, ear_svc_loop(svc), &settings, diag);
}

static ear_err reload(void *self, struct ear_diag *diag)
{
    return ear_relay_reload(self, diag);
}

static bool ready(void *self, struct ear_diag *why)
{
    return ear_report_ready(self, why);
}

static void describe(void *self, struct ear_buf *json)
{
    ear_report_describe(self, json);
}

static void drained(void *self)
{
    (void)self;
    ear_svc_drained(service);
}

static void drain(void *self)
{
    ear_relay_drain(self, drained, NULL);
}

static void stop(void *self)
{
    struct ear_relay *relay = self;
    ear_relay_free(&relay);
}

int main(int argc, char **argv)
{
    static const struct ear_svc_def def = {
        .name = "classifier",
        .summary = "Reads posts and says what each needs: language, intent, urgency and more.",
        .tables = &table,
        .table_count = 1,
        .http_default = "*:8081",
        .start = start,
        .ready = ready,
        .reload = reload,
        .describe = describe,
        .drain = drain,
        .stop = stop,
    };
    return ear_svc_run(&def, argc, argv);
}

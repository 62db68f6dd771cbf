#include "settings.h"

#include <unistd.h>

static struct ear_ctl_settings settings;

#define KEY(name, type, fallback, min, max, field, about) \
    EAR_CONF(name, type, fallback, min, max, ear_ctl_settings, field, about)

static const struct ear_conf_key keys[] = {
    KEY("EAR_PG", TEXT, "", 0, 0, pg,
        "Where PostgreSQL is, as a connection string; migrate wants the owner, everything else the "
        "role earshot_operator."),
    KEY("EAR_PG_PASSWORD", SECRET, "", 0, 0, pg_password, "Password for EAR_PG."),
    KEY("EAR_CTL_COMMANDS", TEXT, "localhost:5704", 0, 0, commands,
        "Where assignment takes commands; a name may stand for many replicas."),
    KEY("EAR_CTL_INGEST", TEXT, "http://localhost:8080", 0, 0, ingest,
        "Base URL of ingest, for replay."),
    KEY("EAR_CTL_STATUS", TEXT,
        "ingest=localhost:8080,classifier=localhost:8081,assignment=localhost:8082,responder="
        "localhost:8083",
        0, 0, status,
        "Services and their HTTP addresses, for status; a name may stand for many replicas."),
    KEY("EAR_INGEST_REPLAY_TOKEN", SECRET, "", 0, 0, replay_token,
        "The token that ingest wants from replay."),
    KEY("EAR_BUS_KEY_FILE", TEXT, "", 0, 0, bus_key_file,
        "The operator's CURVE secret; without it only loopback addresses can be reached."),
    KEY("EAR_BUS_PEERS_FILE", TEXT, "", 0, 0, bus_peers_file, "Public keys of the services."),
    KEY("EAR_MODEL", TEXT, "", 0, 0, model,
        "The model file of classify; empty: share/earshot/earshot.model beside the program's bin."),
    KEY("EAR_CTL_TIMEOUT", DURATION, "10s", 100, 3600000, timeout_ms,
        "How long to wait for an answer."),
};

static const struct ear_conf_table table = {"earshotctl", keys, EAR_COUNT(keys), &settings};
static const struct ear_conf_table help_table = {"Environment", keys, EAR_COUNT(keys), &settings};

ear_exit ear_settings_load(struct ear_ctl *ctl)
{
    if (ear_conf_load(&table, 1, environ, stderr)) return EAR_EXIT_USAGE;
    ctl->settings = settings;
    if (!ctl->options.timeout) return EAR_EXIT_OK;
    if (ear_num_duration_ms(ear_str_from(ctl->options.timeout), 100, 3600000,
                            &ctl->settings.timeout_ms) == EAR_OK)
        return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "--timeout wants a duration of 100ms to 1h, as 30s");
    return EAR_EXIT_USAGE;
}

void ear_settings_release(void)
{
    ear_conf_release(&table, 1);
}

void ear_settings_help(FILE *out)
{
    ear_conf_help(&help_table, 1, out);
}

void ear_settings_print(FILE *out)
{
    ear_conf_print(&table, 1, out);
}

void ear_settings_markdown(FILE *out)
{
    ear_conf_markdown(&table, 1, out);
}

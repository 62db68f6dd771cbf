/* earshotctl: the operator's tool. */
#include "commands.h"
#include "conf/conf.h"
#include "log/log.h"

#include <stdlib.h>
#include <unistd.h>

static struct ear_ctl ctl;

#define KEY(name, type, fallback, min, max, field, about)                                          \
    EAR_CONF(name, type, fallback, min, max, ear_ctl_settings, field, about)

static const struct ear_conf_key keys[] = {
    KEY("EAR_PG", TEXT, "", 0, 0, pg, "Where PostgreSQL is, as a connection string; migrate wants the owner, everything else the role earshot_operator."),
    KEY("EAR_PG_PASSWORD", SECRET, "", 0, 0, pg_password, "Password for EAR_PG."),
    KEY("EAR_CTL_COMMANDS", TEXT, "localhost:5704", 0, 0, commands, "Where assignment takes commands; a name may stand for many replicas."),
    KEY("EAR_CTL_INGEST", TEXT, "http://localhost:8080", 0, 0, ingest, "Base URL of ingest, for replay."),
    KEY("EAR_CTL_STATUS", TEXT, "ingest=localhost:8080,classifier=localhost:8081,assignment=localhost:8082,responder=localhost:8083", 0, 0, status, "Services and their HTTP addresses, for status; a name may stand for many replicas."),
    KEY("EAR_INGEST_REPLAY_TOKEN", SECRET, "", 0, 0, replay_token, "The token that ingest wants from replay."),
    KEY("EAR_BUS_KEY_FILE", TEXT, "", 0, 0, bus_key_file, "The operator's CURVE secret; without it only loopback addresses can be reached."),
    KEY("EAR_BUS_PEERS_FILE", TEXT, "", 0, 0, bus_peers_file, "Public keys of the services."),
    KEY("EAR_CTL_TIMEOUT", DURATION, "10s", 100, 3600000, timeout_ms, "How long to wait for an answer."),
};

static const struct ear_conf_table table = {"earshotctl", keys, EAR_COUNT(keys), &ctl.settings};

static ear_exit configure(void)
{
    if (ear_conf_load(&table, 1, environ, stderr)) return EAR_EXIT_USAGE;
    if (!ctl.options.timeout) return EAR_EXIT_OK;
    if (ear_num_duration_ms(ear_str_from(ctl.options.timeout), 100, 3600000,
                            &ctl.settings.timeout_ms) == EAR_OK)
        return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "--timeout wants a duration of 100ms to 1h, as 30s");
    return EAR_EXIT_USAGE;
}

/* Options that stand alone; -1 when the first word is none of them. */
static int run_alone(const char *word)
{
    if (strcmp(word, "--version") == 0) return puts("earshotctl " EAR_VERSION) < 0;
    if (strcmp(word, "--help") == 0) return ear_ctl_help(stdout), 0;
    if (strcmp(word, "--print-config-docs") == 0)
        return ear_conf_markdown(&table, 1, stdout), 0;
    if (strcmp(word, "--print-config") != 0) return -1;
    ear_exit status = configure();
    if (!status) ear_conf_print(&table, 1, stdout);
    return (int)status;
}

static ear_exit run(const struct ear_ctl_command *command, int argc, char **argv)
{
    struct ear_diag diag = {0};
    int operands;
    if (ear_ctl_options_parse(argc, argv, command->options, &ctl.options, &operands, &diag)) {
        ear_ctl_fail(EAR_INVALID, "%s: %s", command->name, diag.text);
        return EAR_EXIT_USAGE;
    }
    if (ctl.options.help) return ear_ctl_command_help(command, stdout), EAR_EXIT_OK;
    if (operands < command->min_operands ||
        (command->max_operands >= 0 && operands > command->max_operands)) {
        ear_ctl_command_help(command, stderr);
        return EAR_EXIT_USAGE;
    }
    ear_exit status = configure();
    if (status) return status;
    EAR_CHECK(ear_loop_new(&ctl.loop) == EAR_OK);
    status = command->run(&ctl, operands, argv);
    ear_pg_free(&ctl.pg);
    ear_loop_free(&ctl.loop);
    return status;
}

int main(int argc, char **argv)
{
    ear_crypt_start();
    ear_log_start("earshotctl", EAR_LOG_WARN);
    if (argc < 2) return ear_ctl_help(stderr), EAR_EXIT_USAGE;
    int alone = run_alone(argv[1]);
    if (alone >= 0) return alone;
    int words;
    const struct ear_ctl_command *command = ear_ctl_command_find(argc - 1, argv + 1, &words);
    if (!command) {
        ear_ctl_fail(EAR_INVALID, "no command '%s'; see earshotctl --help", argv[1]);
        return EAR_EXIT_USAGE;
    }
    ear_exit status = run(command, argc - 1 - words, argv + 1 + words);
    ear_conf_release(&table, 1);
    return (int)status;
}

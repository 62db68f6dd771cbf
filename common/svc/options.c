#include "private.h"
#include <stdio.h>

extern char **environ;

#define DRAIN_MAX_MS (10 * 60 * 1000)

void ear_setup_fill(struct setup *setup, const struct ear_svc_def *def)
{
    const struct ear_conf_key keys[] = {
        EAR_CONF("EAR_HTTP", ENDPOINT, def->http_default, 0, 0, settings, http_listen,
                 "Where the HTTP server listens: host:port; host * is every address."),
        EAR_CONF("EAR_LOG_LEVEL", TEXT, "info", 0, 0, settings, log_level,
                 "Least level that is logged: debug, info, warn or error."),
        EAR_CONF("EAR_DRAIN_TIMEOUT", DURATION, "25s", 100, DRAIN_MAX_MS, settings,
                 drain_timeout_ms,
                 "How long work under way may take to end after SIGTERM; keep it below the time "
                 "after which the container engine kills."),
    };
    EAR_CHECK(def->table_count < TABLES_MAX);
    memcpy(setup->keys, keys, sizeof(keys));
    setup->tables[0] = (struct ear_conf_table){.title = "Every service",
                                               .keys = setup->keys,
                                               .count = EAR_COUNT(keys),
                                               .target = &setup->settings};
    for (size_t i = 0; i < def->table_count; i++) setup->tables[i + 1] = def->tables[i];
    setup->table_count = def->table_count + 1;
}

static void print_help(const struct setup *setup, const struct ear_svc_def *def)
{
    printf("earshot-%s %s: %s\n\n"
           "Usage: earshot-%s [--help | --version | --print-config | --print-config-docs]\n\n"
           "Configured by the environment. Exit codes: 0 stopped as asked, 1 could not start or\n"
           "a drain ran out of time, 2 bad configuration or usage.\n\n",
           def->name, EAR_VERSION, def->summary, def->name);
    ear_conf_help(setup->tables, setup->table_count, stdout);
}

static ear_err load(struct setup *setup)
{
    ear_level level;
    ear_err err = ear_conf_load(setup->tables, setup->table_count, environ, stderr);
    if (err != EAR_OK) return err;
    if (ear_log_parse_level(ear_str_from(setup->settings.log_level), &level) == EAR_OK) {
        return EAR_OK;
    }
    fprintf(stderr, "EAR_LOG_LEVEL: one of debug, info, warn, error\n");
    ear_conf_release(setup->tables, setup->table_count);
    return EAR_INVALID;
}

static bool load_or_say(struct setup *setup, const struct ear_svc_def *def, int *code)
{
    if (load(setup) == EAR_OK) return true;
    fprintf(stderr, "earshot-%s: the configuration is not usable; see earshot-%s --help\n",
            def->name, def->name);
    *code = 2;
    return false;
}

static void print(struct setup *setup, const struct ear_svc_def *def, const char *option, int *code)
{
    if (strcmp(option, "--help") == 0) {
        print_help(setup, def);
    } else if (strcmp(option, "--version") == 0) {
        printf("earshot-%s %s\n", def->name, EAR_VERSION);
    } else if (strcmp(option, "--print-config-docs") == 0) {
        ear_conf_markdown(setup->tables, setup->table_count, stdout);
    } else if (strcmp(option, "--print-config") == 0) {
        if (!load_or_say(setup, def, code)) return;
        ear_conf_print(setup->tables, setup->table_count, stdout);
        ear_conf_release(setup->tables, setup->table_count);
    } else {
        fprintf(stderr, "earshot-%s: do not understand \"%s\"; see --help\n", def->name, option);
        *code = 2;
    }
}

bool ear_svc_options(struct setup *setup, const struct ear_svc_def *def, int argc, char **argv,
                     int *code)
{
    *code = 0;
    if (argc < 2) return load_or_say(setup, def, code);
    if (argc > 2) {
        fprintf(stderr, "earshot-%s: \"%s\" is more than it takes; see --help\n", def->name,
                argv[2]);
        *code = 2;
        return false;
    }
    print(setup, def, argv[1], code);
    if (fflush(stdout) == 0 && !ferror(stdout)) return false;
    fprintf(stderr, "earshot-%s: standard output cannot be written\n", def->name);
    *code = 1;
    return false;
}

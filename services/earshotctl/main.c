/* earshotctl: the operator's tool. One process, one command. */
#include "commands.h"
#include "log/log.h"
#include "settings.h"
#include "json/json.h"

#include <stdio.h>

static struct ear_ctl ctl;

static void full_help(void)
{
    ear_ctl_help(stdout);
    fputc('\n', stdout);
    ear_settings_help(stdout);
}

/* Options that stand alone; -1 when the first word is none of them. */
static int run_alone(const char *word)
{
    if (strcmp(word, "--version") == 0) return puts("earshotctl " EAR_VERSION) < 0;
    if (ear_ctl_listed("--help -h help", word)) return full_help(), 0;
    if (strcmp(word, "--print-config-docs") == 0) return ear_settings_markdown(stdout), 0;
    if (strcmp(word, "--print-config") != 0) return -1;
    ear_exit status = ear_settings_load(&ctl);
    if (!status) ear_settings_print(stdout);
    ear_settings_release();
    return (int)status;
}

/* The first word that was meant as an option; NULL when there is none. */
static const char *short_option(int count, char **operands)
{
    for (int i = 0; i < count; i++)
        if (operands[i][0] == '-' && operands[i][1]) return operands[i];
    return NULL;
}

static ear_exit usage(const struct ear_ctl_command *command, int count, char **operands)
{
    const char *option = short_option(count, operands);
    if (count < command->min_operands)
        ear_ctl_fail(EAR_INVALID, "%s wants %s", command->name, command->operands);
    else if (option)
        ear_ctl_fail(EAR_INVALID, "%s: no option %s here", command->name, option);
    else
        ear_ctl_fail(EAR_INVALID, "%s: '%s' is more than it takes (texts need quotes)",
                     command->name, operands[command->max_operands]);
    ear_ctl_command_help(command, stderr);
    return EAR_EXIT_USAGE;
}

/* What the command printed has to have arrived: a full disk is no success. */
static ear_exit flushed(ear_exit status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    return ear_ctl_fail_file("standard output cannot be written");
}

static ear_exit run(const struct ear_ctl_command *command, int argc, char **argv)
{
    struct ear_diag diag = {0};
    int operands;
    if (ear_ctl_options_parse(argc, argv, command->options, &ctl.options, &operands, &diag)) {
        ear_ctl_fail(EAR_INVALID, "%s: %s", command->name, diag.text);
        return EAR_EXIT_USAGE;
    }
    if (ctl.options.help) return ear_ctl_command_help(command, stdout), flushed(EAR_EXIT_OK);
    bool many = command->max_operands >= 0 && operands > command->max_operands;
    if (operands < command->min_operands || many) return usage(command, operands, argv);
    ear_exit status = ear_settings_load(&ctl);
    if (status) return status;
    EAR_CHECK(ear_loop_new(&ctl.loop) == EAR_OK);
    status = command->run(&ctl, operands, argv);
    ear_pg_free(&ctl.pg);
    ear_loop_free(&ctl.loop);
    return flushed(status);
}

static ear_exit no_command(int argc, char **argv)
{
    const char *word = argv[1], *next = argc > 2 ? argv[2] : NULL;
    if (next && ear_ctl_listed("--help -h", next) && ear_ctl_group_help(word, stdout))
        return flushed(EAR_EXIT_OK);
    bool two = next && next[0] != '-';
    ear_ctl_fail(EAR_INVALID, "no command '%s%s%s'; see earshotctl --help", word, two ? " " : "",
                 two ? next : "");
    ear_ctl_group_help(word, stderr);
    return EAR_EXIT_USAGE;
}

/* "help case list" is "case list --help". */
static void turn_help(int argc, char **argv)
{
    static char option[] = "--help";
    if (argc < 3 || strcmp(argv[1], "help") != 0) return;
    for (int i = 1; i + 1 < argc; i++) argv[i] = argv[i + 1];
    argv[argc - 1] = option;
}

int main(int argc, char **argv)
{
    ear_streams_hold();
    turn_help(argc, argv);
    ear_crypt_start();
    ear_log_start("earshotctl", EAR_LOG_ERROR); /* what failed is said once, for people */
    ear_json_watch();
    if (argc < 2) return ear_ctl_help(stderr), EAR_EXIT_USAGE;
    int alone = run_alone(argv[1]);
    if (alone >= 0) return (int)flushed((ear_exit)alone);
    int words;
    const struct ear_ctl_command *command = ear_ctl_command_find(argc - 1, argv + 1, &words);
    if (!command) return (int)no_command(argc, argv);
    ear_exit status = run(command, argc - 1 - words, argv + 1 + words);
    ear_settings_release();
    return (int)status;
}

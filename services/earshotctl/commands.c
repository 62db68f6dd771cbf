#include "commands.h"

#include "care/apply.h"
#include "care/secrets.h"
#include "cases/case.h"
#include "cases/dead_letter.h"
#include "cases/presence.h"
#include "cases/trace.h"
#include "completion.h"
#include "health/probe.h"
#include "health/status.h"
#include "judge/classify.h"
#include "judge/evaluate.h"
#include "labels/export_labels.h"
#include "labels/relabel.h"
#include "learn/train.h"
#include "replay/replay.h"
#include "setup/keygen.h"
#include "setup/migrate.h"

const struct ear_ctl_command ear_ctl_commands[] = {
    {"migrate", "", "Bring the database to this program's schema.",
     "dry-run role-secrets json timeout", 0, 0, ear_migrate},
    {"apply", "FILE|-", "Make accounts, teams, agents and policies what care.yaml says.",
     "dry-run as json timeout", 1, 1, ear_apply},
    {"secrets", "FILE|-", "List the secrets that care.yaml names.", "dir json", 1, 1, ear_secrets},
    {"keygen", "DIR", "Make the CURVE keys of all services in a folder.", "json", 1, 1, ear_keygen},
    {"replay", "[FILE]", "Play a feed of JSON Lines into ingest (standard input without FILE).",
     "live account rate pace json timeout", 0, 1, ear_replay},
    {"train", "FOLDER|FILE …", "Learn a model from labelled posts (tab-separated, column text).",
     "out recipe heads validation lexicons texts outside network no-network cross-validate rows "
     "seed all",
     1, -1, ear_train},
    {"case list", "", "Show cases in the order of the queue.",
     "all state team agent account limit json timeout", 0, 0, ear_case_list},
    {"case show", "CASE_ID", "Show a case with its whole history.", "json timeout", 1, 1,
     ear_case_show},
    {"case reply", "CASE_ID TEXT --as AGENT", "Answer the customer (TEXT -: from standard input).",
     "as direct id reason json timeout", 2, 2, ear_case_reply},
    {"case note", "CASE_ID TEXT --as AGENT",
     "Leave a note for colleagues (TEXT -: from standard input).", "as id reason json timeout", 2,
     2, ear_case_note},
    {"case assign", "CASE_ID --to AGENT|--team TEAM",
     "Give a case to an agent or to a team's queue.", "to team as id reason json timeout", 1, 1,
     ear_case_assign},
    {"case resolve", "CASE_ID", "Close a case.", "code as id reason json timeout", 1, 1,
     ear_case_resolve},
    {"case reopen", "CASE_ID", "Open a closed case again.", "as id reason json timeout", 1, 1,
     ear_case_reopen},
    {"agent present", "AGENT", "An agent can take cases, whatever the shifts say.",
     "by-shift as id reason json timeout", 1, 1, ear_agent_present},
    {"agent away", "AGENT", "An agent takes no cases, whatever the shifts say.",
     "by-shift as id reason json timeout", 1, 1, ear_agent_away},
    {"agent list", "", "Show agents, who is present, and their load.", "team json timeout", 0, 0,
     ear_agent_list},
    {"trace", "POST_ID|CASE_ID", "Show the way of a post or case through all services.",
     "json timeout", 1, 1, ear_trace},
    {"dead-letter list", "", "Show posts that failed for good, and why.", "all limit json timeout",
     0, 0, ear_dead_letter_list},
    {"dead-letter retry", "ID…|all", "Put dead letters back on their lane.", "as json timeout", 1,
     -1, ear_dead_letter_retry},
    {"classify", "", "Say of each post on standard input what a model makes of it.",
     "model heads all why text coverage", 0, 0, ear_classify},
    {"evaluate", "MODEL DIR|FILE…", "Say how right a model is on labelled posts.",
     "heads against json card notes contamination", 1, -1, ear_evaluate},
    {"relabel", "POST_ID --head HEAD --label LABEL",
     "Keep what a post should have been called, for the next model.", "head label as json timeout",
     1, 1, ear_relabel},
    {"export-labels", "DIR", "Write the corrections as a folder for train and evaluate.",
     "since json timeout", 1, 1, ear_export_labels},
    {"status", "", "Ask every replica of every service how it is.", "json timeout", 0, 0,
     ear_status},
    {"probe", "URL", "Exit 0 when a service answers 200 there (health checks).", "timeout", 1, 1,
     ear_probe},
    {"completion", "", "Print the completion script for bash.", "", 0, 0, ear_completion},
};
const size_t ear_ctl_command_count = EAR_COUNT(ear_ctl_commands);

/* How many words of argv the name takes up; 0 when argv does not begin with it. */
static int words_matched(const char *name, int argc, char **argv)
{
    struct ear_str rest = ear_str_from(name), word;
    int words = 0;
    while (ear_str_split(&rest, ' ', &word)) {
        if (words >= argc || !ear_str_eq(word, ear_str_from(argv[words]))) return 0;
        words++;
    }
    return words;
}

const struct ear_ctl_command *ear_ctl_command_find(int argc, char **argv, int *words)
{
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        *words = words_matched(ear_ctl_commands[i].name, argc, argv);
        if (*words) return &ear_ctl_commands[i];
    }
    return NULL;
}

#define ABOUT_COLUMN 21 /* behind the longest name */

static void print_command(const struct ear_ctl_command *command, FILE *out)
{
    ear_ctl_help_row(command->name, ABOUT_COLUMN, command->about, out);
}

bool ear_ctl_group_help(const char *word, FILE *out)
{
    size_t len = strlen(word);
    bool any = false;
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        const struct ear_ctl_command *command = &ear_ctl_commands[i];
        if (strncmp(command->name, word, len) != 0 || command->name[len] != ' ') continue;
        print_command(command, out);
        any = true;
    }
    return any;
}

void ear_ctl_help(FILE *out)
{
    fputs("Usage: earshotctl COMMAND [OPTION]… [OPERAND]…\n"
          "Operate an Earshot deployment: schema, configuration, feeds, cases, health.\n\n",
          out);
    for (size_t i = 0; i < ear_ctl_command_count; i++) print_command(&ear_ctl_commands[i], out);
    fputs("\nearshotctl COMMAND --help says more; with --json most commands answer in JSON.\n"
          "earshotctl --help | --version | --print-config | --print-config-docs\n"
          "Exit codes: 0 done; 1 refused; 2 usage or environment; 3 a file is missing,\n"
          "unreadable or malformed; 4 database or service out of reach; 5 no such case,\n"
          "post, team or agent.\n",
          out);
}

void ear_ctl_command_help(const struct ear_ctl_command *command, FILE *out)
{
    fprintf(out, "Usage: earshotctl %s%s%s [OPTION]…\n%s\n\n", command->name,
            *command->operands ? " " : "", command->operands, command->about);
    ear_ctl_options_help(command->name, command->options, out);
    if (strstr(command->operands, "CASE_ID"))
        fputs("\nCASE_ID is a case's id, or at least the last 6 digits of it.\n", out);
    if (strstr(command->operands, "POST_ID"))
        fputs("\nPOST_ID is a post's whole id, as case show shows it.\n", out);
}

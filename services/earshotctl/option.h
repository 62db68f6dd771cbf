/* option: the options of earshotctl, one table for parsing, --help and completion. */
#ifndef EAR_CTL_OPTION_H
#define EAR_CTL_OPTION_H

#include "base/base.h"
#include <stdio.h>

/*        name            field          value     about */
#define EAR_CTL_OPTIONS(FLAG, VALUE)                                                               \
    FLAG("json", json, "print JSON instead of a table")                                            \
    FLAG("dry-run", dry_run, "print the plan and change nothing")                                  \
    FLAG("live", live, "play on the live lane instead of back-fill")                               \
    FLAG("direct", direct, "to the customer only, not in public")                                  \
    FLAG("all", all, "closed ones too")                                                            \
    FLAG("why", why, "with what spoke loudest for each label")                                     \
    FLAG("text", text, "lines are bare texts, not JSON")                                           \
    FLAG("network", network,                                                                       \
         "each head hears words in their order too; else those of many labels")                    \
    FLAG("no-network", no_network, "none does")                                                    \
    FLAG("contamination", contamination, "look for posts to judge by among those to train with")   \
    FLAG("card", card, "a model card in Markdown")                                                 \
    FLAG("by-shift", by_shift, "forget what was set by command; follow the shifts again")          \
    VALUE("as", as, "AGENT", "the agent who acts")                                                 \
    VALUE("reason", reason, "TEXT", "why; kept with the command")                                  \
    VALUE("id", id, "UUID",                                                                        \
          "the command's id (default: a new one): a repeat of it is carried out once")             \
    VALUE("code", code, "CODE",                                                                    \
          "why the case is settled: answered, explained, repaired, compensated, no_reply_needed, " \
          "spam, duplicate")                                                                       \
    VALUE("to", to, "AGENT", "the agent who gets the case")                                        \
    VALUE("team", team, "TEAM", "only this team's")                                                \
    VALUE("agent", agent, "AGENT", "only this agent's")                                            \
    VALUE("account", account, "ACCOUNT", "only this account's")                                    \
    VALUE("state", state, "STATE", "only open, waiting or closed ones")                            \
    VALUE("limit", limit, "N", "at most N rows (default 50)")                                      \
    VALUE("rate", rate, "N", "at most N posts a second (default: as many as ingest takes)")        \
    VALUE("pace", pace, "X",                                                                       \
          "X times as fast as the posts were written (1: at the original pace)")                   \
    VALUE("model", model, "FILE", "the model (default: EAR_MODEL, else the one that is shipped)")  \
    VALUE("heads", heads, "A,B", "only these heads; auxiliary ones are shown only when named")     \
    VALUE("head", head, "HEAD", "what is corrected: intent, topic, sentiment …")                   \
    VALUE("label", label, "LABEL", "what it should have been; - takes a correction back")          \
    VALUE("since", since, "TIME",                                                                  \
          "only what was said since, as 2026-07-01 or 2026-07-01T10:00:00Z")                       \
    VALUE("against", against, "MODEL", "compare with this model on the same rows")                 \
    VALUE("notes", notes, "FILE", "Markdown to stand in the card before the figures")              \
    VALUE("coverage", coverage, "PERCENT",                                                         \
          "answer about 1 to 100 % of posts, the rest is unsure (default: the model's own "        \
          "thresholds)")                                                                           \
    VALUE("out", out, "FILE", "where to write the model; short: -o FILE")                          \
    VALUE("recipe", recipe, "FILE", "how the files of the folder teach which heads")               \
    VALUE("validation", validation, "FILE", "labelled posts that choose and calibrate")            \
    VALUE("lexicons", lexicons, "DIR", "folder of word lists: afinn165, vader, cuss_en (.tsv)")    \
    VALUE("texts", texts, "A,B",                                                                   \
          "files and folders of posts without labels, whose words a network of all heads learns")  \
    VALUE("outside", outside, "LABEL", "the label that stands for everything else")                \
    VALUE("cross-validate", cross_validate, "K", "print the figures of K folds for each head")     \
    VALUE("rows", rows, "N", "at most N features in the model")                                    \
    VALUE("seed", seed, "N", "of folds and of the order of steps (default 1)")                     \
    VALUE("dir", dir, "DIR", "say of each whether it is there (EAR_SECRETS_DIR of the services)")  \
    VALUE("role-secrets", role_secrets, "DIR",                                                     \
          "set the roles' passwords from files DIR/earshot_*")                                     \
    VALUE("timeout", timeout, "DURATION",                                                          \
          "how long to wait for an answer, 100ms to 1h (default: EAR_CTL_TIMEOUT, 10s)")

struct ear_ctl_options {
#define FLAG(name, field, about)         bool field;
#define VALUE(name, field, value, about) const char *field;
    EAR_CTL_OPTIONS(FLAG, VALUE)
#undef FLAG
#undef VALUE
    bool help;
};

/* Sorts argv into options and operands (operands first on return, *operand_count of them). Only
 * options in `allowed` (space-separated names) are taken. EAR_INVALID with diag otherwise. */
ear_err ear_ctl_options_parse(int argc, char **argv, const char *allowed,
                              struct ear_ctl_options *out, int *operand_count,
                              struct ear_diag *diag) EAR_MUST_CHECK;
/* The lines of --help for the options in `allowed`, 80 columns wide, as they read for this command.
 */
void ear_ctl_options_help(const char *command, const char *allowed, FILE *out);
/* A line of help, "  WORD ABOUT": about begins at a column and is wrapped at 80. */
void ear_ctl_help_row(const char *word, int column, const char *about, FILE *out);
/* True when the space-separated list has the name. */
bool ear_ctl_listed(const char *list, const char *name);

#endif

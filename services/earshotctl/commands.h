/* commands: the one table of what earshotctl can do; --help, completion and dispatch come from it.
 */
#ifndef EAR_CTL_COMMANDS_H
#define EAR_CTL_COMMANDS_H

#include "ctl.h"

extern const struct ear_ctl_command ear_ctl_commands[];
extern const size_t ear_ctl_command_count;

/* The command whose words begin argv; *words is how many of them it took. NULL when there is
 * none. */
const struct ear_ctl_command *ear_ctl_command_find(int argc, char **argv, int *words);
void ear_ctl_help(FILE *out);
/* The commands that begin with this word, for `earshotctl case`. False when there is none. */
bool ear_ctl_group_help(const char *word, FILE *out);
void ear_ctl_command_help(const struct ear_ctl_command *command, FILE *out);

#endif

#include "completion.h"

#include "commands.h"

#include <stdio.h>

static void options_of(const struct ear_ctl_command *command)
{
    struct ear_str rest = ear_str_from(command->options), word;
    fputs("--help", stdout);
    while (ear_str_split(&rest, ' ', &word))
        if (word.len) printf(" --%.*s", EAR_STR_ARG(word));
}

/* The first words of all commands, each once: the table keeps them together. */
static void first_words(void)
{
    struct ear_str last = EAR_STR_NONE;
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        struct ear_str rest = ear_str_from(ear_ctl_commands[i].name), word;
        EAR_CHECK(ear_str_split(&rest, ' ', &word));
        if (!ear_str_eq(word, last)) printf("%s%.*s", last.ptr ? " " : "", EAR_STR_ARG(word));
        last = word;
    }
}

static void second_words_case(struct ear_str first)
{
    bool any = false;
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        struct ear_str rest = ear_str_from(ear_ctl_commands[i].name), word;
        EAR_CHECK(ear_str_split(&rest, ' ', &word));
        if (!ear_str_eq(word, first) || !rest.ptr) continue;
        if (!any) printf("        %.*s) words='", EAR_STR_ARG(first));
        printf("%s%.*s", any ? " " : "", EAR_STR_ARG(rest));
        any = true;
    }
    if (any) fputs("' ;;\n", stdout);
}

static void all_second_words(void)
{
    struct ear_str last = EAR_STR_NONE;
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        struct ear_str rest = ear_str_from(ear_ctl_commands[i].name), word;
        EAR_CHECK(ear_str_split(&rest, ' ', &word));
        if (!ear_str_eq(word, last)) second_words_case(word);
        last = word;
    }
}

ear_exit ear_completion(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)ctl, (void)argc, (void)argv;
    fputs("# bash completion of earshotctl: source <(earshotctl completion)\n"
          "_earshotctl()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then words='",
          stdout);
    first_words();
    fputs("'\n    else\n        case ${COMP_WORDS[1]} in\n", stdout);
    all_second_words();
    fputs("        esac\n"
          "        [ \"$COMP_CWORD\" -eq 2 ] && [ -n \"$words\" ] || words=\n"
          "        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
          stdout);
    for (size_t i = 0; i < ear_ctl_command_count; i++) {
        printf("        '%s'%s) words+=' ", ear_ctl_commands[i].name,
               strchr(ear_ctl_commands[i].name, ' ') ? "" : "*");
        options_of(&ear_ctl_commands[i]);
        fputs("' ;;\n", stdout);
    }
    fputs("        esac\n    fi\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "    case ${COMP_WORDS[1]} in apply | secrets | replay | keygen | evaluate | "
          "export-labels) [ "
          "\"${cur:0:1}\" = - ] ||\n"
          "        mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- \"$cur\") ;; esac\n"
          "}\ncomplete -F _earshotctl earshotctl\n",
          stdout);
    return EAR_EXIT_OK;
}

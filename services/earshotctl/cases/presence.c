#include "cases/presence.h"

#include "cases/command.h"
#include "cases/names.h"
#include "show.h"
#include "store_sql.h"

#include <stdio.h>

static ear_exit set_presence(struct ear_ctl *ctl, char *agent, bool present)
{
    Earshot__V1__PresenceCommand presence = EARSHOT__V1__PRESENCE_COMMAND__INIT;
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    presence.agent = agent;
    presence.present = present;
    presence.by_shift = ctl->options.by_shift;
    command.presence = &presence;
    command.body_case = EARSHOT__V1__COMMAND__BODY_PRESENCE;
    const char *how = ctl->options.by_shift ? "follows the shifts again"
                      : present             ? "is present, whatever the shifts say"
                                            : "is away, whatever the shifts say";
    char done[256];
    snprintf(done, sizeof(done), "%s %s", agent, how);
    return ear_ctl_command_send(ctl, &command, done);
}

ear_exit ear_agent_present(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    return set_presence(ctl, argv[0], true);
}

ear_exit ear_agent_away(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    return set_presence(ctl, argv[0], false);
}

static const struct ear_show_column columns[] = {
    {"agent", "AGENT", EAR_SHOW_TEXT, 0, 0},     {"name", "NAME", EAR_SHOW_TEXT, 8, 0},
    {"team", "TEAM", EAR_SHOW_TEXT, 0, 5},       {"present", "PRESENT", EAR_SHOW_BOOL, 0, 0},
    {"by", "BY", EAR_SHOW_TEXT, 0, 3},           {"since", "SINCE", EAR_SHOW_TIME, 0, 1},
    {"open_cases", "OPEN", EAR_SHOW_INT, 0, 0},  {"capacity", "CAPACITY", EAR_SHOW_INT, 0, 4},
    {"languages", "LANGS", EAR_SHOW_TEXT, 8, 2}, {"idle_since", NULL, EAR_SHOW_TIME, 0, 0},
    {"on_shift", NULL, EAR_SHOW_BOOL, 0, 0},     {"set_by", NULL, EAR_SHOW_TEXT, 0, 0},
    {"sign_off", NULL, EAR_SHOW_TEXT, 0, 0},
};

ear_exit ear_agent_list(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc, (void)argv;
    ear_exit status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_AGENTS);
    ear_pg_text(batch, ear_str_from(ctl->options.team));
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status) {
        json_t *rows = ear_show_rows(results.items[0], columns, EAR_COUNT(columns));
        if (json_array_size(rows) == 0) status = ear_names_check(ctl);
        if (!status)
            ear_show_table(ctl, rows, columns, EAR_COUNT(columns),
                           ctl->options.team ? "no agents" : "no agents: see earshotctl apply");
        json_decref(rows);
    }
    ear_pg_results_release(&results);
    return status;
}

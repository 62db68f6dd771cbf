/* earshot-assignment: owns cases: whose matter it is, who has it, until when it must be answered.
 */
#include "assignment.h"

#define KEY(name, type, fallback, min, max, field, about) \
    EAR_CONF(name, type, fallback, min, max, ear_assignment_settings, field, about)

static const struct ear_conf_key keys[] = {
    KEY("EAR_PG", TEXT, NULL, 0, 0, pg,
        "Where PostgreSQL is: a libpq connection string for the role earshot_assignment; of "
        "several hosts the one that takes writes."),
    KEY("EAR_PG_PASSWORD", SECRET, "", 0, 0, pg_password,
        "Password of the role; better a file named by EAR_PG_PASSWORD_FILE."),
    KEY("EAR_BUS_KEY_FILE", TEXT, "", 0, 0, bus_key_file,
        "CURVE secret key of this service; without it only loopback addresses are used."),
    KEY("EAR_BUS_PEERS_FILE", TEXT, "", 0, 0, bus_peers_file,
        "Public keys of the services, as written by earshotctl keygen."),
    KEY("EAR_ASSIGNMENT_CLASSIFIERS", TEXT, "localhost:5702", 0, 0, classifiers,
        "Where triaged posts come from: host:port, comma-separated; a name may stand for many."),
    KEY("EAR_ASSIGNMENT_BUS", ENDPOINT, "*:5703", 0, 0, bus, "Where responders fetch replies."),
    KEY("EAR_ASSIGNMENT_COMMANDS", ENDPOINT, "*:5704", 0, 0, commands, "Where commands are taken."),
    KEY("EAR_ASSIGNMENT_AT_ONCE", INT, "2", 1, 32, at_once,
        "Batches decided at the same time; three more connections serve commands and clocks."),
};

int main(int argc, char **argv)
{
    const struct ear_conf_table table = {.title = "Assignment",
                                         .keys = keys,
                                         .count = EAR_COUNT(keys),
                                         .target = &ear_assignment_settings};
    const struct ear_svc_def def = {.name = "assignment",
                                    .summary = "Owns cases: threads posts into them, sets their "
                                               "clocks, finds who takes them.",
                                    .tables = &table,
                                    .table_count = 1,
                                    .http_default = "*:8082",
                                    .start = ear_assignment_start,
                                    .ready = ear_assignment_ready,
                                    .reload = ear_assignment_reload,
                                    .describe = ear_assignment_describe,
                                    .drain = ear_assignment_drain,
                                    .stop = ear_assignment_stop};
    return ear_svc_run(&def, argc, argv);
}

/* commands: what agents, operators and the responder ask for, over the bus. A command is carried
 * out once: its result is a row of table command, written with what it did, and a repeat of its
 * id, on any replica, gets that result. The answer goes out after the commit. */
#ifndef EAR_ASSIGNMENT_COMMANDS_H
#define EAR_ASSIGNMENT_COMMANDS_H

#include "bus/bus.h"
#include "ground.h"

struct ear_commands;

struct ear_commands_opts {
    const char *endpoint;
    ear_loop_fn *room;  /* somebody may have a hand free: the queue should be looked at */
    ear_loop_fn *reply; /* a reply is due */
    void *self;
};

ear_err ear_commands_new(struct ear_commands **out, const struct ear_ground *ground,
                         struct ear_bus *bus, const struct ear_commands_opts *opts,
                         struct ear_diag *diag) EAR_MUST_CHECK;
/* A command of this replica itself, packed; nobody waits for its answer. */
void ear_commands_take(struct ear_commands *commands, struct ear_str packed);
/* After ear_pg_free. */
void ear_commands_free(struct ear_commands **commands);
size_t ear_commands_active(const struct ear_commands *commands);
/* New ones are answered "unavailable": another replica takes them. */
void ear_commands_drain(struct ear_commands *commands);

#endif

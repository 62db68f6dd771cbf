/* sender: who sent a message, as CURVE proved it, and whether that one may. Private to bus. */
#ifndef EAR_BUS_SENDER_H
#define EAR_BUS_SENDER_H

#include "bus/core.h"
#include <zmq.h>

/* Both "" without CURVE. Borrowed from the message. */
struct ear_sender {
    const char *service;
    const char *key; /* Z85 */
};

struct ear_sender ear_sender_of(zmq_msg_t *part);
/* Whether the key is still listed: it may have been taken out since its owner connected. */
bool ear_sender_listed(const struct ear_bus *bus, const char *service, const char *key);

/* The services that one end of ours is there for. Zeroed: all that have a key. */
struct ear_admission {
    char services[256]; /* with commas */
};

void ear_admission_set(struct ear_admission *admission, const char *services);
/* Without CURVE (service "") there is nobody to be kept out. */
bool ear_admission_has(const struct ear_admission *admission, const char *service);

#endif

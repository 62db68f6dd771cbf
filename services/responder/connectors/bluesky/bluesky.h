/* bluesky: the responder half: replies as posts under keys of our own. */
#ifndef EAR_RESPONDER_BLUESKY_H
#define EAR_RESPONDER_BLUESKY_H

#include "connector.h"

extern const struct ear_connector_out ear_bluesky_out;

#endif

/* events: what the receiver logs. */
#ifndef EAR_RECEIVER_EVENTS_H
#define EAR_RECEIVER_EVENTS_H

#include "log/log.h"

#define EAR_EVENT EAR_EVENT_DECLARE
#include "events.def"
#undef EAR_EVENT

#endif

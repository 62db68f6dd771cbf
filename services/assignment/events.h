/* events: what assignment logs. */
#ifndef EAR_ASSIGNMENT_EVENTS_H
#define EAR_ASSIGNMENT_EVENTS_H

#include "log/log.h"

#define EAR_EVENT EAR_EVENT_DECLARE
#include "events.def"
#undef EAR_EVENT

#endif

/* events: what the bus logs. Private to bus. */
#ifndef EAR_BUS_EVENTS_H
#define EAR_BUS_EVENTS_H

#include "log/log.h"

#define EAR_EVENT EAR_EVENT_DECLARE
#include "bus/events.def"
#undef EAR_EVENT

#endif

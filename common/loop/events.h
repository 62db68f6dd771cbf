/* events: what loop logs. Private to loop. */
#ifndef EAR_LOOP_EVENTS_H
#define EAR_LOOP_EVENTS_H

#include "log/log.h"

#define EAR_EVENT EAR_EVENT_DECLARE
#include "events.def"
#undef EAR_EVENT

#endif

#include "events.h"

#define EAR_EVENT EAR_EVENT_DEFINE
#include "events.def"
#undef EAR_EVENT

#define EAR_METRIC EAR_METRIC_DEFINE
#include "metrics.def"
#undef EAR_METRIC

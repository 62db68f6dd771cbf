#include "bus/events.h"
#include "bus/metrics.h"

#define EAR_EVENT EAR_EVENT_DEFINE
#include "bus/events.def"
#undef EAR_EVENT

#define EAR_METRIC EAR_METRIC_DEFINE
#include "bus/metrics.def"
#undef EAR_METRIC

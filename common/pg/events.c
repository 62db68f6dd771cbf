#include "pg/events.h"

#define EAR_EVENT EAR_EVENT_DEFINE
#include "pg/events.def"
#undef EAR_EVENT
#define EAR_METRIC EAR_METRIC_DEFINE
#include "pg/metrics.def"
#undef EAR_METRIC

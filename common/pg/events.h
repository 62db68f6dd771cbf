/* events: what pg logs. Private to pg. */
#ifndef EAR_PG_EVENTS_H
#define EAR_PG_EVENTS_H

#include "log/log.h"
#include "metric/metric.h"

#define EAR_EVENT EAR_EVENT_DECLARE
#include "pg/events.def"
#undef EAR_EVENT
#define EAR_METRIC EAR_METRIC_DECLARE
#include "pg/metrics.def"
#undef EAR_METRIC

#endif

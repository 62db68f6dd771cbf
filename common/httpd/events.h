/* events: what httpd logs and counts. Private to httpd. */
#ifndef EAR_HTTPD_EVENTS_H
#define EAR_HTTPD_EVENTS_H

#include "log/log.h"
#include "metric/metric.h"

#define EAR_EVENT EAR_EVENT_DECLARE
#include "events.def"
#undef EAR_EVENT

#define EAR_METRIC EAR_METRIC_DECLARE
#include "metrics.def"
#undef EAR_METRIC

#endif

/* metrics: what the bus counts. Private to bus. */
#ifndef EAR_BUS_METRICS_H
#define EAR_BUS_METRICS_H

#include "metric/metric.h"

#define EAR_METRIC EAR_METRIC_DECLARE
#include "bus/metrics.def"
#undef EAR_METRIC

#endif

/* metrics: what assignment counts. */
#ifndef EAR_ASSIGNMENT_METRICS_H
#define EAR_ASSIGNMENT_METRICS_H

#include "metric/metric.h"

#define EAR_METRIC EAR_METRIC_DECLARE
#include "metrics.def"
#undef EAR_METRIC

#endif

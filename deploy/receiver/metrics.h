/* metrics: what the receiver counts. */
#ifndef EAR_RECEIVER_METRICS_H
#define EAR_RECEIVER_METRICS_H

#include "metric/metric.h"

#define EAR_METRIC EAR_METRIC_DECLARE
#include "metrics.def"
#undef EAR_METRIC

#endif

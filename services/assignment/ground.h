/* ground: what every driver of the service stands on. Borrowed by all, owned by the service. */
#ifndef EAR_ASSIGNMENT_GROUND_H
#define EAR_ASSIGNMENT_GROUND_H

#include "care_cache.h"
#include "leases.h"
#include "loop/loop.h"
#include "models.h"
#include "pg/pg.h"

typedef enum ear_lease_name {
    EAR_LEASE_REPLIES, /* offering what is due */
    EAR_LEASE_QUEUE,   /* giving out queued cases */
    EAR_LEASE_TIMERS,  /* and the 15 behind it: a bucket each */
} ear_lease_name;

struct ear_ground {
    struct ear_loop *loop;
    struct ear_pg *pg;
    struct ear_care_cache *care;
    struct ear_leases *leases;
    struct ear_models *models;
};

#endif

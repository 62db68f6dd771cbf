/* replica: "ingest=ingest:8080,classifier=…" and what stands behind each name. Pure. */
#ifndef EAR_CTL_REPLICA_H
#define EAR_CTL_REPLICA_H

#include "base/base.h"
#include <jansson.h>

#define EAR_REPLICA_NAME_BYTES 64
#define EAR_REPLICA_HOST_BYTES 256

/* One "service=host:port". */
struct ear_replica_place {
    char service[EAR_REPLICA_NAME_BYTES];
    char host[EAR_REPLICA_HOST_BYTES]; /* without brackets */
    uint16_t port;
};

/* Cuts the next place off *list. False at its end. EAR_INVALID with diag for what is no place. */
bool ear_replica_next(struct ear_str *list, struct ear_replica_place *place, ear_err *err,
                      struct ear_diag *diag);
/* "http://[::1]:8080/readyz" */
void ear_replica_url(const char *address, uint16_t port, char *text, size_t size_bytes);

/* A row of the table out of what /readyz answered (NULL: why_not says why there is no answer). New
 * reference. */
json_t *ear_replica_row(const char *service, const char *address, uint16_t port,
                        const json_t *answer, const char *why_not);
/* For people: its WHY says as well which accounts cannot be heard or answer, since when and why. */
void ear_replica_tell_failing(json_t *row);
/* One name may give addresses of both families to one process: of rows of one service and port,
 * drops those without an answer whose family nobody answers on while the other one does, those of
 * an instance that is there already, and of a localhost that is silent ::1. */
void ear_replica_unify(json_t *rows);

#endif

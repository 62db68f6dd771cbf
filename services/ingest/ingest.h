/* ingest: the service as a whole: which room is made when, who tells whom, and in which order all
 * ends. The callbacks of common/svc. */
#ifndef EAR_INGEST_H
#define EAR_INGEST_H

#include "settings.h"
#include "svc/svc.h"

/* Filled by svc from main.c's table before ear_ingest_start. */
extern struct ear_ingest_settings ear_ingest_settings;

ear_err ear_ingest_start(struct ear_svc *svc, void **self, struct ear_diag *diag);
ear_err ear_ingest_reload(void *self, struct ear_diag *diag);
bool ear_ingest_ready(void *self, struct ear_diag *why);
void ear_ingest_describe(void *self, struct ear_buf *json);
void ear_ingest_drain(void *self);
void ear_ingest_stop(void *self);

#endif

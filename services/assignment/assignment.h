/* assignment: the service as a whole: what it is made of, when it is ready, how it ends. */
#ifndef EAR_ASSIGNMENT_ASSIGNMENT_H
#define EAR_ASSIGNMENT_ASSIGNMENT_H

#include "svc/svc.h"

struct ear_assignment_settings {
    const char *pg;
    const char *pg_password;
    const char *bus_key_file;
    const char *bus_peers_file;
    const char *classifiers;
    const char *bus;
    const char *commands;
    int64_t at_once;
};

/* Filled by ear_svc_run before start. */
extern struct ear_assignment_settings ear_assignment_settings;

/* As ear_svc_def asks for them. */
ear_err ear_assignment_start(struct ear_svc *svc, void **self, struct ear_diag *diag);
ear_err ear_assignment_reload(void *self, struct ear_diag *diag);
bool ear_assignment_ready(void *self, struct ear_diag *why);
void ear_assignment_describe(void *self, struct ear_buf *json);
void ear_assignment_drain(void *self);
void ear_assignment_stop(void *self);

#endif

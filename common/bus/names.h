/* names: the addresses behind "host:port[,host:port…]" and a link to each. Names are resolved
 * again and again: replicas come and go. Private to bus. */
#ifndef EAR_BUS_NAMES_H
#define EAR_BUS_NAMES_H

#include "bus/link.h"

struct ear_names;

ear_err ear_names_new(struct ear_names **out, struct ear_bus *bus, const char *text,
                      const char *service, const struct ear_bus_link_ops *ops, void *self,
                      struct ear_diag *diag) EAR_MUST_CHECK;
/* Links get linger_ms to deliver what was sent. */
void ear_names_free(struct ear_names **names, int linger_ms);
/* First of the links; go on with ->next. A link goes away only between turns of the caller. */
struct ear_bus_link *ear_names_first(const struct ear_names *names);
/* True when a link is live; otherwise why names the first that is unknown or refused, or else that
 * does not answer. */
bool ear_names_reach(const struct ear_names *names, struct ear_diag *why);

#endif

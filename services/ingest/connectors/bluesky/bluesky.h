/* bluesky: the ingest half: notifications of mentions, replies and quotes, polled. */
#ifndef EAR_INGEST_BLUESKY_H
#define EAR_INGEST_BLUESKY_H

#include "connector.h"

extern const struct ear_connector_in ear_bluesky_in;

#endif

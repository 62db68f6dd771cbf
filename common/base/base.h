/* base: what every other module stands on. Layer 0, no I/O but small files, no globals,
 * safe from any thread as long as an object stays with one thread.
 *
 * This is the module's one public header; each room below documents itself. */
#ifndef EAR_BASE_H
#define EAR_BASE_H

#include "base/arena.h"
#include "base/backoff.h"
#include "base/buf.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/id.h"
#include "base/map.h"
#include "base/num.h"
#include "base/signals.h"
#include "base/str.h"
#include "base/streams.h"

#endif

/* file: small files read at start (secrets, keys, configuration). Blocks: never on a loop. */
#ifndef EAR_BASE_FILE_H
#define EAR_BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the whole file up to the ceiling of `out`; diag names the path and the reason. */
ear_err ear_file_read(const char *path, struct ear_buf *out, struct ear_diag *diag) EAR_MUST_CHECK;
/* The file without its trailing line end: how *_FILE secrets are read. EAR_INVALID when nothing is
 * left. */
ear_err ear_file_read_secret(const char *path, struct ear_buf *out,
                             struct ear_diag *diag) EAR_MUST_CHECK;
/* Written beside and renamed over, fsynced, with the given mode. EAR_INVALID where something else
 * than a plain file has that name: a folder, a device, a link. A signal that ends us waits
 * meanwhile, where no other thread of the process takes it (those of loop and of ZeroMQ take none):
 * then only SIGKILL leaves "path.XXXXXX" behind. */
ear_err ear_file_write(const char *path, struct ear_str content, unsigned mode,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* Whether that would begin well now: for whoever has long work before the writing. */
ear_err ear_file_can_write(const char *path, struct ear_diag *diag) EAR_MUST_CHECK;

#endif

#include "base/file.h"

#include "base/check.h"
#include "base/signals.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)16384)

static ear_err fail_errno(struct ear_diag *diag, const char *verb, const char *path)
{
    int code = errno;
    ear_err err = code == ENOENT                                        ? EAR_NOT_FOUND
                  : code == EACCES || code == EPERM || code == EROFS    ? EAR_DENIED
                  : code == EISDIR || code == ENOTDIR || code == EINVAL ? EAR_INVALID
                                                                        : EAR_IO;
    return ear_fail(diag, err, "cannot %s %s: %s", verb, path, strerror(code));
}

static ear_err reserve_chunk(struct ear_buf *out, size_t *room)
{
    size_t left = out->max - out->len;
    *room = left < CHUNK_BYTES ? left : CHUNK_BYTES;
    return ear_buf_reserve(out, *room);
}

/* One read; *end once there is nothing more. At the ceiling one byte more tells whether the
 * file is too large or just fits. */
static ear_err read_some(int fd, struct ear_buf *out, bool *end)
{
    char probe;
    size_t room;
    ear_err err = reserve_chunk(out, &room);
    if (err) return err;
    ssize_t got = read(fd, room ? out->data + out->len : &probe, room ? room : 1);
    if (got < 0) return errno == EINTR ? EAR_OK : EAR_IO;
    if (got > 0 && room == 0) return EAR_TOO_LARGE;
    out->len += (size_t)got;
    out->data[out->len] = '\0';
    *end = got == 0;
    return EAR_OK;
}

ear_err ear_file_read(const char *path, struct ear_buf *out, struct ear_diag *diag)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(diag, "open", path);
    size_t before = out->len;
    ear_err err = EAR_OK;
    bool end = false;
    while (!err && !end) err = read_some(fd, out, &end);
    if (err == EAR_IO)
        err = fail_errno(diag, "read", path);
    else if (err == EAR_TOO_LARGE)
        ear_fail(diag, err, "%s is larger than the %zu bytes it may have", path, out->max - before);
    else if (err)
        ear_fail(diag, err, "cannot read %s: %s", path, ear_err_text(err));
    if (err) out->len = before;
    if (out->data) out->data[out->len] = '\0';
    close(fd);
    return err;
}

ear_err ear_file_read_secret(const char *path, struct ear_buf *out, struct ear_diag *diag)
{
    size_t before = out->len;
    ear_err err = ear_file_read(path, out, diag);
    if (err) return err;
    if (out->len > before && out->data[out->len - 1] == '\n') out->len--;
    if (out->len > before && out->data[out->len - 1] == '\r') out->len--;
    out->data[out->len] = '\0';
    if (out->len == before) return ear_fail(diag, EAR_INVALID, "%s is empty", path);
    return EAR_OK;
}

static bool write_all(int fd, struct ear_str content)
{
    while (content.len > 0) {
        ssize_t put = write(fd, content.ptr, content.len);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return false;
        content.ptr += put;
        content.len -= (size_t)put;
    }
    return true;
}

/* Without this the new name may be lost in a power cut although the bytes are there. */
static bool sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    struct ear_str name = {path, slash ? (size_t)(slash - path) : 0};
    if (!slash) name = EAR_STR(".");
    if (slash == path) name = EAR_STR("/");
    if (!ear_str_copy(folder, sizeof(folder), name)) return false;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool ok = fsync(fd) == 0;
    return close(fd) == 0 && ok;
}

/* To be renamed over `path` once it is whole. A name that stands for something else than a file, as
 * /dev/null or /dev/stdout, would be lost to it. */
static ear_err open_beside(const char *path, char beside[PATH_MAX], int *fd, struct ear_diag *diag)
{
    struct stat there;
    if (lstat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return ear_fail(diag, EAR_INVALID, "cannot write %s: it is there and is no plain file",
                        path);
    int len = snprintf(beside, PATH_MAX, "%s.XXXXXX", path);
    if (len < 0 || len >= PATH_MAX)
        return ear_fail(diag, EAR_INVALID, "cannot write %s: the path is too long", path);
    *fd = mkostemp(beside, O_CLOEXEC);
    return *fd < 0 ? fail_errno(diag, "write beside", path) : EAR_OK;
}

ear_err ear_file_can_write(const char *path, struct ear_diag *diag)
{
    char beside[PATH_MAX];
    sigset_t before;
    int fd = -1;
    ear_signals_hold(&before);
    ear_err err = open_beside(path, beside, &fd, diag);
    if (!err) {
        close(fd);
        unlink(beside);
    }
    ear_signals_let(&before);
    return err;
}

static ear_err write_beside(const char *path, struct ear_str content, unsigned mode,
                            struct ear_diag *diag)
{
    char beside[PATH_MAX];
    int fd = -1;
    ear_err err = open_beside(path, beside, &fd, diag);
    if (err) return err;
    bool ok = fchmod(fd, (mode_t)mode) == 0 && write_all(fd, content) && fsync(fd) == 0;
    int code = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        code = errno;
    }
    errno = code;
    if (ok && rename(beside, path) == 0 && sync_folder(path)) return EAR_OK;
    err = fail_errno(diag, "write", path);
    unlink(beside);
    return err;
}

ear_err ear_file_write(const char *path, struct ear_str content, unsigned mode,
                       struct ear_diag *diag)
{
    sigset_t before;
    ear_signals_hold(&before);
    ear_err err = write_beside(path, content, mode, diag);
    ear_signals_let(&before);
    return err;
}

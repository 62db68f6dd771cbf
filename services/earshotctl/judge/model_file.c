#include "judge/model_file.h"

#include <stdio.h>
#include <unistd.h>

/* Beside the program's own folder, installed or built; NULL when it is not there. */
static const char *shipped(char *path, size_t size_bytes)
{
    char program[4096];
    ssize_t len = readlink("/proc/self/exe", program, sizeof(program) - 1);
    char *slash = len > 0 ? memrchr(program, '/', (size_t)len) : NULL;
    if (!slash) return NULL;
    *slash = '\0';
    int need = snprintf(path, size_bytes, "%s/../share/earshot/earshot.model", program);
    bool fits = need > 0 && (size_t)need < size_bytes;
    return fits && access(path, R_OK) == 0 ? path : NULL;
}

ear_exit ear_ctl_model_open(const struct ear_ctl *ctl, const char *path, struct ear_model **out)
{
    char found[4096 + 64];
    struct ear_diag diag = {0};
    if (!path && ctl->settings.model && *ctl->settings.model) path = ctl->settings.model;
    if (!path) path = shipped(found, sizeof(found));
    if (!path) {
        ear_ctl_fail(EAR_INVALID, "no model: name a file with --model or in EAR_MODEL; none is "
                                  "installed beside this program");
        return EAR_EXIT_USAGE;
    }
    ear_err err = ear_model_load(path, out, &diag);
    return err ? ear_ctl_fail_file("%s", diag.text) : EAR_EXIT_OK;
}

#include "judge/tsv_files.h"

#include "learn/dataset.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

bool ear_tsv_held_out(const char *path)
{
    return ear_dataset_part_of(path) != EAR_DATASET_TRAIN;
}

static int is_tsv(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return *entry->d_name != '.' && len > 4 && strcmp(entry->d_name + len - 4, ".tsv") == 0;
}

static int is_held_out_tsv(const struct dirent *entry)
{
    return is_tsv(entry) && ear_tsv_held_out(entry->d_name);
}

static ear_err take_folder(const char *path, struct dirent **entries, int count,
                           ear_err (*take)(void *, const char *, struct ear_diag *), void *self,
                           struct ear_diag *diag)
{
    ear_err err = EAR_OK;
    size_t size_bytes = strlen(path) + sizeof(entries[0]->d_name) + 2;
    char *file = ear_alloc(size_bytes);
    for (int i = 0; i < count && !err; i++) {
        snprintf(file, size_bytes, "%s/%s", path, entries[i]->d_name);
        err = take(self, file, diag);
    }
    free(file);
    return err;
}

/* In the byte order of names, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

ear_err ear_tsv_each(const char *path, ear_tsv_part part,
                     ear_err (*take)(void *self, const char *path, struct ear_diag *diag),
                     void *self, struct ear_diag *diag)
{
    struct stat what;
    struct dirent **entries = NULL;
    int count = 0;
    if (stat(path, &what) != 0)
        return ear_fail(diag, EAR_NOT_FOUND, "%s: %s", path, strerror(errno));
    if (!S_ISDIR(what.st_mode)) return take(self, path, diag);
    if (part == EAR_TSV_HELD_OUT) count = scandir(path, &entries, is_held_out_tsv, by_name);
    if (count == 0) {
        free(entries);
        count = scandir(path, &entries, is_tsv, by_name);
    }
    if (count < 0) return ear_fail(diag, EAR_IO, "%s: %s", path, strerror(errno));
    ear_err err = count ? take_folder(path, entries, count, take, self, diag)
                        : ear_fail(diag, EAR_NOT_FOUND, "%s: no *.tsv in this folder", path);
    while (count > 0) free(entries[--count]);
    free(entries);
    return err;
}

/* What Prometheus' client libraries say about any process, under their names. */
#include "metric/series.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

static ear_err put(struct ear_buf *out, const char *name, const char *kind, const char *help,
                   double value)
{
    return ear_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, kind,
                          name, value);
}

static double cpu_seconds(void)
{
    struct rusage use;
    if (getrusage(RUSAGE_SELF, &use) != 0) return 0;
    double seconds = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec);
    return seconds + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

/* The second field of /proc/self/statm, in pages. */
static double resident_bytes(void)
{
    char text[256];
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t got = read(fd, text, sizeof(text));
    close(fd);
    struct ear_str rest = {text, got > 0 ? (size_t)got : 0};
    struct ear_str field;
    uint64_t pages;
    if (!ear_str_split(&rest, ' ', &field) || !ear_str_split(&rest, ' ', &field)) return 0;
    if (ear_num_u64(field, UINT32_MAX, &pages)) return 0;
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static double open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder) return 0;
    double count = -1; /* the folder's own */
    for (const struct dirent *e; (e = readdir(folder));) count += e->d_name[0] != '.';
    closedir(folder);
    return count;
}

static double open_files_max(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (double)limit.rlim_cur : 0;
}

ear_err ear_metric_render_process(struct ear_buf *out)
{
    ear_err err = put(out, "process_cpu_seconds_total", "counter",
                      "User and system CPU time of this process.", cpu_seconds());
    if (!err)
        err = put(out, "process_resident_memory_bytes", "gauge", "Memory that is in RAM.",
                  resident_bytes());
    if (!err) err = put(out, "process_open_fds", "gauge", "Open file descriptors.", open_files());
    if (!err)
        err = put(out, "process_max_fds", "gauge", "Most file descriptors this process may open.",
                  open_files_max());
    return err;
}

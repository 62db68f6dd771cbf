#include "setup/keygen.h"

#include "bus/bus.h"
#include "show.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const services[] = {"ingest", "classifier", "assignment", "responder",
                                       "operator"};

/* The line of the service in the peers file as it is; EAR_STR_NONE when it has none. */
static struct ear_str public_key_of(struct ear_str peers, const char *service)
{
    struct ear_str line, name;
    while (ear_str_split(&peers, '\n', &line))
        if (ear_str_split(&line, ' ', &name) && ear_str_eq(name, ear_str_from(service)))
            return ear_str_trim(line);
    return EAR_STR_NONE;
}

static ear_err make_pair(const char *dir, const char *service, struct ear_buf *peers,
                         struct ear_diag *diag)
{
    char public_key[41], secret_key[41], path[4096];
    snprintf(path, sizeof(path), "%s/%s.key", dir, service);
    ear_bus_keypair(public_key, secret_key);
    ear_err err = ear_file_write(path, ear_str_from(secret_key), 0600, diag);
    ear_secret_wipe(secret_key, sizeof(secret_key));
    return err ? err : ear_buf_printf(peers, "%s %s\n", service, public_key);
}

static ear_err keep_or_make(const char *dir, const char *service, struct ear_str old,
                            struct ear_buf *peers, json_t *made, struct ear_diag *diag)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.key", dir, service);
    struct ear_str key = public_key_of(old, service);
    if (key.len > 0 && access(path, F_OK) == 0)
        return ear_buf_printf(peers, "%s %.*s\n", service, EAR_STR_ARG(key));
    json_array_append_new(made, json_string(service));
    return make_pair(dir, service, peers, diag);
}

static ear_err make_all(const char *dir, json_t *made, struct ear_diag *diag)
{
    char path[4096];
    struct ear_buf old, peers;
    ear_buf_init(&old, 65536);
    ear_buf_init(&peers, 65536);
    snprintf(path, sizeof(path), "%s/peers", dir);
    ear_err err = EAR_OK;
    if (mkdir(dir, 0755) && errno != EEXIST)
        err = ear_fail(diag, EAR_IO, "cannot make %s: %s", dir, strerror(errno));
    else if (access(path, F_OK) == 0)
        err = ear_file_read(path, &old, diag);
    for (size_t i = 0; !err && i < EAR_COUNT(services); i++)
        err = keep_or_make(dir, services[i], ear_buf_str(&old), &peers, made, diag);
    if (!err) err = ear_file_write(path, ear_buf_str(&peers), 0644, diag);
    ear_buf_release(&old);
    ear_buf_release(&peers);
    return err;
}

ear_exit ear_keygen(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct ear_diag diag = {0};
    json_t *made = json_array();
    ear_exit status = EAR_EXIT_OK;
    ear_err err = make_all(argv[0], made, &diag);
    if (err)
        status = ear_ctl_fail_file("keygen: %s", diag.text);
    else if (ctl->options.json)
        ear_show_json(made);
    else
        printf("%zu key%s made in %s, %zu kept; give each service its SERVICE.key and all of them "
               "the file peers\n",
               json_array_size(made), json_array_size(made) == 1 ? "" : "s", argv[0],
               EAR_COUNT(services) - json_array_size(made));
    json_decref(made);
    return status;
}

#include "conf/conf.h"

#include "conf/value.h"
#include <stdlib.h>

#define SECRET_BYTES_MAX ((size_t)65536)

struct load {
    const struct ear_conf_table *tables;
    size_t count;
    char **env;
    FILE *complaints;
    size_t mistakes;
};

/* The value of NAME<suffix>; ptr NULL when it is not there. Empty counts as not there, since
 * Compose passes ${X:-} on as an empty value. */
static struct ear_str find(char **env, const char *name, const char *suffix)
{
    size_t name_len = strlen(name);
    size_t suffix_len = strlen(suffix);
    for (; env && *env; env++) {
        if (strncmp(*env, name, name_len) != 0) continue;
        const char *rest = *env + name_len;
        if (strncmp(rest, suffix, suffix_len) != 0 || rest[suffix_len] != '=') continue;
        struct ear_str value = ear_str_from(rest + suffix_len + 1);
        return value.len ? value : EAR_STR_NONE;
    }
    return EAR_STR_NONE;
}

static void complain(struct load *load, const char *name, const char *what)
{
    fprintf(load->complaints, "%s: %s\n", name, what);
    load->mistakes++;
}

static void read_secret_file(struct load *load, const struct ear_conf_key *key, const char *path,
                             void *target)
{
    struct ear_buf secret;
    struct ear_diag diag = {0};
    char name[128];
    ear_buf_init(&secret, SECRET_BYTES_MAX);
    ear_err err = ear_file_read_secret(path, &secret, &diag);
    if (!err) err = ear_conf_value_read(key, ear_buf_str(&secret), target, &diag);
    snprintf(name, sizeof(name), "%s_FILE", key->name);
    if (err) complain(load, name, diag.text);
    if (secret.data) ear_secret_wipe(secret.data, secret.cap);
    ear_buf_release(&secret);
}

static void read_key(struct load *load, const struct ear_conf_key *key, void *target)
{
    struct ear_diag diag = {0};
    struct ear_str text = find(load->env, key->name, "");
    struct ear_str path = EAR_STR_NONE;
    if (key->type == EAR_CONF_SECRET) path = find(load->env, key->name, "_FILE");
    if (path.ptr) {
        read_secret_file(load, key, path.ptr, target);
        return;
    }
    if (!text.ptr && key->fallback) text = ear_str_from(key->fallback);
    if (!text.ptr) {
        ear_fail(&diag, EAR_NOT_FOUND, "must be set%s. %s",
                 key->type == EAR_CONF_SECRET ? ", or its path in the same name with _FILE" : "",
                 key->about);
        complain(load, key->name, diag.text);
    } else if (ear_conf_value_read(key, text, target, &diag) != EAR_OK) {
        complain(load, key->name, diag.text);
    }
}

static bool names(const struct ear_conf_key *key, struct ear_str name)
{
    struct ear_str own = ear_str_from(key->name);
    if (ear_str_eq(name, own)) return true;
    if (key->type != EAR_CONF_SECRET || !ear_str_starts(name, own)) return false;
    return ear_str_eq((struct ear_str){name.ptr + own.len, name.len - own.len}, EAR_STR("_FILE"));
}

static bool known(const struct load *load, struct ear_str name)
{
#ifdef EAR_FAULTS
    if (ear_str_eq(name, EAR_STR("EAR_FAULT"))) return true;
#endif
    for (size_t t = 0; t < load->count; t++)
        for (size_t k = 0; k < load->tables[t].count; k++)
            if (names(&load->tables[t].keys[k], name)) return true;
    return false;
}

/* A misspelt key would otherwise leave a default in force that nobody meant. */
static void find_unknown(struct load *load)
{
    for (char **env = load->env; env && *env; env++) {
        struct ear_str rest = ear_str_from(*env);
        struct ear_str name;
        if (!ear_str_starts(rest, EAR_STR("EAR_")) || !ear_str_split(&rest, '=', &name)) continue;
        if (known(load, name)) continue;
        fprintf(load->complaints, "%.*s: no such key; --help lists those there are\n",
                EAR_STR_ARG(name));
        load->mistakes++;
    }
}

static void clear(const struct ear_conf_table *table)
{
    for (size_t k = 0; k < table->count; k++)
        if (ear_conf_holds_text(&table->keys[k]))
            *ear_conf_text_of(&table->keys[k], table->target) = NULL;
}

ear_err ear_conf_load(const struct ear_conf_table *tables, size_t count, char **environ_,
                      FILE *err_out)
{
    struct load load = {.tables = tables, .count = count, .env = environ_, .complaints = err_out};
    for (size_t t = 0; t < count; t++) clear(&tables[t]);
    for (size_t t = 0; t < count; t++)
        for (size_t k = 0; k < tables[t].count; k++)
            read_key(&load, &tables[t].keys[k], tables[t].target);
    find_unknown(&load);
    if (load.mistakes == 0) return EAR_OK;
    ear_conf_release(tables, count);
    return EAR_INVALID;
}

static void release(const struct ear_conf_key *key, void *target)
{
    if (!ear_conf_holds_text(key)) return;
    const char **text = ear_conf_text_of(key, target);
    if (!*text) return;
    /* The table hands texts out as const; here they are what was allocated. */
    char *own = (char *)*text;
    if (key->type == EAR_CONF_SECRET) ear_secret_wipe(own, strlen(own));
    free(own);
    *text = NULL;
}

void ear_conf_release(const struct ear_conf_table *tables, size_t count)
{
    for (size_t t = 0; t < count; t++)
        for (size_t k = 0; k < tables[t].count; k++) release(&tables[t].keys[k], tables[t].target);
}

/* An environment of any content, one variable a line: all mistakes are told, and what is printed
 * loads again to the same. */
#include "conf/conf.h"
#include <stdlib.h>

#define VARIABLES_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct target {
    const char *name;
    const char *secret;
    const char *listen;
    int64_t count;
    int64_t wait_ms;
    int64_t body_bytes;
    bool open;
};

static struct target target;

static const struct ear_conf_key keys[] = {
    EAR_CONF("EAR_NAME", TEXT, "", 0, 0, target, name, "A name."),
    EAR_CONF("EAR_SECRET", SECRET, "", 0, 0, target, secret, "A secret."),
    EAR_CONF("EAR_LISTEN", ENDPOINT, "*:0", 0, 0, target, listen, "An end point."),
    EAR_CONF("EAR_COUNT", INT, "5", -100, 100, target, count, "A number."),
    EAR_CONF("EAR_WAIT", DURATION, "5s", 0, 0, target, wait_ms, "A time."),
    EAR_CONF("EAR_BODY", SIZE, "4KiB", 1, INT64_MAX, target, body_bytes, "A size."),
    EAR_CONF("EAR_OPEN", BOOL, "off", 0, 0, target, open, "A switch."),
};
static const struct ear_conf_table table = {"Fuzzed", keys, EAR_COUNT(keys), &target};

/* Splits text in place. Variables that name files are left out: which file is read is not what
 * is tested here, and it could be one that blocks. */
static void make_environment(char *text, char **env)
{
    size_t count = 0;
    while (text && count < VARIABLES_MAX) {
        char *end = strchr(text, '\n');
        if (end) *end = '\0';
        if (!strstr(text, "_FILE=")) env[count++] = text;
        text = end ? end + 1 : NULL;
    }
    env[count] = NULL;
}

/* Loads, and returns what is printed then ("" for a refusal); owned by the caller. */
static char *load_and_print(char *text)
{
    char *env[VARIABLES_MAX + 1];
    char *complaints = NULL;
    char *printed = NULL;
    size_t len;
    make_environment(text, env);
    FILE *out = open_memstream(&complaints, &len);
    ear_err err = ear_conf_load(&table, 1, env, out);
    fclose(out);
    EAR_CHECK((err == EAR_OK) == (complaints[0] == '\0'));
    out = open_memstream(&printed, &len);
    if (!err) ear_conf_print(&table, 1, out);
    fclose(out);
    ear_conf_release(&table, 1);
    free(complaints);
    return printed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = ear_alloc(size + 1);
    if (size) memcpy(text, data, size);
    char *first = load_and_print(text);
    char *input = ear_strdup(first);
    if (first[0]) {
        char *second = load_and_print(input);
        /* "(set)" is no secret but a text, so it stays what it is; "(not set)" becomes one. */
        char *unset = strstr(first, "(not set)");
        EAR_CHECK(unset || strcmp(first, second) == 0);
        free(second);
    }
    free(input);
    free(first);
    free(text);
    return 0;
}

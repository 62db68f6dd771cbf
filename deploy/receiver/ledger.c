#include "ledger.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define LEDGER_BYTES_MAX (256u << 20)
#define ENTRY_BYTES_MAX  (1u << 20)

struct ear_ledger {
    int fd;              /* owned, O_APPEND */
    struct ear_map *ids; /* webhook ids; values are not used */
    size_t repeats;
    struct ear_buf line; /* the entry being written */
};

static void remember(struct ear_ledger *ledger, struct ear_str id)
{
    static char here; /* the map tells absent from present by NULL */
    (void)ear_map_put(ledger->ids, id, &here);
}

/* A line cut short by a crash is not an entry: its sender had no answer and comes again. */
static void remember_line(struct ear_ledger *ledger, struct ear_str line)
{
    json_t *entry = NULL;
    struct ear_str id;
    if (ear_json_parse(line, ENTRY_BYTES_MAX, &entry, NULL) == EAR_OK &&
        ear_json_need_text(entry, "webhook_id", &id, NULL) == EAR_OK)
        remember(ledger, id);
    json_decref(entry);
}

static ear_err read_back(struct ear_ledger *ledger, const char *path, struct ear_diag *diag)
{
    struct ear_buf content;
    ear_buf_init(&content, LEDGER_BYTES_MAX);
    ear_err err = ear_file_read(path, &content, diag);
    struct ear_str rest = ear_buf_str(&content), line;
    while (err == EAR_OK && ear_str_split(&rest, '\n', &line)) {
        if (line.len > 0) remember_line(ledger, line);
    }
    ear_buf_release(&content);
    return err;
}

ear_err ear_ledger_new(struct ear_ledger **out, const char *path, struct ear_diag *diag)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) return ear_fail(diag, EAR_IO, "%s: %s", path, strerror(errno));
    struct ear_ledger *ledger = ear_alloc(sizeof(*ledger));
    ledger->fd = fd;
    ledger->ids = ear_map_new();
    ear_buf_init(&ledger->line, ENTRY_BYTES_MAX);
    ear_err err = read_back(ledger, path, diag);
    if (err == EAR_OK)
        *out = ledger;
    else
        ear_ledger_free(&ledger);
    return err;
}

void ear_ledger_free(struct ear_ledger **ledger)
{
    if (!*ledger) return;
    close((*ledger)->fd);
    ear_map_free(&(*ledger)->ids, NULL);
    ear_buf_release(&(*ledger)->line);
    EAR_FREE(*ledger);
}

static ear_err make_line(struct ear_ledger *ledger, struct ear_str webhook_id, json_t *body,
                         int64_t now_us)
{
    char at[EAR_TIME_TEXT_BYTES];
    ear_time_format(now_us, at);
    json_t *entry = json_pack("{s:s, s:s%, s:O}", "received_at", at, "webhook_id", webhook_id.ptr,
                              webhook_id.len, "body", body);
    if (!entry) return EAR_INVALID;
    ear_buf_reset(&ledger->line);
    ear_err err = ear_json_write(entry, &ledger->line);
    if (err == EAR_OK) err = ear_buf_append_char(&ledger->line, '\n');
    json_decref(entry);
    return err;
}

static ear_err write_line(struct ear_ledger *ledger, struct ear_diag *diag)
{
    ssize_t wrote = write(ledger->fd, ledger->line.data, ledger->line.len);
    if (wrote == (ssize_t)ledger->line.len) return EAR_OK;
    return ear_fail(diag, EAR_IO, "the ledger cannot be written: %s",
                    wrote < 0 ? strerror(errno) : "no room");
}

ear_err ear_ledger_add(struct ear_ledger *ledger, struct ear_str webhook_id, struct ear_str body,
                       int64_t now_us, bool *repeat, struct ear_diag *diag)
{
    *repeat = ear_map_get(ledger->ids, webhook_id) != NULL;
    if (*repeat) {
        ledger->repeats++;
        return EAR_OK;
    }
    json_t *parsed = NULL;
    ear_err err = ear_json_parse(body, ENTRY_BYTES_MAX, &parsed, diag);
    if (err == EAR_OK && !json_is_object(parsed))
        err = ear_fail(diag, EAR_INVALID, "not a JSON object");
    if (err == EAR_OK) err = make_line(ledger, webhook_id, parsed, now_us);
    if (err == EAR_OK) err = write_line(ledger, diag);
    if (err == EAR_OK) remember(ledger, webhook_id);
    json_decref(parsed);
    return err;
}

size_t ear_ledger_entries(const struct ear_ledger *ledger)
{
    return ear_map_count(ledger->ids);
}

size_t ear_ledger_repeats(const struct ear_ledger *ledger)
{
    return ledger->repeats;
}

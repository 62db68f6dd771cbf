#include "imap.h"
#include <stdio.h>
#include <stdlib.h>

#define LINE_MAX_BYTES (2u << 20) /* a SEARCH of a large mailbox is one line */

struct ear_imap {
    struct ear_link *link; /* owned */
    struct ear_imap_calls calls;
    void *self;
    unsigned tag;
    struct ear_buf line;    /* of the answer under way, its literals left out */
    struct ear_buf literal; /* its last literal */
    size_t literal_wanted;  /* bytes still to come */
    bool calling, closing;
};

static void imap_free(struct ear_imap *imap)
{
    ear_link_close(&imap->link);
    ear_buf_release(&imap->line);
    ear_buf_release(&imap->literal);
    free(imap);
}

/* ---- answers ---- */

/* A line that ends with {n} goes on behind a literal of n bytes. */
static bool literal_follows(struct ear_str line, uint64_t *size)
{
    if (!line.len || line.ptr[line.len - 1] != '}') return false;
    size_t open = line.len - 1;
    while (open > 0 && line.ptr[open] != '{') open--;
    if (line.ptr[open] != '{') return false;
    struct ear_str digits = {line.ptr + open + 1, line.len - open - 2};
    return !ear_num_u64(digits, UINT32_MAX, size);
}

static void end_answer(struct ear_imap *imap)
{
    char tag[16];
    struct ear_str line = ear_buf_str(&imap->line);
    int len = snprintf(tag, sizeof(tag), "E%u ", imap->tag);
    struct ear_str expected = {tag, (size_t)len};
    if (ear_str_starts(line, EAR_STR("* "))) {
        line = (struct ear_str){line.ptr + 2, line.len - 2};
        imap->calls.answer(imap->self, line, ear_buf_str(&imap->literal));
    } else if (ear_str_starts(line, expected)) {
        line = (struct ear_str){line.ptr + expected.len, line.len - expected.len};
        bool ok = line.len >= 2 && ear_str_eq_nocase((struct ear_str){line.ptr, 2}, EAR_STR("OK"));
        imap->calls.done(imap->self, ok, line);
    }
    ear_buf_reset(&imap->line);
    ear_buf_reset(&imap->literal);
}

/* False: the answer breaks a ceiling. */
static bool end_line(struct ear_imap *imap)
{
    uint64_t size = 0;
    while (imap->line.len && strchr("\r\n", imap->line.data[imap->line.len - 1]))
        imap->line.data[--imap->line.len] = '\0';
    if (!literal_follows(ear_buf_str(&imap->line), &size)) {
        end_answer(imap);
        return true;
    }
    if (size > EAR_IMAP_LITERAL_MAX) return false;
    ear_buf_reset(&imap->literal);
    imap->literal_wanted = size;
    return true;
}

static size_t take_literal(struct ear_imap *imap, struct ear_str data)
{
    size_t len = data.len < imap->literal_wanted ? data.len : imap->literal_wanted;
    if (ear_buf_append(&imap->literal, data.ptr, len)) return 0;
    imap->literal_wanted -= len;
    return len;
}

static size_t take_line(struct ear_imap *imap, struct ear_str data)
{
    const char *lf = memchr(data.ptr, '\n', data.len);
    size_t len = lf ? (size_t)(lf - data.ptr) + 1 : data.len;
    if (ear_buf_append(&imap->line, data.ptr, len)) return 0;
    return !lf || end_line(imap) ? len : 0;
}

static void take(struct ear_imap *imap, struct ear_str data)
{
    while (data.len && !imap->closing) {
        size_t used = imap->literal_wanted ? take_literal(imap, data) : take_line(imap, data);
        if (!used) {
            imap->calls.state(imap->self, EAR_TOO_LARGE, "the server's answer is too large");
            return;
        }
        data = (struct ear_str){data.ptr + used, data.len - used};
    }
}

static void on_link(void *self, ear_link_event event, struct ear_str data, ear_err err,
                    const char *why)
{
    struct ear_imap *imap = self;
    imap->calling = true;
    if (event == EAR_LINK_DATA)
        take(imap, data);
    else
        imap->calls.state(imap->self, event == EAR_LINK_UP ? EAR_OK : err, why);
    imap->calling = false;
    if (imap->closing) imap_free(imap);
}

/* ---- life and commands ---- */

ear_err ear_imap_open(struct ear_imap **out, struct ear_fetch *fetch,
                      const struct ear_fetch_request *login, const struct ear_imap_calls *calls,
                      void *self, struct ear_diag *diag)
{
    struct ear_imap *imap = ear_alloc(sizeof(*imap));
    *imap = (struct ear_imap){.calls = *calls, .self = self};
    ear_buf_init(&imap->line, LINE_MAX_BYTES);
    ear_buf_init(&imap->literal, EAR_IMAP_LITERAL_MAX + 1);
    ear_err err = ear_link_open(&imap->link, fetch, login, on_link, imap, diag);
    if (err)
        imap_free(imap);
    else
        *out = imap;
    return err;
}

void ear_imap_close(struct ear_imap **imap)
{
    if (!*imap) return;
    if ((*imap)->calling)
        (*imap)->closing = true;
    else
        imap_free(*imap);
    *imap = NULL;
}

ear_err ear_imap_command(struct ear_imap *imap, struct ear_str command)
{
    struct ear_buf line;
    ear_buf_init(&line, 64u << 10);
    ear_err err = ear_buf_printf(&line, "E%u %.*s\r\n", ++imap->tag, EAR_STR_ARG(command));
    if (!err) err = ear_link_send(imap->link, ear_buf_str(&line));
    ear_buf_release(&line);
    return err;
}

/* ---- words of the protocol ---- */

bool ear_imap_number(struct ear_str line, const char *name, uint32_t *value)
{
    size_t at = ear_str_find(line, ear_str_from(name));
    size_t from = at == SIZE_MAX ? line.len : at + strlen(name) + 1;
    size_t to = from;
    uint64_t number = 0;
    while (to < line.len && line.ptr[to] >= '0' && line.ptr[to] <= '9') to++;
    if (to == from || line.ptr[from - 1] != ' ') return false;
    if (ear_num_u64((struct ear_str){line.ptr + from, to - from}, UINT32_MAX, &number))
        return false;
    *value = (uint32_t)number;
    return true;
}

static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static unsigned month_of(const char *name)
{
    for (unsigned i = 0; i < 12; i++)
        if (ear_str_eq_nocase((struct ear_str){name, 3}, ear_str_from(months[i]))) return i + 1;
    return 0;
}

bool ear_imap_date(struct ear_str line, int64_t *at_us)
{
    const struct ear_str name = EAR_STR("INTERNALDATE \"");
    char text[64];
    size_t at = ear_str_find(line, name);
    if (at == SIZE_MAX || line.len - at < name.len + 26) return false;
    const char *d = line.ptr + at + name.len; /* "dd-Mon-yyyy hh:mm:ss +zzzz", dd may be " d" */
    unsigned month = month_of(d + 3);
    if (!month) return false;
    int len = snprintf(text, sizeof(text), "%.4s-%02u-%c%cT%.8s%.3s:%.2s", d + 7, month,
                       d[0] == ' ' ? '0' : d[0], d[1], d + 12, d + 21, d + 24);
    return !ear_time_parse((struct ear_str){text, (size_t)len}, at_us);
}

void ear_imap_day(int64_t at_us, char text[static EAR_IMAP_DAY_BYTES])
{
    char at[EAR_TIME_TEXT_BYTES];
    int64_t month = 1;
    ear_time_format(at_us, at);
    if (ear_num_i64((struct ear_str){at + 5, 2}, 1, 12, &month)) month = 1;
    snprintf(text, EAR_IMAP_DAY_BYTES, "%.2s-%.3s-%.4s", at + 8, months[month - 1], at);
}

ear_err ear_imap_quote(struct ear_str text, struct ear_buf *out)
{
    ear_err err = ear_buf_append_char(out, '"');
    for (size_t i = 0; i < text.len && !err; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c >= 0x7f) return EAR_INVALID;
        if (c == '"' || c == '\\') err = ear_buf_append_char(out, '\\');
        if (!err) err = ear_buf_append_char(out, (char)c);
    }
    return err ? err : ear_buf_append_char(out, '"');
}

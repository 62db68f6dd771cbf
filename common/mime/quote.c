#include "quote.h"

static bool next_line(struct ear_str *rest, struct ear_str *line)
{
    return ear_str_split(rest, '\n', line);
}

static bool is_quoted(struct ear_str line)
{
    line = ear_str_trim(line);
    return line.len && *line.ptr == '>';
}

static bool starts_nocase(struct ear_str line, const char *text)
{
    size_t len = strlen(text);
    return line.len >= len &&
           ear_str_eq_nocase((struct ear_str){line.ptr, len}, ear_str_from(text));
}

/* "-----Original Message-----" in the words of large mail programs. */
static bool is_separator(struct ear_str line)
{
    static const char *const words[] = {
        "Original Message",     "Ursprüngliche Nachricht", "Original-Nachricht",
        "Message d'origine",    "Message original",        "Mensaje original",
        "Messaggio originale",  "Mensagem original",       "Oorspronkelijk bericht",
        "Wiadomość oryginalna", "Ursprungligt meddelande", "Oprindelig meddelelse",
    };
    line = ear_str_trim(line);
    if (!ear_str_starts(line, EAR_STR("--"))) return false;
    while (line.len && (*line.ptr == '-' || *line.ptr == ' ')) line.ptr++, line.len--;
    for (size_t i = 0; i < EAR_COUNT(words); i++)
        if (starts_nocase(line, words[i])) return true;
    return false;
}

/* A copied header block: "From: …" and, within three lines, "Sent: …" or "To: …". */
static bool is_header_block(struct ear_str line, struct ear_str rest)
{
    static const char *const from[] = {"From:", "Von:", "De:", "De :", "Da:", "Van:", "Från:"};
    static const char *const sent[] = {"Sent:",    "Gesendet:",  "Envoyé",  "Enviado",
                                       "Inviato:", "Date:",      "Datum:",  "Data:",
                                       "Fecha:",   "Verzonden:", "Skickat:"};
    bool begins = false;
    line = ear_str_trim(line);
    for (size_t i = 0; i < EAR_COUNT(from) && !begins; i++) begins = starts_nocase(line, from[i]);
    for (size_t n = 0; begins && n < 3 && next_line(&rest, &line); n++)
        for (size_t i = 0; i < EAR_COUNT(sent); i++)
            if (starts_nocase(ear_str_trim(line), sent[i])) return true;
    return false;
}

static bool ends_with_colon(struct ear_str line)
{
    line = ear_str_trim(line);
    return line.len && line.ptr[line.len - 1] == ':';
}

static bool quote_follows(struct ear_str rest)
{
    struct ear_str line;
    while (next_line(&rest, &line)) {
        if (is_quoted(line)) return true;
        if (ear_str_trim(line).len) return false;
    }
    return false;
}

/* "On Monday, Ana wrote:", perhaps over two lines, with quoted lines behind it. */
static bool introduces(struct ear_str line, struct ear_str rest)
{
    static const char *const openings[] = {"On ", "Am ", "Le ", "El ", "Il ", "Op "};
    struct ear_str second;
    if (ends_with_colon(line)) return quote_follows(rest);
    bool opens = false;
    line = ear_str_trim(line);
    for (size_t i = 0; i < EAR_COUNT(openings); i++) opens |= starts_nocase(line, openings[i]);
    if (!opens || !next_line(&rest, &second)) return false;
    return !is_quoted(second) && ends_with_colon(second) && quote_follows(rest);
}

static bool is_signature(struct ear_str line)
{
    if (line.len && line.ptr[line.len - 1] == '\r') line.len--;
    return ear_str_eq(line, EAR_STR("-- "));
}

struct writer {
    struct ear_buf *out;
    size_t start;    /* where our text begins */
    unsigned blanks; /* empty lines that are owed */
};

static ear_err write_line(struct writer *w, struct ear_str line)
{
    ear_err err = EAR_OK;
    while (line.len && strchr(" \t\r", line.ptr[line.len - 1])) line.len--;
    if (!line.len) {
        w->blanks++;
        return EAR_OK;
    }
    bool begun = w->out->len > w->start;
    unsigned breaks = !begun ? 0 : w->blanks ? 2 : 1;
    w->blanks = 0;
    for (; breaks && !err; breaks--) err = ear_buf_append_char(w->out, '\n');
    if (!err) err = ear_buf_append_str(w->out, line);
    if (err != EAR_TOO_LARGE) return err;
    /* What still fits is kept; the caller trims it to a whole character. */
    size_t room = w->out->max - w->out->len;
    if (room > line.len) room = line.len;
    while (room && ear_buf_append(w->out, line.ptr, room)) room--;
    return EAR_TOO_LARGE;
}

static ear_err write_new(struct ear_str text, struct writer *w)
{
    struct ear_str line;
    struct ear_str rest = text;
    bool introduced = false;
    ear_err err = EAR_OK;
    while (!err && next_line(&rest, &line)) {
        if (is_separator(line) || is_header_block(line, rest) || is_signature(line)) break;
        if (is_quoted(line)) {
            introduced = false;
            continue;
        }
        if (introduced) continue; /* the second line of an introduction, or a blank behind it */
        introduced = introduces(line, rest);
        if (!introduced) err = write_line(w, line);
    }
    return err;
}

ear_err ear_quote_cut(struct ear_str text, struct ear_buf *out)
{
    struct writer w = {.out = out, .start = out->len};
    ear_err err = write_new(text, &w);
    if (err || out->len > w.start) return err;
    struct ear_str line;
    w.blanks = 0;
    while (!err && next_line(&text, &line)) err = write_line(&w, line);
    return err;
}

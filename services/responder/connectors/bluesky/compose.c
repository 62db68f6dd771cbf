#include "compose.h"
#include "atp/atp.h"
#include "text/text.h"
#include "json/json.h"

#define GRAPHEMES_MAX   300u
#define BYTES_MAX       3000u
#define MARK_BYTES      8u /* " (1/3)" and room */
#define WHOLE_BYTES_MAX (64u << 10)
#define FACETS_MAX      64u
#define THREAD_BYTES    16384u

/* ---- cutting ---- */

static bool holds(struct ear_str s)
{
    return s.len <= BYTES_MAX && ear_text_graphemes(s) <= GRAPHEMES_MAX;
}

static struct ear_str trim_start(struct ear_str s)
{
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\n' || *s.ptr == '\t')) s.ptr++, s.len--;
    return s;
}

/* Takes the next piece off *rest, with room left for the mark. */
static struct ear_str next_piece(struct ear_str *rest)
{
    struct ear_str piece =
        ear_text_cut(*rest, EAR_TEXT_GRAPHEMES, GRAPHEMES_MAX - MARK_BYTES, EAR_TEXT_AT_WORD);
    if (piece.len > BYTES_MAX - MARK_BYTES)
        piece = ear_text_cut(*rest, EAR_TEXT_BYTES, BYTES_MAX - MARK_BYTES, EAR_TEXT_AT_GRAPHEME);
    /* A single grapheme may be longer than a post (marks upon marks): cut it all the same. */
    if (!piece.len) piece = (struct ear_str){rest->ptr, BYTES_MAX - MARK_BYTES};
    *rest = trim_start((struct ear_str){rest->ptr + piece.len, rest->len - piece.len});
    return ear_str_trim(piece);
}

static size_t count_pieces(struct ear_str rest)
{
    size_t count = 0;
    while (rest.len) {
        next_piece(&rest);
        count++;
    }
    return count;
}

static ear_err add_marked(struct ear_fit *fit, struct ear_str piece, size_t part, size_t count)
{
    struct ear_buf text;
    ear_buf_init(&text, WHOLE_BYTES_MAX);
    ear_err err = ear_buf_printf(&text, "%.*s (%zu/%zu)", EAR_STR_ARG(piece), part, count);
    if (!err) err = ear_fit_add(fit, ear_buf_str(&text));
    ear_buf_release(&text);
    return err;
}

static ear_err split(struct ear_str whole, size_t parts_max, struct ear_fit *fit,
                     struct ear_diag *diag)
{
    size_t count = count_pieces(whole);
    if (count > parts_max) {
        struct ear_str rest = whole;
        for (size_t i = 0; i < parts_max; i++) next_piece(&rest);
        fit->over = ear_text_graphemes(rest);
        return ear_fail(diag, EAR_TOO_LARGE,
                        "about %zu characters too long: Bluesky takes %u, and %zu posts at most",
                        fit->over, GRAPHEMES_MAX, parts_max);
    }
    ear_err err = EAR_OK;
    for (size_t part = 1; whole.len && !err; part++)
        err = add_marked(fit, next_piece(&whole), part, count);
    return err;
}

ear_err ear_bluesky_fit(struct ear_str text, struct ear_str sign_off, size_t parts_max,
                        struct ear_fit *fit, struct ear_diag *diag)
{
    struct ear_buf whole;
    text = ear_str_trim(text);
    if (!text.len) return ear_fail(diag, EAR_INVALID, "the reply has no text");
    ear_buf_init(&whole, WHOLE_BYTES_MAX);
    ear_err err = ear_text_repair(text, &whole);
    if (!err && sign_off.len) err = ear_buf_append_char(&whole, ' ');
    if (!err) err = ear_text_repair(sign_off, &whole);
    if (err)
        ear_fail(diag, err, "the reply is longer than any platform takes");
    else if (holds(ear_buf_str(&whole)))
        err = ear_fit_add(fit, ear_buf_str(&whole));
    else
        err = split(ear_buf_str(&whole), parts_max, fit, diag);
    ear_buf_release(&whole);
    return err;
}

/* ---- facets ---- */

static void add_facet(json_t *facets, size_t from, size_t to, json_t *feature)
{
    if (json_array_size(facets) >= FACETS_MAX) {
        json_decref(feature);
        return;
    }
    json_array_append_new(facets,
                          json_pack("{s:{s:I,s:I},s:[o]}", "index", "byteStart", (json_int_t)from,
                                    "byteEnd", (json_int_t)to, "features", feature));
}

static bool ends_word(char c)
{
    return c == ' ' || c == '\n' || c == '\t';
}

/* A word without the signs that belong to the sentence around it. */
static struct ear_str bare(struct ear_str word)
{
    while (word.len && strchr("([\"'", *word.ptr)) word.ptr++, word.len--;
    while (word.len && strchr(".,;:!?)]\"'", word.ptr[word.len - 1])) word.len--;
    return word;
}

static void mark_word(json_t *facets, struct ear_str word, size_t at,
                      const struct ear_bluesky_post *post)
{
    bool link =
        ear_str_starts(word, EAR_STR("https://")) || ear_str_starts(word, EAR_STR("http://"));
    if (link && !ear_url_check(word, "http,https", NULL)) {
        add_facet(facets, at, at + word.len,
                  json_pack("{s:s,s:s%}", "$type", "app.bsky.richtext.facet#link", "uri", word.ptr,
                            word.len));
        return;
    }
    bool named =
        word.len > 1 && *word.ptr == '@' && post->mention_handle.len &&
        ear_str_eq_nocase((struct ear_str){word.ptr + 1, word.len - 1}, post->mention_handle);
    if (named && post->mention_did.len)
        add_facet(facets, at, at + word.len,
                  json_pack("{s:s,s:s%}", "$type", "app.bsky.richtext.facet#mention", "did",
                            post->mention_did.ptr, post->mention_did.len));
}

static json_t *find_facets(const struct ear_bluesky_post *post)
{
    json_t *facets = json_array();
    for (size_t i = 0; i < post->text.len;) {
        size_t from = i;
        while (i < post->text.len && !ends_word(post->text.ptr[i])) i++;
        struct ear_str word = bare((struct ear_str){post->text.ptr + from, i - from});
        if (word.len) mark_word(facets, word, (size_t)(word.ptr - post->text.ptr), post);
        i++;
    }
    return facets;
}

/* ---- records ---- */

static json_t *ref_json(const struct ear_bluesky_ref *ref)
{
    return json_pack("{s:s%,s:s%}", "uri", ref->uri.ptr, ref->uri.len, "cid", ref->cid.ptr,
                     ref->cid.len);
}

json_t *ear_bluesky_record(const struct ear_bluesky_post *post)
{
    char at[EAR_TIME_TEXT_BYTES];
    ear_time_format(post->at_us, at);
    ear_json_watch();
    json_t *record = json_pack("{s:s,s:s%,s:s,s:{s:o,s:o}}", "$type", "app.bsky.feed.post", "text",
                               post->text.ptr, post->text.len, "createdAt", at, "reply", "root",
                               ref_json(&post->root), "parent", ref_json(&post->parent));
    if (!record) return NULL;
    json_t *facets = find_facets(post);
    if (json_array_size(facets))
        json_object_set_new(record, "facets", facets);
    else
        json_decref(facets);
    if (!ear_json_starved()) return record;
    json_decref(record); /* never without who is answered, or a link */
    return NULL;
}

static bool read_ref(const json_t *object, const char *uri, const char *cid,
                     struct ear_bluesky_ref *ref)
{
    struct ear_at_uri parts;
    *ref = (struct ear_bluesky_ref){ear_json_at(object, uri), ear_json_at(object, cid)};
    return ref->cid.len && !ear_at_uri_parse(ref->uri, &parts);
}

ear_err ear_bluesky_thread(struct ear_str text, json_t **thread, struct ear_bluesky_ref *parent,
                           struct ear_bluesky_ref *root)
{
    *thread = NULL;
    if (!text.len) return EAR_INVALID;
    ear_err err = ear_json_parse(text, THREAD_BYTES, thread, NULL);
    if (err) return ear_err_retryable(err) ? err : EAR_INVALID;
    if (!read_ref(*thread, "uri", "cid", parent)) return EAR_INVALID;
    if (!read_ref(*thread, "root.uri", "root.cid", root)) *root = *parent;
    return EAR_OK;
}

ear_err ear_bluesky_place(const json_t *post, struct ear_bluesky_ref *parent,
                          struct ear_bluesky_ref *root)
{
    if (!read_ref(post, "uri", "cid", parent)) return EAR_INVALID;
    if (!read_ref(post, "record.reply.root.uri", "record.reply.root.cid", root)) *root = *parent;
    return EAR_OK;
}

/* ---- keys ---- */

/* A reply's id is a UUIDv7: 48 bits of milliseconds, then chance. The key takes its time, and its
 * microseconds and clock from the chance, so two replies of one millisecond differ. */
void ear_bluesky_key(const struct ear_id *reply_id, char rkey[static EAR_BLUESKY_RKEY_BYTES])
{
    int64_t ms = (int64_t)ear_get_be(reply_id->b, 6);
    uint64_t chance = ear_get_be(reply_id->b + 9, 7);
    int64_t us = (int64_t)(chance % 990); /* room for the parts behind it */
    ear_tid_format(ms * EAR_US_PER_MS + us, (unsigned)(chance / 990 % 1024), rkey);
}

ear_err ear_bluesky_part_key(struct ear_str key, size_t part,
                             char rkey[static EAR_BLUESKY_RKEY_BYTES])
{
    int64_t at_us = 0;
    unsigned clock = 0;
    ear_err err = ear_tid_parse(key, &at_us, &clock);
    if (!err) ear_tid_format(at_us + (int64_t)part, clock, rkey);
    return err;
}

#include "model/network.h"

#include "model/bytes.h"
#include "model/simd.h"
#include <math.h>
#include <stdlib.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define LANE     16    /* filters whose bytes are read at once */
#define SLOTS    64    /* at least */
#define BIAS_MAX 16384 /* so that it and all the bytes of a window fit 16 bits */
#define SHARED   2     /* rows before those of words: unknown, negated */

/* The section: head, slots, scales, biases, rows; each begins at a multiple of 16. */
struct network_head {
    uint32_t words, filters;
    uint32_t slots; /* a power of two, at least double of the words */
    uint32_t reserved[13];
};
struct ear_network_slot {
    uint32_t hash; /* 0: free */
    uint32_t word;
};
_Static_assert(sizeof(struct network_head) == 64, "as documented");
_Static_assert(sizeof(struct ear_network_slot) == 8, "as documented");
_Static_assert(BIAS_MAX + 2 * EAR_NETWORK_WIDTHS * 128 <= INT16_MAX, "sums fit 16 bits");

static const size_t width_of[EAR_NETWORK_PLACES] = {0, 1, 1, 2, 2, 2};

static uint32_t hash_of(struct ear_str word)
{
    return ear_token_folded(ear_token_hash(0, word));
}

static size_t slot_of(const struct ear_network_slot *slots, size_t count, uint32_t hash)
{
    size_t at = ear_token_slot(hash, count);
    while (slots[at].hash && slots[at].hash != hash) at = (at + 1) & (count - 1);
    return at;
}

/* Where a filter lies among the bytes of a place: of a lane the first filters in the even bytes,
 * the last in the odd, so that both come out in their order when bytes are read as pairs. */
static size_t byte_of(size_t filter)
{
    size_t lane = filter % LANE;
    return filter - lane + lane * 2 % LANE + lane / (LANE / 2);
}

static bool counts_fit(size_t words, size_t filters)
{
    return words && words <= EAR_NETWORK_WORDS && filters && filters <= EAR_NETWORK_FILTERS &&
           filters % LANE == 0;
}

/* ---- written ---- */

struct writer {
    const struct ear_network_parts *parts;
    float scale[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
    int16_t bias[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
    struct ear_buf *out;
    ear_err err; /* the first; what comes after it does nothing */
};

static void put(struct writer *w, const void *data, size_t len)
{
    if (!w->err) w->err = ear_buf_append(w->out, data, len);
}

/* All places of a filter share a scale, so that sums of bytes compare. */
static void measure(struct writer *w, const float *row)
{
    size_t filters = w->parts->filters;
    for (size_t i = 0; i < EAR_NETWORK_PLACES * filters; i++) {
        float *scale = &w->scale[width_of[i / filters] * filters + i % filters];
        if (!isfinite(row[i])) w->err = EAR_INVALID;
        *scale = fmaxf(*scale, fabsf(row[i]) / 127);
    }
}

static void measure_all(struct writer *w)
{
    const struct ear_network_parts *parts = w->parts;
    for (size_t i = 0; i < parts->word_count; i++)
        measure(w, parts->rows + i * EAR_NETWORK_PLACES * parts->filters);
    measure(w, parts->unknown);
    measure(w, parts->negated);
    for (size_t i = 0; i < EAR_NETWORK_WIDTHS * parts->filters; i++) {
        if (!isfinite(parts->bias[i])) w->err = EAR_INVALID;
        w->scale[i] = fmaxf(w->scale[i], fabsf(parts->bias[i]) / BIAS_MAX);
        if (!w->err && w->scale[i] > 0) w->bias[i] = (int16_t)lrintf(parts->bias[i] / w->scale[i]);
    }
}

static void put_slots(struct writer *w)
{
    struct network_head head = {.words = (uint32_t)w->parts->word_count,
                                .filters = (uint32_t)w->parts->filters,
                                .slots = SLOTS};
    while (head.slots < 2 * head.words) head.slots *= 2;
    struct ear_network_slot *slots = ear_alloc(head.slots * sizeof *slots);
    for (uint32_t i = 0; i < head.words; i++) {
        uint32_t hash = hash_of(w->parts->words[i]);
        struct ear_network_slot *slot = &slots[slot_of(slots, head.slots, hash)];
        if (!slot->hash) *slot = (struct ear_network_slot){hash, i};
    }
    put(w, &head, sizeof head);
    put(w, slots, head.slots * sizeof *slots);
    free(slots);
}

static void put_row(struct writer *w, const float *row)
{
    int8_t bytes[EAR_NETWORK_PLACES * EAR_NETWORK_FILTERS] = {0};
    size_t filters = w->parts->filters;
    for (size_t place = 0; place < EAR_NETWORK_PLACES && !w->err; place++)
        for (size_t f = 0; f < filters; f++) {
            float scale = w->scale[width_of[place] * filters + f];
            if (scale > 0)
                bytes[place * filters + byte_of(f)] =
                    (int8_t)lrintf(row[place * filters + f] / scale);
        }
    put(w, bytes, EAR_NETWORK_PLACES * filters);
}

ear_err ear_network_write(const struct ear_network_parts *parts, struct ear_buf *out)
{
    if (!counts_fit(parts->word_count, parts->filters)) return EAR_INVALID;
    struct writer w = {.parts = parts, .out = out};
    measure_all(&w);
    put_slots(&w);
    put(&w, w.scale, EAR_NETWORK_WIDTHS * parts->filters * sizeof *w.scale);
    put(&w, w.bias, EAR_NETWORK_WIDTHS * parts->filters * sizeof *w.bias);
    put_row(&w, parts->unknown);
    put_row(&w, parts->negated);
    for (size_t i = 0; i < parts->word_count; i++)
        put_row(&w, parts->rows + i * EAR_NETWORK_PLACES * parts->filters);
    return w.err;
}

/* ---- opened ---- */

static const char *bad_slots(const struct ear_network_slot *slots, const struct network_head *head)
{
    size_t used = 0, run = 0;
    for (size_t i = 0; i < head->slots; i++) {
        used += slots[i].hash != 0;
        run = slots[i].hash ? run + 1 : 0;
        if (run > EAR_TOKEN_RUN) return "overfull in one place";
        if (slots[i].word >= head->words) return "a slot's word out of range";
    }
    return used * 2 > head->slots ? "overfull" : NULL;
}

static const char *bad_numbers(const struct ear_network *n)
{
    for (size_t i = 0; i < EAR_NETWORK_WIDTHS * n->filters; i++) {
        if (!(n->scale[i] >= 0 && n->scale[i] < 1e6f)) return "a scale out of range";
        if (n->bias[i] < -BIAS_MAX || n->bias[i] > BIAS_MAX) return "a bias out of range";
    }
    return NULL;
}

ear_err ear_network_open(struct ear_str section, struct ear_network *out, struct ear_diag *diag)
{
    struct network_head head;
    *out = (struct ear_network){0};
    if (section.len < sizeof head) return ear_fail(diag, EAR_INVALID, "network: too short");
    memcpy(&head, section.ptr, sizeof head);
    size_t filters = head.filters;
    const struct ear_network_slot *slots = (const void *)(section.ptr + sizeof head);
    bool sized =
        counts_fit(head.words, head.filters) && head.slots >= SLOTS &&
        head.slots <= 4 * (EAR_NETWORK_WORDS + 1) && !(head.slots & (head.slots - 1)) &&
        section.len == sizeof head + head.slots * sizeof *slots +
                           EAR_NETWORK_WIDTHS * filters * (sizeof(float) + sizeof(int16_t)) +
                           (SHARED + head.words) * EAR_NETWORK_PLACES * filters;
    if (!sized) return ear_fail(diag, EAR_INVALID, "network: size does not fit the counts");
    struct ear_network n = {.slots = slots, .slot_count = head.slots, .filters = filters};
    n.scale = (const void *)(slots + head.slots);
    n.bias = (const void *)(n.scale + EAR_NETWORK_WIDTHS * filters);
    n.rows = (const void *)(n.bias + EAR_NETWORK_WIDTHS * filters);
    const char *bad = bad_slots(slots, &head);
    if (!bad) bad = bad_numbers(&n);
    if (bad) return ear_fail(diag, EAR_INVALID, "network: %s", bad);
    *out = n;
    return EAR_OK;
}

/* ---- read ---- */

/* A lane of bytes, read as pairs. */
typedef int16_t pairs __attribute__((vector_size(LANE), may_alias));
struct lane {
    pairs low, high; /* the sums of its first filters and of its last */
};

/* The words of a post. */
struct words {
    const int8_t *row[EAR_NETWORK_TOKENS];
    bool negated[EAR_NETWORK_TOKENS];
    size_t count;
};

static inline struct lane add(struct lane a, struct lane b)
{
    return (struct lane){a.low + b.low, a.high + b.high};
}

static inline pairs more(pairs a, pairs b)
{
#ifdef __SSE2__
    return (pairs)_mm_max_epi16((__m128i)a, (__m128i)b); /* which compilers do not find */
#else
    pairs first = a > b;
    return (a & first) | (b & ~first);
#endif
}

static inline struct lane most(struct lane a, struct lane b)
{
    return (struct lane){more(a.low, b.low), more(a.high, b.high)};
}

static inline struct lane lane_at(const int8_t *bytes)
{
    pairs both = *(const pairs *)(const void *)bytes;
    return (struct lane){both << 8 >> 8, both >> 8};
}

/* All are asked for before the first is waited for. False: there are none, or no network. */
static bool find_words(const struct ear_network *n, const struct ear_normal *normal,
                       struct words *w)
{
    size_t size = EAR_NETWORK_PLACES * n->filters;
    uint32_t hash[EAR_NETWORK_TOKENS];
    w->count = normal->token_count < EAR_NETWORK_TOKENS ? normal->token_count : EAR_NETWORK_TOKENS;
    if (!n->filters || !w->count) return false;
    for (size_t i = 0; i < w->count; i++) {
        hash[i] = hash_of(normal->tokens[i].text);
        __builtin_prefetch(&n->slots[ear_token_slot(hash[i], n->slot_count)]);
    }
    for (size_t i = 0; i < w->count; i++) {
        const struct ear_network_slot *slot = &n->slots[slot_of(n->slots, n->slot_count, hash[i])];
        w->row[i] = n->rows + (slot->hash ? SHARED + slot->word : 0) * size;
        w->negated[i] = normal->tokens[i].negated;
        for (size_t byte = 0; byte < size; byte += 64) __builtin_prefetch(w->row[i] + byte);
    }
    return true;
}

/* What a word adds at its places to the filters of a lane. */
static inline __attribute__((always_inline)) void places_of(const struct ear_network *n,
                                                            const struct words *w, size_t i,
                                                            size_t first, struct lane *place)
{
    const int8_t *negated = n->rows + EAR_NETWORK_PLACES * n->filters;
    for (size_t p = 0; p < EAR_NETWORK_PLACES; p++)
        place[p] = lane_at(w->row[i] + p * n->filters + first);
    for (size_t p = 0; p < EAR_NETWORK_PLACES && w->negated[i]; p++)
        place[p] = add(place[p], lane_at(negated + p * n->filters + first));
}

/* The strongest windows of the filters of a lane so far. */
struct best {
    struct lane sum, end; /* end: the number of the window's last word, as if the post went on */
};

static inline __attribute__((always_inline)) void compare(struct best *best, struct lane sum,
                                                          size_t end, bool with_ends)
{
    if (with_ends) {
        pairs low = sum.low > best->sum.low, high = sum.high > best->sum.high;
        pairs at = (pairs){0} + (int16_t)end;
        best->end.low = (at & low) | (best->end.low & ~low);
        best->end.high = (at & high) | (best->end.high & ~high);
    }
    best->sum = most(best->sum, sum);
}

/* Of the filters of the lane that begins at `first`. Of the windows that reach a word the part
 * before it is carried along. */
static inline __attribute__((always_inline)) void find_best(const struct ear_network *n,
                                                            const struct words *w, size_t first,
                                                            struct best *best, bool with_ends)
{
    const pairs none = {0}, least = none + INT16_MIN;
    const struct best nothing = {{least, least}, {none, none}};
    struct best one = nothing, two = nothing, three = nothing;
    struct lane place[EAR_NETWORK_PLACES];
    struct lane last = {none, none}, before_last = last, begun = last; /* of two, of three words */
    for (size_t i = 0; i < w->count; i++) {
        places_of(n, w, i, first, place);
        compare(&one, place[0], i, with_ends);
        compare(&two, add(last, place[2]), i, with_ends);
        compare(&three, add(before_last, place[5]), i, with_ends);
        last = place[1];
        before_last = add(begun, place[4]);
        begun = place[3];
    }
    compare(&two, last, w->count, with_ends);
    compare(&three, before_last, w->count, with_ends);
    compare(&three, begun, w->count + 1, with_ends);
    best[0] = one;
    best[1] = two;
    best[2] = three;
}

/* By how much they are above 0. */
EAR_CLONES static void read_lane(const struct ear_network *n, const struct words *w, size_t first,
                                 int16_t *above)
{
    const struct lane zero = {{0}, {0}};
    struct best best[EAR_NETWORK_WIDTHS];
    find_best(n, w, first, best, false);
    for (size_t width = 0; width < EAR_NETWORK_WIDTHS; width++) {
        size_t at = width * n->filters + first;
        const struct lane *bias = (const void *)(n->bias + at);
        struct lane sum = most(add(best[width].sum, *bias), zero);
        memcpy(above + at, &sum, sizeof sum);
    }
}

EAR_CLONES static void end_lane(const struct ear_network *n, const struct words *w, size_t first,
                                int16_t *end)
{
    struct best best[EAR_NETWORK_WIDTHS];
    find_best(n, w, first, best, true);
    for (size_t width = 0; width < EAR_NETWORK_WIDTHS; width++)
        memcpy(end + width * n->filters + first, &best[width].end, sizeof best->end);
}

EAR_CLONES static void scale_all(const int16_t *restrict above, const float *restrict scale,
                                 size_t count, float *restrict out)
{
    for (size_t i = 0; i < count; i++) out[i] = scale[i] * (float)above[i];
}

void ear_network_read(const struct ear_network *n, const struct ear_normal *normal, float *out)
{
    struct words w;
    int16_t above[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
    memset(out, 0, ear_network_outputs(n) * sizeof *out);
    if (!find_words(n, normal, &w)) return;
    for (size_t first = 0; first < n->filters; first += LANE) read_lane(n, &w, first, above);
    scale_all(above, n->scale, ear_network_outputs(n), out);
}

_Static_assert(EAR_NETWORK_WIDTHS == 3, "a window has one, two or three words");

/* Of windows that hang over an end the words within. */
void ear_network_windows(const struct ear_network *n, const struct ear_normal *normal,
                         const uint16_t *output, size_t count, struct ear_network_window *window)
{
    struct words w;
    int16_t ends[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
    if (count) memset(window, 0, count * sizeof *window);
    if (!find_words(n, normal, &w)) return;
    for (size_t first = 0; first < n->filters; first += LANE) end_lane(n, &w, first, ends);
    for (size_t i = 0; i < count; i++) {
        size_t end = (size_t)ends[output[i]];
        size_t before = (size_t)(output[i] >= n->filters) + (output[i] >= 2 * n->filters);
        size_t first = end > before ? end - before : 0;
        size_t behind = end < w.count ? end + 1 : w.count;
        window[i] = (struct ear_network_window){(uint16_t)first, (uint16_t)(behind - first)};
    }
}

#include "model/network.h"

#include "model/bytes.h"
#include "model/simd.h"
#include <math.h>
#include <stdlib.h>

#define LANE     16    /* filters whose bytes are read at once */
#define SLOTS    64    /* at least */
#define BIAS_MAX 16384 /* so that it and all the bytes of a window fit 16 bits */
#define SHARED   2     /* rows before those of words: unknown, negated */

/* The section: head, slots, scales, biases, rows; each part is a multiple of 64 bytes. */
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

static bool counts_fit(size_t words, size_t filters)
{
    return words && words <= EAR_NETWORK_WORDS && filters && filters <= EAR_NETWORK_FILTERS &&
           filters % LANE == 0;
}

/* ---- written ---- */

struct writer {
    const struct ear_network_parts *parts;
    float scale[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
    int32_t bias[EAR_NETWORK_WIDTHS * EAR_NETWORK_FILTERS];
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
        if (!w->err && w->scale[i] > 0) w->bias[i] = (int32_t)lrintf(parts->bias[i] / w->scale[i]);
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
        slots[slot_of(slots, head.slots, hash)] = (struct ear_network_slot){hash, i};
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
                bytes[place * filters + f] = (int8_t)lrintf(row[place * filters + f] / scale);
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
    size_t used = 0;
    for (size_t i = 0; i < head->slots; i++) {
        used += slots[i].hash != 0;
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
                           EAR_NETWORK_WIDTHS * filters * (sizeof(float) + sizeof(int32_t)) +
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

/* A lane of bytes, read as pairs: odd filters above, even ones below. */
typedef int16_t pairs __attribute__((vector_size(LANE), may_alias));
struct lane {
    pairs odd, even;
};

/* Rows of the words of a post. */
struct window {
    const int8_t *row[EAR_NETWORK_TOKENS];
    bool negated[EAR_NETWORK_TOKENS];
    size_t count;
};

static inline struct lane add(struct lane a, struct lane b)
{
    return (struct lane){a.odd + b.odd, a.even + b.even};
}

static inline pairs more(pairs a, pairs b)
{
    pairs first = a > b;
    return (a & first) | (b & ~first);
}

static inline struct lane most(struct lane a, struct lane b)
{
    return (struct lane){more(a.odd, b.odd), more(a.even, b.even)};
}

static inline struct lane lane_at(const int8_t *bytes)
{
    pairs both = *(const pairs *)(const void *)bytes;
    return (struct lane){both >> 8, both << 8 >> 8};
}

static void find_rows(const struct ear_network *n, const struct ear_normal *normal,
                      struct window *w)
{
    size_t row = EAR_NETWORK_PLACES * n->filters, at[EAR_NETWORK_TOKENS];
    uint32_t hash[EAR_NETWORK_TOKENS];
    w->count = normal->token_count < EAR_NETWORK_TOKENS ? normal->token_count : EAR_NETWORK_TOKENS;
    for (size_t i = 0; i < w->count; i++) {
        hash[i] = hash_of(normal->tokens[i].text);
        __builtin_prefetch(&n->slots[ear_token_slot(hash[i], n->slot_count)]);
    }
    for (size_t i = 0; i < w->count; i++) {
        const struct ear_network_slot *slot = &n->slots[slot_of(n->slots, n->slot_count, hash[i])];
        at[i] = slot->hash ? SHARED + slot->word : 0;
        w->row[i] = n->rows + at[i] * row;
        w->negated[i] = normal->tokens[i].negated;
        for (size_t byte = 0; byte < row; byte += 64) __builtin_prefetch(w->row[i] + byte);
    }
}

/* What a word adds at its places to the filters of a lane. */
static inline __attribute__((always_inline)) void places_of(const struct window *w, size_t i,
                                                            const int8_t *negated, size_t filters,
                                                            size_t first, struct lane *place)
{
    for (size_t p = 0; p < EAR_NETWORK_PLACES; p++) {
        place[p] = lane_at(w->row[i] + p * filters + first);
        if (w->negated[i]) place[p] = add(place[p], lane_at(negated + p * filters + first));
    }
}

/* The strongest window of each width, of the filters of the lane that begins at `first`. Of the
 * windows that reach a word the part before it is carried along. */
EAR_CLONES static void read_lane(const struct ear_network *n, const struct window *w, size_t first,
                                 struct lane strongest[EAR_NETWORK_WIDTHS])
{
    const pairs none = {0}, least = none + INT16_MIN;
    const struct lane zero = {none, none};
    struct lane one = {least, least}, two = one, three = one, place[EAR_NETWORK_PLACES];
    struct lane last = zero, before_last = zero, begun = zero; /* carried: of two, of three */
    const int8_t *negated = n->rows + EAR_NETWORK_PLACES * n->filters;
    for (size_t i = 0; i < w->count; i++) {
        places_of(w, i, negated, n->filters, first, place);
        one = most(one, place[0]);
        two = most(two, add(last, place[2]));
        three = most(three, add(before_last, place[5]));
        last = place[1];
        before_last = add(begun, place[4]);
        begun = place[3];
    }
    strongest[0] = one;
    strongest[1] = most(two, last);
    strongest[2] = most(most(three, before_last), begun);
}

static float answer(const struct ear_network *n, size_t at, int16_t sum)
{
    int32_t above = n->bias[at] + sum;
    return above > 0 ? n->scale[at] * (float)above : 0;
}

void ear_network_read(const struct ear_network *n, const struct ear_normal *normal, float *out)
{
    struct window w;
    memset(out, 0, ear_network_outputs(n) * sizeof *out);
    if (!n->filters || !normal->token_count) return;
    find_rows(n, normal, &w);
    for (size_t first = 0; first < n->filters; first += LANE) {
        struct lane strongest[EAR_NETWORK_WIDTHS];
        read_lane(n, &w, first, strongest);
        for (size_t f = 0; f < LANE; f++)
            for (size_t width = 0; width < EAR_NETWORK_WIDTHS; width++) {
                const struct lane *s = &strongest[width];
                int16_t sum = f % 2 ? s->odd[f / 2] : s->even[f / 2];
                out[width * n->filters + first + f] =
                    answer(n, width * n->filters + first + f, sum);
            }
    }
}

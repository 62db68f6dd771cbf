#include "model/points.h"

#include "model/simd.h"
#include <stdlib.h>

#define SPREAD    UINT32_C(0x9E3779B1)
#define FINISH    UINT32_C(0x85EBCA6B)
#define TAG_BYTES 32  /* longer ones are no words written together */
#define WORD_COST 140 /* of every word of a tag; COMMON lowers it */

void ear_points_init(struct ear_points *p)
{
    /* Vectors may read and write beyond the last, never beyond the memory. */
    size_t room = EAR_POINTS_MAX + EAR_POINTS_ORDER + 1;
    *p = (struct ear_points){.point = ear_alloc(room * sizeof *p->point),
                             .at = ear_alloc(room * sizeof *p->at),
                             .hash = ear_alloc(room * sizeof *p->hash)};
}

void ear_points_release(struct ear_points *p)
{
    EAR_FREE(p->point);
    EAR_FREE(p->at);
    EAR_FREE(p->hash);
}

/* A mask as one point of the private range. */
static size_t mask_at(struct ear_str s, uint32_t *point)
{
    static const struct ear_str masks[] = {{"@user", 5}, {"@firm", 5}, {"@url", 4}, {"@mail", 5}};
    for (size_t i = 0; i < EAR_COUNT(masks); i++) {
        if (!ear_str_starts(s, masks[i])) continue;
        *point = 0xF0000 + (uint32_t)i;
        return masks[i].len;
    }
    return 0;
}

static size_t point_at(struct ear_str s, uint32_t *point)
{
    const unsigned char *b = (const unsigned char *)s.ptr;
    size_t len = *b < 0x80 ? 1 : *b < 0xE0 ? 2 : *b < 0xF0 ? 3 : 4;
    if (len == 1) {
        *point = *b >= '0' && *b <= '9' ? '0' : *b;
        size_t mask = *b == '@' ? mask_at(s, point) : 0;
        return mask ? mask : 1;
    }
    uint32_t cp = *b & (0x7Fu >> len);
    if (len > s.len) len = s.len;
    for (size_t i = 1; i < len; i++) cp = cp << 6 | (b[i] & 0x3F);
    *point = cp;
    return len;
}

EAR_CLONES static void put_plain(const unsigned char *restrict b, size_t count, size_t at,
                                 uint32_t *restrict point, uint32_t *restrict places)
{
    for (size_t i = 0; i < count; i++) {
        point[i] = (unsigned char)(b[i] - '0') < 10 ? '0' : b[i];
        places[i] = (uint32_t)(at + i);
    }
}

/* A run of ASCII without masks, as point_at() has it: a point a byte. Returns how long it is. */
static size_t read_plain(struct ear_points *p, size_t count, size_t at)
{
    size_t left = p->text.len - at, room = EAR_POINTS_MAX - 1 - count, len = 0;
    const unsigned char *b = (const unsigned char *)p->text.ptr + at;
    if (left > room) left = room;
    while (len < left && b[len] < 0x80 && b[len] != '@') len++;
    put_plain(b, len, at, p->point + count, p->at + count);
    return len;
}

void ear_points_read(struct ear_points *p, struct ear_str text)
{
    size_t count = 0, at = 0;
    p->text = text;
    p->point[count] = ' ';
    p->at[count++] = 0;
    while (at < text.len && count < EAR_POINTS_MAX - 1) {
        size_t plain = read_plain(p, count, at);
        count += plain;
        at += plain;
        if (at == text.len || count == EAR_POINTS_MAX - 1) break;
        p->at[count] = (uint32_t)at;
        at += point_at((struct ear_str){text.ptr + at, text.len - at}, &p->point[count++]);
    }
    p->point[count] = ' ';
    p->at[count] = p->at[count + 1] = (uint32_t)at;
    p->count = text.len ? count + 1 : 0;
}

EAR_CLONES static void extend(uint32_t *restrict hash, const uint32_t *restrict next, size_t count)
{
    for (size_t i = 0; i < count; i++) hash[i] = (hash[i] ^ next[i]) * SPREAD;
}

EAR_CLONES static void finish(const uint32_t *restrict hash, size_t count, unsigned shift,
                              uint32_t *restrict indices)
{
    for (size_t i = 0; i < count; i++) indices[i] = ((hash[i] ^ hash[i] >> 15) * FINISH) >> shift;
}

size_t ear_points_grams(struct ear_points *p, uint32_t seed, unsigned min, unsigned max,
                        unsigned hash_bits, uint32_t *indices)
{
    size_t found = 0;
    for (size_t i = 0; i < p->count; i++) p->hash[i] = seed;
    for (unsigned n = 1; n <= max && n <= p->count; n++) {
        size_t count = p->count - n + 1;
        extend(p->hash, p->point + n - 1, count);
        if (n < min) continue;
        finish(p->hash, count, 32 - hash_bits, indices + found);
        found += count;
    }
    return found;
}

/* ---- hashtags ---- */

static unsigned word_cost(const struct ear_scores *scores, struct ear_str word)
{
    struct ear_score_found found;
    if (!ear_scores_find(scores, word, "", &found)) return 0;
    int common = found.channel[EAR_SCORE_COMMON];
    return common > 0 ? (unsigned)(WORD_COST - common) : 0;
}

/* best[i]: the cheapest way to write tag[0, i) as words; from[i]: where its last word begins. */
static bool cut_points(const struct ear_scores *scores, struct ear_str tag, uint8_t *from)
{
    unsigned best[TAG_BYTES + 1] = {0};
    for (size_t to = 1; to <= tag.len; to++) {
        best[to] = UINT32_MAX;
        for (size_t at = 0; at < to; at++) {
            if (best[at] == UINT32_MAX) continue;
            unsigned cost = word_cost(scores, (struct ear_str){tag.ptr + at, to - at});
            if (!cost || best[at] + cost >= best[to]) continue;
            best[to] = best[at] + cost;
            from[to] = (uint8_t)at;
        }
    }
    return best[tag.len] != UINT32_MAX;
}

size_t ear_points_cut_tag(const struct ear_scores *scores, struct ear_str tag,
                          struct ear_str *parts, size_t max)
{
    uint8_t from[TAG_BYTES + 1] = {0};
    if (!scores->slots || tag.len > TAG_BYTES || !cut_points(scores, tag, from)) return 0;
    size_t count = 0;
    for (size_t to = tag.len; to > 0; to = from[to]) count++;
    if (count > max) return 0;
    size_t i = count;
    for (size_t to = tag.len; to > 0; to = from[to])
        parts[--i] = (struct ear_str){tag.ptr + from[to], to - from[to]};
    return count;
}

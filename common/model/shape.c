#include "model/shape.h"

/* Sixteen bytes at a time. Words are looked at one by one only where two capitals or three equal
 * letters stand side by side. */
#define BLOCK  16
#define BEFORE 2             /* bytes in front of a piece that its blocks look back at */
#define PIECE  ((size_t)240) /* so few that bytes can count it */

typedef uint8_t block __attribute__((vector_size(BLOCK)));
typedef uint64_t halves __attribute__((vector_size(BLOCK)));

struct sweep {
    struct ear_str raw;
    size_t noted; /* words before it are counted */
    struct ear_normal_shape shape;
};

static void add(uint16_t *count, size_t more)
{
    *count = (uint16_t)(more > (size_t)(UINT16_MAX - *count) ? UINT16_MAX : *count + more);
}

static bool is_letter(char c)
{
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'z';
}

/* A word of plain letters. */
static size_t note_word(struct ear_normal_shape *shape, struct ear_str s, size_t at)
{
    size_t end = at, stretched = 0, run = 0;
    unsigned lower = 0;
    char before = 0;
    for (; end < s.len && is_letter(s.ptr[end]); end++) {
        char c = s.ptr[end];
        lower |= c & 0x20;
        run = c == before ? run + 1 : 1;
        stretched += run == 3;
        before = c;
    }
    if (!lower && end - at >= 2) add(&shape->capitals, 1);
    if (stretched && (s.ptr[at] | 0x20) != 'w') add(&shape->stretched, stretched); /* "www" */
    return end - at;
}

/* The words that reach into [from, to). */
static void note_words(struct sweep *s, size_t from, size_t to)
{
    size_t at = s->noted > from ? s->noted : from;
    while (at > s->noted && is_letter(s->raw.ptr[at - 1])) at--;
    while (at < to) at += is_letter(s->raw.ptr[at]) ? note_word(&s->shape, s->raw, at) : 1;
    s->noted = at;
}

static block load(const char *at)
{
    block b;
    memcpy(&b, at, sizeof b);
    return b;
}

static bool any_in(block flags)
{
    halves h = (halves)flags;
    return (h[0] | h[1]) != 0;
}

/* Of counts whose sum fits a byte. */
static size_t sum_of(block counts)
{
    halves h = (halves)counts;
    return (h[0] + h[1]) * UINT64_C(0x0101010101010101) >> 56;
}

/* `text` is the piece at `from`, with what stands before it in front and zeroes behind. */
static void sweep_piece(struct sweep *s, size_t from, size_t len, const char *text)
{
    block exclamations = {0}, questions = {0}, dots = {0}, lines = {0};
    for (size_t at = 0; at < len; at += BLOCK) {
        block c = load(text + at + BEFORE), last = load(text + at + 1), third = load(text + at);
        block upper = (block)(c - 'A' < 26), upper_last = (block)(last - 'A' < 26);
        block letter = (block)((c | 0x20) - 'a' < 26), same = (block)(c == last);
        exclamations -= (block)(c == '!');
        questions -= (block)(c == '?');
        dots -= same & (block)(c == '.') & (block)(third != '.');
        lines -= ~same & (block)(c == '\n');
        if (any_in((upper & upper_last) | (letter & same & (block)(c == third)))) {
            size_t left = len - at < BLOCK ? len - at : BLOCK;
            note_words(s, from + at, from + at + left);
        }
    }
    add(&s->shape.exclamations, sum_of(exclamations));
    add(&s->shape.questions, sum_of(questions));
    add(&s->shape.dots, sum_of(dots));
    add(&s->shape.lines, sum_of(lines));
}

struct ear_normal_shape ear_shape_of(struct ear_str raw)
{
    struct sweep s = {.raw = raw};
    char text[BEFORE + PIECE + BLOCK] = {0};
    for (size_t from = 0, len; from < raw.len; from += len) {
        len = raw.len - from < PIECE ? raw.len - from : PIECE;
        memcpy(text + BEFORE, raw.ptr + from, len);
        memset(text + BEFORE + len, 0, BLOCK);
        sweep_piece(&s, from, len, text);
        memcpy(text, text + len, BEFORE);
    }
    return s.shape;
}

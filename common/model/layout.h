/* layout: the model file as it lies on disk and in memory: a head, a table of sections, sections
 * that begin at multiples of 64. Numbers are little-endian. Private to model;
 * docs/classifier.md tells the same in words. */
#ifndef EAR_MODEL_LAYOUT_H
#define EAR_MODEL_LAYOUT_H

#include "model/bytes.h"
#include "model/file.h"

#define EAR_MODEL_MAGIC   "EARMODEL"
#define EAR_MODEL_ALIGN   64
#define EAR_MODEL_DIGEST  32
#define EAR_MODEL_LANE    32 /* columns are padded to a multiple of this */
#define EAR_MODEL_STRINGS ((size_t)1 << 20)

/* In the order in which they lie in the file.     required */
#define EAR_MODEL_SECTIONS(X)            \
    X(SPEC, "features", true)            \
    X(NAME, "name", true)                \
    X(LICENCES, "licences", true)        \
    X(TRAINING, "training digest", true) \
    X(STRINGS, "strings", true)          \
    X(LABELS, "labels", true)            \
    X(HEADS, "heads", true)              \
    X(COLUMNS, "columns", true)          \
    X(KEPT, "kept features", true)       \
    X(ROWS, "rows", true)                \
    X(DENSE, "dense weights", false)     \
    X(LANGUAGE, "languages", true)       \
    X(SCORES, "word scores", false)      \
    X(NETWORK, "network", false)         \
    X(SHARES, "label shares", false)     \
    X(STANDINS, "stand-ins", false)

typedef enum ear_section {
#define X(id, name, required) EAR_SECTION_##id,
    EAR_MODEL_SECTIONS(X)
#undef X
        EAR_SECTION_COUNT
} ear_section;
#define EAR_SECTIONS_LEAST EAR_SECTION_SHARES /* older files end before it */

struct ear_file_head {
    char magic[8];
    uint32_t format, feature_version;
    uint64_t bytes; /* of the whole file */
    uint32_t section_count, reserved;
    uint8_t digest[EAR_MODEL_DIGEST]; /* of all else */
};
struct ear_file_section {
    uint32_t id, reserved;
    uint64_t offset, bytes;
};
struct ear_file_spec {
    uint32_t seed;
    uint8_t hash_bits, word_max, char_min, char_max;
    float weight[EAR_FEATURE_GROUPS];
    uint32_t dense_count; /* inputs of the extractor that it was trained with */
};
struct ear_file_string {
    uint32_t offset, bytes; /* within the strings */
};
struct ear_file_model_head {
    struct ear_file_string name, languages;
    uint32_t first_label, label_count; /* within the labels */
    uint32_t kind, level, auxiliary, knot_count;
    uint32_t reference; /* of SOFTMAX the label without a column, whose z is 0; else 0 */
    float unsure_below;
    struct ear_model_knot knots[EAR_MODEL_KNOTS];
    float coverage[EAR_MODEL_COVERAGES];
};
struct ear_file_column {
    float scale, bias, slope, offset;
};

_Static_assert(sizeof(struct ear_file_head) == 64, "as documented");
_Static_assert(sizeof(struct ear_file_section) == 24, "as documented");
_Static_assert(sizeof(struct ear_file_spec) == 24, "as documented");
_Static_assert(sizeof(struct ear_file_model_head) == 256, "as documented");

static inline size_t ear_model_width(size_t columns)
{
    return (columns + EAR_MODEL_LANE - 1) / EAR_MODEL_LANE * EAR_MODEL_LANE;
}

/* The digest that stands in the head, over all but itself; bytes hold a whole head at least. */
void ear_model_digest(struct ear_str bytes, uint8_t digest[static EAR_MODEL_DIGEST]);

#endif

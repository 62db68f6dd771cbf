/* model: a trained classifier in one file, and what it says of a post. Bytes and an optional hint
 * in, language and one prediction a head out; pure: no clock, no network, nothing of the author.
 *
 * Layer: above text. A model is read once and never changes: any number of readers share it, one
 * reader serves one thread. After warm-up a reader allocates nothing. The file (docs/classifier.md
 * has its layout) carries magic, format and feature version, hash seed, heads with labels, scales,
 * calibration and abstention, digest of what it was trained on, licences, and a digest of itself;
 * the loader refuses any mismatch or damage by name. */
#ifndef EAR_MODEL_MODEL_H
#define EAR_MODEL_MODEL_H

#include "base/base.h"

#define EAR_MODEL_HEADS_MAX  32
#define EAR_MODEL_LABELS_MAX 256 /* of one head */
#define EAR_MODEL_NAME_BYTES 255 /* of a head's or label's name, at most */
#define EAR_MODEL_LANG_BYTES 4
#define EAR_MODEL_TEXT_MAX   ((size_t)16 * 1024) /* of longer text the beginning counts */

struct ear_model;
struct ear_model_reader;

/* Borrowed from the model. */
struct ear_head {
    struct ear_str name; /* "intent" */
    size_t label_count;
    const struct ear_str *labels; /* in the order of probabilities; ordinal heads ascend */
    struct ear_str languages;     /* that it was taught, "en de"; empty: any. Of others another head
                                   * may speak in its place, with a threshold of its own */
    bool auxiliary;               /* there for other heads, seldom worth showing */
    float unsure_below;           /* a likeliest label less probable than this is unsure */
    const float *shares;          /* of the posts it was trained on, by label; NULL: not known */
    float sureness;               /* mean p of the likeliest label there; 0: not known */
    int stands_in;                /* the head in whose place it speaks in its languages; -1: none */
};

struct ear_model_info {
    struct ear_str version;  /* "earshot-1 3f9a0c12": name and the start of its digest */
    struct ear_str licences; /* one a line, of the data it was trained on */
    struct ear_str training; /* hex, digest of what it was trained on */
    struct ear_str digest;   /* hex, of the file */
    size_t bytes;
    size_t rows; /* features that carry weights */
    size_t head_count;
    const struct ear_head *heads;
};

/* On failure diag gets one line for people, naming what is wrong with the file: EAR_NOT_FOUND,
 * EAR_DENIED or EAR_IO from the file system, EAR_INVALID from its content, EAR_UNSUPPORTED for
 * another version of format or features. The model is owned by the caller. */
ear_err ear_model_load(const char *path, struct ear_model **out,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* The bytes are borrowed, aligned to 64, and outlive the model. */
ear_err ear_model_open(struct ear_str bytes, struct ear_model **out,
                       struct ear_diag *diag) EAR_MUST_CHECK;
void ear_model_free(struct ear_model **model);
struct ear_model_info ear_model_info(const struct ear_model *model);
/* Index of the head, or -1. */
int ear_model_head(const struct ear_model *model, struct ear_str name);
/* What a head's likeliest label must reach so that about this share of posts is answered, after
 * the posts it was calibrated on; in (0, 1]. */
float ear_model_threshold(const struct ear_model *model, size_t head, float coverage);

/* Borrowed for the call. Only text is needed. */
struct ear_model_post {
    struct ear_str text;          /* any bytes */
    struct ear_str language_hint; /* BCP 47, as the platform gave it: breaks ties only */
    struct ear_str account;       /* the firm's handle that heard it, with or without '@' */
    bool direct;                  /* written to the firm alone */
    bool reply;                   /* answers a post of the firm or of a known conversation */
};

struct ear_prediction {
    uint16_t label;        /* the likeliest */
    bool unsure;           /* below the head's threshold, or a language it was not taught */
    bool stood_in;         /* another head spoke: one that was taught the post's language */
    float p;               /* calibrated, of label */
    const float *p_labels; /* of all labels; valid until the next read */
};

struct ear_reading {
    char language[EAR_MODEL_LANG_BYTES];  /* ISO 639-1; "und" when unsure */
    char likeliest[EAR_MODEL_LANG_BYTES]; /* even then */
    float language_p;
    struct ear_prediction heads[EAR_MODEL_HEADS_MAX]; /* in the order of the model's heads */
};

struct ear_model_reader *ear_model_reader_new(const struct ear_model *model);
void ear_model_reader_free(struct ear_model_reader **reader);
/* From now on this reader calls a head's likeliest label unsure below this instead of the
 * model's own threshold. */
void ear_model_reader_unsure_below(struct ear_model_reader *reader, size_t head, float p);
/* Never fails; where there is nothing to go by all is unsure. */
void ear_model_read(struct ear_model_reader *reader, const struct ear_model_post *post,
                    struct ear_reading *out);

/* What spoke loudest for a label of a head in the last post read, loudest first. */
struct ear_reason {
    struct ear_str text; /* the words, cue or auxiliary label; valid until the next call */
    float weight;        /* in log-odds */
};
#define EAR_MODEL_REASONS_MAX 16
size_t ear_model_why(struct ear_model_reader *reader, size_t head, uint16_t label,
                     struct ear_reason *reasons, size_t max);

#endif

/* lessons: everything that one training is about: the posts, the heads' tasks, the lists of words,
 * the texts of known language, and what the file will say of itself. A recipe or a folder fills
 * it; then heads are fitted and the model is written. Owns all of it. */
#ifndef EAR_LEARN_LESSONS_H
#define EAR_LEARN_LESSONS_H

#include "corpus.h"
#include "dataset.h"
#include "fit.h"
#include "language_train.h"
#include "lists.h"
#include "skipgram.h"

/* A network beside the linear scores, for heads that ask for it; see layers.h. */
struct ear_network_options {
    size_t words;                 /* that have a vector, at most */
    size_t dims, filters;         /* of a vector; of each width */
    unsigned epochs, text_epochs; /* over labelled posts; before, over posts without labels */
    float rate, text_rate;        /* of learning, at first */
    float drop, word_drop; /* shares of responses and of words that are left out while it learns */
    float home;            /* an example at home weighs so much more than others */
};

#define EAR_NETWORK_DEFAULTS                          \
    ((struct ear_network_options){.words = 14000,     \
                                  .dims = 64,         \
                                  .filters = 64,      \
                                  .epochs = 9,        \
                                  .text_epochs = 8,   \
                                  .rate = 2e-3f,      \
                                  .text_rate = 0.05f, \
                                  .drop = 0.4f,       \
                                  .word_drop = 0.1f,  \
                                  .home = 3})

struct ear_lessons {
    char name[64]; /* of the model */
    struct ear_feature_spec spec;
    struct ear_fit_options fit;
    struct ear_network_options network;
    size_t rows_max;    /* of the model: the features that say most */
    uint32_t posts_min; /* a feature of fewer posts is left out */
    float coverage;     /* share of posts that is to be answered; the rest is unsure */
    struct ear_task tasks[EAR_MODEL_HEADS_MAX];
    size_t task_count;
    struct ear_corpus corpus;
    struct ear_lists lists;
    struct ear_word_vectors words; /* that networks begin with; zero: none */
    struct ear_buf list_section, language_section;
    void *language_memory;                  /* the table again, aligned as the reader wants it */
    struct ear_language_trainer *languages; /* NULL: no texts were given */
    struct ear_buf licences;
    uint8_t digest[32]; /* of all that was read, file by file */
};

void ear_lessons_init(struct ear_lessons *lessons);
void ear_lessons_release(struct ear_lessons *lessons);

/* The task of that name; NULL where there is none and `make` is false, or no room. */
struct ear_task *ear_lessons_task(struct ear_lessons *lessons, struct ear_str name,
                                  ear_head_kind kind, bool make);
/* Takes the bytes into the digest. */
void ear_lessons_digest(struct ear_lessons *lessons, struct ear_str name, struct ear_str bytes);
/* Lists and languages are known: from now on posts can be added. */
ear_err ear_lessons_open(struct ear_lessons *lessons, struct ear_diag *diag) EAR_MUST_CHECK;

#endif

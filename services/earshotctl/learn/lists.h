/* lists: words and what lists say of them (tone, rudeness), gathered for the model's score section.
 * Files are tab-separated with a header, as the lists of AFINN, VADER and cuss come: the word,
 * then the number. A list is of certain languages, or of any: in a post the word of its language
 * counts, whatever that of any says, and 0 there says that the word means nothing. Owned by its
 * maker. */
#ifndef EAR_LEARN_LISTS_H
#define EAR_LEARN_LISTS_H

#include "model/scores.h"
#include "text/text.h"

struct ear_lists {
    struct ear_map *words; /* to struct ear_score */
    struct ear_text work;
    size_t count;
};

void ear_lists_init(struct ear_lists *lists);
void ear_lists_release(struct ear_lists *lists);
/* One list. Borrowed. */
struct ear_list {
    const char *path; /* for diag */
    struct ear_str content;
    struct ear_str languages; /* "de,fr"; empty: of any */
    ear_score_channel channel;
    double scale; /* numbers are multiplied by it and rounded */
};
/* Words of more than one token are passed over. EAR_INVALID with "FILE:LINE: …". */
ear_err ear_lists_read(struct ear_lists *lists, const struct ear_list *list,
                       struct ear_diag *diag) EAR_MUST_CHECK;
/* Appends the section; the same words give the same bytes whatever their order. */
ear_err ear_lists_write(const struct ear_lists *lists, struct ear_buf *out,
                        struct ear_diag *diag) EAR_MUST_CHECK;

#endif

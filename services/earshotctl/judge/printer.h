/* printer: what a model said of a post, as one line of JSON, at full speed: what is the same in
 * each line is made once, the rest is written by hand. */
#ifndef EAR_JUDGE_PRINTER_H
#define EAR_JUDGE_PRINTER_H

#include "model/model.h"

struct ear_printer_opts {
    struct ear_str heads; /* "intent,topic"; empty: all but the auxiliary ones */
    bool all;             /* the probabilities of all labels */
    bool why;
};

struct ear_printer;

/* Borrows the model. EAR_NOT_FOUND with the names there are when it has no such head. */
ear_err ear_printer_new(const struct ear_model *model, const struct ear_printer_opts *opts,
                        struct ear_printer **out, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_printer_free(struct ear_printer **printer);
/* Appends a line for the reading that the reader has just made. `out` must have a ceiling above any
 * line. */
void ear_printer_reading(const struct ear_printer *printer, struct ear_model_reader *reader,
                         const struct ear_reading *reading, struct ear_buf *out);
/* Appends {"error":…,"line":…}. */
void ear_printer_error(const char *said, uint64_t line, struct ear_buf *out);

/* Appends text as a JSON string; ill-formed bytes become U+FFFD. */
void ear_printer_text(struct ear_str text, struct ear_buf *out);

#endif

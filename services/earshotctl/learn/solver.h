/* solver: one linear score from rows that have a property and rows that have not: L2-regularised
 * logistic regression by dual coordinate descent (Yu, Huang, Lin: "Dual coordinate descent methods
 * for logistic regression and maximum entropy models", 2011), over n-grams that are scaled by
 * their naive-Bayes log-count ratio (Wang, Manning 2012). Examples of other kinds share one set of
 * weights with those at home, which have a second set of their own on top (Daume: "Frustratingly
 * easy domain adaptation", 2007); what comes out is the sum, for posts like those at home. Pure;
 * the same input gives the same bytes: the order of visits comes from the seed alone. */
#ifndef EAR_LEARN_SOLVER_H
#define EAR_LEARN_SOLVER_H

#include "matrix.h"

/* Borrowed. */
struct ear_problem {
    const struct ear_matrix *x; /* a row an example */
    const bool *has;            /* the property, of each example */
    const float *weights;       /* of each example */
    const bool *home;           /* of the kind that the score is for; NULL: all */
};

struct ear_solver_options {
    float c;          /* cost of an error: larger fits closer */
    float balance;    /* 0: as often as they are there, 1: those that have it weigh as the rest */
    float ratio;      /* power of the naive-Bayes scaling of n-grams; 0: none */
    float dense;      /* dense inputs are worth so much more than n-grams */
    float home;       /* how freely examples at home may differ from the others; 0: not at all */
    unsigned passes;  /* at most */
    double tolerance; /* ends when no coordinate would move further */
    uint64_t seed;
};

#define EAR_SOLVER_DEFAULTS                         \
    ((struct ear_solver_options){.c = 1.2f,         \
                                 .balance = 0.5f,   \
                                 .ratio = 1,        \
                                 .dense = 1,        \
                                 .passes = 30,      \
                                 .tolerance = 0.02, \
                                 .seed = 1})

/* Fills weights (column_count of them) and the bias. */
void ear_solve(const struct ear_problem *problem, const struct ear_solver_options *options,
               float *weights, float *bias);
/* weights · row + bias */
float ear_solved_score(const float *weights, float bias, const struct ear_cell *cells,
                       size_t count);

#endif

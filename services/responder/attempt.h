/* attempt: one try to hand a reply to its platform, or one look whether an earlier try succeeded.
 *
 * The journal comes first: the row is committed before the first byte, and the end is written again
 * and again until its commit is certain, together with the outcome and what was learnt about limits
 * and session. Owned by its account until it ends. */
#ifndef EAR_RESPONDER_ATTEMPT_H
#define EAR_RESPONDER_ATTEMPT_H

#include "account.h"
#include "wire/wire.h"

typedef enum ear_attempt_phase {
    EAR_PHASE_CHOSEN,    /* nothing written yet */
    EAR_PHASE_BEGINNING, /* its row is being committed */
    EAR_PHASE_SENDING,   /* the connector has it */
    EAR_PHASE_ADOPTING,  /* the row of an earlier owner is being taken over */
    EAR_PHASE_LOOKING,   /* the connector looks for it */
    EAR_PHASE_ENDING,    /* its end is being committed */
    EAR_PHASES
} ear_attempt_phase;

/* What the last transaction of an attempt starts from. */
typedef enum ear_attempt_row {
    EAR_ROW_NONE,  /* there is no row: no byte was meant to go */
    EAR_ROW_OURS,  /* begun or adopted under this epoch */
    EAR_ROW_ADOPT, /* an earlier owner's, to be taken over in the same transaction */
} ear_attempt_row;

/* What the queue knew. Borrowed for the length of ear_attempt_start. */
struct ear_attempt_source {
    struct ear_id reply_id;
    struct ear_id customer_id;
    struct ear_str payload; /* packed Reply */
    struct ear_str key;     /* of the last attempt */
    struct ear_str post_id, thread, recipient_id, recipient_name;
};

struct ear_attempt {
    TAILQ_ENTRY(ear_attempt) link;
    struct ear_account *account;
    struct ear_arena *arena; /* owned: reply and the texts of job */
    Earshot__V1__Reply *reply;
    struct ear_id reply_id, customer_id, case_id;
    struct ear_reply_view view;
    int64_t number; /* of the row */
    int64_t epoch;
    struct ear_buf key;
    struct ear_fit fit;
    struct ear_send_job job;
    ear_attempt_phase phase;
    ear_attempt_row row;

    /* what is to be written at the end */
    struct ear_verdict verdict;
    struct ear_buf external_id, session;
    int64_t visible_at_us, pause_until_us;
    int status; /* the platform's; 0: none */
    bool bare;  /* the database refused the platform's words: leave them out */

    struct ear_timer *again; /* after a commit that failed */
    unsigned commits;
    int64_t asked_ms;
};

/* Counts of what becomes of attempts are there from the first, at 0: an alert sees even the first
 * failure only as a change. */
void ear_attempt_show(const struct ear_account *account);
/* Decides what the reply needs and does it. */
void ear_attempt_start(struct ear_account *account, const struct ear_attempt_source *source,
                       const struct ear_reply_view *view);
/* Forgets it without a word in the journal: its fate is for the next owner. */
void ear_attempt_drop(struct ear_attempt *attempt);

/* The connectors' call backs; core is the account. */
void ear_attempt_on_sent(void *core, const struct ear_send_job *job,
                         const struct ear_send_result *result);
void ear_attempt_on_looked(void *core, const struct ear_send_job *job,
                           const struct ear_look_result *result);

#endif

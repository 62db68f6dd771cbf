/* facts: Pure. The nouns that decisions are made on and of, as plain data: what was heard, cases,
 * seats of agents, links, and the rows that a decision leaves behind.
 *
 * Times are microseconds since 1970 UTC; 0 is "none". A nil id is "none". Text is borrowed from
 * the arena of the book (see book.h) or from the care. Reach has no place here. */
#ifndef EAR_ASSIGNMENT_FACTS_H
#define EAR_ASSIGNMENT_FACTS_H

#include "base/base.h"
#include "engine/care.h"
#include "pb/command.pb-c.h"
#include "pb/post.pb-c.h"
#include "pb/triage.pb-c.h"

/* ---- what comes in ---- */

/* What the classifier said of a post, in the words of proto/triage.proto. */
struct ear_triage {
    const char *language; /* "und" when unsure */
    Earshot__V1__Answer answer;
    Earshot__V1__Intent intent;
    Earshot__V1__Sentiment sentiment;
    Earshot__V1__Topic topic;
    uint32_t urgency;
    uint32_t severity;
    bool urgency_unsure;
    bool severity_unsure;
    float answer_p; /* 0 to 1 */
    float intent_p;
    const char *model;
    const char *why; /* reasons, U+001F between them; NULL without */
    int64_t triaged_at_us;
};

/* A triaged post: of proto/post.proto what decisions are made on. What each pass over a batch looks
 * at stands first, together. */
struct ear_heard {
    struct ear_id post_id;
    struct ear_id customer_id;
    int64_t created_at_us;
    int64_t received_at_us;
    const char *trace; /* W3C traceparent of the batch it came in; of no meaning to decisions */
    bool direct;
    bool own;
    struct ear_id self_ref;
    struct ear_id reply_ref;
    struct ear_id conversation_ref;
    const char *platform;
    const char *account;         /* "" when unknown */
    const char *const *mentions; /* further accounts of the firm that it names */
    size_t mention_count;
    struct ear_triage triage;
};

/* ---- what is known ---- */

typedef enum ear_case_state {
    EAR_CASE_OPEN = 1,    /* the firm owes */
    EAR_CASE_WAITING = 2, /* the customer owes */
    EAR_CASE_CLOSED = 3
} ear_case_state;

#define EAR_PLACE_BYTES 6

struct ear_case {
    struct ear_id case_id;
    struct ear_id customer_id;
    const char *account;
    const char *platform;
    const char *team;
    const char *agent;      /* NULL: in the team's queue, or closed */
    const char *last_agent; /* NULL: nobody yet */
    ear_case_state state;
    const char *close_code; /* NULL while it was never closed */
    bool direct;
    const char *language;
    int intent;
    int topic;
    uint32_t urgency;
    uint32_t severity;
    int32_t seq;
    int32_t posts;
    struct ear_id last_post_id;
    int64_t last_post_at_us;
    int64_t opened_at_us; /* when the customer's wait began: the platform's time */
    int64_t heard_at_us;
    int64_t changed_at_us;
    int32_t clock_no;
    int64_t respond_by_us; /* 0 while no clock runs */
    int64_t first_responded_at_us;
    bool breached;
    int64_t closed_at_us;
    struct ear_id follows;
    struct ear_id tail_post_id; /* whose row of triage holds the last line of its history there */
    uint8_t place[EAR_PLACE_BYTES]; /* where the row was read; of no meaning to decisions */

    bool is_new;                /* to be inserted */
    bool changed;               /* to be updated */
    const struct ear_case *was; /* as it was read; NULL: it was not, or nobody asks */
    struct ear_case *next;
    struct ear_case *next_of_customer;
};

struct ear_link {
    struct ear_id ref;
    struct ear_id customer_id;
    struct ear_id case_id;
    bool is_new;
    struct ear_link *next;
};

/* An agent's place at work. */
struct ear_seat {
    const struct ear_agent *agent;
    bool present;
    int32_t open_cases;
    int64_t idle_since_us;
    int32_t given; /* what this decision adds to open_cases */
    bool routed;   /* given by routing, so never past capacity; a person may go past it */
    bool changed;
    struct ear_seat *next;
};

/* The first of a team's queue. */
struct ear_head {
    const char *team;
    int64_t respond_by_us;
    struct ear_id case_id;
    struct ear_head *next;
};

/* A post that was decided before. */
struct ear_decided {
    struct ear_id key[2];  /* the post's, and its author's: two may claim one id */
    struct ear_id case_id; /* nil: none */
    struct ear_str heard;  /* further accounts that are known to have heard it, one a line */
};

/* A reply as its row says. */
struct ear_reply {
    struct ear_id reply_id;
    struct ear_id customer_id;
    struct ear_id case_id;
    struct ear_id post_id;
    bool by_rule;
    int state; /* 0 on its way, then proto OutcomeState */
};

/* ---- what a decision leaves behind ---- */

typedef enum ear_decision {
    EAR_DECIDED_OPENED = 1,
    EAR_DECIDED_JOINED = 2,
    EAR_DECIDED_REOPENED = 3,
    EAR_DECIDED_NONE_NEEDED = 4,
    EAR_DECIDED_OWN = 5,
    EAR_DECIDED_OWN_ALONE = 6,
    EAR_DECIDED_RELATED = 7
} ear_decision;

/* A row of triage. */
struct ear_verdict {
    const struct ear_heard *heard;
    const struct ear_case *of; /* NULL: no case */
    ear_decision decision;
    const struct ear_entry *line; /* of the history, that is written with it; NULL: none */
    struct ear_id before;         /* whose row has the case's line before that one */
    struct ear_verdict *next;
};

/* Bits of event.kinds; the places are those of table event_kind. */
typedef enum ear_kind {
    EAR_KIND_CLASSIFIED,
    EAR_KIND_CASED,
    EAR_KIND_JOINED,
    EAR_KIND_ASSIGNED,
    EAR_KIND_QUEUED,
    EAR_KIND_REOPENED,
    EAR_KIND_OWN_POST,
    EAR_KIND_RELATED,
    EAR_KIND_REPLY_WRITTEN,
    EAR_KIND_REPLY_SENT,
    EAR_KIND_REPLY_FAILED,
    EAR_KIND_REPLY_UNKNOWN,
    EAR_KIND_NOTED,
    EAR_KIND_RESOLVED,
    EAR_KIND_CLOCK_STARTED,
    EAR_KIND_CLOCK_STOPPED,
    EAR_KIND_CLOCK_WARNED,
    EAR_KIND_CLOCK_BREACHED,
    EAR_KIND_MENTIONED,
    EAR_KIND_RETRIAGED,
    EAR_KIND_COUNT
} ear_kind;

/* A line of a case's history. The members from `agent` on are its detail. */
struct ear_entry {
    const struct ear_case *of;
    int32_t seq;
    int64_t at_us;
    int64_t kinds;
    const char *actor;
    struct ear_id post_id;
    struct ear_id reply_id;
    const char *code;
    const char *agent;
    const char *team;
    const char *from_agent;
    bool affinity;
    int32_t clock_no;
    int64_t respond_by_us;
    int64_t late_by_us;
    int64_t visible_at_us;
    struct ear_id other_customer;
    const char *account; /* that heard the post too */
    bool in_triage;      /* its verdict has it */
    struct ear_entry *next;
};

typedef enum ear_due_kind { EAR_DUE_WARN = 1, EAR_DUE_BREACH = 2 } ear_due_kind;

typedef enum ear_due_change {
    EAR_DUE_START, /* a timer that was not there */
    EAR_DUE_MOVE,  /* one that has not fired comes earlier */
    EAR_DUE_CLEAR  /* fired or not, it is over */
} ear_due_change;

/* A timer of a clock, and what is to become of its row. */
struct ear_due {
    struct ear_id case_id;
    struct ear_id customer_id;
    ear_due_kind kind;
    int32_t clock_no;
    int64_t due_at_us;
    int64_t then_us; /* of a warning: when the breach is due; 0: that has a row of its own */
    ear_due_change change;
    struct ear_due *next;
};

struct ear_mention {
    struct ear_id post_id;
    struct ear_id customer_id;
    const char *account;
    struct ear_mention *next;
};

#define EAR_TIMER_BUCKETS 16
/* 0 to 15, by the random end of a case's id. */
static inline int ear_due_bucket(const struct ear_id *case_id)
{
    return case_id->b[EAR_ID_BYTES - 1] % EAR_TIMER_BUCKETS;
}

#endif

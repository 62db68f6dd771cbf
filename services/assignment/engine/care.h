/* care: Pure. What the firm decided (teams, agents, accounts, policies) as plain data, and the
 * look-ups that decisions need. Made by care_cache from the database; here it is read only.
 *
 * All text is borrowed from the arena that the care lives in. */
#ifndef EAR_ASSIGNMENT_CARE_H
#define EAR_ASSIGNMENT_CARE_H

#include "base/base.h"

/* A list of words; empty means "every". */
struct ear_words {
    const char **items;
    size_t count;
};

struct ear_team {
    const char *id;
    struct ear_words languages;
    struct ear_words topics;
    bool is_default;
};

struct ear_agent {
    const char *id;
    const char *team;
    const char *sign_off;
    struct ear_words languages;
    int32_t capacity;
    bool active;
    bool on_shift; /* as care_cache read it last; a word of presence goes before it */
};

struct ear_account {
    const char *id;
    const char *platform;
    const char *team;
};

/* The SLA. NULL team or platform matches any. */
struct ear_policy {
    const char *id;
    const char *team;
    const char *platform;
    int64_t first_response_s;
    int64_t warn_before_s;
    int64_t reopen_within_s;
};

/* Arrays are in the order of their ids. */
struct ear_care {
    struct ear_team *teams;
    size_t team_count;
    struct ear_agent *agents;
    size_t agent_count;
    struct ear_account *accounts;
    size_t account_count;
    struct ear_policy *policies;
    size_t policy_count;
};

/* NULL when there is none of that id (or id is NULL). */
const struct ear_team *ear_care_team(const struct ear_care *care, const char *id);
const struct ear_agent *ear_care_agent(const struct ear_care *care, const char *id);
const struct ear_account *ear_care_account(const struct ear_care *care, const char *id);

/* The team that takes what belongs to nobody else; NULL when care.yaml was never applied. */
const struct ear_team *ear_care_default_team(const struct ear_care *care);
/* The most exact policy: team and platform, then team, then platform, then neither; where no row
 * matches, 15 minutes with a warning after 10, reopening within 7 days. Never NULL. */
const struct ear_policy *ear_care_policy(const struct ear_care *care, const char *team,
                                         const char *platform);

/* How soon after a post the first timer of any policy is due, in seconds. */
int64_t ear_care_least_s(const struct ear_care *care);

/* Holds the word, or is empty. */
bool ear_words_allow(const struct ear_words *words, const char *word);

#endif

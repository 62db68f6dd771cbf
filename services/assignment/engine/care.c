#include "engine/care.h"

#include <stdlib.h>

static int by_id(const void *key, const void *row)
{
    /* Every row of care begins with its id. */
    const char *const *id = row;
    return strcmp(key, *id);
}

static void *find(const void *rows, size_t count, size_t size_bytes, const char *id)
{
    if (!id || count == 0) return NULL;
    return bsearch(id, rows, count, size_bytes, by_id);
}

const struct ear_team *ear_care_team(const struct ear_care *care, const char *id)
{
    return find(care->teams, care->team_count, sizeof(*care->teams), id);
}

const struct ear_agent *ear_care_agent(const struct ear_care *care, const char *id)
{
    return find(care->agents, care->agent_count, sizeof(*care->agents), id);
}

const struct ear_account *ear_care_account(const struct ear_care *care, const char *id)
{
    return find(care->accounts, care->account_count, sizeof(*care->accounts), id);
}

const struct ear_team *ear_care_default_team(const struct ear_care *care)
{
    for (size_t i = 0; i < care->team_count; i++)
        if (care->teams[i].is_default) return &care->teams[i];
    return care->team_count ? &care->teams[0] : NULL;
}

static int exactness(const struct ear_policy *p, const char *team, const char *platform)
{
    if (p->team && strcmp(p->team, team) != 0) return -1;
    if (p->platform && strcmp(p->platform, platform) != 0) return -1;
    return (p->team ? 2 : 0) + (p->platform ? 1 : 0);
}

static const struct ear_policy usual = {
    .id = "", .first_response_s = 900, .warn_before_s = 300, .reopen_within_s = INT64_C(7) * 86400};

const struct ear_policy *ear_care_policy(const struct ear_care *care, const char *team,
                                         const char *platform)
{
    const struct ear_policy *best = &usual;
    int most = -1;
    for (size_t i = 0; i < care->policy_count; i++) {
        int exact = exactness(&care->policies[i], team, platform);
        if (exact <= most) continue;
        most = exact;
        best = &care->policies[i];
    }
    return best;
}

static int64_t first_timer_s(const struct ear_policy *policy)
{
    bool warns = policy->warn_before_s > 0 && policy->warn_before_s < policy->first_response_s;
    return policy->first_response_s - (warns ? policy->warn_before_s : 0);
}

int64_t ear_care_least_s(const struct ear_care *care)
{
    int64_t least_s = first_timer_s(&usual);
    for (size_t i = 0; i < care->policy_count; i++) {
        int64_t s = first_timer_s(&care->policies[i]);
        if (s < least_s) least_s = s;
    }
    return least_s;
}

static bool hold(const struct ear_words *words, const char *word)
{
    for (size_t i = 0; i < words->count; i++)
        if (strcmp(words->items[i], word) == 0) return true;
    return false;
}

bool ear_words_allow(const struct ear_words *words, const char *word)
{
    return words->count == 0 || hold(words, word);
}

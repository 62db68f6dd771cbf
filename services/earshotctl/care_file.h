/* care_file: care.yaml, the one declarative file in which a firm says who serves whom.
 *
 *   firm: Northern Line Parcels
 *   teams:
 *     - id: care                     # [a-z0-9_-]{1,64}
 *       name: Customer care
 *       default: true                # exactly one team
 *       languages: [en, de]          # optional; none: every language
 *       topics: [billing, refund]    # optional; names of proto Topic, lower case; none: every topic
 *   accounts:
 *     - id: "@northernline"          # the key that posts name; 1 to 128 bytes
 *       platform: bluesky            # open string; a connector of that name answers, if there is one
 *       author_id: did:plc:…         # optional: the firm's own identity there
 *       team: care
 *       secrets: [bluesky_password]  # optional: names of files in EAR_SECRETS_DIR
 *       enabled: true                # optional
 *       settings:                    # optional: flat map of strings, for the connector
 *         service: https://bsky.social
 *   agents:
 *     - id: ana
 *       name: Ana Prieto
 *       team: care
 *       capacity: 8                  # cases at a time
 *       sign_off: "^Ana"             # optional
 *       languages: [en, es]          # optional
 *       shifts:                      # optional; none: present by command only
 *         - { days: mon-fri, from: "08:00", to: "16:30", zone: Europe/London }
 *         - { days: sat, from: "10:00", to: "14:00", zone: Europe/London }
 *   policies:
 *     - id: standard
 *       team: care                   # optional; none: any
 *       platform: bluesky            # optional; none: any
 *       first_response: 15m          # optional, 15m
 *       warn_before: 5m              # optional, 5m
 *       reopen_within: 7d            # optional, 7d
 *
 * days: "mon-fri", "sat", "mon,wed,fri", "daily". to "24:00" ends at midnight; a shift over
 * midnight is two. Anything unknown, doubled or dangling is an error with its line. */
#ifndef EAR_CARE_FILE_H
#define EAR_CARE_FILE_H

#include "base/base.h"
#include <stdio.h>

struct ear_care_list {
    char **items; /* owned, as all text below */
    size_t count;
};

struct ear_care_team {
    char *id, *name;
    struct ear_care_list languages, topics;
    bool is_default;
};

struct ear_care_account {
    char *id, *platform, *author_id, *team;
    char *settings_json; /* object of strings */
    struct ear_care_list secrets;
    bool enabled;
};

struct ear_care_shift {
    char *agent, *zone;
    unsigned days; /* bit 0 Monday … bit 6 Sunday */
    int from_min, to_min; /* minutes of the day, to_min up to 1440 */
};

struct ear_care_agent {
    char *id, *name, *team, *sign_off;
    int64_t capacity;
    struct ear_care_list languages;
};

struct ear_care_policy {
    char *id, *team, *platform; /* team, platform NULL: any */
    int64_t first_response_s, warn_before_s, reopen_within_s;
};

struct ear_care {
    char *firm;
    struct ear_care_team *teams;
    size_t team_count;
    struct ear_care_account *accounts;
    size_t account_count;
    struct ear_care_agent *agents;
    size_t agent_count;
    struct ear_care_shift *shifts;
    size_t shift_count;
    struct ear_care_policy *policies;
    size_t policy_count;
    uint8_t sha256[EAR_SHA256_BYTES];
};

/* Reads and checks; every mistake is one line "NAME:LINE: what is wrong and what to do" on
 * err_out. EAR_INVALID after any. *out is owned by the caller. */
ear_err ear_care_parse(struct ear_str text, const char *name, struct ear_care **out,
                       FILE *err_out) EAR_MUST_CHECK;
void ear_care_free(struct ear_care **care);

#endif

/* care_file: care.yaml, the one declarative file in which a firm says who serves whom.
 *
 *   firm: Northern Line Parcels
 *   teams:
 *     - id: care                     # [a-z0-9_-]{1,64}
 *       name: Customer care
 *       default: true                # exactly one team
 *       languages: [en, de]          # optional; none: every language
 *       topics: [billing, refund]    # optional; of proto Topic, lower case; none: every topic
 *   accounts:
 *     - id: "@northernline"          # the key that posts name; 1 to 128 bytes
 *       platform: bluesky            # any; a connector of that name answers, if there is one
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
 * midnight is two. Anything unknown, doubled or dangling is an error with its line. Pure: text in,
 * one JSON document out. */
#ifndef EAR_CARE_FILE_H
#define EAR_CARE_FILE_H

#include "base/base.h"
#include <jansson.h>
#include <stdio.h>

#define EAR_CARE_FILE_BYTES_MAX (1u << 20)

/* Reads and checks; every mistake is one line "NAME:LINE: what is wrong and what to do" on
 * err_out, and EAR_INVALID in the end; EAR_NO_MEMORY before anything is left out. *out is the
 * caller's:
 *   {"firm": text, "team": [row…], "account": [row…], "agent": [row…], "policy": [row…]}
 * where a row's members are the columns of the table of that name, every column present, and an
 * agent's row has "shifts": [{weekdays, from_time, to_time, time_zone}…] besides. */
ear_err ear_care_parse(struct ear_str text, const char *name, json_t **out,
                       FILE *err_out) EAR_MUST_CHECK;

#endif

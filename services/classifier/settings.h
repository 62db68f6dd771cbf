/* settings: what the classifier is configured by; main.c has the table. */
#ifndef EAR_CLASSIFIER_SETTINGS_H
#define EAR_CLASSIFIER_SETTINGS_H

#include <stdint.h>

struct ear_classifier_settings {
    const char *ingests;
    const char *bus;
    const char *bus_key_file;
    const char *bus_peers_file;
    const char *model;
    const char *topics;
    const char *rules;
    int64_t coverage; /* percent; 0: as the model has it */
    int64_t window_live;
    int64_t window_backfill;
};

#endif

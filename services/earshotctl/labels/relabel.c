#include "labels/relabel.h"

#include "labels/vocabulary.h"
#include "show.h"
#include "store_sql.h"

#include <stdio.h>

static const struct ear_show_column columns[] = {
    {"set_at", "WHEN", EAR_SHOW_TIME, 0, 0}, {"post_id", "POST", EAR_SHOW_ID, 0, 0},
    {"head", "HEAD", EAR_SHOW_TEXT, 0, 0},   {"label", "LABEL", EAR_SHOW_TEXT, 0, 0},
    {"said", "SAID", EAR_SHOW_TEXT, 0, 0},   {"model", "MODEL", EAR_SHOW_TEXT, 0, 0},
    {"agent", "BY", EAR_SHOW_TEXT, 0, 0},
};

static ear_exit read_words(const struct ear_ctl *ctl, char *post, struct ear_id *id)
{
    struct ear_diag diag = {0};
    ear_exit status = ear_ctl_id(post, "post", "case show shows", id);
    if (status) return status;
    if (!ctl->options.head || !ctl->options.label) {
        ear_ctl_fail(EAR_INVALID, "relabel wants --head HEAD and --label LABEL");
        return EAR_EXIT_USAGE;
    }
    if (ctl->options.as && !ear_label_agent_fits(ear_str_from(ctl->options.as))) {
        ear_ctl_fail(EAR_INVALID, "--as wants 1 to %d bytes without a control sign",
                     EAR_LABEL_BYTES_MAX);
        return EAR_EXIT_USAGE;
    }
    if (!ear_label_check(ear_str_from(ctl->options.head), ear_str_from(ctl->options.label), &diag))
        return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "%s", diag.text);
    return EAR_EXIT_USAGE;
}

ear_exit ear_relabel(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    struct ear_id id;
    ear_exit status = read_words(ctl, argv[0], &id);
    if (!status) status = ear_ctl_connect(ctl);
    if (status) return status;
    struct ear_pg_results results = {0};
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, STORE_LABEL_PUT);
    ear_pg_id(batch, &id);
    ear_pg_text(batch, ear_str_from(ctl->options.head));
    ear_pg_text(batch, ear_str_from(ctl->options.label));
    ear_pg_text(batch, ear_str_from(ctl->options.as ? ctl->options.as : "operator"));
    status = ear_ctl_query(ctl, &batch, &results);
    if (!status && ear_pg_rows(results.items[0]) == 0)
        status = ear_ctl_fail(EAR_NOT_FOUND, "no post %s", argv[0]);
    if (!status) {
        json_t *rows = ear_show_rows(results.items[0], columns, EAR_COUNT(columns));
        ear_show_object(ctl, json_array_get(rows, 0), columns, EAR_COUNT(columns));
        json_decref(rows);
        if (!ear_label_head_known(ear_str_from(ctl->options.head)))
            fprintf(stderr, "earshotctl: %s is none of Earshot's heads: kept as one of your own\n",
                    ctl->options.head);
    }
    ear_pg_results_release(&results);
    return status;
}

/* bulk: PostgreSQL's best, bare: rows of a post inserted as binary arrays through unnest, so many a
 * statement, each statement a transaction, conflicts ignored. What row 2 of tests/bench/run divides
 * by. The table has three trees: bench_row (see stand.sh).
 *
 *   bulk CONNINFO FIRST ROWS [A_STATEMENT]
 *
 * Prints one JSON object; cpu_ms is this process's own. */
#include "pg/pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BODY_BYTES 300
#define AUTHORS    100000

static const struct ear_pg_statement statements[] = {
    {"insert_rows",
     "INSERT INTO bench_row (id, platform, external_id, author_id, body, created_at, received_at)"
     " SELECT * FROM unnest($1::int8[], $2::text[], $3::text[], $4::int8[], $5::text[],"
     " $6::timestamptz[], $7::timestamptz[]) ON CONFLICT DO NOTHING"},
};

static struct ear_pg_batch *rows_of(int64_t first, int64_t count)
{
    static const ear_pg_type types[] = {EAR_PG_I64,  EAR_PG_TEXT, EAR_PG_TEXT, EAR_PG_I64,
                                        EAR_PG_TEXT, EAR_PG_TIME, EAR_PG_TIME};
    struct ear_pg_array *to[EAR_COUNT(types)];
    char external[32], body[BODY_BYTES + 1];
    struct ear_pg_batch *batch = ear_pg_batch_new(0);
    ear_pg_batch_add(batch, 0);
    for (size_t i = 0; i < EAR_COUNT(types); i++) to[i] = ear_pg_array(batch, types[i]);
    memset(body, 'b', BODY_BYTES);
    body[BODY_BYTES] = '\0';
    for (int64_t id = first; id < first + count; id++) {
        snprintf(external, sizeof(external), "18%017llu",
                 (unsigned long long)(id * 1000 + id * 7919 % 1000));
        snprintf(body, 21, "%020lld", (long long)id);
        body[20] = 'b';
        ear_pg_push_int(to[0], id);
        ear_pg_push_text(to[1], EAR_STR("x"));
        ear_pg_push_text(to[2], ear_str_from(external));
        ear_pg_push_int(to[3], id * INT64_C(2654435761) % AUTHORS);
        ear_pg_push_text(to[4], (struct ear_str){body, BODY_BYTES});
        ear_pg_push_int(to[5], INT64_C(1700000000000000) + id * 1000);
        ear_pg_push_int(to[6], INT64_C(1700000000500000) + id * 1000);
    }
    return batch;
}

static double cpu_ms(void)
{
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) * 1000 +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1000;
}

static void must(ear_err err, const struct ear_diag *diag)
{
    if (err == EAR_OK) return;
    fprintf(stderr, "bulk: %s: %s\n", ear_err_name(err), diag->text);
    exit(1);
}

int main(int argc, char **argv)
{
    int64_t first = 0, rows = 0, each = 500;
    struct ear_diag diag = {0};
    struct ear_loop *loop = NULL;
    struct ear_pg *pg = NULL;
    if (argc < 4 || ear_num_i64(ear_str_from(argv[2]), 0, INT64_MAX / 1000000, &first) != EAR_OK ||
        ear_num_i64(ear_str_from(argv[3]), 1, 1000000000, &rows) != EAR_OK ||
        (argc > 4 && ear_num_i64(ear_str_from(argv[4]), 1, 10000, &each) != EAR_OK)) {
        fprintf(stderr, "bulk CONNINFO FIRST ROWS [A_STATEMENT]\n");
        return 2;
    }
    must(ear_loop_new(&loop), &diag);
    const struct ear_pg_opts opts = {.conninfo = argv[1],
                                     .application = "bench",
                                     .statements = statements,
                                     .statement_count = EAR_COUNT(statements),
                                     .connections = 1};
    must(ear_pg_new(&pg, loop, &opts, &diag), &diag);
    double before_ms = cpu_ms();
    int64_t began_ms = ear_clock_mono_ms();
    for (int64_t done = 0; done < rows; done += each) {
        struct ear_pg_results results;
        struct ear_pg_batch *batch = rows_of(first + done, rows - done < each ? rows - done : each);
        must(ear_pg_wait(pg, &batch, &results, &diag), &diag);
        ear_pg_results_release(&results);
    }
    double seconds = (double)(ear_clock_mono_ms() - began_ms) / 1000;
    printf("{\"rows\":%lld,\"seconds\":%.3f,\"rate\":%.0f,\"cpu_ms\":%.2f}\n", (long long)rows,
           seconds, (double)rows / seconds, cpu_ms() - before_ms);
    ear_pg_free(&pg);
    ear_loop_free(&loop);
    return 0;
}

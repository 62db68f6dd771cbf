#include "judge/classify.h"

#include "judge/model_file.h"
#include "judge/post_line.h"
#include "judge/printer.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#define INPUT_BYTES  ((size_t)256 * 1024) /* asked for in one read */
#define OUTPUT_BYTES ((size_t)256 * 1024) /* written at once, while input does not pause */
#define OUTPUT_MAX   ((size_t)64 * 1024 * 1024)

struct classify {
    struct ear_printer *printer;
    struct ear_model_reader *reader;
    bool bare;     /* lines are texts */
    bool skipping; /* within a line that is too long, until its end */
    uint64_t line, bad;
    struct ear_buf in, out;
    struct ear_arena *room; /* of one line's texts */
};

static void refuse(struct classify *c, const char *said)
{
    c->bad++;
    ear_printer_error(said, c->line, &c->out);
}

static void answer(struct classify *c, const struct ear_model_post *post)
{
    struct ear_reading reading;
    ear_model_read(c->reader, post, &reading);
    ear_printer_reading(c->printer, c->reader, &reading, &c->out);
}

static void take_line(struct classify *c, struct ear_str line)
{
    struct ear_model_post post = {.text = line};
    struct ear_diag diag;
    c->line++;
    ear_arena_reset(c->room);
    if (c->bare && line.len && line.ptr[line.len - 1] == '\r') post.text.len--;
    if (!c->bare && ear_post_line_read(line, c->room, &post, &diag))
        refuse(c, diag.text);
    else
        answer(c, &post);
}

static ear_err flush_out(struct classify *c)
{
    bool whole = fwrite(c->out.data, 1, c->out.len, stdout) == c->out.len && fflush(stdout) == 0;
    ear_buf_reset(&c->out);
    return whole ? EAR_OK : EAR_IO;
}

static void skip_line(struct classify *c)
{
    if (!c->skipping) {
        c->line++;
        refuse(c, "a line of more than 1 MiB");
    }
    c->skipping = true;
    ear_buf_reset(&c->in);
}

/* Whole lines of what has been read; the rest stays. */
static ear_err take_lines(struct classify *c)
{
    struct ear_str rest = ear_buf_str(&c->in);
    const char *end;
    ear_err err = EAR_OK;
    while (!err && rest.len && (end = memchr(rest.ptr, '\n', rest.len))) {
        struct ear_str line = {rest.ptr, (size_t)(end - rest.ptr)};
        if (!c->skipping) take_line(c, line);
        c->skipping = false;
        rest = (struct ear_str){end + 1, rest.len - line.len - 1};
        if (c->out.len >= OUTPUT_BYTES) err = flush_out(c);
    }
    ear_buf_consume(&c->in, c->in.len - rest.len);
    if (c->in.len > EAR_POST_LINE_MAX || c->skipping) skip_line(c);
    return err;
}

static bool input_pauses(void)
{
    struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&in, 1, 0) == 0;
}

/* Bytes read; 0 at the end, -1 on failure. */
static ssize_t read_more(struct classify *c)
{
    EAR_CHECK(ear_buf_reserve(&c->in, INPUT_BYTES) == EAR_OK);
    ssize_t got;
    do got = read(STDIN_FILENO, c->in.data + c->in.len, INPUT_BYTES);
    while (got < 0 && errno == EINTR);
    if (got > 0) c->in.len += (size_t)got;
    return got;
}

static ear_exit run(struct classify *c)
{
    ssize_t got;
    while ((got = read_more(c)) > 0) {
        ear_err err = take_lines(c);
        if (!err && c->out.len && input_pauses()) err = flush_out(c);
        if (err) return ear_ctl_fail_file("standard output cannot be written");
    }
    if (got < 0) return ear_ctl_fail_file("standard input: %s", strerror(errno));
    if (c->in.len && !c->skipping) take_line(c, ear_buf_str(&c->in));
    if (flush_out(c)) return ear_ctl_fail_file("standard output cannot be written");
    if (!c->bad) return EAR_EXIT_OK;
    return ear_ctl_fail(EAR_INVALID, "%llu of %llu lines are malformed%s",
                        (unsigned long long)c->bad, (unsigned long long)c->line,
                        c->bare ? "" : " (bare texts want --text)");
}

static ear_exit use_coverage(const struct ear_ctl *ctl, const struct ear_model *model,
                             struct ear_model_reader *reader)
{
    int64_t percent;
    if (!ctl->options.coverage) return EAR_EXIT_OK;
    if (ear_num_i64(ear_str_from(ctl->options.coverage), 1, 100, &percent)) {
        ear_ctl_fail(EAR_INVALID, "--coverage wants a share in percent, 1 to 100");
        return EAR_EXIT_USAGE;
    }
    for (size_t i = 0; i < ear_model_info(model).head_count; i++)
        ear_model_reader_unsure_below(reader, i,
                                      ear_model_threshold(model, i, (float)percent / 100));
    return EAR_EXIT_OK;
}

static ear_exit run_with(const struct ear_ctl *ctl, const struct ear_model *model)
{
    struct ear_diag diag = {0};
    struct ear_printer_opts opts = {ear_str_from(ctl->options.heads), ctl->options.all,
                                    ctl->options.why};
    struct classify c = {.bare = ctl->options.text};
    if (ear_printer_new(model, &opts, &c.printer, &diag)) {
        ear_ctl_fail(EAR_INVALID, "--heads: %s", diag.text);
        return EAR_EXIT_USAGE;
    }
    c.reader = ear_model_reader_new(model);
    ear_buf_init(&c.in, EAR_POST_LINE_MAX + 2 * INPUT_BYTES);
    ear_buf_init(&c.out, OUTPUT_MAX);
    c.room = ear_arena_new(EAR_POST_LINE_ROOM_MAX);
    ear_exit status = use_coverage(ctl, model, c.reader);
    if (!status) ear_ctl_await_input();
    if (!status) status = run(&c);
    ear_arena_free(&c.room);
    ear_buf_release(&c.out);
    ear_buf_release(&c.in);
    ear_model_reader_free(&c.reader);
    ear_printer_free(&c.printer);
    return status;
}

ear_exit ear_classify(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc, (void)argv;
    struct ear_model *model = NULL;
    ear_exit status = ear_ctl_model_open(ctl, ctl->options.model, &model);
    if (!status) status = run_with(ctl, model);
    ear_model_free(&model);
    return status;
}

#include "cases/case.h"
#include "cases/case_ref.h"
#include "cases/command.h"
#include "text/text.h"

#include <stdio.h>

#define TEXT_BYTES_MAX (256u << 10)

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)(text ? text : ""); /* protobuf-c reads it only */
}

/* The text of the command line, or of standard input for "-". The caller releases. */
static ear_exit read_text(const char *operand, struct ear_buf *text)
{
    struct ear_diag diag = {0};
    bool input = strcmp(operand, "-") == 0;
    ear_buf_init(text, TEXT_BYTES_MAX);
    if (input) ear_ctl_await_input();
    ear_err err = input ? ear_file_read("/dev/stdin", text, &diag)
                        : ear_buf_append_str(text, ear_str_from(operand));
    if (err == EAR_TOO_LARGE)
        return ear_ctl_fail_file("the text is larger than %u KiB", TEXT_BYTES_MAX >> 10);
    if (err) return ear_ctl_fail_file("the text: %s", *diag.text ? diag.text : ear_err_text(err));
    while (text->len > 0 && text->data[text->len - 1] == '\n') text->data[--text->len] = '\0';
    struct ear_str said = ear_buf_str(text);
    const char *wrong = ear_str_trim(said).len == 0        ? "is empty"
                        : !ear_text_is_utf8(said)          ? "is not UTF-8"
                        : memchr(said.ptr, '\0', said.len) ? "has a NUL byte"
                                                           : NULL;
    if (!wrong) return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "the text %s", wrong);
    return EAR_EXIT_USAGE;
}

static ear_exit need_agent(const struct ear_ctl *ctl)
{
    if (ctl->options.as) return EAR_EXIT_OK;
    ear_ctl_fail(EAR_INVALID, "say who writes: --as AGENT");
    return EAR_EXIT_USAGE;
}

ear_exit ear_case_reply(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    Earshot__V1__ReplyCommand reply = EARSHOT__V1__REPLY_COMMAND__INIT;
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_buf text = {0};
    struct ear_id id;
    ear_exit status = need_agent(ctl);
    if (!status) status = read_text(argv[1], &text);
    if (!status) status = ear_case_ref(ctl, argv[0], &id);
    if (!status) {
        reply.case_id = ear_wire_bytes(&id);
        reply.text = text.data;
        reply.direct = ctl->options.direct;
        command.reply = &reply;
        command.body_case = EARSHOT__V1__COMMAND__BODY_REPLY;
        status = ear_ctl_command_send(ctl, &command, "the reply is on its way");
    }
    ear_buf_release(&text);
    return status;
}

ear_exit ear_case_note(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    Earshot__V1__NoteCommand note = EARSHOT__V1__NOTE_COMMAND__INIT;
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_buf text = {0};
    struct ear_id id;
    ear_exit status = need_agent(ctl);
    if (!status) status = read_text(argv[1], &text);
    if (!status) status = ear_case_ref(ctl, argv[0], &id);
    if (!status) {
        note.case_id = ear_wire_bytes(&id);
        note.text = text.data;
        command.note = &note;
        command.body_case = EARSHOT__V1__COMMAND__BODY_NOTE;
        status = ear_ctl_command_send(ctl, &command, "noted");
    }
    ear_buf_release(&text);
    return status;
}

ear_exit ear_case_assign(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    Earshot__V1__AssignCommand assign = EARSHOT__V1__ASSIGN_COMMAND__INIT;
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_id id;
    if (!ctl->options.to == !ctl->options.team) {
        ear_ctl_fail(EAR_INVALID, "say to whom: --to AGENT or --team TEAM");
        return EAR_EXIT_USAGE;
    }
    ear_exit status = ear_case_ref(ctl, argv[0], &id);
    if (status) return status;
    assign.case_id = ear_wire_bytes(&id);
    assign.agent = borrowed(ctl->options.to);
    assign.team = borrowed(ctl->options.team);
    command.assign = &assign;
    command.body_case = EARSHOT__V1__COMMAND__BODY_ASSIGN;
    return ear_ctl_command_send(ctl, &command, "assigned");
}

ear_exit ear_case_resolve(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    Earshot__V1__ResolveCommand resolve = EARSHOT__V1__RESOLVE_COMMAND__INIT;
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_id id;
    ear_exit status = ear_case_ref(ctl, argv[0], &id);
    if (status) return status;
    resolve.case_id = ear_wire_bytes(&id);
    resolve.code = borrowed(ctl->options.code);
    command.resolve = &resolve;
    command.body_case = EARSHOT__V1__COMMAND__BODY_RESOLVE;
    return ear_ctl_command_send(ctl, &command, "resolved");
}

ear_exit ear_case_reopen(struct ear_ctl *ctl, int argc, char **argv)
{
    (void)argc;
    Earshot__V1__ReopenCommand reopen = EARSHOT__V1__REOPEN_COMMAND__INIT;
    Earshot__V1__Command command = EARSHOT__V1__COMMAND__INIT;
    struct ear_id id;
    ear_exit status = ear_case_ref(ctl, argv[0], &id);
    if (status) return status;
    reopen.case_id = ear_wire_bytes(&id);
    command.reopen = &reopen;
    command.body_case = EARSHOT__V1__COMMAND__BODY_REOPEN;
    return ear_ctl_command_send(ctl, &command, "reopened");
}

#include "cases/command.h"

#include "bus/bus.h"
#include "show.h"

#include <stdio.h>

struct exchange {
    bool unusable; /* keys or addresses: nothing was asked */
    bool done;
    ear_err err;
    struct ear_buf answer;
};

static void answered(void *self, ear_err err, struct ear_str answer)
{
    struct exchange *exchange = self;
    exchange->done = true;
    exchange->err = err;
    if (!err) exchange->err = ear_buf_append_str(&exchange->answer, answer);
}

static const char *none_if_empty(const char *text)
{
    return text && *text ? text : NULL;
}

static ear_err ask(struct ear_ctl *ctl, struct ear_str request, struct exchange *exchange,
                   struct ear_diag *diag)
{
    struct ear_bus *bus = NULL;
    struct ear_client *client = NULL;
    struct ear_bus_opts opts = {.service = "operator",
                                .key_file = none_if_empty(ctl->settings.bus_key_file),
                                .peers_file = none_if_empty(ctl->settings.bus_peers_file)};
    ear_err err = ear_bus_new(&bus, ctl->loop, &opts, diag);
    if (!err) {
        err = ear_client_new(&client, bus, ctl->settings.commands, "assignment", diag);
        if (err) ear_fail_in(diag, err, "EAR_CTL_COMMANDS");
    }
    exchange->unusable = err != EAR_OK;
    if (!err) {
        ear_client_ask(client, request, ctl->settings.timeout_ms, answered, exchange);
        while (!exchange->done) ear_loop_turn(ctl->loop, 50);
        err = exchange->err;
        if (err == EAR_TIMEOUT)
            ear_fail(diag, err,
                     "assignment at %s does not answer in time and may do it all the same",
                     ctl->settings.commands);
        else if (err != EAR_UNAVAILABLE || ear_client_reaches(client, diag))
            ear_fail(diag, err, "assignment at %s: %s", ctl->settings.commands, ear_err_text(err));
        else
            ear_fail_in(diag, err, "EAR_CTL_COMMANDS");
    }
    ear_client_free(&client);
    ear_bus_free(&bus);
    return err;
}

/* --- The answer ---------------------------------------------------------------------------------
 */

static ear_exit exit_of_code(const char *code)
{
    if (!*code) return EAR_EXIT_OK;
    if (strcmp(code, "not_found") == 0) return EAR_EXIT_NOT_FOUND;
    if (strcmp(code, "invalid") == 0) return EAR_EXIT_USAGE; /* the words of the command */
    if (strcmp(code, "unavailable") == 0) return EAR_EXIT_UNREACHABLE;
    return EAR_EXIT_REFUSED;
}

static void set_id(json_t *object, const char *key, const ProtobufCBinaryData *field)
{
    struct ear_id id;
    char text[EAR_ID_TEXT_BYTES];
    if (ear_wire_id(field, true, &id) || ear_id_is_nil(&id)) return;
    ear_id_format(&id, text);
    json_object_set_new(object, key, json_string(text));
}

static void print_result(const struct ear_ctl *ctl, const Earshot__V1__CommandResult *result,
                         const char *done)
{
    json_t *object = json_object();
    set_id(object, "command_id", &result->command_id);
    set_id(object, "case_id", &result->case_id);
    set_id(object, "reply_id", &result->reply_id);
    json_object_set_new(object, "error", json_string(result->error));
    json_t *message = json_string(result->message);
    json_object_set_new(object, "message", message ? message : json_string("(not UTF-8)"));
    json_object_set_new(object, "repeated", json_boolean(result->repeated));
    if (ctl->options.json)
        ear_show_json(object);
    else if (*result->error)
        ear_ctl_fail(EAR_DENIED, "%s", result->message);
    else
        printf("%s%s%s%s\n", done, *result->message ? ": " : "", result->message,
               result->repeated ? " (had been done before)" : "");
    json_decref(object);
}

static ear_exit read_result(const struct ear_ctl *ctl, struct ear_str answer, const char *done)
{
    struct ear_arena *arena = ear_arena_new(1u << 20);
    Earshot__V1__CommandResult *result = EAR_UNPACK(
        Earshot__V1__CommandResult, earshot__v1__command_result__descriptor, answer, arena);
    ear_exit status;
    if (result) {
        print_result(ctl, result, done);
        status = exit_of_code(result->error);
    } else {
        status = ear_ctl_fail(EAR_UNAVAILABLE, "assignment gave an answer that cannot be read: are "
                                               "both of the same release?");
    }
    ear_arena_free(&arena);
    return status;
}

ear_exit ear_ctl_command_send(struct ear_ctl *ctl, Earshot__V1__Command *command, const char *done)
{
    struct ear_diag diag = {0};
    struct ear_id id = ear_id_new(ear_clock_wall_us());
    if (ctl->options.id && ear_ctl_id(ctl->options.id, "command id", "the first try had", &id))
        return EAR_EXIT_USAGE;
    command->command_id = ear_wire_bytes(&id);
    command->at_us = ear_clock_wall_us();
    if (ctl->options.as) command->actor = (char *)(uintptr_t)ctl->options.as;
    if (ctl->options.reason) command->reason = (char *)(uintptr_t)ctl->options.reason;
    struct ear_buf request;
    struct exchange exchange = {0};
    ear_buf_init(&request, 1u << 20);
    ear_buf_init(&exchange.answer, 1u << 20);
    ear_err err = ear_wire_pack(&command->base, &request);
    if (!err) err = ask(ctl, ear_buf_str(&request), &exchange, &diag);
    ear_exit status;
    if (exchange.unusable) {
        ear_ctl_fail(err, "%s", diag.text);
        status = EAR_EXIT_USAGE;
    } else if (err) {
        char text[EAR_ID_TEXT_BYTES];
        ear_id_format(&id, text);
        status = ear_ctl_fail(err, "%s; try again with --id %s", diag.text, text);
    } else {
        status = read_result(ctl, ear_buf_str(&exchange.answer), done);
    }
    ear_buf_release(&request);
    ear_buf_release(&exchange.answer);
    return status;
}

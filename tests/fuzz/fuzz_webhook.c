/* libFuzzer target: any bytes as the three headers of a webhook and as a key. Nothing but the
 * right signature may ever be let in, and none of these is. */
#include "web/webhook.h"
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool started;
    if (!started) ear_crypt_start();
    started = true;
    struct ear_webhook_key keys[2] = {{.bytes = "0123456789abcdef", .len = 16}, {.len = 0}};
    struct ear_str rest = {(const char *)data, size};
    struct ear_webhook_head head = {0};
    (void)ear_str_split(&rest, '\n', &head.id);
    (void)ear_str_split(&rest, '\n', &head.timestamp);
    (void)ear_str_split(&rest, '\n', &head.signatures);
    size_t count = ear_webhook_key_parse(head.signatures, &keys[1], NULL) == EAR_OK ? 2 : 1;
    EAR_CHECK(keys[1].len <= EAR_WEBHOOK_KEY_MAX);
    ear_err err =
        ear_webhook_verify(keys, count, &head, rest, INT64_C(1614265330000000), 300000, NULL);
    EAR_CHECK(err == EAR_INVALID || err == EAR_TIMEOUT || err == EAR_DENIED);
    return 0;
}

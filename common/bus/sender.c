#include "bus/sender.h"

#include "bus/zap.h"

static const char *property(zmq_msg_t *part, const char *name)
{
    const char *value = zmq_msg_gets(part, name);
    return value ? value : "";
}

struct ear_sender ear_sender_of(zmq_msg_t *part)
{
    return (struct ear_sender){property(part, "User-Id"), property(part, EAR_ZAP_KEY)};
}

bool ear_sender_listed(const struct ear_bus *bus, const char *service, const char *key)
{
    return !bus->keyring || ear_keyring_lists(bus->keyring, service, key);
}

void ear_admission_set(struct ear_admission *admission, const char *services)
{
    bool fits =
        ear_str_copy(admission->services, sizeof(admission->services), ear_str_from(services));
    EAR_CHECK(fits);
}

bool ear_admission_has(const struct ear_admission *admission, const char *service)
{
    struct ear_str rest = ear_str_from(admission->services), one;
    if (!service[0] || !admission->services[0]) return true;
    while (ear_str_split(&rest, ',', &one))
        if (ear_str_eq(one, ear_str_from(service))) return true;
    return false;
}

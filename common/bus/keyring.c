#include "bus/keyring.h"

#include "bus/bus.h"
#include <stdlib.h>
#include <zmq.h>

#define FILE_BYTES_MAX ((size_t)64 << 10)
#define PEERS_MAX      256

struct peer_key {
    char service[EAR_SERVICE_BYTES];
    char text[EAR_KEY_TEXT_BYTES];
    uint8_t key[EAR_KEY_BYTES];
};

struct ear_keyring {
    char secret[EAR_KEY_TEXT_BYTES];
    char public_[EAR_KEY_TEXT_BYTES];
    struct peer_key peers[PEERS_MAX];
    size_t count;
};

void ear_bus_keypair(char public_key[static EAR_KEY_TEXT_BYTES],
                     char secret_key[static EAR_KEY_TEXT_BYTES])
{
    int rc = zmq_curve_keypair(public_key, secret_key);
    EAR_CHECK(rc == 0);
}

static ear_err read_secret(struct ear_keyring *ring, const char *path, struct ear_diag *diag)
{
    struct ear_buf text;
    uint8_t raw[EAR_KEY_BYTES];
    ear_buf_init(&text, FILE_BYTES_MAX);
    ear_err err = ear_file_read_secret(path, &text, diag);
    if (!err && (!ear_str_copy(ring->secret, sizeof(ring->secret), ear_buf_str(&text)) ||
                 text.len != EAR_KEY_TEXT_BYTES - 1 || !zmq_z85_decode(raw, ring->secret) ||
                 zmq_curve_public(ring->public_, ring->secret) != 0))
        err =
            ear_fail(diag, EAR_INVALID,
                     "%s: not a CURVE secret key (40 characters, made by earshotctl keygen)", path);
    if (text.data) ear_secret_wipe(text.data, text.len);
    ear_secret_wipe(raw, sizeof(raw));
    ear_buf_release(&text);
    return err;
}

static bool parse_peer(struct ear_str line, struct peer_key *peer)
{
    struct ear_str service;
    if (!ear_str_split(&line, ' ', &service)) return false;
    line = ear_str_trim(line);
    return service.len > 0 && ear_str_copy(peer->service, sizeof(peer->service), service) &&
           line.len == EAR_KEY_TEXT_BYTES - 1 &&
           ear_str_copy(peer->text, sizeof(peer->text), line) &&
           zmq_z85_decode(peer->key, peer->text) != NULL;
}

static ear_err parse_peers(struct ear_keyring *ring, const char *path, struct ear_str rest,
                           struct ear_diag *diag)
{
    struct ear_str line;
    for (size_t number = 1; ear_str_split(&rest, '\n', &line); number++) {
        line = ear_str_trim(line);
        if (line.len == 0 || line.ptr[0] == '#') continue;
        if (ring->count == PEERS_MAX)
            return ear_fail(diag, EAR_TOO_LARGE, "%s: more than %d keys", path, PEERS_MAX);
        if (!parse_peer(line, &ring->peers[ring->count]))
            return ear_fail(diag, EAR_INVALID, "%s:%zu: expected \"service public-key\"", path,
                            number);
        ring->count++;
    }
    /* A file that is being written: nobody could connect. */
    return ring->count ? EAR_OK : ear_fail(diag, EAR_INVALID, "%s: names no key", path);
}

static ear_err read_peers(struct ear_keyring *ring, const char *path, struct ear_diag *diag)
{
    struct ear_buf text;
    ear_buf_init(&text, FILE_BYTES_MAX);
    ear_err err = ear_file_read(path, &text, diag);
    if (!err) err = parse_peers(ring, path, ear_buf_str(&text), diag);
    ear_buf_release(&text);
    return err;
}

static bool is_of(const struct peer_key *peer, const char *service)
{
    return ear_str_eq(ear_str_from(peer->service), ear_str_from(service));
}

/* A file that was mixed up with another service's: nobody would let us in, and only they would say
 * why. */
static ear_err check_owner(const struct ear_keyring *ring, const char *service, const char *path,
                           struct ear_diag *diag)
{
    const char *owner = NULL;
    for (size_t i = 0; i < ring->count; i++) {
        if (strcmp(ring->peers[i].text, ring->public_) != 0) continue;
        if (is_of(&ring->peers[i], service)) return EAR_OK;
        owner = ring->peers[i].service;
    }
    if (!owner) return EAR_OK;
    return ear_fail(diag, EAR_INVALID, "%s: the key of %s, not of %s", path, owner, service);
}

ear_err ear_keyring_new(struct ear_keyring **out, const char *service, const char *key_file,
                        const char *peers_file, struct ear_diag *diag)
{
    struct ear_keyring *ring = ear_alloc(sizeof(*ring));
    ear_err err = read_secret(ring, key_file, diag);
    if (err) {
        ear_fail_in(diag, err, "EAR_BUS_KEY_FILE");
    } else if ((err = read_peers(ring, peers_file, diag)) != EAR_OK) {
        ear_fail_in(diag, err, "EAR_BUS_PEERS_FILE");
    } else if ((err = check_owner(ring, service, key_file, diag)) != EAR_OK) {
        ear_fail_in(diag, err, "EAR_BUS_KEY_FILE");
    }
    if (err) ear_keyring_free(&ring);
    *out = ring;
    return err;
}

void ear_keyring_free(struct ear_keyring **keyring)
{
    if (!*keyring) return;
    ear_secret_wipe((*keyring)->secret, sizeof((*keyring)->secret));
    EAR_FREE(*keyring);
}

const char *ear_keyring_secret(const struct ear_keyring *keyring)
{
    return keyring->secret;
}

const char *ear_keyring_public(const struct ear_keyring *keyring)
{
    return keyring->public_;
}

const char *ear_keyring_owner(const struct ear_keyring *keyring,
                              const uint8_t key[static EAR_KEY_BYTES])
{
    for (size_t i = 0; i < keyring->count; i++)
        if (ear_secret_eq(keyring->peers[i].key, key, EAR_KEY_BYTES))
            return keyring->peers[i].service;
    return NULL;
}

const char *ear_keyring_of(const struct ear_keyring *keyring, const char *service, size_t nth)
{
    size_t count = 0;
    for (size_t i = 0; i < keyring->count; i++) count += is_of(&keyring->peers[i], service);
    if (count == 0) return NULL;
    size_t skip = nth % count;
    const struct peer_key *peer = keyring->peers;
    while (!is_of(peer, service) || skip--) peer++;
    return peer->text;
}

bool ear_keyring_lists(const struct ear_keyring *keyring, const char *service, const char *key)
{
    for (size_t i = 0; i < keyring->count; i++)
        if (is_of(&keyring->peers[i], service) &&
            ear_str_eq(ear_str_from(keyring->peers[i].text), ear_str_from(key)))
            return true;
    return false;
}

size_t ear_keyring_count(const struct ear_keyring *keyring)
{
    return keyring->count;
}

/* keyring: this service's CURVE key and the public keys of its peers. Private to bus.
 *
 * The key file holds the secret as Z85 text. The peers file has lines "service public-key"; blank
 * lines and lines that start with '#' say nothing. A service may have several lines: all may
 * connect; its servers must show one of them. */
#ifndef EAR_BUS_KEYRING_H
#define EAR_BUS_KEYRING_H

#include "base/base.h"
#include <stdint.h>

#define EAR_KEY_BYTES      32
#define EAR_KEY_TEXT_BYTES 41
#define EAR_SERVICE_BYTES  64

struct ear_keyring;

/* EAR_NOT_FOUND, EAR_INVALID: diag names file and line; a key that is listed, but as another
 * service's only, too. */
ear_err ear_keyring_new(struct ear_keyring **out, const char *service, const char *key_file,
                        const char *peers_file, struct ear_diag *diag) EAR_MUST_CHECK;
void ear_keyring_free(struct ear_keyring **keyring);         /* wipes the secret */
size_t ear_keyring_count(const struct ear_keyring *keyring); /* keys of peers */

const char *ear_keyring_secret(const struct ear_keyring *keyring); /* Z85, borrowed */
const char *ear_keyring_public(const struct ear_keyring *keyring); /* Z85, borrowed */
/* The service that a raw public key belongs to; NULL when unknown. */
const char *ear_keyring_owner(const struct ear_keyring *keyring,
                              const uint8_t key[static EAR_KEY_BYTES]);
/* Z85 public key of a service, the nth of those listed, again from the first after the last; NULL
 * when unknown. */
const char *ear_keyring_of(const struct ear_keyring *keyring, const char *service, size_t nth);
/* Whether that key (Z85) is listed for the service. */
bool ear_keyring_lists(const struct ear_keyring *keyring, const char *service, const char *key);

#endif

/* Digests of messages: keyed MD5 (RFC 4822 2.4) and HMAC-SHA (2.5), both over the message up to and with the first four
 * bytes of its trailer. */
#ifndef PROTOCOLS_RIP_DIGEST_H
#define PROTOCOLS_RIP_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/rip/rip_keys.h"

/* Bytes; 0 for RIP_AUTH_NONE and RIP_AUTH_TEXT. */
size_t rip_digest_len(enum rip_auth_mode mode);

/* Writes rip_digest_len(key->mode) bytes to DIGEST. */
void rip_digest(const struct rip_key *key, const uint8_t *message, size_t len, uint8_t digest[RIP_DIGEST_MAX]);

/* Takes the same time wherever they differ. */
bool rip_digest_is_right(const struct rip_key *key, const uint8_t *message, size_t len, const uint8_t *digest);

/* Two secrets of LEN bytes, in the same time wherever they differ. */
bool rip_digest_equal(const uint8_t *a, const uint8_t *b, size_t len);

#endif

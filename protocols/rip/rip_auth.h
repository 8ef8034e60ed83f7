/* Authentication of messages: RFC 2453 4.1 (a password in the clear) and RFC 4822 (keyed MD5, HMAC-SHA). Knows nothing
 * of routes and neighbours; what must be remembered between two messages is its caller's to keep. What it tells people
 * is rip_auth_log.h's. */
#ifndef PROTOCOLS_RIP_AUTH_H
#define PROTOCOLS_RIP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "protocols/rip/rip_keys.h"
#include "protocols/rip/rip_reject.h"

#define RIP_AUTH_ENTRY  20                   /* bytes behind the header that signing fills in */
#define RIP_TRAILER_MAX (4 + RIP_DIGEST_MAX) /* bytes behind the last route that it adds */

#define RIP_UPDATE_HEADER 4 /* of RFC 2091: behind the header, in front of the authentication entry */

/* Where the entries of a message begin, of which COMMAND is the first byte. */
static inline size_t rip_entries_at(uint8_t command)
{
    return command >= 9 && command <= 11 ? 4 + RIP_UPDATE_HEADER : 4;
}

/* What is in the authentication entry of a message. */
enum rip_auth_type { RIP_AUTH_TYPE_PASSWORD = 2, RIP_AUTH_TYPE_DIGEST = 3 };

#define RIP_SEEN_KEYS 8

/* The last sequence number of a neighbour by key (RFC 4822 2.3.2 (6)), that of the last message first; of more keys
 * than fit, the one that was silent longest is forgotten. All zero: nothing came yet. */
struct rip_auth_seen {
    unsigned n;
    struct {
        uint8_t key;
        uint32_t sequence;
    } of[RIP_SEEN_KEYS];
};

/* What an interface sent last. All zero: nothing yet. */
struct rip_auth_sent {
    uint32_t sequence;
};

/* True if messages of this interface begin with an authentication entry, so that 24 routes fit. */
static inline bool rip_auth_is_on(const struct rip_auth *auth)
{
    return auth->n > 0;
}

/* Checks a message of LEN bytes and of any version. Where there is authentication, messages of version 1 are refused:
 * they have none (RFC 2453 5.2). VIABLE: routes of this neighbour are in use, so that a lower sequence number is a
 * replay; else it may have restarted, and any is taken. On RIP_ACCEPT the routes are from *begin to *end, no check of
 * which was made, and SEEN is brought up to date; otherwise SEEN is as it was. */
enum rip_reject rip_auth_verify(const struct rip_auth *auth, const uint8_t *message, size_t len,
                                struct rip_auth_seen *seen, bool viable, struct now now, size_t *begin, size_t *end);

/* Completes a message of *len bytes in room for ROOM whose routes begin RIP_AUTH_ENTRY behind its header: fills in the
 * entry and adds the trailer. False, and it must not be sent, when there is no key to send with or no room. Without
 * authentication there is nothing to complete: do not call. */
bool rip_auth_sign(const struct rip_auth *auth, struct rip_auth_sent *sent, uint8_t *message, size_t *len, size_t room,
                   struct now now);

/* The keys of an interface are others now: forgets the numbers of those that are gone or have another secret, and keeps
 * the rest. */
void rip_auth_seen_update(struct rip_auth_seen *seen, const struct rip_auth *before, const struct rip_auth *after);

#endif

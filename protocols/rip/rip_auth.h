/* Authentication of messages: RFC 2453 4.1 (a password in the clear) and RFC 4822 (keyed MD5, HMAC-SHA), with keys that
 * have lifetimes. Knows nothing of routes and neighbours; what must be remembered between two messages is its caller's
 * to keep. */
#ifndef PROTOCOLS_RIP_AUTH_H
#define PROTOCOLS_RIP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "protocols/rip/rip_reject.h"

enum rip_auth_mode {
    RIP_AUTH_NONE,
    RIP_AUTH_TEXT,
    RIP_AUTH_MD5,
    RIP_AUTH_SHA1,
    RIP_AUTH_SHA256,
    RIP_AUTH_SHA384,
    RIP_AUTH_SHA512,
    RIP_AUTH__COUNT
};
extern const char *const rip_auth_mode_name[RIP_AUTH__COUNT]; /* as in the configuration */

#define RIP_SECRET_MAX  128 /* bytes; a password and an MD5 key use the first 16 */
#define RIP_DIGEST_MAX  64
#define RIP_AUTH_ENTRY  20                   /* bytes behind the header that signing fills in */
#define RIP_TRAILER_MAX (4 + RIP_DIGEST_MAX) /* bytes behind the last route that it adds */

/* Wall-clock time, milliseconds since 1970 UTC; the end is the first at which it is over. 0: open at that end. */
struct rip_lifetime {
    uint64_t from_ms, until_ms;
};

struct rip_key {
    uint8_t id;
    enum rip_auth_mode mode; /* never RIP_AUTH_NONE */
    uint8_t secret_len;
    uint8_t secret[RIP_SECRET_MAX];
    struct rip_lifetime send, accept;
};

/* What an interface demands and does. Without a key: no authentication. */
struct rip_auth {
    unsigned n;
    const struct rip_key *keys;
};

#define RIP_SEEN_KEYS 8

/* The last sequence number of a neighbour by key (RFC 4822 2.3.2 (6)). All zero: nothing came yet. */
struct rip_auth_seen {
    unsigned n;
    unsigned last; /* which of them came last */
    struct {
        uint8_t key;
        uint32_t sequence;
    } of[RIP_SEEN_KEYS];
};

/* What an interface sent last. All zero: nothing yet. */
struct rip_auth_sent {
    uint32_t sequence; /* never decreases */
};

/* True if messages of this interface begin with an authentication entry, so that 24 routes fit. */
static inline bool rip_auth_is_on(const struct rip_auth *auth)
{
    return auth->n > 0;
}

/* Checks a version 2 message of LEN bytes, at least a header and an entry. VIABLE: routes of this neighbour are in use,
 * so that a lower sequence number is a replay; else it may have restarted. On RIP_ACCEPT the routes are the whole
 * entries from *begin to *end, and SEEN is brought up to date; otherwise SEEN is as it was. */
enum rip_reject rip_auth_verify(const struct rip_auth *auth, const uint8_t *message, size_t len,
                                struct rip_auth_seen *seen, bool viable, struct now now, size_t *begin, size_t *end);

/* Completes a message of *len bytes in room for ROOM whose routes begin at 4 + RIP_AUTH_ENTRY: fills in the entry and
 * adds the trailer. False, and it must not be sent, when there is no key to send with or no room. Without
 * authentication there is nothing to complete: do not call. */
bool rip_auth_sign(const struct rip_auth *auth, struct rip_auth_sent *sent, uint8_t *message, size_t *len, size_t room,
                   struct now now);

#endif

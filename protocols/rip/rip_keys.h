/* Keys with lifetimes: which one to send with, and which to accept (RFC 4822 2.2, 3.2, 5.1).
 *
 * Of the keys that are valid now the one whose lifetime began last is sent with, and of those that began together the
 * one with the lowest number: as soon as a new key begins it is used, while the old one is still accepted. When none is
 * valid any more the one that ended last goes on, for sending and for accepting each, so that routing neither stops nor
 * goes on without authentication; rip_keys_status says so. Unless it is to fail secure (5.1): then nothing is sent and
 * accepted any more. A key is never used before its time. */
#ifndef PROTOCOLS_RIP_KEYS_H
#define PROTOCOLS_RIP_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

#define RIP_SECRET_MAX 128 /* bytes; a password and an MD5 key use the first 16 */
#define RIP_DIGEST_MAX 64  /* bytes */

/* Wall-clock time, milliseconds since 1970 UTC; the end is the first at which it is over. 0: open at that end. */
struct rip_lifetime {
    uint64_t from_ms, until_ms;
};

struct rip_key {
    uint8_t id;              /* one key of each number; without meaning in a password */
    enum rip_auth_mode mode; /* never RIP_AUTH_NONE */
    uint8_t secret_len;
    uint8_t secret[RIP_SECRET_MAX];
    struct rip_lifetime send, accept;
};

/* What an interface demands and does. Without a key: no authentication. */
struct rip_auth {
    unsigned n;
    const struct rip_key *keys;
    bool fail_secure; /* the last key does not go on after its end */
};

/* NULL: there are none, or none has begun, or all have ended for good. */
const struct rip_key *rip_keys_to_send(const struct rip_auth *auth, uint64_t wall_ms);

/* KEY is one of AUTH's. */
bool rip_keys_accepts(const struct rip_auth *auth, const struct rip_key *key, uint64_t wall_ms);

/* When KEY's time is over, for sending and for accepting; 0: never. */
uint64_t rip_keys_end(const struct rip_key *key);

/* NULL: there is none of that number that goes with a digest. */
const struct rip_key *rip_keys_find(const struct rip_auth *auth, uint8_t id);

/* The same number, kind and secret: what is signed with one is right by the other. */
bool rip_keys_same(const struct rip_key *a, const struct rip_key *b);

enum rip_keys_state {
    RIP_KEYS_NONE,    /* no authentication */
    RIP_KEYS_VALID,   /* SEND within its lifetime */
    RIP_KEYS_EXPIRED, /* SEND after its end, for want of another */
    RIP_KEYS_NOT_YET, /* nothing can be sent */
    RIP_KEYS_STOPPED  /* nor any more, SEND being the one that ended last */
};

struct rip_keys_status {
    enum rip_keys_state state;
    const struct rip_key *send; /* NULL with RIP_KEYS_NONE and RIP_KEYS_NOT_YET */
};
struct rip_keys_status rip_keys_status(const struct rip_auth *auth, uint64_t wall_ms);

#endif

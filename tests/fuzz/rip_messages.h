/* RIP messages of every kind of authentication, for fuzzers to break, and routers in memory that listen to them. */
#ifndef TESTS_RIP_MESSAGES_H
#define TESTS_RIP_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/rip/rip_auth.h"
#include "protocols/rip/rip_auth_log.h"
#include "protocols/rip/rip_packet.h"

#define RIP_SEEDS     69
#define RIP_KEYS      9
#define RIP_LISTENERS 10
#define RIP_ROOM      1500

struct rip_seed {
    uint8_t bytes[RIP_MESSAGE_MAX];
    size_t len;
};

struct rip_listener {
    struct rip_auth auth;
    struct rip_auth_seen seen;
    struct rip_auth_log log;
};

struct rip_listeners {
    struct rip_key keys[RIP_KEYS];
    struct rip_listener of[RIP_LISTENERS]; /* none, each key alone, all together */
    unsigned n_seeds;
    struct rip_seed seeds[RIP_SEEDS];
    uint64_t met[RIP_REJECT__COUNT + 1]; /* how often each reason came out, and RIP_ACCEPT */
    struct now now;
};

void rip_listeners_make(struct rip_listeners *l);

/* Makes the digest of a broken message right as far as its lengths allow, as one who has the keys could. True: it was
 * done. */
bool rip_message_repair(const struct rip_listeners *l, uint8_t *bytes, size_t len);

/* All listeners hear the message. Aborts when one takes what only who has the keys could have made, unless REPAIRED, or
 * when what it takes is not within the message. */
void rip_listeners_hear(struct rip_listeners *l, const uint8_t *bytes, size_t len, bool viable, bool repaired);

#endif

/* Breaks good RIP messages in every way and lets routers with every kind of authentication hear them, first those that
 * only read, then a whole RIP instance: `rip_mutate [MESSAGES [SEED]]`. The same arguments do the same again. It aborts
 * when something is taken that nobody signed; built with sanitizers, at the first byte read that was not received. It
 * fails when a reason of authentication to refuse a message did not come up. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "tests/fuzz/rip_messages.h"
#include "tests/fuzz/rip_router.h"

#define MESSAGES_DEFAULT 500000

struct mutator {
    struct rip_listeners listeners;
    struct rip_router *router;
    uint64_t random; /* splitmix64 state */
    uint8_t bytes[RIP_ROOM];
    size_t len;
};

static uint32_t below(struct mutator *m, size_t n)
{
    uint64_t z = m->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return n > 0 ? (uint32_t)((z ^ z >> 31) % n) : 0;
}

static bool one_in(struct mutator *m, uint32_t n)
{
    return below(m, n) == 0;
}

/* ---- ways to break a message ---- */

static void flip_bits(struct mutator *m)
{
    size_t reach = one_in(m, 2) || m->len < 24 ? m->len : 24;
    for (uint32_t n = 1 + below(m, 4); n > 0 && reach > 0; n--)
        m->bytes[below(m, reach)] ^= (uint8_t)(1u << below(m, 8));
}

static void set_byte(struct mutator *m)
{
    static const uint8_t values[] = {0, 1, 2, 3, 4, 15, 16, 17, 20, 24, 32, 36, 0x7f, 0x80, 0xff};
    if (m->len > 0)
        m->bytes[below(m, m->len < 24 ? m->len : 24)] = values[below(m, sizeof values)];
}

static void truncate(struct mutator *m)
{
    m->len = one_in(m, 2) ? below(m, m->len + 1) : m->len - below(m, m->len < 80 ? m->len + 1 : 80);
}

static void extend(struct mutator *m)
{
    for (uint32_t n = 1 + below(m, 80); n > 0 && m->len < RIP_ROOM; n--)
        m->bytes[m->len++] = one_in(m, 2) ? 0xff : (uint8_t)below(m, 256);
}

static void wrong_offset(struct mutator *m)
{
    if (m->len < 24)
        return;
    uint8_t *at = m->bytes + RIP_HEADER + 4;
    switch (below(m, 4)) {
    case 0:
        store_be16(at, (uint16_t)(load_be16(at) + 20 * below(m, 5) - 40));
        break;
    case 1:
        store_be16(at, (uint16_t)(load_be16(at) + below(m, 9) - 4));
        break;
    case 2:
        store_be16(at, (uint16_t)(m->len - below(m, m->len < 80 ? m->len : 80)));
        break;
    default:
        store_be16(at, (uint16_t)below(m, 65536));
    }
}

static void other_key(struct mutator *m)
{
    if (m->len >= 24)
        m->bytes[RIP_HEADER + 6] = m->listeners.keys[below(m, RIP_KEYS)].id;
}

static void other_sequence(struct mutator *m)
{
    if (m->len >= 24)
        store_be32(m->bytes + RIP_HEADER + 8, load_be32(m->bytes + RIP_HEADER + 8) + below(m, 2001) - 1000);
}

static void other_entry(struct mutator *m)
{
    static const uint16_t families[] = {0, 2, 0xffff};
    if (m->len >= 24)
        store_be16(m->bytes + RIP_HEADER + RIP_ENTRY * below(m, (m->len - RIP_HEADER) / RIP_ENTRY),
                   families[below(m, 3)]);
}

static void splice(struct mutator *m)
{
    const struct rip_seed *other = &m->listeners.seeds[below(m, m->listeners.n_seeds)];
    size_t cut = below(m, m->len + 1);
    if (cut >= other->len)
        return;
    memcpy(m->bytes + cut, other->bytes + cut, other->len - cut);
    m->len = other->len;
}

static void (*const ways[])(struct mutator *m) = {
    flip_bits, flip_bits, set_byte, truncate, extend, wrong_offset, other_key, other_sequence, other_entry, splice,
};

/* ---- the run ---- */

static void mutate(struct mutator *m)
{
    const struct rip_seed *seed = &m->listeners.seeds[below(m, m->listeners.n_seeds)];
    memcpy(m->bytes, seed->bytes, seed->len);
    m->len = seed->len;
    for (uint32_t n = below(m, 4); n > 0; n--)
        ways[below(m, sizeof ways / sizeof ways[0])](m);
    bool repaired = one_in(m, 2) && rip_message_repair(&m->listeners, m->bytes, m->len);
    rip_listeners_hear(&m->listeners, m->bytes, m->len, !one_in(m, 4), repaired);
    m->listeners.now.ns += below(m, 100) * NS_PER_MS;
    struct rip_origin origin = {.interface = below(m, RIP_LISTENERS),
                                .host = (uint8_t)below(m, one_in(m, 8) ? 256 : 12),
                                .other_port = one_in(m, 8)};
    rip_router_hear(m->router, origin, m->bytes, m->len, m->listeners.now);
}

static unsigned report(const struct rip_listeners *l, unsigned long messages)
{
    unsigned missing = 0;
    printf("%lu messages, %u routers: accepted %llu times, refused for", messages, RIP_LISTENERS,
           (unsigned long long)l->met[RIP_ACCEPT]);
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++)
        if (l->met[i] > 0)
            printf(" %s %llu", rip_reject_name[i], (unsigned long long)l->met[i]);
    printf("\n");
    for (unsigned i = RIP_REJECT_AUTH_PLACE; i <= RIP_REJECT_AUTH_SEQUENCE; i++)
        if (l->met[i] == 0) {
            printf("never refused for %s\n", rip_reject_name[i]);
            missing++;
        }
    return missing;
}

int main(int argc, char **argv)
{
    unsigned long messages = argc > 1 ? strtoul(argv[1], NULL, 0) : MESSAGES_DEFAULT;
    unsigned long long seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    struct mutator *m = calloc(1, sizeof *m);
    if (m == NULL)
        return 2;
    printf("rip_mutate %lu %llu\n", messages, seed);
    fflush(stdout);
    m->random = seed;
    rip_listeners_make(&m->listeners);
    m->router = rip_router_new(&m->listeners);
    for (unsigned long i = 0; i < messages; i++)
        mutate(m);
    unsigned missing = report(&m->listeners, messages);
    rip_router_free(m->router, m->listeners.now);
    free(m);
    return missing > 0;
}

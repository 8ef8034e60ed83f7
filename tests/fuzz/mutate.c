/* Breaks good frames in every way and feeds them to a whole router in memory: `mutate [FRAMES [SEED]]`. The same
 * arguments do the same again. It aborts at the first packet that is not accounted for, that ends in another way than
 * was explained before, or frame sent that is broken; built with sanitizers, at the first byte read that was not
 * received. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "tests/fuzz/explained.h"
#include "tests/fuzz/router_in_memory.h"
#include "tests/fuzz/seeds.h"
#include "tests/unit/support/frames.h"

#define FRAMES_DEFAULT 200000
#define ROOM           9000
#define STORM_MOST     8000
#define ROUND          4096 /* frames between two states of rest */

struct mutant {
    struct packet packet;
    _Alignas(4) uint8_t bytes[2 + ROOM];
};

struct mutator {
    struct memory_router *router;
    struct seeds seeds;
    struct mutant burst[LANE_BURST];
};

static uint32_t below(struct mutator *m, uint32_t n)
{
    return (uint32_t)(memory_router_random(m->router) >> 32) % n;
}

static bool one_in(struct mutator *m, uint32_t n)
{
    return below(m, n) == 0;
}

/* ---- ways to break a frame ---- */

static void flip_bits(struct mutator *m, struct packet *packet)
{
    uint32_t reach = one_in(m, 4) || packet->len < 80 ? packet->len : 80;
    for (uint32_t n = 1 + below(m, 8); n > 0 && reach > 0; n--)
        packet->frame[below(m, reach)] ^= (uint8_t)(1u << below(m, 8));
}

static void set_byte(struct mutator *m, struct packet *packet)
{
    static const uint8_t values[] = {0, 1, 3, 4, 5, 7, 8, 0x7f, 0x80, 0xfe, 0xff, 68, 131, 137, 148};
    uint32_t reach = packet->len < 80 ? packet->len : 80;
    if (reach > 0)
        packet->frame[below(m, reach)] = values[below(m, sizeof values)];
}

static void truncate(struct mutator *m, struct packet *packet)
{
    packet->len = below(m, packet->len + 1);
    if (!one_in(m, 4))
        packet->wire_len = packet->len;
}

static void extend(struct mutator *m, struct packet *packet)
{
    for (uint32_t n = 1 + below(m, 64); n > 0 && packet->len < ROOM; n--)
        packet->frame[packet->len++] = (uint8_t)below(m, 256);
    packet->wire_len = packet->len;
}

/* One of the fields that say how long something is, to a bit more, a bit less, or anything. */
static void wrong_length(struct mutator *m, struct packet *packet)
{
    static const uint8_t fields[] = {ETHERNET_HEADER + IP_AT_LENGTH, ETHERNET_HEADER + IP_AT_FRAGMENT,
                                     ETHERNET_HEADER + IP_HEADER_MIN + 4};
    if (packet->len < 60)
        return;
    uint8_t *at = packet->frame + fields[below(m, sizeof fields)];
    switch (below(m, 4)) {
    case 0:
        packet->frame[ETHERNET_HEADER] = (uint8_t)(0x40 | below(m, 16));
        break;
    case 1:
        packet->frame[ETHERNET_HEADER + IP_HEADER_MIN + below(m, 20)] = (uint8_t)below(m, 45);
        break;
    case 2:
        store_be16(at, (uint16_t)(load_be16(at) + below(m, 33) - 16));
        break;
    default:
        store_be16(at, (uint16_t)below(m, 65536));
    }
}

static void other_address(struct mutator *m, struct packet *packet)
{
    static const char *const addresses[] = {
        "10.0.1.1",  "10.0.2.1",  "10.0.11.1", "10.255.0.1", "10.0.1.255", "10.0.3.255",
        "10.0.1.0",  "0.0.0.0",   "127.0.0.1", "224.0.0.1",  "239.1.1.1",  "255.255.255.255",
        "10.0.1.2",  "10.0.2.2",  "10.0.3.3",  "10.0.2.200", "10.8.0.1",   "169.254.1.1",
        "10.67.0.1", "192.0.2.1", "10.0.3.7",  "10.0.1.7",   "10.0.11.0",  "10.9.9.9",
    };
    uint32_t field = ETHERNET_HEADER + (one_in(m, 2) ? IP_AT_SRC : IP_AT_DST);
    if (load_be16(packet->frame + 12) == 0x0806)
        field = ETHERNET_HEADER + (one_in(m, 2) ? 14 : 24);
    if (packet->len >= 42)
        store_be32(packet->frame + field, addr_of(addresses[below(m, sizeof addresses / sizeof addresses[0])]) +
                                              (one_in(m, 4) ? below(m, 256) : 0));
}

static void splice(struct mutator *m, struct packet *packet)
{
    const struct packet *other = &m->seeds.packet[below(m, m->seeds.n)];
    uint32_t cut = below(m, packet->len + 1);
    if (cut >= other->len || other->len > ROOM)
        return;
    memcpy(packet->frame + cut, other->frame + cut, other->len - cut);
    packet->len = packet->wire_len = other->len;
}

static void wrong_offload(struct mutator *m, struct packet *packet)
{
    packet->vnet = (struct virtio_net_hdr){
        .flags = (uint8_t)below(m, 4),
        .gso_type = (uint8_t)(one_in(m, 4) ? below(m, 256) : below(m, 6)),
        .hdr_len = (uint16_t)below(m, one_in(m, 4) ? 65536 : 100),
        .gso_size = (uint16_t)below(m, one_in(m, 4) ? 65536 : 1500),
        .csum_start = (uint16_t)(one_in(m, 2) ? 34 : below(m, one_in(m, 4) ? 65536 : 120)),
        .csum_offset = (uint16_t)(one_in(m, 2)   ? 6
                                  : one_in(m, 2) ? 16
                                                 : below(m, 65536)),
    };
}

static void flip_offload(struct mutator *m, struct packet *packet)
{
    uint8_t bytes[sizeof packet->vnet];
    memcpy(bytes, &packet->vnet, sizeof bytes);
    bytes[below(m, sizeof bytes)] ^= (uint8_t)(1u << below(m, 8));
    memcpy(&packet->vnet, bytes, sizeof bytes);
}

static void (*const ways[])(struct mutator *m, struct packet *packet) = {
    flip_bits,    flip_bits,     set_byte,      set_byte, truncate,      extend,       wrong_length,
    wrong_length, other_address, other_address, splice,   wrong_offload, flip_offload,
};

/* ---- a mutant ---- */

static void start(struct mutator *m, struct mutant *mutant)
{
    const struct packet *seed = &m->seeds.packet[below(m, m->seeds.n)];
    mutant->packet = *seed;
    mutant->packet.frame = mutant->bytes + 2;
    memcpy(mutant->packet.frame, seed->frame, seed->len);
    if (!one_in(m, 4))
        return;
    /* By another port, to its MAC address if it was to ours; seldom by a port that does not exist. */
    mutant->packet.port = (uint16_t)below(m, one_in(m, 32) ? MEMORY_PORTS + 2 : MEMORY_PORTS);
    if ((mutant->packet.frame[0] & 1) == 0)
        mutant->packet.frame[5] = (uint8_t)(mutant->packet.port + 1);
}

static void mutate(struct mutator *m, struct mutant *mutant)
{
    struct packet *packet = &mutant->packet;
    start(m, mutant);
    if (one_in(m, 8))
        return;
    for (uint32_t n = 1 + below(m, 3); n > 0; n--)
        ways[below(m, sizeof ways / sizeof ways[0])](m, packet);
    if (!one_in(m, 8))
        seed_repair(packet->frame, packet->len);
    if (one_in(m, 64))
        packet->tagged = !packet->tagged;
}

/* ---- the run ---- */

static unsigned feed(struct mutator *m)
{
    unsigned n = one_in(m, 2) ? 1 : 1 + below(m, LANE_BURST);
    struct packet burst[LANE_BURST];
    for (unsigned i = 0; i < n; i++) {
        mutate(m, &m->burst[i]);
        burst[i] = m->burst[i].packet;
    }
    bool control = one_in(m, 2), explained = one_in(m, 2);
    if (!control && !explained) {
        memory_router_lane(m->router, burst, n);
        return n;
    }
    for (unsigned i = 0; i < n; i++) {
        if (explained)
            explained_feed(m->router, &burst[i], control);
        else
            memory_router_core(m->router, &burst[i]);
    }
    return n;
}

/* Many frames of one kind, each a little different, faster than the core takes them: rings and pools run full. */
static unsigned storm(struct mutator *m)
{
    struct mutant *mutant = &m->burst[0];
    struct packet *packet = &mutant->packet;
    unsigned n = 1 + below(m, STORM_MOST);
    bool to_core = one_in(m, 2), other_id = one_in(m, 2), explained = one_in(m, 4);
    start(m, mutant);
    if (packet->len < 60)
        return 0;
    uint8_t *field = packet_ip(packet) + (other_id ? IP_AT_ID : IP_AT_DST + 2);
    for (unsigned i = 0; i < n; i++) {
        store_be16(field, (uint16_t)(load_be16(field) + 1));
        seed_repair(packet->frame, packet->len);
        if (explained)
            explained_feed(m->router, packet, to_core);
        else if (to_core)
            memory_router_core(m->router, packet);
        else
            memory_router_lane(m->router, packet, 1);
    }
    return n;
}

static void pass_time(struct mutator *m)
{
    if (one_in(m, 200))
        memory_router_advance(m->router, below(m, 70000));
    else if (one_in(m, 20))
        memory_router_advance(m->router, below(m, 3000));
    else if (one_in(m, 4))
        memory_router_advance(m->router, below(m, 20));
    if (one_in(m, 50))
        memory_router_disturb(m->router, (uint32_t)memory_router_random(m->router));
    if (one_in(m, 50))
        m->router->refuse = one_in(m, 2) ? 0 : UINT32_MAX / (1 + below(m, 100));
}

static void report(const struct memory_router *r, unsigned long frames)
{
    uint64_t total[DROP__COUNT] = {0}, forwarded = 0, delivered = 0, arp = 0;
    unsigned reached = 0;
    for (unsigned port = 0; port <= MEMORY_PORTS + 1; port++) {
        struct port_counters c;
        dataplane_port_counters(r->d, port, &c);
        forwarded += c.forwarded;
        delivered += c.delivered;
        arp += c.arp;
        for (unsigned i = 0; i < DROP__COUNT; i++)
            total[i] += c.drop[i];
    }
    printf("%llu frames as explained before, %llu followed\n", (unsigned long long)r->explained,
           (unsigned long long)r->watched);
    printf("%lu frames: forwarded %llu, delivered %llu, arp %llu, sent %llu\n", frames, (unsigned long long)forwarded,
           (unsigned long long)delivered, (unsigned long long)arp, (unsigned long long)r->sent);
    for (unsigned i = 0; i < DROP__COUNT; i++)
        reached += total[i] != 0;
    printf("%u of %u reasons to drop were met; not met:", reached, (unsigned)DROP__COUNT);
    for (unsigned i = 0; i < DROP__COUNT; i++)
        if (total[i] == 0)
            printf(" %s", drop_name[i]);
    printf("\n");
}

int main(int argc, char **argv)
{
    unsigned long frames = argc > 1 ? strtoul(argv[1], NULL, 0) : FRAMES_DEFAULT;
    unsigned long long seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    struct mutator *m = calloc(1, sizeof *m);
    if (m == NULL)
        return 2;
    printf("mutate %lu %llu\n", frames, seed);
    fflush(stdout);
    m->router = memory_router_new(seed);
    seeds_make(&m->seeds);
    for (unsigned i = 0; i < 2 * m->seeds.n; i++)
        explained_feed(m->router, &m->seeds.packet[i / 2], i % 2 != 0);
    unsigned long done = 0, rest = ROUND;
    while (done < frames) {
        done += one_in(m, 1000) ? storm(m) : feed(m);
        memory_router_check(m->router);
        pass_time(m);
        if (done >= rest) {
            memory_router_finish(m->router);
            rest = done + ROUND;
        }
    }
    memory_router_finish(m->router);
    report(m->router, done);
    seeds_free(&m->seeds);
    memory_router_free(m->router);
    free(m);
    return 0;
}

/* pure: the way of a multicast packet, as steps that lanes and the core take. */
#include "forwarding/fast_path.h"
#include "forwarding/multicast.h"

#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "forwarding/forward.h"
#include "forwarding/fragment.h"
#include "forwarding/multicast_internal.h"

enum { PROTO_SCTP = 132 };

static enum verdict drop(struct packet *packet, enum drop why)
{
    packet->drop = why;
    return VERDICT_DROP;
}

static enum verdict punt(struct packet *packet, enum punt why)
{
    packet->punt = why;
    return VERDICT_PUNT;
}

/* ---- finding ---- */

size_t multicast_bucket(const struct multicast *m, uint32_t src, uint32_t group)
{
    uint64_t mixed = (((uint64_t)group << 32 | src) ^ m->seed) * UINT64_C(0x9e3779b97f4a7c15);
    mixed ^= mixed >> 32;
    return (size_t)(mixed * UINT64_C(0xd6e8feb86659fd93) >> 32) & (MULTICAST_BUCKETS - 1);
}

struct multicast_entry *multicast_entry_find(const struct multicast *m, uint32_t src, uint32_t group)
{
    struct multicast_entry *e = published(m->bucket[multicast_bucket(m, src, group)]);
    while (e != NULL && (e->src != src || e->group != group))
        e = published(e->next);
    return e;
}

FAST_PATH const struct multicast_way *multicast_find(const struct multicast *m, uint32_t src, uint32_t group)
{
    const struct multicast_entry *e = multicast_entry_find(m, src, group);
    return e != NULL ? published(e->way) : NULL;
}

/* ---- judging ---- */

enum verdict multicast_judge(const struct multicast_way *way, struct packet *packet)
{
    if (packet->port != way->in)
        return drop(packet, DROP_MULTICAST_PORT);
    if (way->n == 0)
        return drop(packet, way->why);
    if (packet->ip.ttl <= way->ttl_least)
        return drop(packet, DROP_MULTICAST_TTL);
    if (packet->ip.header > IP_HEADER_MIN)
        return punt(packet, PUNT_OPTIONS);
    return VERDICT_CONTINUE;
}

FAST_PATH enum verdict ip_multicast(const struct tables *tables, struct packet *packet,
                                    const struct multicast_way **way)
{
    const struct multicast *m = published(tables->multicast);
    *way = NULL;
    if (m == NULL)
        return drop(packet, DROP_MULTICAST);
    *way = multicast_find(m, packet->ip.src, packet->ip.dst);
    return *way != NULL ? multicast_judge(*way, packet) : punt(packet, PUNT_MULTICAST);
}

enum drop multicast_obstacle(const struct port *out, const struct packet *packet)
{
    if (out == NULL || !out->up || out->loopback)
        return DROP_PORT_DOWN;
    if ((packet->ip.fragment & IP_DF) != 0 && ip_must_fragment(packet, out->mtu))
        return DROP_TOO_BIG;
    return DROP__COUNT;
}

static void mark(uint32_t *at, uint32_t second)
{
    if (__atomic_load_n(at, __ATOMIC_RELAXED) != second) /* no write to a line that the core reads, for nothing */
        __atomic_store_n(at, second, __ATOMIC_RELAXED);
}

void multicast_count(struct multicast_use *use, const struct packet *packet, enum verdict verdict, struct now now)
{
    uint32_t second = (uint32_t)(now.ns / NS_PER_S);
    if (verdict == VERDICT_DROP && packet->drop == DROP_MULTICAST_PORT) {
        count(&use->wrong_port);
        mark(&use->wrong, second);
        return;
    }
    count(&use->packets);
    count_add(&use->bytes, packet->ip.len);
    mark(&use->used, second);
    if (verdict == VERDICT_DROP && packet->drop == DROP_MULTICAST_TTL)
        count(&use->low_ttl);
}

FAST_PATH void multicast_commit(struct packet *packet)
{
    static const uint8_t nobody[MAC_LEN];
    uint32_t group = packet->ip.dst;
    const uint8_t mac[MAC_LEN] = {0x01, 0x00, 0x5e, group >> 16 & 0x7f, group >> 8 & 0xff, group & 0xff};
    ip_count_hop(packet);
    ethernet_write(packet->frame, mac, nobody, ETHERTYPE_IPV4);
    /* The way out can not be told that this unfinished checksum is a CRC. */
    if (packet->ip.protocol == PROTO_SCTP && packet_checksum_unfinished(packet))
        checksum_complete(packet);
}

void multicast_address(struct packet *packet, const uint8_t port_mac[MAC_LEN])
{
    memcpy(packet->frame + MAC_LEN, port_mac, MAC_LEN);
}

void multicast_end(struct counters *counters, const struct packet *packet, bool left, enum drop lost)
{
    if (!left) {
        count_drop(counters, packet->port, lost);
        return;
    }
    count(&counters->port[packet->port].forwarded);
    count(&counters->ip[IP_OUT_FORW_DATAGRAMS]);
    if (lost == DROP_TOO_BIG || lost == DROP_FRAGMENT_FAILED) /* by one of its ports it has failed all the same */
        count(&counters->ip[IP_OUT_FRAG_FAILS]);
}

/* core: datagrams of the router's own: a way and a source are chosen, the header is written, and they go the way of all
 * packets from there. What is for ourselves waits for the next dataplane_run, so that nobody who sends is called back
 * before he has finished. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/core.h"
#include "forwarding/dataplane.h"
#include "forwarding/ethernet.h"
#include "forwarding/forward.h"
#include "forwarding/local.h"

#define TTL_DEFAULT 64
#define LOOPED_MAX  (1024 * 1024) /* bytes on their way to ourselves */

struct looped {
    struct looped *next;
    struct packet packet;
    uint8_t bytes[];
};

/* By what way a datagram leaves. */
struct way {
    bool loop;                    /* to ourselves */
    const struct port *out;       /* else */
    bool group;                   /* by link broadcast or multicast */
    uint8_t link[MAC_LEN];        /* then: to this address */
    uint32_t nexthop;             /* else: to this neighbour */
    enum send_result unreachable; /* neither: why */
};

static void group_address(uint32_t dst, uint8_t link[MAC_LEN])
{
    memset(link, 0xff, MAC_LEN);
    if (!addr_is_multicast(dst))
        return;
    const uint8_t mapped[MAC_LEN] = {0x01, 0x00, 0x5e, dst >> 16 & 0x7f, dst >> 8 & 0xff, dst & 0xff}; /* RFC 1112 */
    memcpy(link, mapped, MAC_LEN);
}

static struct way out_of(const struct port *out, uint32_t dst, uint32_t nexthop, bool group)
{
    if (out == NULL || !out->up || out->loopback)
        return (struct way){.unreachable = SEND_UNREACHABLE};
    struct way way = {.out = out, .nexthop = nexthop, .group = group};
    group_address(dst, way.link);
    return way;
}

/* PACKET's ip and bytes choose among equal-cost ways. */
static struct way way_of(const struct dataplane *d, uint16_t port, struct packet *packet)
{
    uint32_t dst = packet->ip.dst;
    const struct own *own = own_find(published(d->tables.own), dst);
    if (own != NULL && own->kind == OWN_ADDRESS)
        return (struct way){.loop = true};
    bool broadcast = own != NULL && own->kind == OWN_BROADCAST;
    bool group = broadcast || addr_is_multicast(dst) || addr_is_limited_broadcast(dst);
    if (port != PORT_NONE)
        return out_of(dataplane_port(d, port), dst, dst, group);
    if (broadcast)
        return out_of(dataplane_port(d, own->port), dst, dst, true);
    if (group)
        return (struct way){.unreachable = SEND_NO_ROUTE};
    if (ip_route(&d->tables, fib_lookup(d->tables.fib, dst, NULL), packet) == VERDICT_CONTINUE)
        return out_of(dataplane_port(d, packet->out_port), dst, packet->nexthop, false);
    return (struct way){.unreachable = packet->punt == PUNT_NO_ROUTE ? SEND_NO_ROUTE : SEND_UNREACHABLE};
}

uint32_t dataplane_source_for(const struct dataplane *d, uint32_t dst)
{
    struct packet packet = {.port = PORT_NONE, .punt = PUNT__COUNT, .ip = {.dst = dst, .header = IP_HEADER_MIN}};
    struct way way = way_of(d, PORT_NONE, &packet);
    if (way.loop)
        return dst;
    return way.out != NULL ? core_source(d, way.out, dst, way.nexthop) : 0;
}

static struct looped *datagram_new(struct dataplane *d, const struct datagram *datagram)
{
    size_t header = IP_HEADER_MIN + (size_t)datagram->options_len;
    size_t frame = ETHERNET_HEADER + header + datagram->len;
    struct looped *l = malloc(sizeof *l + FRAME_ALIGN + frame);
    if (l == NULL)
        return NULL;
    l->next = NULL;
    l->packet = (struct packet){
        .frame = l->bytes + FRAME_ALIGN,
        .len = (uint32_t)frame,
        .wire_len = (uint32_t)frame,
        .port = PORT_NONE,
        .punt = PUNT__COUNT,
        .ip = {.src = datagram->src,
               .dst = datagram->dst,
               .len = (uint16_t)(header + datagram->len),
               .id = ++d->scratch->ip_id, /* one for all, so none comes again before 65,536 others: RFC 6864 */
               .fragment = datagram->df ? IP_DF : 0,
               .header = (uint8_t)header,
               .tos = datagram->tos,
               .ttl = datagram->ttl != 0 ? datagram->ttl : TTL_DEFAULT,
               .protocol = datagram->protocol},
    };
    memset(l->packet.frame, 0, ETHERNET_HEADER);
    if (datagram->len > 0)
        memcpy(packet_ip(&l->packet) + header, datagram->data, datagram->len);
    return l;
}

static enum send_result loop_back(struct dataplane *d, struct looped *l)
{
    struct core_scratch *s = d->scratch;
    if (s->looped_bytes + l->packet.len > LOOPED_MAX) {
        free(l);
        count(&d->counters->ip[IP_OUT_DISCARDS]);
        return SEND_NO_MEMORY;
    }
    s->looped_bytes += l->packet.len;
    *(s->looped != NULL ? s->looped_end : &s->looped) = l;
    s->looped_end = &l->next;
    return SEND_OK;
}

static enum send_result send_out(struct dataplane *d, const struct way *way, const struct packet *datagram,
                                 struct now now)
{
    struct adjacency group = {.port = way->out->number, .mtu = way->out->mtu, .number = NEIGHBOUR_MAX};
    struct packet packet = *datagram;
    if (way->group) {
        ethernet_write(group.ethernet, way->link, way->out->mac, ETHERTYPE_IPV4);
        packet.adjacency = &group;
    }
    packet.out_port = way->out->number;
    packet.nexthop = way->nexthop;
    bool redirect;
    switch (ip_prepare(&d->tables, &packet, &redirect)) {
    case VERDICT_DROP:
        core_drop(d, &packet, packet.drop);
        return SEND_UNREACHABLE;
    case VERDICT_PUNT:
        if (packet.punt == PUNT_RESOLVE) {
            neighbour_output(d->neighbours, way->out, &packet, now);
            return SEND_OK;
        }
        core_drop(d, &packet, DROP_TOO_BIG);
        return SEND_TOO_BIG;
    case VERDICT_CONTINUE:
    case VERDICT_MULTICAST: /* only of ip_check */
        break;
    }
    ip_commit(&packet);
    return core_output(d, &packet, now) == DROP__COUNT ? SEND_OK : SEND_UNREACHABLE;
}

static enum send_result discard(struct dataplane *d, struct looped *l, enum ip_stat stat, enum send_result result)
{
    free(l);
    count(&d->counters->ip[stat]);
    return result;
}

static enum send_result send_datagram(struct dataplane *d, const struct datagram *datagram, struct now now)
{
    count(&d->counters->ip[IP_OUT_REQUESTS]);
    if (IP_HEADER_MIN + (size_t)datagram->options_len + datagram->len > IP_PACKET_MAX)
        return discard(d, NULL, IP_OUT_DISCARDS, SEND_TOO_BIG);
    struct looped *l = datagram_new(d, datagram);
    if (l == NULL)
        return discard(d, NULL, IP_OUT_DISCARDS, SEND_NO_MEMORY);

    struct packet *packet = &l->packet;
    struct way way = way_of(d, datagram->port, packet);
    if (!way.loop && way.out == NULL)
        return discard(d, l, IP_OUT_NO_ROUTES, way.unreachable);
    if (packet->ip.src == 0)
        packet->ip.src = way.loop ? packet->ip.dst : core_source(d, way.out, packet->ip.dst, way.nexthop);
    if (packet->ip.src == 0)
        return discard(d, l, IP_OUT_DISCARDS, SEND_NO_SOURCE);
    ip_write(packet_ip(packet), &packet->ip, datagram->options);

    if (way.loop)
        return loop_back(d, l);
    enum send_result result = send_out(d, &way, packet, now);
    free(l);
    return result;
}

enum send_result dataplane_send(struct dataplane *d, const struct datagram *datagram, struct now now)
{
    enum send_result result = send_datagram(d, datagram, now);
    d->udp.out_datagrams += datagram->protocol == PROTO_UDP && result == SEND_OK;
    return result;
}

bool host_run_looped(struct dataplane *d, struct now now, unsigned most)
{
    struct core_scratch *s = d->scratch;
    struct looped **end = s->looped_end;
    bool last = s->looped == NULL;
    for (unsigned n = 0; n < most && !last; n++) {
        struct looped *l = s->looped;
        last = &l->next == end;
        s->looped = l->next;
        s->looped_bytes -= l->packet.len;
        local_deliver(d, &l->packet, now);
        free(l);
    }
    return s->looped != NULL;
}

void host_free_looped(struct dataplane *d)
{
    struct looped *l = d->scratch->looped;
    while (l != NULL) {
        struct looped *next = l->next;
        free(l);
        l = next;
    }
}

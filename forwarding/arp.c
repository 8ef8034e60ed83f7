/* core: ARP packets.
 *
 * An address is answered for by the port that has it and by no other, whatever the target hardware address says and
 * whether the request was broadcast or not. Neighbours are made of those who ask us, never of what nobody asked for;
 * any valid packet updates a neighbour that is known (RFC 826's merge). The Ethernet source may differ from the
 * sender's MAC: switches and access points that relay ARP do that, and the packet's own word counts.
 *
 * Somebody else with an address of ours: RFC 5227 2.4 (c), the way of a router: logged, not learned, defended. */
#include "forwarding/arp.h"

#include <stdio.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"

#define ARP_LENGTH   28
#define FRAME_LENGTH 60 /* the least that Ethernet carries, without FCS */

#define REQUEST_RATE  1000
#define REQUEST_BURST 200
#define DEFEND_NS     (10 * NS_PER_S)
#define LOG_RATE      1
#define LOG_BURST     5

enum { OP_REQUEST = 1, OP_REPLY = 2 };
enum { HARDWARE_ETHERNET = 1, PROTOCOL_IPV4 = 0x0800 };

static const uint8_t mac_broadcast[MAC_LEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t mac_none[MAC_LEN];

struct arp_packet {
    uint16_t op;
    uint8_t sender_mac[MAC_LEN], target_mac[MAC_LEN];
    uint32_t sender, target;
};

static void say_packet(const struct arp *arp, const struct port *port, const char *way, const struct arp_packet *p)
{
    char sender[ADDR_TEXT], target[ADDR_TEXT];
    const uint8_t *mac = p->sender_mac;
    const char *means = p->sender == p->target ? "announces" : p->op == OP_REQUEST ? "asks for" : "answers";
    debug_say(arp->debug, DEBUG_ARP, port->number, p->sender, "arp %s %s: %s (%02x:%02x:%02x:%02x:%02x:%02x) %s %s",
              way, port->name, addr_text(p->sender, sender), mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], means,
              addr_text(p->target, target));
}

/* What is said of a packet is about its sender, and about its target. */
static void debug_packet(const struct arp *arp, const struct port *port, const char *way, const struct arp_packet *p)
{
    if (arp->debug != NULL && (arp->debug->on & 1u << DEBUG_ARP) != 0)
        say_packet(arp, port, way, p);
}

/* ---- sending ---- */

static bool send_arp(struct arp *arp, const struct port *port, const uint8_t to[MAC_LEN], const struct arp_packet *say)
{
    uint32_t aligned[FRAME_LENGTH / 4 + 1] = {0};
    uint8_t *frame = (uint8_t *)aligned + 2;
    ethernet_write(frame, to, port->mac, ETHERTYPE_ARP);
    uint8_t *at = frame + ETHERNET_HEADER;
    store_be16(at, HARDWARE_ETHERNET);
    store_be16(at + 2, PROTOCOL_IPV4);
    at[4] = MAC_LEN;
    at[5] = 4;
    store_be16(at + 6, say->op);
    memcpy(at + 8, say->sender_mac, MAC_LEN);
    store_be32(at + 14, say->sender);
    memcpy(at + 18, say->target_mac, MAC_LEN);
    store_be32(at + 24, say->target);

    struct packet packet = {.frame = frame, .len = FRAME_LENGTH, .wire_len = FRAME_LENGTH, .port = PORT_NONE};
    packet.out_port = port->number;
    struct packet *packets[] = {&packet};
    enum drop why = DROP_TX_FAILED;
    bool sent = arp->transmit->send(arp->transmit, port->number, packets, 1, &why) == 1;
    debug_packet(arp, port, sent ? "sent by" : "could not be sent by", say);
    arp->stats.out_failed += !sent;
    if (arp->counters == NULL)
        return sent;
    struct port_counters *counters = &arp->counters->port[port->number];
    if (sent) {
        count(&counters->tx_packets);
        count_add(&counters->tx_bytes, FRAME_LENGTH);
    } else {
        count(why == DROP_TX_FULL ? &counters->tx_drops : &counters->tx_errors);
    }
    return sent;
}

static bool speaks(const struct port *port)
{
    return port->up && !port->loopback;
}

void arp_request(struct arp *arp, const struct port *port, uint32_t addr, const uint8_t *to_mac, struct now now)
{
    struct arp_packet say = {.op = OP_REQUEST, .sender = port_source_for(port, addr), .target = addr};
    if (!speaks(port) || say.sender == 0)
        return;
    if (to_mac == NULL && !bucket_take(&arp->requests, REQUEST_RATE, REQUEST_BURST, now.ns)) {
        arp->stats.out_suppressed++;
        return;
    }
    memcpy(say.sender_mac, port->mac, MAC_LEN);
    if (send_arp(arp, port, to_mac != NULL ? to_mac : mac_broadcast, &say))
        arp->stats.out_requests++;
}

static void announce(struct arp *arp, const struct port *port, uint32_t addr)
{
    struct arp_packet say = {.op = OP_REQUEST, .sender = addr, .target = addr};
    memcpy(say.sender_mac, port->mac, MAC_LEN);
    if (send_arp(arp, port, mac_broadcast, &say))
        arp->stats.out_gratuitous++;
}

void arp_announce(struct arp *arp, const struct port *port, struct now now)
{
    (void)now;
    if (!speaks(port))
        return;
    for (unsigned i = 0; i < port->n_addresses; i++)
        announce(arp, port, port->addresses[i].addr);
}

static void answer(struct arp *arp, const struct port *port, const struct arp_packet *asked)
{
    struct arp_packet say = {.op = OP_REPLY, .sender = asked->target, .target = asked->sender};
    memcpy(say.sender_mac, port->mac, MAC_LEN);
    memcpy(say.target_mac, asked->sender_mac, MAC_LEN);
    if (send_arp(arp, port, asked->sender_mac, &say))
        arp->stats.out_replies++;
}

/* ---- receiving ---- */

static bool parse(const struct packet *packet, struct arp_packet *heard)
{
    if (packet->len < ETHERNET_HEADER + ARP_LENGTH)
        return false;
    const uint8_t *at = packet->frame + ETHERNET_HEADER;
    if (load_be16(at) != HARDWARE_ETHERNET || load_be16(at + 2) != PROTOCOL_IPV4 || at[4] != MAC_LEN || at[5] != 4)
        return false;
    heard->op = load_be16(at + 6);
    memcpy(heard->sender_mac, at + 8, MAC_LEN);
    heard->sender = load_be32(at + 14);
    memcpy(heard->target_mac, at + 18, MAC_LEN);
    heard->target = load_be32(at + 24);
    return heard->op == OP_REQUEST || heard->op == OP_REPLY;
}

static bool has_address(const struct port *port, uint32_t addr)
{
    for (unsigned i = 0; i < port->n_addresses; i++)
        if (port->addresses[i].addr == addr)
            return true;
    return false;
}

/* RFC 1812 3.3.2: never believe a group address. 0.0.0.0 is for a host that probes before it has an address (RFC 5227
 * 2.1.1), and such a host only asks. */
static bool sender_possible(const struct arp *arp, const struct port *port, const struct arp_packet *heard)
{
    if (ethernet_is_group(heard->sender_mac) || memcmp(heard->sender_mac, mac_none, MAC_LEN) == 0)
        return false;
    if (heard->sender == 0)
        return heard->op == OP_REQUEST;
    if (addr_is_loopback(heard->sender) || addr_is_multicast(heard->sender))
        return false;
    const struct prefix *subnet = port_subnet_of(port, heard->sender);
    if (subnet == NULL) /* a route by an interface, without a gateway, makes neighbours of these too */
        return arp->on_link != NULL && arp->on_link(arp->context, port, heard->sender);
    if (!prefix_has_broadcast(*subnet))
        return true;
    return heard->sender != prefix_broadcast(*subnet) && heard->sender != prefix_network(*subnet);
}

static void conflict(struct arp *arp, const struct port *port, const struct packet *packet,
                     const struct arp_packet *heard, struct now now)
{
    uint64_t *defended_ns = &arp->defended_ns[port->number];
    arp->stats.conflicts++;
    if (arp->log != NULL && bucket_take(&arp->logged, LOG_RATE, LOG_BURST, now.ns)) {
        char addr[ADDR_TEXT], text[160];
        const uint8_t *mac = heard->sender_mac, *by = packet->frame + MAC_LEN;
        snprintf(text, sizeof text,
                 "address conflict: %s on %s is also used by %02x:%02x:%02x:%02x:%02x:%02x "
                 "(Ethernet source %02x:%02x:%02x:%02x:%02x:%02x)",
                 addr_text(heard->sender, addr), port->name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], by[0],
                 by[1], by[2], by[3], by[4], by[5]);
        arp->log(arp->context, text);
    }
    if (*defended_ns != 0 && now.ns < *defended_ns + DEFEND_NS)
        return;
    *defended_ns = now.ns;
    announce(arp, port, heard->sender);
}

/* RFC 1027, and never for a network of the port that asks: its stations answer for themselves. Nor does it answer a
 * probe, for the prober would take our word for a conflict. */
static bool answers_for(const struct arp *arp, const struct port *port, const struct arp_packet *heard)
{
    return port->proxy_arp && arp->proxy != NULL && heard->sender != 0 && port_subnet_of(port, heard->target) == NULL &&
           arp->proxy(arp->context, port, heard->target);
}

/* What is to be done about a valid packet. */
static enum arp_case case_of(const struct arp *arp, const struct port *port, const struct arp_packet *heard)
{
    if (memcmp(heard->sender_mac, port->mac, MAC_LEN) == 0)
        return ARP_OWN;
    if (has_address(port, heard->sender))
        return ARP_CONFLICT;
    if (heard->sender == heard->target)
        return ARP_GRATUITOUS;
    bool ours = has_address(port, heard->target);
    if (heard->op == OP_REPLY)
        return ours ? ARP_REPLY_TO_US : ARP_REPLY_TO_OTHERS;
    if (ours)
        return ARP_ANSWERED;
    return answers_for(arp, port, heard) ? ARP_ANSWERED_FOR : ARP_NOT_OURS;
}

static void count_kind(struct arp_stats *stats, const struct arp_packet *heard)
{
    if (heard->sender == heard->target)
        stats->in_gratuitous++;
    else if (heard->op == OP_REQUEST)
        stats->in_requests++;
    else
        stats->in_replies++;
}

static enum drop judge(const struct arp *arp, const struct port *port, const struct packet *packet,
                       struct arp_packet *heard)
{
    if (!speaks(port))
        return DROP_PORT_DOWN;
    if (!parse(packet, heard))
        return DROP_ARP_MALFORMED;
    return sender_possible(arp, port, heard) ? DROP__COUNT : DROP_ARP_SENDER;
}

enum drop arp_judge(const struct arp *arp, const struct port *port, const struct packet *packet, struct arp_view *view)
{
    struct arp_packet heard = {0};
    enum drop why = judge(arp, port, packet, &heard);
    *view = (struct arp_view){.sender = heard.sender, .target = heard.target, .request = heard.op == OP_REQUEST};
    memcpy(view->mac, heard.sender_mac, MAC_LEN);
    if (why == DROP__COUNT)
        view->what = case_of(arp, port, &heard);
    return why;
}

enum drop arp_input(struct arp *arp, const struct port *port, const struct packet *packet, struct now now)
{
    struct arp_packet heard;
    enum drop why = judge(arp, port, packet, &heard);
    if (why == DROP__COUNT || why == DROP_ARP_SENDER)
        debug_packet(arp, port, "heard on", &heard);
    arp->stats.in_malformed += why == DROP_ARP_MALFORMED;
    arp->stats.in_bad_sender += why == DROP_ARP_SENDER;
    if (why != DROP__COUNT)
        return why;
    count_kind(&arp->stats, &heard);
    bool create = false, confirmed = false;
    switch (case_of(arp, port, &heard)) {
    case ARP_OWN: /* come back by a loop or an access point */
        arp->stats.in_ignored++;
        return DROP__COUNT;
    case ARP_CONFLICT:
        conflict(arp, port, packet, &heard, now);
        return DROP__COUNT;
    case ARP_GRATUITOUS:
        break;
    case ARP_ANSWERED:
    case ARP_ANSWERED_FOR:
        answer(arp, port, &heard);
        create = true;
        break;
    case ARP_REPLY_TO_US:
        confirmed = true;
        break;
    case ARP_NOT_OURS:
    case ARP_REPLY_TO_OTHERS:
        arp->stats.in_ignored++;
        break;
    }
    if (heard.sender != 0)
        neighbour_heard(arp->neighbours, port, heard.sender, heard.sender_mac, create, confirmed, now);
    return DROP__COUNT;
}

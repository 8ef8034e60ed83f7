#include "cli/trace_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/text.h"
#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "forwarding/ip.h"

enum { AT_SRC_MAC = 6, AT_TYPE = 12 };
enum { ARP_AT_OP = 6, ARP_AT_SENDER = 14, ARP_AT_TARGET = 24, ARP_LENGTH = 28 };

__attribute__((format(printf, 2, 3))) static void say(char to[TRACE_TEXT], const char *format, ...)
{
    size_t len = strlen(to);
    va_list args;
    va_start(args, format);
    vsnprintf(to + len, TRACE_TEXT - len, format, args);
    va_end(args);
}

const char *trace_port_name(const struct dataplane *d, unsigned number)
{
    const struct port *port = dataplane_port(d, number);
    return port != NULL ? port->name : "a port that is gone";
}

/* ---- what came ---- */

static const char *protocol_name(uint8_t protocol)
{
    static const char *const names[] = {
        [PROTO_ICMP] = "ICMP", [PROTO_IGMP] = "IGMP", [4] = "IPIP",   [PROTO_TCP] = "TCP", [PROTO_UDP] = "UDP",
        [41] = "IPv6",         [PROTO_GRE] = "GRE",   [50] = "ESP",   [51] = "AH",         [89] = "OSPF",
        [103] = "PIM",         [112] = "VRRP",        [132] = "SCTP",
    };
    return protocol < sizeof names / sizeof names[0] ? names[protocol] : NULL;
}

static void say_protocol(char to[TRACE_TEXT], uint8_t protocol)
{
    const char *name = protocol_name(protocol);
    if (name != NULL)
        say(to, "%s", name);
    else
        say(to, "protocol %u", protocol);
}

static const char *icmp_name(uint8_t type, uint8_t code)
{
    static const char *const unreachable[] = {
        [UNREACHABLE_NET] = "network unreachable",
        [UNREACHABLE_HOST] = "host unreachable",
        [UNREACHABLE_PROTOCOL] = "protocol unreachable",
        [UNREACHABLE_PORT] = "port unreachable",
        [UNREACHABLE_FRAGMENTATION] = "fragmentation needed",
        [UNREACHABLE_SOURCE_ROUTE] = "source route failed",
        [UNREACHABLE_PROHIBITED] = "administratively prohibited",
    };
    static const char *const types[] = {
        [ICMP_ECHO_REPLY] = "echo reply",
        [ICMP_UNREACHABLE] = "destination unreachable",
        [ICMP_SOURCE_QUENCH] = "source quench",
        [ICMP_REDIRECT] = "redirect",
        [ICMP_ECHO] = "echo request",
        [ICMP_ROUTER_ADVERTISEMENT] = "router advertisement",
        [ICMP_ROUTER_SOLICITATION] = "router solicitation",
        [ICMP_TIME_EXCEEDED] = "time exceeded",
        [ICMP_PARAMETER_PROBLEM] = "parameter problem",
        [ICMP_TIMESTAMP] = "timestamp request",
        [ICMP_TIMESTAMP_REPLY] = "timestamp reply",
        [ICMP_INFORMATION] = "information request",
        [ICMP_INFORMATION_REPLY] = "information reply",
        [ICMP_MASK] = "mask request",
        [ICMP_MASK_REPLY] = "mask reply",
    };
    if (type == ICMP_UNREACHABLE && code < sizeof unreachable / sizeof unreachable[0] && unreachable[code] != NULL)
        return unreachable[code];
    return type < sizeof types / sizeof types[0] ? types[type] : NULL;
}

static void say_icmp(char to[TRACE_TEXT], uint8_t type, uint8_t code)
{
    const char *name = icmp_name(type, code);
    say(to, "ICMP %s", name != NULL ? name : "message");
    if (type == ICMP_ECHO || type == ICMP_ECHO_REPLY)
        return;
    say(to, " (%u/%u)", type, code);
}

static void say_tcp_flags(char to[TRACE_TEXT], uint8_t flags)
{
    static const char *const names[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    const char *before = " ";
    for (unsigned i = 0; i < 8; i++)
        if ((flags & 1u << i) != 0) {
            say(to, "%s%s", before, names[i]);
            before = "+";
        }
}

/* Addresses, with ports where they are to be seen, protocol and what it says of itself in a word. */
static void say_flow(char to[TRACE_TEXT], const struct ip *ip, const uint8_t *transport, uint32_t len)
{
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    bool first = ip_offset(ip) == 0;
    bool ports = first && (ip->protocol == PROTO_TCP || ip->protocol == PROTO_UDP) && len >= 4;
    addr_text(ip->src, src);
    addr_text(ip->dst, dst);
    if (ports)
        say(to, "%s:%u > %s:%u ", src, load_be16(transport), dst, load_be16(transport + 2));
    else
        say(to, "%s > %s ", src, dst);
    if (ip->protocol == PROTO_ICMP && first && len >= 2)
        say_icmp(to, transport[0], transport[1]);
    else
        say_protocol(to, ip->protocol);
    if (ip->protocol == PROTO_ICMP && first && len >= 8 &&
        (transport[0] == ICMP_ECHO || transport[0] == ICMP_ECHO_REPLY))
        say(to, " %u", load_be16(transport + 6));
    if (ip->protocol == PROTO_TCP && first && len >= 14)
        say_tcp_flags(to, transport[13]);
}

static void say_arp(char to[TRACE_TEXT], const uint8_t *arp, uint32_t len)
{
    char sender[ADDR_TEXT], target[ADDR_TEXT];
    if (len < ARP_LENGTH) {
        say(to, "ARP");
        return;
    }
    addr_text(load_be32(arp + ARP_AT_SENDER), sender);
    addr_text(load_be32(arp + ARP_AT_TARGET), target);
    switch (load_be16(arp + ARP_AT_OP)) {
    case 1:
        say(to, "ARP who has %s, asks %s", target, sender);
        break;
    case 2:
        say(to, "ARP %s is here, to %s", sender, target);
        break;
    default:
        say(to, "ARP");
    }
}

const char *trace_packet_text(const struct traced *traced, char to[TRACE_TEXT])
{
    const struct packet *packet = traced->packet;
    const struct ip *ip = &packet->ip;
    uint32_t type = traced->kept >= ETHERNET_HEADER ? load_be16(packet->frame + AT_TYPE) : 0;
    to[0] = '\0';
    if (ip->header == 0) {
        if (type == ETHERTYPE_ARP)
            say_arp(to, packet->frame + ETHERNET_HEADER, traced->kept - ETHERNET_HEADER);
        else if (traced->kept < ETHERNET_HEADER)
            say(to, "a piece of a frame");
        else
            say(to, "%s 0x%04x", type == ETHERTYPE_IPV4 ? "broken IPv4, type" : "type", type);
        say(to, ", frame of %u bytes", packet->wire_len);
        return to;
    }
    uint32_t at = ETHERNET_HEADER + (uint32_t)ip->header;
    say_flow(to, ip, packet->frame + at, traced->kept > at ? traced->kept - at : 0);
    say(to, ", %u bytes, TTL %u", ip->len, ip->ttl);
    if (packet_is_gso(packet))
        say(to, ", segments of %u", packet->vnet.gso_size);
    if ((ip->fragment & IP_DF) != 0)
        say(to, ", DF");
    if (ip_is_fragment(ip))
        say(to, ", fragment at %u%s of id %u", ip_offset(ip), (ip->fragment & IP_MF) != 0 ? "" : " (last)", ip->id);
    if (ip->tos != 0)
        say(to, ", TOS 0x%02x", ip->tos);
    if (ip->header > IP_HEADER_MIN)
        say(to, ", %u bytes of options", ip->header - IP_HEADER_MIN);
    return to;
}

const char *trace_arrival_text(const struct dataplane *d, const struct traced *traced, char to[TRACE_TEXT])
{
    const struct packet *packet = traced->packet;
    char src[TEXT_SHORT], dst[TEXT_SHORT];
    to[0] = '\0';
    say(to, "by %s", trace_port_name(d, packet->port));
    if (traced->kept >= ETHERNET_HEADER)
        say(to, ", from %s to %s", text_mac(packet->frame + AT_SRC_MAC, src), text_mac(packet->frame, dst));
    if (packet->tagged)
        say(to, ", with a VLAN tag");
    if (traced->control)
        say(to, ", to the core");
    return to;
}

/* ---- steps ---- */

const char *trace_step_name(enum explain_kind kind)
{
    static const char *const names[] = {
        [EXPLAIN_FRAME] = "frame",         [EXPLAIN_ARP] = "ARP",
        [EXPLAIN_IP] = "header",           [EXPLAIN_OURS] = "ours",
        [EXPLAIN_BROADCAST] = "broadcast", [EXPLAIN_OPTIONS] = "options",
        [EXPLAIN_NEXT] = "source route",   [EXPLAIN_NOT_NEXT] = "source route",
        [EXPLAIN_STRICT] = "source route", [EXPLAIN_ROUTE] = "route",
        [EXPLAIN_NO_ROUTE] = "route",      [EXPLAIN_HOP] = "next hop",
        [EXPLAIN_NO_HOP] = "next hop",     [EXPLAIN_TTL] = "TTL",
        [EXPLAIN_SIZE] = "size",           [EXPLAIN_NEIGHBOUR] = "neighbour",
        [EXPLAIN_WAITS] = "queue",         [EXPLAIN_REDIRECT] = "redirect",
        [EXPLAIN_REWRITE] = "rewritten",   [EXPLAIN_SEGMENTS] = "cut",
        [EXPLAIN_FRAGMENTS] = "cut",       [EXPLAIN_COLLECT] = "reassembly",
        [EXPLAIN_TRANSPORT] = "protocol",  [EXPLAIN_ERROR] = "ICMP error",
        [EXPLAIN_CUT_SHORT] = "checksum",  [EXPLAIN_PUNT] = "punt",
        [EXPLAIN_STREAM] = "multicast",    [EXPLAIN_COPY] = "copy",
    };
    return names[kind];
}

static void say_arp_case(char to[TRACE_TEXT], const struct arp_view *arp)
{
    char sender[ADDR_TEXT], target[ADDR_TEXT], mac[TEXT_SHORT];
    addr_text(arp->sender, sender);
    addr_text(arp->target, target);
    text_mac(arp->mac, mac);
    switch (arp->what) {
    case ARP_OWN:
        say(to, "our own, come back: ignored");
        break;
    case ARP_CONFLICT:
        say(to, "%s says that it has our address %s: a conflict, logged and defended", mac, sender);
        break;
    case ARP_GRATUITOUS:
        say(to, "%s announces itself at %s: learned if it is a neighbour already", sender, mac);
        break;
    case ARP_ANSWERED:
        say(to, "%s is ours: answered, and %s learned at %s", target, sender, mac);
        break;
    case ARP_ANSWERED_FOR:
        say(to, "%s is behind another port: answered for it (proxy ARP)", target);
        break;
    case ARP_NOT_OURS:
        say(to, "%s is not ours on this port: not answered", target);
        break;
    case ARP_REPLY_TO_US:
        say(to, "%s is at %s: learned, and what waited for it is sent", sender, mac);
        break;
    case ARP_REPLY_TO_OTHERS:
        say(to, "a reply to %s, which is not ours: learned if %s is a neighbour already", target, sender);
        break;
    }
}

static void say_options(char to[TRACE_TEXT], const struct explain_step *step)
{
    const char *before = "";
    const struct {
        bool there;
        const char *name;
    } kinds[] = {{step->options.record_route, "record route"},
                 {step->options.timestamp, "timestamp"},
                 {step->options.source_route, step->options.strict ? "strict source route" : "loose source route"}};
    for (unsigned i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kinds[i].there) {
            say(to, "%s%s", before, kinds[i].name);
            before = ", ";
        }
    say(to, "%s", before[0] == '\0' ? "none that a router acts on" : ": sound");
}

static void say_route(char to[TRACE_TEXT], const struct explain_step *step)
{
    char prefix[PREFIX_TEXT];
    prefix_text(step->route.prefix, prefix);
    switch (step->route.action) {
    case FIB_FORWARD:
        say(to, "%s", prefix);
        if (step->route.hops > 1)
            say(to, ", %u next hops", step->route.hops);
        break;
    case FIB_BLACKHOLE:
        say(to, "%s, a blackhole", prefix);
        break;
    case FIB_UNREACHABLE:
        say(to, "%s, unreachable", prefix);
        break;
    case FIB_PROHIBIT:
        say(to, "%s, prohibited", prefix);
        break;
    }
}

static void say_hop(char to[TRACE_TEXT], const struct dataplane *d, const struct explain_step *step)
{
    char addr[ADDR_TEXT];
    addr_text(step->addr, addr);
    say(to, "%s%s, out of %s", step->hop.gateway ? "" : "the destination itself, ", addr,
        trace_port_name(d, step->port));
    if (step->hop.hops < 2)
        return;
    if (step->hop.usable < 2)
        say(to, ": of %u the only one whose port is up", step->hop.hops);
    else
        say(to, ": of %u the one of this flow, by its addresses, protocol and ports (hash %08" PRIx32 ")",
            step->hop.usable, step->hop.flow);
}

static void say_size(char to[TRACE_TEXT], const struct dataplane *d, const struct explain_step *step)
{
    if (step->size.gso_len != 0)
        say(to, "%u bytes in segments of at most %u", step->size.gso_len, step->size.len);
    else
        say(to, "%u bytes", step->size.len);
    say(to, ", MTU of %s %u: ", trace_port_name(d, step->port), step->mtu);
    if (step->size.len <= step->mtu)
        say(to, "fits");
    else
        say(to, "too big, and %s", step->size.df ? "may not be fragmented (DF)" : "may be fragmented");
}

static void say_neighbour(char to[TRACE_TEXT], const struct dataplane *d, const struct explain_step *step)
{
    char addr[ADDR_TEXT], mac[TEXT_SHORT];
    const struct neighbour_view *view = &step->neighbour.view;
    addr_text(step->addr, addr);
    if (!step->neighbour.known) {
        say(to, "%s on %s is not known yet", addr, trace_port_name(d, step->port));
        return;
    }
    if (view->state == NEIGHBOUR_INCOMPLETE)
        say(to, "%s on %s has been asked for and has not answered", addr, trace_port_name(d, step->port));
    else
        say(to, "%s on %s is at %s, %s", addr, trace_port_name(d, step->port), text_mac(view->mac, mac),
            neighbour_state_name[view->state]);
}

static void say_transport(char to[TRACE_TEXT], const struct explain_step *step)
{
    const char *icmp = icmp_name(step->transport.type, 0);
    switch (step->transport.what) {
    case TRANSPORT_ANSWERED:
        say(to, "ICMP %s: answered", icmp != NULL ? icmp : "message");
        break;
    case TRANSPORT_IGNORED:
        say(to, "ICMP %s: not answered", icmp != NULL ? icmp : "message");
        break;
    case TRANSPORT_ICMP:
        say(to, "ICMP %s: for whoever in the router waits for it", icmp != NULL ? icmp : "message");
        break;
    case TRANSPORT_IGMP:
        say(to, "IGMP: taken note of");
        break;
    case TRANSPORT_UDP:
        say(to, "UDP port %u: for whoever listens, or else answered with port unreachable", step->transport.port);
        break;
    case TRANSPORT_UDP_NOBODY:
        say(to, "UDP port %u: nobody listens", step->transport.port);
        break;
    case TRANSPORT_TCP_RESET:
        say(to, "TCP port %u: nobody listens, answered with a reset", step->transport.port);
        break;
    case TRANSPORT_TCP:
        say(to, "TCP port %u: nobody listens, and not to be answered", step->transport.port);
        break;
    case TRANSPORT_UNKNOWN:
        say_protocol(to, step->transport.protocol);
        say(to, ": not spoken by the router");
        break;
    }
}

static void say_error(char to[TRACE_TEXT], const struct explain_step *step)
{
    char src[ADDR_TEXT], dst[ADDR_TEXT];
    const struct icmp_error *says = &step->error.says;
    const char *name = icmp_name(says->type, says->code);
    addr_text(step->error.src, src);
    addr_text(step->error.dst, dst);
    say(to, "%s (%u/%u", name != NULL ? name : "", says->type, says->code);
    if (says->type == ICMP_UNREACHABLE && says->code == UNREACHABLE_FRAGMENTATION)
        say(to, ", MTU %u", says->word & 0xffff);
    if (says->type == ICMP_PARAMETER_PROBLEM)
        say(to, ", octet %u", says->word >> 24);
    say(to, ") ");
    switch (step->error.fate) {
    case ICMP_SENT:
        if (step->error.src != 0)
            say(to, "to %s, from %s", dst, src);
        else
            say(to, "not sent: there is no way to %s", dst);
        break;
    case ICMP_NOT_ALLOWED:
        say(to,
            "not sent: there is none about an ICMP error, a later fragment, a broadcast or no single host's packet");
        break;
    case ICMP_SWITCHED_OFF:
        say(to, "not sent: unreachables is off where it came in");
        break;
    case ICMP_LIMITED:
        say(to, "not sent: the limit on errors is reached");
        break;
    }
}

static void say_collect(char to[TRACE_TEXT], const struct explain_step *step)
{
    say(to, "with this fragment %u, %u", step->n, step->collect.held);
    if (step->collect.end != 0)
        say(to, " of %u", step->collect.end);
    say(to, " bytes of its datagram are here");
    if (step->collect.end != 0 && step->collect.held == step->collect.end)
        say(to, ": it is whole, and goes on as one");
}

static void say_stream(char to[TRACE_TEXT], const struct dataplane *d, const struct explain_step *step)
{
    char src[ADDR_TEXT], group[ADDR_TEXT], upstream[ADDR_TEXT], out[TEXT_SHORT];
    addr_text(step->addr, src);
    addr_text(step->stream.group, group);
    say(to, "%s to %s%s: ", src, group, step->stream.fresh ? ", a new stream" : "");
    if (step->port == PORT_NONE) {
        say(to, "no route leads to the source, so it may come in nowhere");
        return;
    }
    say(to, "comes in by %s", trace_port_name(d, step->port));
    if (step->stream.upstream != step->addr)
        say(to, " from %s", addr_text(step->stream.upstream, upstream));
    if (step->stream.n_out > 0)
        say(to, ", wanted on %s", text_count(step->stream.n_out, "other interface", "other interfaces", out));
    else if (step->stream.why == DROP_MULTICAST_BOUNDARY)
        say(to, ", and a boundary keeps it from going on");
    else
        say(to, ", wanted on no other interface");
}

static void say_copy(char to[TRACE_TEXT], const struct dataplane *d, const struct explain_step *step)
{
    char count[TEXT_SHORT];
    if (step->port == PORT_NONE) {
        say(to, "and for %s", text_count(step->n, "more interface", "more interfaces", count));
        return;
    }
    say(to, "for %s: ", trace_port_name(d, step->port));
    if (step->copy.why == DROP_MULTICAST_TTL)
        say(to, "no, its time to live is not above the threshold of %u", step->copy.threshold);
    else if (step->copy.why != DROP__COUNT)
        say(to, "no, %s", drop_meaning[step->copy.why]);
    else if (step->copy.frames > 1)
        say(to, "sent in %u pieces for MTU %u", step->copy.frames, step->mtu);
    else
        say(to, "sent");
}

const char *trace_step_text(const struct dataplane *d, const struct explain_step *step, char to[TRACE_TEXT])
{
    char addr[ADDR_TEXT], mac[TEXT_SHORT], other[TEXT_SHORT];
    addr_text(step->addr, addr);
    to[0] = '\0';
    switch (step->kind) {
    case EXPLAIN_FRAME:
        say(to, step->group ? "broadcast or multicast, heard" : "to the port's own MAC address");
        break;
    case EXPLAIN_ARP:
        say_arp_case(to, &step->arp);
        break;
    case EXPLAIN_IP:
        say(to, "length, checksum and addresses are sound");
        break;
    case EXPLAIN_OURS:
        if (!step->group)
            say(to, "%s is our address, of %s", addr, trace_port_name(d, step->port));
        else
            say(to, "%s is a broadcast or group that we hear", addr);
        break;
    case EXPLAIN_BROADCAST:
        say(to, "%s is the broadcast of %s, which lets them out", addr, trace_port_name(d, step->port));
        break;
    case EXPLAIN_OPTIONS:
        say_options(to, step);
        break;
    case EXPLAIN_NEXT:
        say(to, "goes on to %s", addr);
        break;
    case EXPLAIN_NOT_NEXT:
        say(to, "goes on to %s, which is ours or can not be forwarded to", addr);
        break;
    case EXPLAIN_STRICT:
        say(to, "is strict, and %s is no neighbour", addr);
        break;
    case EXPLAIN_ROUTE:
        say_route(to, step);
        break;
    case EXPLAIN_NO_ROUTE:
        say(to, "none to %s", addr);
        break;
    case EXPLAIN_HOP:
        say_hop(to, d, step);
        break;
    case EXPLAIN_NO_HOP:
        say(to, "none whose port is up");
        break;
    case EXPLAIN_TTL:
        say(to, "%u: too little to be forwarded", step->n);
        break;
    case EXPLAIN_SIZE:
        say_size(to, d, step);
        break;
    case EXPLAIN_NEIGHBOUR:
        say_neighbour(to, d, step);
        break;
    case EXPLAIN_WAITS:
        say(to, "ARP asks, three times within three seconds; without an answer, host unreachable (3/1) follows");
        if (step->n > 0)
            say(to, "; %s before it", text_count(step->n, "packet waits", "packets wait", mac));
        break;
    case EXPLAIN_REDIRECT:
        say(to,
            step->redirect == REDIRECT_SENT ? "the source is told to go straight to %s"
                                            : "the source was told lately to go straight to %s",
            addr);
        break;
    case EXPLAIN_REWRITE:
        say(to, "TTL %u to %u, from %s to %s", step->rewrite.was_ttl, step->rewrite.ttl,
            text_mac(step->rewrite.src, mac), text_mac(step->rewrite.dst, other));
        break;
    case EXPLAIN_SEGMENTS:
        say(to, "into %u segments", step->n);
        break;
    case EXPLAIN_FRAGMENTS:
        say(to, "into %u fragments for MTU %u", step->n, step->mtu);
        break;
    case EXPLAIN_COLLECT:
        say_collect(to, step);
        break;
    case EXPLAIN_TRANSPORT:
        say_transport(to, step);
        break;
    case EXPLAIN_ERROR:
        say_error(to, step);
        break;
    case EXPLAIN_PUNT:
        say(to, "the lane hands it to the core (%s)", step->n < PUNT__COUNT ? punt_name[step->n] : "");
        break;
    case EXPLAIN_STREAM:
        say_stream(to, d, step);
        break;
    case EXPLAIN_COPY:
        say_copy(to, d, step);
        break;
    case EXPLAIN_CUT_SHORT:
        say(to, "not looked at here: only %u bytes of the packet were kept for this", step->n);
        break;
    }
    return to;
}

/* ---- ends ---- */

const char *trace_end_name(enum explain_end end)
{
    static const char *const names[] = {
        [EXPLAIN_FORWARDED] = "forwarded", [EXPLAIN_DELIVERED] = "delivered", [EXPLAIN_ARP_TAKEN] = "arp",
        [EXPLAIN_DROPPED] = "dropped",     [EXPLAIN_HELD] = "held",
    };
    return names[end];
}

/* A multicast packet leaves by more ports than the one that is named. */
static bool leaves_by_others(const struct explanation *why)
{
    for (unsigned i = 0; i < why->n; i++) {
        const struct explain_step *step = &why->step[i];
        if (step->kind == EXPLAIN_COPY && step->copy.why == DROP__COUNT && step->port != PORT_NONE &&
            step->port != why->out_port)
            return true;
    }
    return false;
}

const char *trace_end_text(const struct dataplane *d, const struct explanation *why, char to[TRACE_TEXT])
{
    to[0] = '\0';
    switch (why->end) {
    case EXPLAIN_FORWARDED:
        say(to, "forwarded out of %s%s", trace_port_name(d, why->out_port), leaves_by_others(why) ? " and others" : "");
        break;
    case EXPLAIN_DELIVERED:
        say(to, why->completes ? "completes a datagram for the router itself" : "delivered to the router itself");
        break;
    case EXPLAIN_ARP_TAKEN:
        say(to, "taken as ARP");
        break;
    case EXPLAIN_DROPPED:
        say(to, "dropped as %s: %s", drop_name[why->drop], drop_meaning[why->drop]);
        break;
    case EXPLAIN_HELD:
        say(to, why->out_port != PORT_NONE ? "held until the neighbour answers" : "held until the rest of it comes");
        break;
    }
    return to;
}

/* pure: why a packet was dropped. One enum, one name and one meaning each, in one list; every dropped packet is counted
 * under exactly one of them at the interface by which it came. */
#ifndef FORWARDING_DROP_H
#define FORWARDING_DROP_H

#include <stdbool.h>

/* X(symbol, name, malformed, meaning). The order is that of the way of a packet; "malformed" ones are the rxErrors. */
#define DROP_REASONS(X)                                                                                                \
    X(RING_FULL, "ring-full", false, "the receive ring was full: more came than the router could take")                \
    X(TRUNCATED, "truncated", true, "the frame was longer than the receive buffer")                                    \
    X(RUNT, "runt", true, "the frame was shorter than an Ethernet header")                                             \
    X(VLAN, "vlan-tagged", false, "the frame carried a VLAN tag and belongs to a VLAN device, not to this port")       \
    X(OTHER_HOST, "other-host", false, "the frame was for another station's MAC address")                              \
    X(OWN_FRAME, "own-frame", false, "the frame carried this port's own MAC address as its source")                    \
    X(NOT_IP, "not-ip", false, "the frame was neither IPv4 nor ARP; the kernel may use it")                            \
    X(PORT_DOWN, "port-down", false, "the interface was shut down, or has no address")                                 \
    X(IP_SHORT, "ip-short", true, "the frame was too short for an IPv4 header")                                        \
    X(IP_VERSION, "ip-version", true, "the IP version was not 4")                                                      \
    X(IP_HEADER_LENGTH, "ip-header-length", true, "the IP header length was below 20 or beyond the frame")             \
    X(IP_LENGTH, "ip-length", true, "the IP total length was below the header's or beyond the frame")                  \
    X(IP_CHECKSUM, "ip-checksum", true, "the IP header checksum was wrong")                                            \
    X(BAD_OFFLOAD, "bad-offload", true, "the kernel's offload description did not fit the packet")                     \
    X(LINK_BROADCAST, "link-broadcast", false, "a unicast packet in a link-layer broadcast or multicast frame")        \
    X(MARTIAN_SOURCE, "martian-source", false,                                                                         \
      "the source address can not be a host's: 0/8, 127/8, 224/3 or a broadcast")                                      \
    X(OWN_SOURCE, "own-source", false, "the source address is this router's own")                                      \
    X(MARTIAN_DESTINATION, "martian-destination", false,                                                               \
      "the destination can not be forwarded to: 0/8, 127/8 or 240/4")                                                  \
    X(LINK_LOCAL, "link-local", false, "a 169.254/16 address, which never leaves its link")                            \
    X(MULTICAST, "multicast", false, "a multicast group that this router neither belongs to nor forwards")             \
    X(MULTICAST_LIMIT, "multicast-limit", false, "too many new multicast streams at once, or in all")                  \
    X(MULTICAST_PORT, "multicast-port", false,                                                                         \
      "a multicast packet that did not come by the interface towards its source")                                      \
    X(MULTICAST_BOUNDARY, "multicast-boundary", false, "a boundary is set for the multicast group")                    \
    X(MULTICAST_UNWANTED, "multicast-unwanted", false,                                                                 \
      "a multicast group that nobody listens to on another interface")                                                 \
    X(MULTICAST_TTL, "multicast-ttl", false,                                                                           \
      "a multicast packet whose time to live was 1, or below the threshold of every interface that it was wanted on")  \
    X(DIRECTED_BROADCAST, "directed-broadcast", false,                                                                 \
      "a broadcast to another attached subnet, where that is switched off")                                            \
    X(BAD_OPTION, "bad-option", true, "an IP option was malformed")                                                    \
    X(SOURCE_ROUTE, "source-route", false, "the packet carried a source route and source-route is off, or it failed")  \
    X(TTL, "ttl-exceeded", false, "the time to live ran out")                                                          \
    X(NO_ROUTE, "no-route", false, "no route to the destination")                                                      \
    X(BLACKHOLE, "blackhole", false, "the route is a blackhole")                                                       \
    X(UNREACHABLE, "unreachable", false, "the route says unreachable")                                                 \
    X(PROHIBITED, "prohibited", false, "the route says prohibited")                                                    \
    X(TOO_BIG, "too-big", false, "larger than the outgoing MTU with don't-fragment set")                               \
    X(FRAGMENT_FAILED, "fragment-failed", false, "could not be fragmented to the outgoing MTU")                        \
    X(PUNT_FULL, "punt-full", false, "the queue to the router's slow path was full")                                   \
    X(TX_FULL, "tx-full", false, "the outgoing device took no more")                                                   \
    X(TX_FAILED, "tx-failed", false, "the outgoing device is down or refused the frame")                               \
    X(NEIGHBOUR_QUEUE, "neighbour-queue", false,                                                                       \
      "made room for a newer packet while its neighbour was being resolved")                                           \
    X(NEIGHBOUR_FAILED, "neighbour-failed", false, "the neighbour did not answer ARP")                                 \
    X(NEIGHBOUR_TABLE_FULL, "neighbour-table-full", false, "no room to resolve one more neighbour")                    \
    X(ARP_MALFORMED, "arp-malformed", true, "an ARP packet with wrong types, lengths or operation")                    \
    X(ARP_SENDER, "arp-sender", false, "an ARP packet whose sender can not be a host of this network")                 \
    X(FRAGMENT_MALFORMED, "fragment-malformed", true, "a fragment that can not be part of any datagram")               \
    X(FRAGMENT_OVERLAP, "fragment-overlap", true, "fragments overlapped: the whole datagram was dropped")              \
    X(FRAGMENT_DUPLICATE, "fragment-duplicate", false, "a fragment that had already come")                             \
    X(FRAGMENT_TIMEOUT, "fragment-timeout", false, "the rest of the datagram did not come within 60 seconds")          \
    X(FRAGMENT_EVICTED, "fragment-evicted", false, "the oldest unfinished datagram made room for a newer one")         \
    X(UNKNOWN_PROTOCOL, "unknown-protocol", false, "addressed to this router with a protocol it does not speak")       \
    X(ICMP_MALFORMED, "icmp-malformed", true, "an ICMP message too short for its type, or with a wrong checksum")      \
    X(UDP_MALFORMED, "udp-malformed", true, "a UDP datagram with a wrong length or checksum")                          \
    X(TCP_MALFORMED, "tcp-malformed", true, "a TCP segment with a wrong length or checksum")                           \
    X(NO_MEMORY, "no-memory", false, "the system gave no memory")

enum drop {
#define X(symbol, name, malformed, meaning) DROP_##symbol,
    DROP_REASONS(X)
#undef X
        DROP__COUNT
};

extern const char *const drop_name[DROP__COUNT];    /* as in `show drops` and JSON */
extern const char *const drop_meaning[DROP__COUNT]; /* a clause that ends "dropped because ..." */
extern const bool drop_malformed[DROP__COUNT];      /* counts as rxErrors */

#endif

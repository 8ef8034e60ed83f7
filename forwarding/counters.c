/* pure: which row of RFC 4293's ipSystemStats a drop belongs to. */
#include "forwarding/counters.h"

#include <stdbool.h>

/* Not IP's business: the frame was dropped below IP, or IP delivered it and the error is ICMP's, UDP's or TCP's. */
#define NO_ROW IP_STAT__COUNT

static enum ip_stat row_of(enum drop why)
{
    switch (why) {
    case DROP_RING_FULL:
    case DROP_TRUNCATED:
    case DROP_RUNT:
    case DROP_VLAN:
    case DROP_OTHER_HOST:
    case DROP_OWN_FRAME:
    case DROP_NOT_IP:
    case DROP_ARP_MALFORMED:
    case DROP_ARP_SENDER:
    case DROP_ICMP_MALFORMED:
    case DROP_UDP_MALFORMED:
    case DROP_TCP_MALFORMED:
        return NO_ROW;
    case DROP_IP_SHORT: /* "the datagram frame didn't carry enough data" */
    case DROP_IP_LENGTH:
        return IP_IN_TRUNCATED_PKTS;
    case DROP_IP_VERSION:
    case DROP_IP_HEADER_LENGTH:
    case DROP_IP_CHECKSUM:
    case DROP_BAD_OPTION:
    case DROP_TTL: /* the MIB names it among the header errors */
        return IP_IN_HDR_ERRORS;
    case DROP_MARTIAN_SOURCE:
    case DROP_OWN_SOURCE:
    case DROP_MARTIAN_DESTINATION:
    case DROP_LINK_LOCAL:
        return IP_IN_ADDR_ERRORS;
    case DROP_NO_ROUTE:
    case DROP_UNREACHABLE:
        return IP_IN_NO_ROUTES;
    case DROP_UNKNOWN_PROTOCOL:
        return IP_IN_UNKNOWN_PROTOS;
    case DROP_TOO_BIG:
    case DROP_FRAGMENT_FAILED:
        return IP_OUT_FRAG_FAILS;
    case DROP_FRAGMENT_MALFORMED:
    case DROP_FRAGMENT_OVERLAP:
    case DROP_FRAGMENT_TIMEOUT:
    case DROP_FRAGMENT_EVICTED:
        return IP_REASM_FAILS;
    case DROP_TX_FULL:
    case DROP_TX_FAILED:
    case DROP_NEIGHBOUR_QUEUE:
    case DROP_NEIGHBOUR_FAILED:
    case DROP_NEIGHBOUR_TABLE_FULL:
        return IP_OUT_DISCARDS;
    case DROP_PORT_DOWN: /* nothing was wrong with these; policy or want of room stopped them */
    case DROP_BAD_OFFLOAD:
    case DROP_LINK_BROADCAST:
    case DROP_MULTICAST:
    case DROP_MULTICAST_LIMIT:
    case DROP_MULTICAST_PORT:
    case DROP_MULTICAST_BOUNDARY:
    case DROP_MULTICAST_UNWANTED:
    case DROP_MULTICAST_TTL:
    case DROP_DIRECTED_BROADCAST:
    case DROP_SOURCE_ROUTE:
    case DROP_BLACKHOLE:
    case DROP_PROHIBITED:
    case DROP_PUNT_FULL:
    case DROP_FRAGMENT_DUPLICATE:
    case DROP_NO_MEMORY:
        return IP_IN_DISCARDS;
    case DROP__COUNT:
        break;
    }
    return NO_ROW;
}

/* The same for a packet that the router made itself: it never came in. */
static enum ip_stat row_of_own(enum drop why)
{
    switch (row_of(why)) {
    case IP_IN_NO_ROUTES:
        return IP_OUT_NO_ROUTES;
    case IP_OUT_FRAG_FAILS:
        return IP_OUT_FRAG_FAILS;
    default:
        return IP_OUT_DISCARDS;
    }
}

void count_drop(struct counters *c, unsigned port, enum drop why)
{
    bool own = port >= PORT_MAX;
    if (!own)
        count(&c->port[port].drop[why]);
    enum ip_stat row = own ? row_of_own(why) : row_of(why);
    if (row != NO_ROW)
        count(&c->ip[row]);
}

/* core: ICMP, RFC 792, by the rules of RFC 1122 3.2.2 and RFC 1812 4.3: which errors are sent, about what, from where,
 * how often. */
#ifndef FORWARDING_ICMP_H
#define FORWARDING_ICMP_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/bucket.h"
#include "forwarding/now.h"
#include "forwarding/packet.h"

enum icmp_type {
    ICMP_ECHO_REPLY = 0,
    ICMP_UNREACHABLE = 3,
    ICMP_SOURCE_QUENCH = 4,
    ICMP_REDIRECT = 5,
    ICMP_ECHO = 8,
    ICMP_ROUTER_ADVERTISEMENT = 9,
    ICMP_ROUTER_SOLICITATION = 10,
    ICMP_TIME_EXCEEDED = 11,
    ICMP_PARAMETER_PROBLEM = 12,
    ICMP_TIMESTAMP = 13,
    ICMP_TIMESTAMP_REPLY = 14,
    ICMP_INFORMATION = 15,
    ICMP_INFORMATION_REPLY = 16,
    ICMP_MASK = 17,
    ICMP_MASK_REPLY = 18,
};

/* Codes of ICMP_UNREACHABLE. */
enum {
    UNREACHABLE_NET = 0,
    UNREACHABLE_HOST = 1,
    UNREACHABLE_PROTOCOL = 2,
    UNREACHABLE_PORT = 3,
    UNREACHABLE_FRAGMENTATION = 4,
    UNREACHABLE_SOURCE_ROUTE = 5,
    UNREACHABLE_PROHIBITED = 13
};

#define ICMP_BY_DESTINATION 256 /* buckets by destination of an error, hashed */

struct icmp {
    uint64_t in_msgs, in_errors, out_msgs, out_errors, out_rate_limited;
    uint64_t in[256], out[256]; /* by type */
    struct bucket total;
    struct bucket too_big_total; /* fragmentation needed has its own, so that no other error starves it */
    struct bucket destination[ICMP_BY_DESTINATION], too_big_destination[ICMP_BY_DESTINATION];
};

struct dataplane;
struct datagram;
struct own_table;

/* What an error is about and says. */
struct icmp_error {
    uint8_t type, code;
    uint32_t word; /* the message's second, host order: gateway, MTU in the low half, pointer in the top byte */
};

/* Sends ERROR about PACKET to its source, if it may be sent: the one predicate of RFC 1812 4.3.2.7 and 1122 3.2.2
 * (never about an ICMP error, a broadcast or multicast by link or by address, a fragment but the first, a source that
 * is no single host), the arrival port's switches, and the token buckets. PACKET is quoted as it came in, so its bytes
 * must not have been changed. */
void icmp_error(struct dataplane *d, const struct packet *packet, struct icmp_error error, struct now now);

/* What icmp_error() would do just now. */
enum icmp_fate {
    ICMP_SENT,
    ICMP_NOT_ALLOWED,  /* by the predicate */
    ICMP_SWITCHED_OFF, /* the arrival port's unreachables */
    ICMP_LIMITED,      /* there were too many */
};
enum icmp_fate icmp_error_fate(const struct dataplane *d, const struct packet *packet, struct icmp_error error,
                               struct now now);

/* The predicate alone: may any error be sent about PACKET? Its ip is parsed; its Ethernet header tells how it came. */
bool icmp_error_allowed(const struct own_table *own, const struct packet *packet);

/* Sends the message of LEN bytes at MESSAGE as DATAGRAM says (data, len and protocol are set here), its checksum
 * computed in place. For replies and for the router's own requests; not limited. */
bool icmp_send(struct dataplane *d, struct datagram *datagram, uint8_t *message, size_t len, struct now now);

/* Says what became of MESSAGE, its type and code at least, to or from PEER, to whoever wants to know. */
void icmp_debug(const struct dataplane *d, const char *way, unsigned port, uint32_t peer, const uint8_t *message);

/* Takes an ICMP message to the router: PACKET is whole and has been judged as far as IP goes; the message may be turned
 * into its answer in place. Returns DROP__COUNT, or why it is dropped. */
enum drop icmp_input(struct dataplane *d, struct packet *packet, struct now now);

/* Is it long enough for its type, and its checksum right? What icmp_input drops otherwise. */
bool icmp_sound(const struct packet *packet);

/* The name of a message type in JSON ("echo", "destUnreach", ...); NULL for types without one. */
const char *icmp_type_name(uint8_t type);

#endif

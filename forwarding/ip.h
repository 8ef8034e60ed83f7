/* pure: the IPv4 header, RFC 791, in host order. */
#ifndef FORWARDING_IP_H
#define FORWARDING_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/drop.h"

#define IP_HEADER_MIN 20
#define IP_HEADER_MAX 60
#define IP_PACKET_MAX 65535

/* Offsets of header fields, for in-place changes. */
enum {
    IP_AT_TOS = 1,
    IP_AT_LENGTH = 2,
    IP_AT_ID = 4,
    IP_AT_FRAGMENT = 6,
    IP_AT_TTL = 8,
    IP_AT_PROTOCOL = 9,
    IP_AT_CHECKSUM = 10,
    IP_AT_SRC = 12,
    IP_AT_DST = 16
};

enum { IP_DF = 0x4000, IP_MF = 0x2000, IP_OFFSET = 0x1fff }; /* of the fragment word */

enum { PROTO_ICMP = 1, PROTO_IGMP = 2, PROTO_TCP = 6, PROTO_UDP = 17, PROTO_GRE = 47 };

struct ip {
    uint32_t src, dst;
    uint16_t len; /* total length, header included */
    uint16_t id;
    uint16_t fragment; /* flags and offset in units of 8 bytes, as on the wire */
    uint8_t header;    /* bytes of header, options included */
    uint8_t tos;
    uint8_t ttl;
    uint8_t protocol;
};

static inline bool ip_is_fragment(const struct ip *ip)
{
    return (ip->fragment & (IP_MF | IP_OFFSET)) != 0;
}

static inline unsigned ip_offset(const struct ip *ip) /* bytes of the datagram's data before this fragment's */
{
    return (ip->fragment & IP_OFFSET) * 8u;
}

/* The checks of RFC 1812 5.2.2 on LEN bytes: version, header length, total length, checksum. Padding after the total
 * length is allowed. On success fills *ip and returns DROP__COUNT, else the reason. */
enum drop ip_parse(const uint8_t *at, size_t len, struct ip *ip);

/* Writes a header of IP's fields and options (ip->header - 20 bytes of them), checksum included, at TO. */
void ip_write(uint8_t *to, const struct ip *ip, const uint8_t *options);

#endif

/* pure: reading and writing the IPv4 header. */
#include "forwarding/ip.h"

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/fast_path.h"

/* RFC 1812 5.2.2 asks for these checks in this spirit: nothing is believed before what it rests on has been checked. */
FAST_PATH enum drop ip_parse(const uint8_t *at, size_t len, struct ip *ip)
{
    if (len < IP_HEADER_MIN)
        return DROP_IP_SHORT;
    if (at[0] >> 4 != 4)
        return DROP_IP_VERSION;
    unsigned header = (at[0] & 0xfu) * 4;
    if (header < IP_HEADER_MIN || header > len)
        return DROP_IP_HEADER_LENGTH;
    unsigned total = load_be16(at + IP_AT_LENGTH);
    if (total < header || total > len)
        return DROP_IP_LENGTH;
    if (checksum_fold(checksum_add(0, at, header)) != 0xffff)
        return DROP_IP_CHECKSUM;

    *ip = (struct ip){
        .src = load_be32(at + IP_AT_SRC),
        .dst = load_be32(at + IP_AT_DST),
        .len = (uint16_t)total,
        .id = load_be16(at + IP_AT_ID),
        .fragment = load_be16(at + IP_AT_FRAGMENT),
        .header = (uint8_t)header,
        .tos = at[IP_AT_TOS],
        .ttl = at[IP_AT_TTL],
        .protocol = at[IP_AT_PROTOCOL],
    };
    return DROP__COUNT;
}

void ip_write(uint8_t *to, const struct ip *ip, const uint8_t *options)
{
    to[0] = (uint8_t)(4 << 4 | ip->header / 4);
    to[IP_AT_TOS] = ip->tos;
    store_be16(to + IP_AT_LENGTH, ip->len);
    store_be16(to + IP_AT_ID, ip->id);
    store_be16(to + IP_AT_FRAGMENT, ip->fragment);
    to[IP_AT_TTL] = ip->ttl;
    to[IP_AT_PROTOCOL] = ip->protocol;
    store_be16(to + IP_AT_CHECKSUM, 0);
    store_be32(to + IP_AT_SRC, ip->src);
    store_be32(to + IP_AT_DST, ip->dst);
    if (ip->header > IP_HEADER_MIN)
        memcpy(to + IP_HEADER_MIN, options, ip->header - IP_HEADER_MIN);
    store_be16(to + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, to, ip->header)));
}

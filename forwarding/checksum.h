/* pure: the Internet checksum, RFC 1071, and its incremental update, RFC 1624. */
#ifndef FORWARDING_CHECKSUM_H
#define FORWARDING_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Adds LEN bytes to a running one's complement sum (start with 0). An odd LEN is padded with a zero byte, so only the
 * last piece of a message may be odd. Sums are of big-endian words; fold before use. */
uint32_t checksum_add(uint32_t sum, const void *bytes, size_t len);

/* Adds the pseudo header of UDP and TCP: addresses in host order, LEN of transport header and data. */
uint32_t checksum_pseudo(uint32_t sum, uint32_t src, uint32_t dst, uint8_t protocol, uint32_t len);

/* Folds to 16 bits, not complemented. A message that carries a right checksum folds to 0xffff. */
uint16_t checksum_fold(uint32_t sum);

/* The value to store in a checksum field (host order; store_be16 it), the field having been summed as zero. */
static inline uint16_t checksum_finish(uint32_t sum)
{
    return (uint16_t)~checksum_fold(sum);
}

/* RFC 1624 equation 3: the checksum CHECK of a message after one of its 16-bit words went from WAS to IS. Never makes
 * 0xffff of a valid checksum other than 0xffff's own case. */
static inline uint16_t checksum_update(uint16_t check, uint16_t was, uint16_t is)
{
    uint32_t sum = (uint32_t)(uint16_t)~check + (uint16_t)~was + is;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

#endif

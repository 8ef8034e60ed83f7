/* pure: the Internet checksum.
 *
 * The one's complement sum does not care in which byte order its words are added, only which bytes share a column (RFC
 * 1071 2.B), nor how wide the words are, because 2^16 - 1 divides 2^32 - 1. So the bytes are added as 32-bit words in
 * the machine's order, and only the folded result is turned to big-endian. */
#include "forwarding/checksum.h"

#include "forwarding/bytes.h"
#include "forwarding/fast_path.h"

/* Adds with the carry brought around, so that a running sum never overflows. */
static uint32_t add_around(uint32_t a, uint32_t b)
{
    uint64_t sum = (uint64_t)a + b;
    return (uint32_t)sum + (uint32_t)(sum >> 32);
}

static uint64_t load_halves(const uint8_t *at)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
    return (v & UINT32_MAX) + (v >> 32);
}

FAST_PATH uint16_t checksum_fold(uint32_t sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

FAST_PATH uint32_t checksum_add(uint32_t sum, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    uint64_t even = 0, odd = 0; /* two chains of additions that do not wait for each other; 2^31 steps would fit */
    for (; len >= 16; len -= 16, at += 16) {
        even += load_halves(at);
        odd += load_halves(at + 8);
    }
    if (len >= 8) {
        even += load_halves(at);
        at += 8;
        len -= 8;
    }
    if (len > 0) {
        uint8_t last[8] = {0};
        memcpy(last, at, len);
        odd += load_halves(last);
    }
    even += odd;
    uint32_t narrow = add_around((uint32_t)even, (uint32_t)(even >> 32));
    return add_around(sum, __builtin_bswap16(checksum_fold(narrow)));
}

uint32_t checksum_pseudo(uint32_t sum, uint32_t src, uint32_t dst, uint8_t protocol, uint32_t len)
{
    return add_around(add_around(add_around(sum, src), add_around(dst, protocol)), len);
}

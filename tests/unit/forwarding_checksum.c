#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* RFC 1071 as it is written: words of 16 bits, an odd byte padded with zero. */
static uint16_t plain(const uint8_t *bytes, size_t len)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += i % 2 == 0 ? (uint64_t)bytes[i] << 8 : bytes[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

static void the_rfcs_example(void)
{
    static const uint8_t bytes[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}; /* RFC 1071 3 */
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, bytes, sizeof bytes)), 0xddf2);
    CU_ASSERT_EQUAL(checksum_finish(checksum_add(0, bytes, sizeof bytes)), 0x220d);
}

static void any_length_and_alignment(void)
{
    uint8_t bytes[200];
    uint32_t x = 1;
    for (unsigned i = 0; i < sizeof bytes; i++) {
        x = x * 1103515245 + 12345;
        bytes[i] = (uint8_t)(x >> 16);
    }
    unsigned wrong = 0;
    for (unsigned start = 0; start < 16; start++)
        for (unsigned len = 0; start + len <= sizeof bytes; len++)
            wrong += checksum_fold(checksum_add(0, bytes + start, len)) != plain(bytes + start, len);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void long_messages_of_ones(void)
{
    static uint8_t bytes[65535];
    memset(bytes, 0xff, sizeof bytes);
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, bytes, 65534)), 0xffff);
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, bytes, 65535)), plain(bytes, 65535));
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(UINT32_MAX, bytes, 65535)), plain(bytes, 65535));
    memset(bytes, 0, sizeof bytes);
    CU_ASSERT_EQUAL(checksum_fold(checksum_add(0, bytes, sizeof bytes)), 0);
}

static void in_pieces(void)
{
    uint8_t bytes[64];
    for (unsigned i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 37 + 200);
    for (unsigned cut = 0; cut <= sizeof bytes; cut += 2) {
        uint32_t sum = checksum_add(checksum_add(0, bytes, cut), bytes + cut, sizeof bytes - cut);
        CU_ASSERT_EQUAL(checksum_fold(sum), plain(bytes, sizeof bytes));
    }
}

static void pseudo_header(void)
{
    uint8_t bytes[12];
    store_be32(bytes, 0xc0a80101);
    store_be32(bytes + 4, 0xfffefdfc);
    store_be16(bytes + 8, 17);
    store_be16(bytes + 10, 65500);
    CU_ASSERT_EQUAL(checksum_fold(checksum_pseudo(0, 0xc0a80101, 0xfffefdfc, 17, 65500)), plain(bytes, 12));
    CU_ASSERT_EQUAL(checksum_fold(checksum_pseudo(0xffff, 0xc0a80101, 0xfffefdfc, 17, 65500)), plain(bytes, 12));
}

/* A message of two words and its checksum: w goes from WAS to IS; the patched checksum must be valid, and must be the
 * one that computing it anew gives. */
static unsigned updates_wrong(uint16_t was, uint16_t is, uint16_t rest)
{
    uint8_t before[4], after[4];
    store_be16(before, was);
    store_be16(before + 2, rest);
    store_be16(after, is);
    store_be16(after + 2, rest);
    uint16_t check = checksum_update(checksum_finish(checksum_add(0, before, 4)), was, is);
    uint16_t anew = checksum_finish(checksum_add(0, after, 4));
    if (rest == 0 && (was == 0 || is == 0))
        return (uint16_t)(check + 1) > 1 ? check != anew : 0; /* all zeros: 0 and ffff are the same number */
    return check != anew;
}

static void updates(void)
{
    CU_ASSERT_EQUAL(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000); /* RFC 1624 4 */

    static const uint16_t edges[] = {0x0000, 0x0001, 0x7fff, 0x8000, 0xfffe, 0xffff};
    enum { N = sizeof edges / sizeof edges[0] };
    unsigned wrong = 0;
    for (unsigned word = 0; word <= 0xffff; word++)
        for (unsigned i = 0; i < N; i++)
            for (unsigned j = 0; j < N; j++) {
                wrong += updates_wrong((uint16_t)word, edges[i], edges[j]);
                wrong += updates_wrong(edges[i], (uint16_t)word, edges[j]);
                wrong += updates_wrong(edges[i], edges[j], (uint16_t)word);
            }
    CU_ASSERT_EQUAL(wrong, 0);
}

/* TTL is the high byte of its word; every packet with a right checksum must come out with a right one. */
static void ttl_of_any_header(void)
{
    unsigned wrong = 0;
    for (unsigned id = 0; id <= 0xffff; id++) {
        uint8_t bytes[IP_HEADER_MIN];
        struct ip ip = {.src = 0x0a000001, .dst = 0x0a000002, .len = 20, .id = (uint16_t)id, .header = 20, .ttl = 1};
        ip.protocol = (uint8_t)id;
        ip.ttl = (uint8_t)(id >> 8 | 1);
        ip_write(bytes, &ip, NULL);
        uint16_t was = load_be16(bytes + IP_AT_TTL);
        bytes[IP_AT_TTL]--;
        uint16_t check = checksum_update(load_be16(bytes + IP_AT_CHECKSUM), was, load_be16(bytes + IP_AT_TTL));
        store_be16(bytes + IP_AT_CHECKSUM, check);
        wrong += ip_parse(bytes, sizeof bytes, &ip) != DROP__COUNT;
    }
    CU_ASSERT_EQUAL(wrong, 0);
}

static const struct unit_case cases[] = {
    {"RFC 1071's example", the_rfcs_example},
    {"any length at any alignment sums as the RFC says", any_length_and_alignment},
    {"the longest message of ones loses no carry", long_messages_of_ones},
    {"a message may be summed in even pieces", in_pieces},
    {"the pseudo header counts addresses, protocol and length", pseudo_header},
    {"an updated checksum is the one computed anew, for every word", updates},
    {"a header stays valid when its TTL is decremented", ttl_of_any_header},
};

UNIT_MAIN("checksum", cases)

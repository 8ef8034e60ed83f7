/* Blocks of pcapng files, byte for byte. */
#include "cli/pcapng.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/support/unit.h"

static uint8_t block[512];

static void expect_bytes(size_t len, const void *expected, size_t expected_len)
{
    CU_ASSERT_EQUAL(len, expected_len);
    CU_ASSERT_EQUAL(memcmp(block, expected, expected_len), 0);
    if (len == expected_len && memcmp(block, expected, expected_len) == 0)
        return;
    for (size_t i = 0; i < len; i++)
        printf("%s%02x", i % 16 == 0 ? "\n  " : " ", block[i]);
    printf("\n");
}

#define EXPECT(len, ...)                                                                                               \
    do {                                                                                                               \
        static const uint8_t expected[] = {__VA_ARGS__};                                                               \
        expect_bytes(len, expected, sizeof expected);                                                                  \
    } while (0)

/* clang-format off */
static void section(void)
{
    EXPECT(pcapng_section(block, sizeof block, "ferryd"),
           0x0a, 0x0d, 0x0d, 0x0a, 44, 0, 0, 0,
           0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, /* byte order, version 1.0 */
           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, /* of unknown length */
           4, 0, 6, 0, 'f', 'e', 'r', 'r', 'y', 'd', 0, 0, /* shb_userappl */
           0, 0, 0, 0,
           44, 0, 0, 0);
}

static void interface(void)
{
    EXPECT(pcapng_interface(block, sizeof block, "r0", 0x10011, NULL),
           1, 0, 0, 0, 40, 0, 0, 0,
           1, 0, 0, 0, 0x11, 0, 1, 0, /* Ethernet, snaplen */
           2, 0, 2, 0, 'r', '0', 0, 0, /* if_name */
           9, 0, 1, 0, 9, 0, 0, 0, /* if_tsresol: 10^-9 s */
           0, 0, 0, 0,
           40, 0, 0, 0);
    EXPECT(pcapng_interface(block, sizeof block, "eth0", 1500, "icmp"),
           1, 0, 0, 0, 52, 0, 0, 0,
           1, 0, 0, 0, 0xdc, 5, 0, 0,
           2, 0, 4, 0, 'e', 't', 'h', '0',
           9, 0, 1, 0, 9, 0, 0, 0,
           11, 0, 5, 0, 0, 'i', 'c', 'm', 'p', 0, 0, 0, /* if_filter: in words */
           0, 0, 0, 0,
           52, 0, 0, 0);
}

static void packet(void)
{
    static const uint8_t frame[] = {1, 2, 3, 4, 5};
    struct pcapng_packet p = {.ns = 0x0102030405060708,
                              .frame = frame,
                              .len = 5,
                              .wire_len = 0x1234,
                              .direction = PCAPNG_OUTBOUND};
    EXPECT(pcapng_packet(block, sizeof block, &p),
           6, 0, 0, 0, 52, 0, 0, 0,
           0, 0, 0, 0, /* interface */
           4, 3, 2, 1, 8, 7, 6, 5, /* time, the high half first */
           5, 0, 0, 0, 0x34, 0x12, 0, 0,
           1, 2, 3, 4, 5, 0, 0, 0,
           2, 0, 4, 0, 2, 0, 0, 0, /* epb_flags: outbound */
           0, 0, 0, 0,
           52, 0, 0, 0);
    p.direction = PCAPNG_INBOUND;
    p.reception = PCAPNG_BROADCAST;
    CU_ASSERT_EQUAL(pcapng_packet(block, sizeof block, &p), 52);
    CU_ASSERT_EQUAL(block[40], 0x0d); /* inbound, broadcast */
    p.direction = PCAPNG_UNKNOWN;
    p.reception = PCAPNG_NOT_SAID;
    p.len = 4;
    EXPECT(pcapng_packet(block, sizeof block, &p),
           6, 0, 0, 0, 36, 0, 0, 0,
           0, 0, 0, 0,
           4, 3, 2, 1, 8, 7, 6, 5,
           4, 0, 0, 0, 0x34, 0x12, 0, 0,
           1, 2, 3, 4,
           36, 0, 0, 0);
}

static void statistics(void)
{
    const struct pcapng_statistics s = {.begin_ns = 0x1112131415161718,
                                        .end_ns = 0x2122232425262728,
                                        .received = 0x0a0b0c0d0e0f0102,
                                        .dropped = 3,
                                        .delivered = 0x100};
    EXPECT(pcapng_statistics(block, sizeof block, &s),
           5, 0, 0, 0, 88, 0, 0, 0,
           0, 0, 0, 0,
           0x24, 0x23, 0x22, 0x21, 0x28, 0x27, 0x26, 0x25,
           2, 0, 8, 0, 0x14, 0x13, 0x12, 0x11, 0x18, 0x17, 0x16, 0x15, /* isb_starttime */
           3, 0, 8, 0, 0x24, 0x23, 0x22, 0x21, 0x28, 0x27, 0x26, 0x25, /* isb_endtime */
           4, 0, 8, 0, 2, 1, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, /* isb_ifrecv */
           5, 0, 8, 0, 3, 0, 0, 0, 0, 0, 0, 0, /* isb_ifdrop */
           8, 0, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, /* isb_usrdeliv */
           0, 0, 0, 0,
           88, 0, 0, 0);
    CU_ASSERT_EQUAL(pcapng_statistics(block, sizeof block, &s), PCAPNG_STATISTICS_SIZE);
}
/* clang-format on */

/* Whatever the room, nothing is written behind it, and what does not fit counts as nothing. */
static void room(void)
{
    const uint8_t frame[7] = {0};
    const struct pcapng_packet p = {.frame = frame, .len = 7, .wire_len = 7, .direction = PCAPNG_INBOUND};
    const struct pcapng_statistics s = {0};
    const size_t full[] = {pcapng_section(block, sizeof block, "f"),
                           pcapng_interface(block, sizeof block, "r0", 1, "icmp"),
                           pcapng_packet(block, sizeof block, &p), pcapng_statistics(block, sizeof block, &s)};
    for (size_t size = 0; size < 100; size++) {
        memset(block, 0xaa, sizeof block);
        const size_t got[] = {pcapng_section(block, size, "f"), pcapng_interface(block, size, "r0", 1, "icmp"),
                              pcapng_packet(block, size, &p), pcapng_statistics(block, size, &s)};
        for (unsigned i = 0; i < 4; i++)
            CU_ASSERT_EQUAL(got[i], size >= full[i] ? full[i] : 0);
        for (size_t i = size; i < sizeof block; i++)
            CU_ASSERT_EQUAL(block[i], 0xaa);
    }
}

static void whole_blocks(void)
{
    size_t first = pcapng_section(block, sizeof block, "ferryd");
    size_t both = first + pcapng_interface(block + first, sizeof block - first, "r0", 1500, NULL);
    for (size_t len = 0; len <= both; len++)
        CU_ASSERT_EQUAL(pcapng_whole(block, len), len == both ? both : len >= first ? first : 0);
    memset(block + first + 4, 0, 4); /* a length that leads nowhere */
    CU_ASSERT_EQUAL(pcapng_whole(block, both), first);
}

static const struct unit_case cases[] = {
    {"a section says who wrote it", section},
    {"an interface has its name, its clock and its filter", interface},
    {"a packet has its time, its lengths and its direction", packet},
    {"statistics stand at the end", statistics},
    {"a block that does not fit is not written", room},
    {"the whole blocks of a torn file are known", whole_blocks},
};
UNIT_MAIN("pcapng", cases)

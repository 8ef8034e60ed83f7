#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/counters.h"
#include "forwarding/ip.h"
#include "tests/unit/support/unit.h"

static const struct ip sample = {
    .src = 0x0a000001,
    .dst = 0xc0a80102,
    .len = 28,
    .id = 0x1234,
    .fragment = IP_MF | 185,
    .header = 24,
    .tos = 0xb8,
    .ttl = 64,
    .protocol = PROTO_UDP,
};
static const uint8_t options[4] = {0x94, 4, 0, 0};

static void mend(uint8_t *bytes, unsigned header)
{
    store_be16(bytes + IP_AT_CHECKSUM, 0);
    store_be16(bytes + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, bytes, header)));
}

static void there_and_back(void)
{
    uint8_t bytes[28] = {0};
    struct ip ip;
    ip_write(bytes, &sample, options);
    CU_ASSERT_EQUAL(ip_parse(bytes, sizeof bytes, &ip), DROP__COUNT);
    CU_ASSERT_EQUAL(ip.src, sample.src);
    CU_ASSERT_EQUAL(ip.dst, sample.dst);
    CU_ASSERT_EQUAL(ip.len, sample.len);
    CU_ASSERT_EQUAL(ip.id, sample.id);
    CU_ASSERT_EQUAL(ip.fragment, sample.fragment);
    CU_ASSERT_EQUAL(ip.header, sample.header);
    CU_ASSERT_EQUAL(ip.tos, sample.tos);
    CU_ASSERT_EQUAL(ip.ttl, sample.ttl);
    CU_ASSERT_EQUAL(ip.protocol, sample.protocol);
    CU_ASSERT_EQUAL(memcmp(bytes + 20, options, 4), 0);
    CU_ASSERT_TRUE(ip_is_fragment(&ip));
    CU_ASSERT_EQUAL(ip_offset(&ip), 1480);
}

/* One byte of a good header changed (and its checksum made right again, or not). */
static void each_rung(void)
{
    static const struct {
        size_t len;
        unsigned at;
        uint8_t value;
        bool mended;
        enum drop why;
    } table[] = {
        {28, 0, 0x46, true, DROP__COUNT},
        {0, 0, 0x46, true, DROP_IP_SHORT},
        {19, 0, 0x46, true, DROP_IP_SHORT},
        {28, 0, 0x66, true, DROP_IP_VERSION},
        {28, 0, 0x06, true, DROP_IP_VERSION},
        {28, 0, 0x44, true, DROP_IP_HEADER_LENGTH},
        {28, 0, 0x40, true, DROP_IP_HEADER_LENGTH},
        {28, 0, 0x48, true, DROP_IP_HEADER_LENGTH}, /* 32 bytes of header in 28 */
        {23, 0, 0x46, true, DROP_IP_HEADER_LENGTH},
        {28, 3, 23, true, DROP_IP_LENGTH}, /* less than the header */
        {28, 3, 29, true, DROP_IP_LENGTH}, /* more than there is */
        {28, 2, 1, true, DROP_IP_LENGTH},
        {28, 3, 0, true, DROP_IP_LENGTH},
        {28, 3, 24, true, DROP__COUNT}, /* padding follows */
        {27, 0, 0x46, true, DROP_IP_LENGTH},
        {28, 8, 63, false, DROP_IP_CHECKSUM},
        {28, 22, 1, false, DROP_IP_CHECKSUM}, /* options are summed too */
        {28, 27, 1, false, DROP__COUNT},      /* data is not */
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        uint8_t bytes[28] = {0};
        ip_write(bytes, &sample, options);
        bytes[table[i].at] = table[i].value;
        if (table[i].mended)
            mend(bytes, sample.header);
        /* a block of exactly that size, so that reading beyond it is seen */
        uint8_t *exact = malloc(table[i].len > 0 ? table[i].len : 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
        memcpy(exact, bytes, table[i].len);
        struct ip ip;
        CU_ASSERT_EQUAL(ip_parse(exact, table[i].len, &ip), table[i].why);
        free(exact);
    }
}

static void every_reason_has_words(void)
{
    for (unsigned i = 0; i < DROP__COUNT; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(drop_name[i]);
        CU_ASSERT_TRUE(strlen(drop_name[i]) > 0 && strchr(drop_name[i], ' ') == NULL);
        CU_ASSERT_TRUE(strlen(drop_meaning[i]) > 10);
        for (unsigned j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(drop_name[i], drop_name[j]);
    }
    CU_ASSERT_STRING_EQUAL(drop_name[DROP_TTL], "ttl-exceeded");
    CU_ASSERT_TRUE(drop_malformed[DROP_IP_CHECKSUM]);
    CU_ASSERT_FALSE(drop_malformed[DROP_TTL]);
}

static void drops_in_the_mib(void)
{
    static const struct {
        enum drop why;
        enum ip_stat row; /* IP_STAT__COUNT: none */
    } table[] = {
        {DROP_NOT_IP, IP_STAT__COUNT},
        {DROP_ARP_MALFORMED, IP_STAT__COUNT},
        {DROP_UDP_MALFORMED, IP_STAT__COUNT},
        {DROP_IP_CHECKSUM, IP_IN_HDR_ERRORS},
        {DROP_TTL, IP_IN_HDR_ERRORS},
        {DROP_IP_LENGTH, IP_IN_TRUNCATED_PKTS},
        {DROP_MARTIAN_SOURCE, IP_IN_ADDR_ERRORS},
        {DROP_OWN_SOURCE, IP_IN_ADDR_ERRORS},
        {DROP_LINK_LOCAL, IP_IN_ADDR_ERRORS},
        {DROP_NO_ROUTE, IP_IN_NO_ROUTES},
        {DROP_UNKNOWN_PROTOCOL, IP_IN_UNKNOWN_PROTOS},
        {DROP_TOO_BIG, IP_OUT_FRAG_FAILS},
        {DROP_FRAGMENT_TIMEOUT, IP_REASM_FAILS},
        {DROP_NEIGHBOUR_FAILED, IP_OUT_DISCARDS},
        {DROP_PUNT_FULL, IP_IN_DISCARDS},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct counters *c = calloc(1, sizeof *c);
        CU_ASSERT_PTR_NOT_NULL_FATAL(c);
        count_drop(c, 7, table[i].why);
        CU_ASSERT_EQUAL(c->port[7].drop[table[i].why], 1);
        for (unsigned row = 0; row < IP_STAT__COUNT; row++)
            CU_ASSERT_EQUAL(c->ip[row], row == table[i].row);
        free(c);
    }
}

static void own_packets_in_the_mib(void)
{
    struct counters *c = calloc(1, sizeof *c);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    count_drop(c, UINT16_MAX, DROP_NO_ROUTE);
    count_drop(c, UINT16_MAX, DROP_TOO_BIG);
    count_drop(c, UINT16_MAX, DROP_NO_MEMORY);
    CU_ASSERT_EQUAL(c->ip[IP_OUT_NO_ROUTES], 1);
    CU_ASSERT_EQUAL(c->ip[IP_OUT_FRAG_FAILS], 1);
    CU_ASSERT_EQUAL(c->ip[IP_OUT_DISCARDS], 1);
    CU_ASSERT_EQUAL(c->ip[IP_IN_NO_ROUTES], 0);
    free(c);
}

static const struct unit_case cases[] = {
    {"what is written is read again", there_and_back},
    {"each check of RFC 1812 5.2.2 has its reason", each_rung},
    {"every reason to drop has a name of its own and a meaning", every_reason_has_words},
    {"a drop counts at its port and in its row of RFC 4293", drops_in_the_mib},
    {"a packet of the router's own counts as outgoing", own_packets_in_the_mib},
};

UNIT_MAIN("ip", cases)

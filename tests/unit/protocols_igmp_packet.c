#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "protocols/igmp/igmp_packet.h"
#include "tests/fuzz/igmp_seeds.h"
#include "tests/unit/support/unit.h"

#define GROUP 0xef010203u

static void sign(uint8_t *bytes, size_t len)
{
    store_be16(bytes + 2, 0);
    store_be16(bytes + 2, checksum_finish(checksum_add(0, bytes, len)));
}

/* ---- reading ---- */

struct message_case {
    const char *name;
    uint8_t bytes[64];
    size_t len;
    enum igmp_reject reject;
    uint8_t version;
};

#define ADDR(last) 239, 1, 2, last
#define NO_SUM     0, 0

static const struct message_case message_cases[] = {
    {"nothing", {0}, 0, IGMP_REJECT_SHORT, 0},
    {"seven bytes", {0x16, 0, NO_SUM, 239, 1, 2}, 7, IGMP_REJECT_SHORT, 0},
    {"a query of version 1", {0x11, 0, NO_SUM}, 8, IGMP_ACCEPT, 1},
    {"a query of version 2", {0x11, 100, NO_SUM}, 8, IGMP_ACCEPT, 2},
    {"a query of 9 bytes", {0x11, 100, NO_SUM}, 9, IGMP_REJECT_LENGTH, 0},
    {"a query of 11 bytes", {0x11, 100, NO_SUM}, 11, IGMP_REJECT_LENGTH, 0},
    {"a query of version 3", {0x11, 0, NO_SUM}, 12, IGMP_ACCEPT, 3},
    {"a query with a source", {0x11, 1, NO_SUM, ADDR(1), 0, 0, 0, 1, 10, 0, 0, 1}, 16, IGMP_ACCEPT, 3},
    {"a query with less than its sources",
     {0x11, 1, NO_SUM, ADDR(1), 0, 0, 0, 2, 10, 0, 0, 1},
     16,
     IGMP_REJECT_LENGTH,
     0},
    {"a query with most of its source", {0x11, 1, NO_SUM, ADDR(1), 0, 0, 0, 1, 10, 0, 0}, 15, IGMP_REJECT_LENGTH, 0},
    {"a query with more than its sources", {0x11, 1, NO_SUM, ADDR(1), 0, 0, 0, 0, 1, 2, 3}, 15, IGMP_ACCEPT, 3},
    {"a query with flags that somebody may define", {0x11, 1, NO_SUM, ADDR(1), 0xf2, 5}, 12, IGMP_ACCEPT, 3},
    {"a report of version 1", {0x12, 0, NO_SUM, ADDR(1)}, 8, IGMP_ACCEPT, 1},
    {"a report of version 2", {0x16, 0, NO_SUM, ADDR(1)}, 8, IGMP_ACCEPT, 2},
    {"a longer report of version 2", {0x16, 0, NO_SUM, ADDR(1), 1, 2, 3}, 11, IGMP_ACCEPT, 2},
    {"a leave", {0x17, 0, NO_SUM, ADDR(1)}, 8, IGMP_ACCEPT, 2},
    {"a report of no records", {0x22, 0, NO_SUM}, 8, IGMP_ACCEPT, 3},
    {"a report of a record", {0x22, 0, NO_SUM, 0, 0, 0, 1, 1, 0, 0, 0, ADDR(1)}, 16, IGMP_ACCEPT, 3},
    {"a report with something behind it", {0x22, 0, NO_SUM, 0, 0, 0, 1, 1, 0, 0, 0, ADDR(1), 9}, 17, IGMP_ACCEPT, 3},
    {"a report of most of a record", {0x22, 0, NO_SUM, 0, 0, 0, 1, 1, 0, 0, 0, 239, 1, 2}, 15, IGMP_REJECT_LENGTH, 0},
    {"a report of one record that says two",
     {0x22, 0, NO_SUM, 0, 0, 0, 2, 1, 0, 0, 0, ADDR(1)},
     16,
     IGMP_REJECT_LENGTH,
     0},
    {"a record with less than its sources",
     {0x22, 0, NO_SUM, 0, 0, 0, 1, 1, 0, 0, 1, ADDR(1)},
     16,
     IGMP_REJECT_LENGTH,
     0},
    {"a record with less than its auxiliary data",
     {0x22, 0, NO_SUM, 0, 0, 0, 1, 1, 1, 0, 0, ADDR(1)},
     16,
     IGMP_REJECT_LENGTH,
     0},
    {"a record with its auxiliary data",
     {0x22, 0, NO_SUM, 0, 0, 0, 1, 1, 1, 0, 0, ADDR(1), 9, 9, 9, 9},
     20,
     IGMP_ACCEPT,
     3},
    {"65535 records", {0x22, 0, NO_SUM, 0, 0, 0xff, 0xff, 1, 0, 0, 0, ADDR(1)}, 16, IGMP_REJECT_LENGTH, 0},
    {"a DVMRP message", {0x13, 0, NO_SUM}, 8, IGMP_REJECT_TYPE, 0},
    {"type 0", {0}, 8, IGMP_REJECT_TYPE, 0},
};

static void messages(void)
{
    for (size_t i = 0; i < sizeof message_cases / sizeof message_cases[0]; i++) {
        const struct message_case *c = &message_cases[i];
        uint8_t *bytes = malloc(c->len + (c->len == 0)); /* a sanitizer sees what is read beyond it */
        CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
        memcpy(bytes, c->bytes, c->len);
        if (c->len >= 8)
            sign(bytes, c->len);
        struct igmp_message m;
        enum igmp_reject reject = igmp_message_parse(bytes, c->len, &m);
        if (reject != c->reject || (reject == IGMP_ACCEPT && m.version != c->version)) {
            printf("\n%s", c->name);
            CU_FAIL("another reason");
        }
        if (c->len >= 8) {
            bytes[c->len - 1] ^= 1; /* all of it is summed, what nobody looks at too */
            CU_ASSERT_EQUAL(igmp_message_parse(bytes, c->len, &m), IGMP_REJECT_CHECKSUM);
        }
        free(bytes);
    }
}

static void queries(void)
{
    uint8_t bytes[20] = {0x11, 0x8f, 0, 0, 239, 1, 2, 3, 0x0a, 0xff, 0, 2, 10, 0, 0, 1, 10, 0, 0, 2};
    struct igmp_message m;
    sign(bytes, sizeof bytes);
    CU_ASSERT_EQUAL(igmp_message_parse(bytes, sizeof bytes, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.group, GROUP);
    CU_ASSERT_EQUAL(m.max_resp_ms, 24800); /* (15 | 16) << 3 tenths */
    CU_ASSERT_TRUE(m.suppress);
    CU_ASSERT_EQUAL(m.robustness, 2);
    CU_ASSERT_EQUAL(m.interval_s, 31744);
    CU_ASSERT_EQUAL(m.n, 2);
    CU_ASSERT_EQUAL(load_be32(m.bytes + 4), 0x0a000002);
    uint8_t v2[8] = {0x11, 0xff, 0, 0};
    sign(v2, 8);
    CU_ASSERT_EQUAL(igmp_message_parse(v2, 8, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.max_resp_ms, 25500); /* linear in version 2 */
    v2[1] = 0;
    sign(v2, 8);
    CU_ASSERT_EQUAL(igmp_message_parse(v2, 8, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.max_resp_ms, 10000); /* RFC 9776 7.2.1 */
}

static void records(void)
{
    uint8_t bytes[8 + 12 + 4 + 16] = {0x22, 0, 0, 0, 0,   0, 0, 2, /* */
                                      4,    1, 0, 1, 239, 1, 2, 3, 10, 0, 0, 1, 0xaa, 0xaa, 0xaa, 0xaa,
                                      77,   0, 0, 2, 239, 1, 2, 4, 10, 0, 0, 5, 10,   0,    0,    6};
    struct igmp_message m;
    sign(bytes, sizeof bytes);
    CU_ASSERT_EQUAL_FATAL(igmp_message_parse(bytes, sizeof bytes, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.n, 2);
    const uint8_t *at = m.bytes;
    struct igmp_record a = igmp_record_next(&at), b = igmp_record_next(&at);
    CU_ASSERT_EQUAL(a.type, IGMP_TO_EX);
    CU_ASSERT_EQUAL(a.group, GROUP);
    CU_ASSERT_EQUAL(a.n, 1);
    CU_ASSERT_EQUAL(load_be32(a.sources), 0x0a000001);
    CU_ASSERT_EQUAL(b.type, 77); /* for the caller to skip */
    CU_ASSERT_EQUAL(b.n, 2);
    CU_ASSERT_EQUAL(load_be32(b.sources + 4), 0x0a000006);
    CU_ASSERT_PTR_EQUAL(at, bytes + sizeof bytes);
}

/* RFC 9776 4.1.1: what a value is sent as is never more than the value, and nothing that can be sent lies between. */
static void codes(void)
{
    CU_ASSERT_EQUAL(igmp_code_of(127), 127);
    CU_ASSERT_EQUAL(igmp_code_of(128), 0x80);
    CU_ASSERT_EQUAL(igmp_code_of(31744), 0xff);
    CU_ASSERT_EQUAL(igmp_code_of(UINT32_MAX), 0xff);
    CU_ASSERT_EQUAL(igmp_code_value(0xff), IGMP_CODE_MAX);
    for (unsigned code = 0; code < 256; code++) {
        CU_ASSERT_EQUAL(igmp_code_of(igmp_code_value((uint8_t)code)), code);
        CU_ASSERT_TRUE(code == 0 || igmp_code_value((uint8_t)code) > igmp_code_value((uint8_t)(code - 1)));
    }
    for (uint32_t value = 0; value < 32000; value++) {
        uint8_t code = igmp_code_of(value);
        if (igmp_code_value(code) > value || (code < 255 && igmp_code_value((uint8_t)(code + 1)) <= value))
            CU_FAIL("not the next lower");
    }
}

/* ---- building ---- */

static void building_queries(void)
{
    static const uint32_t sources[] = {0x0a000001, 0x0a000002};
    uint8_t bytes[IGMP_MESSAGE_MAX];
    struct igmp_message m;
    struct igmp_query q = {.version = 3,
                           .group = GROUP,
                           .max_resp_ms = 1000,
                           .suppress = true,
                           .robustness = 7,
                           .interval_s = 125,
                           .n = 2,
                           .sources = sources};
    size_t len = igmp_query_put(&q, bytes);
    CU_ASSERT_EQUAL(len, 20);
    static const uint8_t expected[] = {0x11, 10, 0, 0, 239, 1, 2, 3, 0x0f, 125, 0, 2, 10, 0, 0, 1, 10, 0, 0, 2};
    CU_ASSERT_EQUAL(memcmp(bytes + 4, expected + 4, 16), 0);
    CU_ASSERT_EQUAL(igmp_message_parse(bytes, len, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.max_resp_ms, 1000);
    q = (struct igmp_query){.version = 3, .max_resp_ms = 50, .robustness = 8, .interval_s = 200};
    len = igmp_query_put(&q, bytes);
    CU_ASSERT_EQUAL(len, 12);
    CU_ASSERT_EQUAL(igmp_message_parse(bytes, len, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.robustness, 0);    /* 4.1.6 */
    CU_ASSERT_EQUAL(m.max_resp_ms, 100); /* not 0 */
    CU_ASSERT_EQUAL(m.interval_s, 200);
    q.version = 2;
    q.max_resp_ms = 90000;
    len = igmp_query_put(&q, bytes);
    CU_ASSERT_EQUAL(len, 8);
    CU_ASSERT_EQUAL(bytes[1], 255); /* linear: no code */
    q.version = 1;
    len = igmp_query_put(&q, bytes);
    CU_ASSERT_EQUAL(len, 8);
    CU_ASSERT_EQUAL(bytes[1], 0);
    CU_ASSERT_EQUAL(igmp_short_put(IGMP_TYPE_LEAVE, GROUP, bytes), 8);
    CU_ASSERT_EQUAL(igmp_message_parse(bytes, 8, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.type, IGMP_TYPE_LEAVE);
    CU_ASSERT_EQUAL(m.group, GROUP);
}

static void building_reports(void)
{
    static const uint32_t sources[] = {0x0a000001, 0x0a000002, 0x0a000003};
    struct igmp_report report;
    igmp_report_begin(&report, 8 + 8 + 12 + 8 + 4);
    CU_ASSERT_EQUAL(igmp_report_room(&report), 6);
    igmp_report_add(&report, IGMP_ALLOW, GROUP, sources, 3);
    CU_ASSERT_EQUAL(igmp_report_room(&report), 1);
    igmp_report_add(&report, IGMP_TO_EX, GROUP + 1, sources + 2, 1);
    CU_ASSERT_EQUAL(igmp_report_room(&report), -1);
    igmp_report_finish(&report);
    struct igmp_message m;
    CU_ASSERT_EQUAL_FATAL(igmp_message_parse(report.bytes, report.len, &m), IGMP_ACCEPT);
    CU_ASSERT_EQUAL(m.n, 2);
    const uint8_t *at = m.bytes;
    struct igmp_record a = igmp_record_next(&at), b = igmp_record_next(&at);
    CU_ASSERT_EQUAL(a.type, IGMP_ALLOW);
    CU_ASSERT_EQUAL(a.n, 3);
    CU_ASSERT_EQUAL(b.group, GROUP + 1);
    CU_ASSERT_EQUAL(load_be32(b.sources), 0x0a000003);
}

/* ---- captures ---- */

static void captured(void)
{
    unsigned known = 0, other = 0;
    for (size_t i = 0; i < IGMP_SEEDS; i++) {
        struct igmp_message m;
        switch (igmp_message_parse(igmp_seeds[i].bytes, igmp_seeds[i].len, &m)) {
        case IGMP_ACCEPT:
            known++;
            break;
        case IGMP_REJECT_TYPE: /* mrinfo, mtrace, RGMP */
            other++;
            break;
        default:
            CU_FAIL("a real message was refused");
        }
    }
    CU_ASSERT_EQUAL(other, 5);
    CU_ASSERT_EQUAL(known, IGMP_SEEDS - 5);
}

static void words(void)
{
    for (unsigned i = 0; i < IGMP_REJECT__COUNT; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(igmp_reject_name[i]);
        CU_ASSERT_PTR_NOT_NULL(igmp_reject_meaning[i]);
        for (unsigned j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(igmp_reject_name[i], igmp_reject_name[j]);
    }
}

static const struct unit_case cases[] = {
    {"messages are refused for the right reason", messages},
    {"queries are read in three versions", queries},
    {"records are read, auxiliary data and unknown types skipped", records},
    {"codes round down", codes},
    {"queries are built in three versions", building_queries},
    {"reports are built to fit", building_reports},
    {"what real networks say is understood", captured},
    {"every reason has words of its own", words},
};

UNIT_MAIN("igmp_packet", cases)

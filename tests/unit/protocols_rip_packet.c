#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip.h"
#include "protocols/rip/rip_packet.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

/* ---- headers and entries as a whole ---- */

struct message_case {
    const char *name;
    uint8_t bytes[64];
    size_t len;
    enum rip_reject reject;
};

#define ENTRY(family, metric)                                                                                          \
    0, family, 0, 0, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, metric /* 10.1.0.0, no mask, no next hop */

static const struct message_case message_cases[] = {
    {"nothing", {0}, 0, RIP_REJECT_SHORT},
    {"half a header", {2, 2}, 2, RIP_REJECT_SHORT},
    {"no entry", {2, 2, 0, 0}, 4, RIP_REJECT_SHORT},
    {"most of an entry", {2, 2, 0, 0, ENTRY(2, 1)}, 23, RIP_REJECT_SHORT},
    {"version 0", {2, 0, 0, 0, ENTRY(2, 1)}, 24, RIP_REJECT_VERSION},
    {"version 1", {2, 1, 0, 0, ENTRY(2, 1)}, 24, RIP_ACCEPT},
    {"version 3 is read as 2", {2, 3, 0, 0, ENTRY(2, 1)}, 24, RIP_ACCEPT},
    {"command 0", {0, 2, 0, 0, ENTRY(2, 1)}, 24, RIP_REJECT_COMMAND},
    {"command 8", {8, 2, 0, 0, ENTRY(2, 1)}, 24, RIP_REJECT_COMMAND},
    {"command 12", {12, 2, 0, 0, ENTRY(2, 1)}, 24, RIP_REJECT_COMMAND},
    {"an update request", {9, 2, 0, 0, 1, 0, 0, 0}, 8, RIP_ACCEPT},
    {"an update request with an entry", {9, 2, 0, 0, 1, 0, 0, 0, ENTRY(0, 16)}, 28, RIP_ACCEPT},
    {"most of an update header", {9, 2, 0, 0, 1, 0, 0}, 7, RIP_REJECT_SHORT},
    {"an update header of version 0", {9, 2, 0, 0, 0, 0, 0, 0}, 8, RIP_REJECT_UPDATE_VERSION},
    {"a flush that is 2", {10, 2, 0, 0, 1, 2, 0, 0}, 8, RIP_REJECT_UPDATE_FLUSH},
    {"an update response with half an entry", {10, 2, 0, 0, 1, 1, 0, 0, 0, 2}, 10, RIP_REJECT_LENGTH},
    {"a domain in an acknowledgement of version 1", {11, 1, 0, 7, 1, 0, 0, 0}, 8, RIP_REJECT_MUST_BE_ZERO},
    {"an entry and a byte", {2, 2, 0, 0, ENTRY(2, 1), 0}, 25, RIP_REJECT_LENGTH},
    {"two entries", {2, 2, 0, 0, ENTRY(2, 1), ENTRY(2, 16)}, 44, RIP_ACCEPT},
    {"a domain in version 2", {2, 2, 0, 7, ENTRY(2, 1)}, 24, RIP_ACCEPT},
    {"a domain in version 1", {2, 1, 0, 7, ENTRY(2, 1)}, 24, RIP_REJECT_MUST_BE_ZERO},
    {"a tag in version 1",
     {2, 1, 0, 0, 0, 2, 0, 9, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     24,
     RIP_REJECT_MUST_BE_ZERO},
    {"a mask in version 1",
     {2, 1, 0, 0, 0, 2, 0, 0, 10, 1, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
     24,
     RIP_REJECT_MUST_BE_ZERO},
    {"a next hop in version 1",
     {2, 1, 0, 0, 0, 2, 0, 0, 10, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1, 0, 0, 0, 1},
     24,
     RIP_REJECT_MUST_BE_ZERO},
    {"a password that comes second", {2, 2, 0, 0, ENTRY(2, 1), 0xff, 0xff, 0, 2, 's'}, 44, RIP_REJECT_AUTH_PLACE},
};

static void messages(void)
{
    for (unsigned i = 0; i < sizeof message_cases / sizeof message_cases[0]; i++) {
        const struct message_case *c = &message_cases[i];
        uint8_t *exact = malloc(c->len + 1); /* so that a byte too far is seen */
        uint8_t *bytes = exact + 1;
        if (c->len > 0)
            memcpy(bytes, c->bytes, c->len);
        struct rip_header header;
        enum rip_reject reject = rip_header_parse(bytes, c->len, &header);
        if (reject == RIP_ACCEPT)
            reject = rip_entries_check(&header, bytes, rip_entries_at(bytes[0]), c->len);
        if (reject != c->reject)
            printf("\n  %s: %d\n", c->name, reject);
        CU_ASSERT_EQUAL(reject, c->reject);
        free(exact);
    }
}

/* ---- prefixes ---- */

struct prefix_case {
    uint8_t version;
    const char *addr, *mask;
    const char *expected; /* NULL: refused for REJECT */
    enum rip_reject reject;
};

/* Heard on 10.1.1.1/24. */
static const struct prefix_case prefix_cases[] = {
    {2, "10.9.0.0", "255.255.0.0", "10.9.0.0/16", 0},
    {2, "0.0.0.0", "0.0.0.0", "0.0.0.0/0", 0},
    {2, "10.9.1.1", "255.255.255.255", "10.9.1.1/32", 0},
    {2, "192.0.2.128", "255.255.255.128", "192.0.2.128/25", 0},
    {2, "128.0.0.0", "192.0.0.0", "128.0.0.0/2", 0},
    {2, "10.9.0.0", "255.0.255.0", NULL, RIP_REJECT_MASK},
    {2, "10.9.0.0", "0.0.0.1", NULL, RIP_REJECT_MASK},
    {2, "10.9.0.1", "255.255.0.0", NULL, RIP_REJECT_HOST_BITS},
    {2, "0.0.0.0", "255.0.0.0", NULL, RIP_REJECT_ADDRESS},
    {2, "0.0.0.1", "255.255.255.255", NULL, RIP_REJECT_ADDRESS},
    {2, "127.0.0.0", "255.0.0.0", NULL, RIP_REJECT_ADDRESS},
    {2, "224.0.0.0", "240.0.0.0", NULL, RIP_REJECT_ADDRESS},
    {2, "240.0.0.0", "240.0.0.0", NULL, RIP_REJECT_ADDRESS},
    {2, "255.255.255.255", "255.255.255.255", NULL, RIP_REJECT_ADDRESS},
    /* without a mask */
    {1, "0.0.0.0", "0.0.0.0", "0.0.0.0/0", 0},
    {1, "10.0.0.0", "0.0.0.0", "10.0.0.0/8", 0},
    {1, "10.1.9.0", "0.0.0.0", "10.1.9.0/24", 0},
    {1, "10.1.9.7", "0.0.0.0", "10.1.9.7/32", 0},
    {1, "172.16.0.0", "0.0.0.0", "172.16.0.0/16", 0},
    {1, "172.16.3.0", "0.0.0.0", "172.16.3.0/32", 0},
    {1, "192.0.2.0", "0.0.0.0", "192.0.2.0/24", 0},
    {1, "224.0.0.0", "0.0.0.0", NULL, RIP_REJECT_ADDRESS},
    {2, "10.1.9.0", "0.0.0.0", "10.1.9.0/24", 0},
    {2, "172.16.0.0", "0.0.0.0", "172.16.0.0/16", 0},
};

static void prefixes(void)
{
    struct prefix subnet = {.addr = addr_of("10.1.1.1"), .len = 24}, prefix, expected;
    for (unsigned i = 0; i < sizeof prefix_cases / sizeof prefix_cases[0]; i++) {
        const struct prefix_case *c = &prefix_cases[i];
        struct rip_entry entry = {.family = RIP_FAMILY_IP, .addr = addr_of(c->addr), .mask = addr_of(c->mask)};
        enum rip_reject reject = rip_entry_prefix(&entry, c->version, subnet, &prefix);
        CU_ASSERT_EQUAL(reject, c->expected != NULL ? RIP_ACCEPT : c->reject);
        if (c->expected == NULL || reject != RIP_ACCEPT)
            continue;
        CU_ASSERT_TRUE(prefix_parse(c->expected, &expected));
        CU_ASSERT_TRUE(prefix_equal(prefix, expected));
    }
    struct rip_entry other = {.family = 37, .addr = addr_of("10.9.0.0"), .mask = addr_of("255.255.0.0")};
    CU_ASSERT_EQUAL(rip_entry_prefix(&other, 2, subnet, &prefix), RIP_REJECT_FAMILY);
}

/* ---- building ---- */

static void building(void)
{
    struct rip_entry entry = {
        .family = RIP_FAMILY_IP,
        .tag = 0x1234,
        .addr = addr_of("10.9.0.0"),
        .mask = addr_of("255.255.0.0"),
        .next_hop = addr_of("10.1.1.9"),
        .metric = 7,
    };
    static const uint8_t v2[] = {2, 2, 0, 0, 0, 2, 0x12, 0x34, 10, 9, 0, 0, 255, 255, 0, 0, 10, 1, 1, 9, 0, 0, 0, 7};
    static const uint8_t v1[] = {2, 1, 0, 0, 0, 2, 0, 0, 10, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7};
    struct rip_message m;
    rip_message_begin(&m, RIP_RESPONSE, 2, false);
    CU_ASSERT_EQUAL(m.left, 25);
    rip_message_add(&m, &entry);
    CU_ASSERT_EQUAL_FATAL(m.len, sizeof v2);
    CU_ASSERT_EQUAL(memcmp(m.bytes, v2, sizeof v2), 0);
    struct rip_entry back = rip_entry_get(m.bytes + RIP_HEADER);
    CU_ASSERT_EQUAL(memcmp(&back, &entry, sizeof back), 0);
    rip_message_begin(&m, RIP_RESPONSE, 1, false);
    rip_message_add(&m, &entry);
    CU_ASSERT_EQUAL(memcmp(m.bytes, v1, sizeof v1), 0);
    rip_message_begin(&m, RIP_RESPONSE, 2, true);
    CU_ASSERT_EQUAL(m.left, 24);
    while (m.left > 0)
        rip_message_add(&m, &entry);
    CU_ASSERT_EQUAL(m.len, 504);
}

/* Bytes of all kinds in blocks of exactly their length: sanitizers see what is read beyond. */
static void hostile_bytes(void)
{
    uint64_t random = 42;
    struct prefix subnet = {.addr = addr_of("10.1.1.1"), .len = 24}, prefix;
    unsigned accepted = 0;
    for (unsigned round = 0; round < 20000; round++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t len = random >> 33 & 127;
        uint8_t *bytes = malloc(len > 0 ? len : 1);
        for (size_t i = 0; i < len; i++) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            bytes[i] = (random >> 60 & 1) != 0 ? (uint8_t)(random >> 40) : (uint8_t)(random >> 40 & 2);
        }
        struct rip_header header;
        enum rip_reject reject = rip_header_parse(bytes, len, &header);
        if (reject == RIP_ACCEPT)
            reject = rip_entries_check(&header, bytes, RIP_HEADER, len);
        for (size_t at = RIP_HEADER; reject == RIP_ACCEPT && at < len; at += RIP_ENTRY) {
            struct rip_entry entry = rip_entry_get(bytes + at);
            accepted++;
            if (rip_entry_prefix(&entry, header.version, subnet, &prefix) == RIP_ACCEPT)
                CU_ASSERT_TRUE(prefix.len <= 32 && prefix_network(prefix) == prefix.addr)
        }
        free(bytes);
    }
    CU_ASSERT_TRUE(accepted > 0);
}

static void words(void)
{
    for (unsigned i = 0; i < RIP_REJECT__COUNT; i++) {
        CU_ASSERT_PTR_NOT_NULL_FATAL(rip_reject_name[i]);
        CU_ASSERT_PTR_NOT_NULL(rip_reject_meaning[i]);
        for (unsigned j = 0; j < i; j++)
            CU_ASSERT_STRING_NOT_EQUAL(rip_reject_name[i], rip_reject_name[j]);
    }
}

static const struct unit_case cases[] = {
    {"messages are refused for the right reason", messages},
    {"prefixes are read with masks and guessed without", prefixes},
    {"messages are built, in version 1 without what it does not have", building},
    {"hostile bytes are not read beyond their end", hostile_bytes},
    {"every reason has words of its own", words},
};

UNIT_MAIN("rip_packet", cases)

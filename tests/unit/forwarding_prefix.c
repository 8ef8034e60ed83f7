#include <string.h>

#include "forwarding/prefix.h"
#include "tests/unit/support/unit.h"

static void addresses_in(void)
{
    static const struct {
        const char *text;
        uint32_t addr;
    } good[] = {
        {"0.0.0.0", 0},
        {"255.255.255.255", UINT32_MAX},
        {"10.0.0.1", 0x0a000001},
        {"192.168.100.9", 0xc0a86409},
    };
    static const char *const bad[] = {
        "",          " ",          "10",         "10.0.0",           "10.0.0.",
        "10.0.0.1.", "10.0.0.1.2", "10.0.0.256", "1.2.3.4 ",         " 1.2.3.4",
        "01.2.3.4",  "1.2.3.00",   "1.2.3.0x4",  "1..2.3",           "-1.2.3.4",
        "+1.2.3.4",  "1.2.3.4/8",  "a.b.c.d",    "1.2.3.4294967297", "99999999999999999999.1.1.1",
    };
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint32_t addr = 1;
        CU_ASSERT_TRUE(addr_parse(good[i].text, &addr));
        CU_ASSERT_EQUAL(addr, good[i].addr);
        char text[ADDR_TEXT];
        CU_ASSERT_STRING_EQUAL(addr_text(addr, text), good[i].text);
    }
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint32_t addr = 77;
        CU_ASSERT_FALSE(addr_parse(bad[i], &addr));
        CU_ASSERT_EQUAL(addr, 77);
    }
}

static void prefixes_in(void)
{
    static const char *const good[] = {"0.0.0.0/0", "10.1.2.3/8", "255.255.255.255/32", "10.0.0.0/31"};
    static const char *const bad[] = {"10.0.0.0",    "10.0.0.0/",   "10.0.0.0/33", "10.0.0.0/08",
                                      "10.0.0.0/8 ", "10.0.0.0/-1", "10.0.0/8",    "10.0.0.0/4294967304"};
    for (unsigned i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct prefix p;
        char text[PREFIX_TEXT];
        CU_ASSERT_TRUE(prefix_parse(good[i], &p));
        CU_ASSERT_STRING_EQUAL(prefix_text(p, text), good[i]);
    }
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct prefix p = {.addr = 77, .len = 7};
        CU_ASSERT_FALSE(prefix_parse(bad[i], &p));
        CU_ASSERT_TRUE(prefix_equal(p, (struct prefix){.addr = 77, .len = 7}));
    }
}

static void masks(void)
{
    CU_ASSERT_EQUAL(prefix_mask(0), 0);
    CU_ASSERT_EQUAL(prefix_mask(1), 0x80000000);
    CU_ASSERT_EQUAL(prefix_mask(24), 0xffffff00);
    CU_ASSERT_EQUAL(prefix_mask(32), UINT32_MAX);
    struct prefix p = {.addr = 0x0a010203, .len = 24};
    CU_ASSERT_EQUAL(prefix_network(p), 0x0a010200);
    CU_ASSERT_EQUAL(prefix_broadcast(p), 0x0a0102ff);
    CU_ASSERT_TRUE(prefix_holds(p, 0x0a0102fe));
    CU_ASSERT_FALSE(prefix_holds(p, 0x0a0103fe));
    CU_ASSERT_TRUE(prefix_holds((struct prefix){.addr = 5, .len = 0}, UINT32_MAX));
    CU_ASSERT_TRUE(prefix_has_broadcast((struct prefix){.len = 30}));
    CU_ASSERT_FALSE(prefix_has_broadcast((struct prefix){.len = 31}));
}

static void kinds(void)
{
    CU_ASSERT_TRUE(addr_is_multicast(0xe0000001));
    CU_ASSERT_TRUE(addr_is_multicast(0xefffffff));
    CU_ASSERT_FALSE(addr_is_multicast(0xf0000000));
    CU_ASSERT_TRUE(addr_is_class_e(0xf0000000));
    CU_ASSERT_TRUE(addr_is_class_e(UINT32_MAX));
    CU_ASSERT_TRUE(addr_is_limited_broadcast(UINT32_MAX));
    CU_ASSERT_TRUE(addr_is_loopback(0x7fffffff));
    CU_ASSERT_FALSE(addr_is_loopback(0x80000000));
    CU_ASSERT_TRUE(addr_is_this_network(0x00ffffff));
    CU_ASSERT_TRUE(addr_is_link_local(0xa9fe0001));
    CU_ASSERT_FALSE(addr_is_link_local(0xa9ff0001));
}

static const struct unit_case cases[] = {
    {"only whole dotted quads are addresses", addresses_in},
    {"a prefix has a length from 0 to 32, and keeps its host bits", prefixes_in},
    {"masks of every kind of length", masks},
    {"multicast, class E, loopback, 0/8 and link-local are known", kinds},
};

UNIT_MAIN("prefix", cases)

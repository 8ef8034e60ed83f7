#include "cli/pcap_filter.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/support/unit.h"

static const uint8_t ping[] = {
    2,  0, 0, 0,  0, 1, 2, 0, 0,  0, 0, 9, 8,  0,                    /* Ethernet */
    69, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0, 0, 10, 0, 1, 2, 10, 0, 2, 2, /* IP */
    8,  0, 0, 0,  0, 1, 0, 1,                                        /* echo */
};

static bool matches(const char *expression)
{
    char why[200] = "";
    struct pcap_filter *filter = pcap_filter_new(expression, why, sizeof why);
    CU_ASSERT_PTR_NOT_NULL(filter);
    if (filter == NULL) {
        printf("%s: %s\n", expression, why);
        return false;
    }
    bool match = pcap_filter_match(filter, ping, sizeof ping, 1000);
    pcap_filter_free(filter);
    return match;
}

static void takes(void)
{
    static const char *const yes[] = {
        "",
        "icmp",
        "host 10.0.1.2 and not tcp",
        "dst net 10.0.2.0/24",
        "src net 10.0",
        "net 10.0.1.0 mask 255.255.255.0",
        "ether src 02:00:00:00:00:09",
        "icmp[icmptype] = icmp-echo",
        "icmp[icmptype:1] == 8 && ip[8] > 0x3f",
        "ip proto \\icmp",
        "greater 1000",
        "len - 100 = 900",
    };
    static const char *const no[] = {
        "tcp", "port domain", "tcp port 80 or udp portrange 1000-2000", "host 10.0.1.3", "ip6 host fe80::1",
        "arp", "less 999",    "tcp[tcpflags] & (tcp-syn|tcp-ack) != 0", "vlan 5",
    };
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        CU_ASSERT_TRUE(matches(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        CU_ASSERT_FALSE(matches(no[i]));
}

static void says_why(const char *expression, const char *expected)
{
    char why[200] = "";
    struct pcap_filter *filter = pcap_filter_new(expression, why, sizeof why);
    CU_ASSERT_PTR_NULL(filter);
    pcap_filter_free(filter);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, expected));
    if (strstr(why, expected) == NULL)
        printf("%s: %s\n", expression, why);
}

static void refuses(void)
{
    char wide[1000];
    memset(wide, '(', sizeof wide);
    wide[sizeof wide - 1] = '\0';
    says_why(wide, "longer than 512 characters");
    wide[PCAP_FILTER_MAX] = '\0';
    says_why(wide, "not understood");
    says_why("icmp and", "not understood: ");
    says_why("tcp and host", "not understood: ");
    says_why("host 10.0.1.256", "not understood: ");
}

/* Whatever could be a name to the resolver. */
static void never_asks_a_name_server(void)
{
    static const char *const names[] = {
        "host www.example.com", "www.example.com",   "net somewhere",
        "host de-ad.be",        "host 1foo.example", "host 1.2.3.4.5",
        "host 1.2.3.4-5",       "host ab:cd",        "host a_b",
        "src host 0xyz",        "gateway x",         "ether host there",
        "host 10..1",           "len-4 = 2",         "host 127.0.0.1a",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        says_why(names[i], "names are not looked up, so write the address");
    says_why("host \\tcp", "after \"proto\"");
}

static const struct unit_case cases[] = {
    {"takes and leaves", takes},
    {"says what is wrong with an expression", refuses},
    {"names that need a look-up are refused", never_asks_a_name_server},
};
UNIT_MAIN("pcap_filter", cases)

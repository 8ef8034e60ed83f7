/* Live values for completion: beginnings of addresses as people type them, and what the tables offer for them. */
#include <string.h>

#include "cli/beginning.h"
#include "cli/values.h"
#include "tests/unit/support/shell.h"

/* ---- beginnings ---- */

/* "10.0.0.0-10.0.0.255 ..."; "none" */
static const char *ranges(const char *word, bool prefix)
{
    static char to[256];
    char from[ADDR_TEXT], last[ADDR_TEXT];
    struct beginning b;
    size_t len = 0;
    if (!beginning_of(word, prefix, &b))
        return "none";
    for (unsigned i = 0; i < b.n; i++)
        len += (size_t)snprintf(to + len, sizeof to - len, "%s%s-%s", i == 0 ? "" : " ",
                                addr_text(b.range[i].from, from), addr_text(b.range[i].to, last));
    return to;
}

static void beginnings(void)
{
    static const char *const cases[][2] = {
        {"", "0.0.0.0-255.255.255.255"},
        {"10.", "10.0.0.0-10.255.255.255"},
        {"10.0.0.", "10.0.0.0-10.0.0.255"},
        {"0", "0.0.0.0-0.255.255.255"},
        {"2", "2.0.0.0-2.255.255.255 20.0.0.0-29.255.255.255 200.0.0.0-255.255.255.255"},
        {"26", "26.0.0.0-26.255.255.255"},
        {"25", "25.0.0.0-25.255.255.255 250.0.0.0-255.255.255.255"},
        {"10.1", "10.1.0.0-10.1.255.255 10.10.0.0-10.19.255.255 10.100.0.0-10.199.255.255"},
        {"10.0.0.3", "10.0.0.3-10.0.0.3 10.0.0.30-10.0.0.39"},
        {"10.0.0.255", "10.0.0.255-10.0.0.255"},
        {"256", "none"},
        {"01", "none"},
        {"10..", "none"},
        {".", "none"},
        {"10.0.0.1.", "none"},
        {"10.0.0.1 ", "none"},
        {"r0", "none"},
        {"99999999999999999999", "none"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_STRING_EQUAL(ranges(cases[i][0], false), cases[i][1]);
        CU_ASSERT_STRING_EQUAL(ranges(cases[i][0], true), cases[i][1]);
    }
    CU_ASSERT_STRING_EQUAL(ranges("10.0.0.0/", true), "10.0.0.0-10.0.0.0");
    CU_ASSERT_STRING_EQUAL(ranges("10.0.0.0/24", true), "10.0.0.0-10.0.0.0");
    CU_ASSERT_STRING_EQUAL(ranges("10.0.0.0/33", true), "none");
    CU_ASSERT_STRING_EQUAL(ranges("10.0.0.0/2x", true), "none");
    CU_ASSERT_STRING_EQUAL(ranges("10.0.0.0/", false), "none");
}

/* Whatever an address goes on to from a beginning is in one of the beginning's ranges, and nothing else is. */
static void beginnings_of_all(void)
{
    for (unsigned octet = 0; octet < 256; octet++) {
        char whole[24];
        uint32_t addr = 0x0a000000 + (octet << 8) + 7;
        addr_text(addr, whole);
        for (unsigned typed = 0; typed < 1000; typed++) {
            char word[24];
            struct beginning b;
            bool in = false;
            snprintf(word, sizeof word, "10.0.%u", typed);
            if (!beginning_of(word, false, &b)) {
                CU_ASSERT_TRUE(typed > 255);
                continue;
            }
            for (unsigned i = 0; i < b.n; i++)
                in = in || (addr >= b.range[i].from && addr <= b.range[i].to);
            CU_ASSERT_EQUAL(in, strncmp(whole, word, strlen(word)) == 0);
        }
    }
}

/* ---- what is offered ---- */

static struct shell s;

struct heard {
    struct command_list list;
    char text[4096];
    unsigned n;
};

static void hear(struct command_list *self, const char *word, const char *help)
{
    struct heard *h = (struct heard *)self;
    size_t len = strlen(h->text);
    (void)help;
    h->n++;
    snprintf(h->text + len, sizeof h->text - len, "%s%s", len == 0 ? "" : " ", word);
}

static struct heard offered;

static const char *offer(enum command_kind kind, enum command_values values, const char *word)
{
    struct command argument = {.kind = kind, .values = values};
    offered = (struct heard){.list.add = hear};
    values_offer(&s.view, &argument, word, &offered.list);
    return offered.text;
}

static const char *routes(const char *word)
{
    return offer(COMMAND_PREFIX, COMMAND_VALUES_ROUTES, word);
}

static void prefixes(void)
{
    shell_begin(&s);
    shell_route(&s, "0.0.0.0/0", "10.0.2.9", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    shell_route(&s, "10.0.0.0/8", "10.0.2.9", PORT_NONE, RIB_STATIC, RIB_UNICAST);
    shell_route(&s, "10.0.0.0/16", "10.0.2.9", PORT_NONE, RIB_RIP, RIB_UNICAST);
    shell_route(&s, "10.0.1.0/24", "10.0.2.9", PORT_NONE, RIB_STATIC, RIB_UNICAST); /* connected as well */
    shell_route(&s, "10.10.0.0/16", NULL, 0, RIB_STATIC, RIB_BLACKHOLE);
    shell_route(&s, "100.0.0.0/8", NULL, 0, RIB_STATIC, RIB_BLACKHOLE);
    CU_ASSERT_STRING_EQUAL(routes(""), "0.0.0.0/0 10.0.0.0/8 10.0.0.0/16 10.0.1.0/24 10.0.2.0/24 10.10.0.0/16 "
                                       "100.0.0.0/8");
    CU_ASSERT_STRING_EQUAL(routes("0"), "0.0.0.0/0");
    CU_ASSERT_STRING_EQUAL(routes("10.0.0"), "10.0.0.0/8 10.0.0.0/16");
    CU_ASSERT_STRING_EQUAL(routes("10.1"), "10.10.0.0/16");
    CU_ASSERT_STRING_EQUAL(routes("10"), "10.0.0.0/8 10.0.0.0/16 10.0.1.0/24 10.0.2.0/24 10.10.0.0/16 100.0.0.0/8");
    CU_ASSERT_STRING_EQUAL(routes("10.0.0.0/1"), "10.0.0.0/16");
    CU_ASSERT_STRING_EQUAL(routes("10.0.0.0/9"), "");
    CU_ASSERT_STRING_EQUAL(routes("x"), "");
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_PREFIX, COMMAND_VALUES_STATICS, "10.0"), "10.0.0.0/8 10.0.1.0/24");
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_PREFIX, COMMAND_VALUES_NONE, "10.0"), "");
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_ADDR, COMMAND_VALUES_OWN, "10.0.2"), "10.0.2.1");
    shell_end(&s);
}

/* A big table costs what is offered, and it is said that there is more. */
static void bounded(void)
{
    shell_begin(&s);
    rib_batch_begin(s.rib);
    for (uint32_t i = 0; i < 5000; i++) {
        char prefix[PREFIX_TEXT];
        shell_route(&s, prefix_text((struct prefix){0x0b000000 + (i << 8), 24}, prefix), "10.0.2.9", PORT_NONE, RIB_RIP,
                    RIB_UNICAST);
    }
    shell_route(&s, "200.0.0.0/8", NULL, 0, RIB_STATIC, RIB_BLACKHOLE);
    rib_batch_end(s.rib, s.r.now);
    routes("");
    CU_ASSERT_EQUAL(offered.n, VALUES_MAX + 1);
    CU_ASSERT_STRING_EQUAL(strrchr(offered.text, ' '), " " COMMAND_MORE);
    routes("1");
    CU_ASSERT_EQUAL(offered.n, VALUES_MAX + 1);
    CU_ASSERT_STRING_EQUAL(routes("11.19.13"), "11.19.13.0/24 11.19.130.0/24 11.19.131.0/24 11.19.132.0/24 "
                                               "11.19.133.0/24 11.19.134.0/24 11.19.135.0/24");
    CU_ASSERT_STRING_EQUAL(routes("2"), "200.0.0.0/8");
    /* among very many that do not count it is not looked for to the end */
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_PREFIX, COMMAND_VALUES_STATICS, ""), COMMAND_MORE);
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_PREFIX, COMMAND_VALUES_STATICS, "20"), "200.0.0.0/8");
    shell_end(&s);
}

static void neighbours(void)
{
    static const char *const known[] = {"10.0.1.9", "10.0.1.10", "10.0.1.100", "10.0.1.2"};
    static const uint8_t mac[MAC_LEN] = {2, 0, 0, 0, 0, 9};
    shell_begin(&s);
    for (unsigned i = 0; i < 4; i++)
        neighbour_heard(s.r.d->neighbours, dataplane_port(s.r.d, 0), addr_of(known[i]), mac, true, true, s.r.now);
    neighbour_heard(s.r.d->neighbours, dataplane_port(s.r.d, 1), addr_of("10.0.2.1"), mac, true, true, s.r.now);
    neighbour_heard(s.r.d->neighbours, dataplane_port(s.r.d, 1), addr_of("10.0.2.14"), mac, true, true, s.r.now);
    const char *all = offer(COMMAND_ADDR, COMMAND_VALUES_NEIGHBOURS, "10.0.1.1");
    CU_ASSERT_STRING_EQUAL(all, "10.0.1.10 10.0.1.100");
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_ADDR, COMMAND_VALUES_NEIGHBOURS, "10.0.2.14"), "10.0.2.14");
    CU_ASSERT_PTR_NOT_NULL(strstr(offer(COMMAND_ADDR, COMMAND_VALUES_NEIGHBOURS, ""), "10.0.2.14"));
    CU_ASSERT_PTR_NOT_NULL(strstr(offered.text, "10.0.1.2 10.0.1.9"));
    CU_ASSERT_STRING_EQUAL(offer(COMMAND_ADDR, COMMAND_VALUES_NEIGHBOURS, "10.0.3"), "");
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"a beginning of an address is a few ranges", beginnings},
    {"ranges hold what begins so, and nothing else", beginnings_of_all},
    {"prefixes of the table are offered", prefixes},
    {"a big table is offered a few of, and a sign that there is more", bounded},
    {"neighbours are offered", neighbours},
};
UNIT_MAIN("values", cases)

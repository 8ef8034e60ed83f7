/* What RIP tells to whoever wants to hear it, by kind. */
#include "tests/unit/support/rip_listen.h"

static struct net net;
static char told[16384];

/* A line: kind, port, address, text. */
static void debugged(struct net *of, unsigned router, enum rip_debug kind, unsigned port, uint32_t addr,
                     const char *text)
{
    char about[ADDR_TEXT];
    size_t len = strlen(told);
    (void)of, (void)router;
    snprintf(told + len, sizeof told - len, "%s %d %s: %s\n",
             kind == RIP_DEBUG_EVENTS    ? "events"
             : kind == RIP_DEBUG_PACKETS ? "packets"
             : kind == RIP_DEBUG_ROUTES  ? "routes"
                                         : "?",
             port == PORT_NONE ? -1 : (int)port, addr_text(addr, about), text);
}

#define TOLD(what)     CU_ASSERT_TRUE(was_told(what, true))
#define NOT_TOLD(what) CU_ASSERT_TRUE(was_told(what, false))

static bool was_told(const char *what, bool expected)
{
    bool is = strstr(told, what) != NULL;
    if (is != expected)
        printf("\n  %s'%s' in:\n%s\n", expected ? "no " : "", what, told);
    return is == expected;
}

/* One router, 10.0.1.1 on port 0 and 10.0.2.1 on port 1, that has been at it for a second. */
static void start(unsigned kinds, const struct rip_interface_settings *settings)
{
    net_begin(&net, 1, NULL);
    net_attach(&net, 0, 1, settings);
    net_attach(&net, 0, 2, settings);
    net_run(&net, 1);
    net.debugged = debugged;
    rip_debug(net.routers[0].rip, kinds);
    told[0] = '\0';
}

static void messages(void)
{
    start(RIP_DEBUG_PACKETS, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 17, 0, NULL});
    SAY(&net, 1, "10.0.3.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    ask_for_all(&net, 2, "10.0.2.9", RIP_PORT, 2);
    CU_ASSERT_STRING_EQUAL(
        told, "packets 0 10.0.1.9: received version 2 response, 2 entries, 44 bytes, no authentication\n"
              "packets 0 10.0.1.9: refused 10.8.0.0 metric 17: a metric that is not 1 to 16\n"
              "packets 1 224.0.0.9: sent version 2 response, 1 entry, 24 bytes, no authentication\n"
              "packets 0 10.0.3.9: refused 24 bytes: the source address is in no subnet of this interface\n"
              "packets 1 10.0.2.9: received version 2 request, 1 entry, 24 bytes, no authentication\n"
              "packets 1 10.0.2.9: sent version 2 response, 2 entries, 44 bytes, no authentication\n");
    net_end(&net);
}

static void messages_with_authentication(void)
{
    struct rip_key keys[] = {{.id = 7, .mode = RIP_AUTH_MD5, .secret_len = 1, .secret = "a"},
                             {.id = 7, .mode = RIP_AUTH_TEXT, .secret_len = 1, .secret = "a"},
                             {.id = 7, .mode = RIP_AUTH_MD5, .secret_len = 1, .secret = "a"}};
    struct rip_interface_settings with = rip_interface_settings_default;
    static const char *const expected[] = {"sent version 2 response, 1 entry, 64 bytes, md5 key 7\n",
                                           "sent version 2 response, 1 entry, 44 bytes, a password\n",
                                           "could not send version 2 response, 1 entry, 44 bytes, no key is valid\n"};
    keys[2].send.from_ms = UINT64_MAX;
    for (unsigned i = 0; i < 3; i++) {
        with.auth = (struct rip_auth){.n = 1, .keys = &keys[i]};
        start(RIP_DEBUG_PACKETS, &with);
        net_run(&net, 40);
        TOLD(expected[i]);
        net_end(&net);
    }
    with.auth = (struct rip_auth){.n = 1, .keys = &keys[0]};
    net_begin(&net, 2, NULL);
    net_attach(&net, 0, 1, &with);
    net_attach(&net, 1, 1, &with);
    net.debugged = debugged;
    rip_debug(net.routers[0].rip, RIP_DEBUG_PACKETS);
    net_run(&net, 1);
    TOLD("packets 0 10.0.1.2: received version 2 request, 1 entry, 64 bytes, md5 key 7\n");
    net_end(&net);
}

static void events(void)
{
    start(RIP_DEBUG_EVENTS, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 0.1);
    TOLD("events 0 10.0.1.9: heard for the first time\n");
    TOLD("events 1 0.0.0.0: triggered update of version 2 begins\n");
    TOLD("events 1 0.0.0.0: triggered update of version 2 ends, the next in ");
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 40);
    CU_ASSERT_PTR_EQUAL(strstr(strstr(told, "first time") + 1, "first time"), NULL);
    TOLD("events 0 0.0.0.0: regular update of version 2 begins\n");
    TOLD("events 0 0.0.0.0: the next regular update of version 2 in ");
    net_run(&net, 180);
    TOLD("events 0 10.0.1.9: the last of its routes timed out\n");
    net_run(&net, 300);
    TOLD("events 0 10.0.1.9: forgotten: it was silent for ");
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_cut(&net, 1, true);
    TOLD("events 0 0.0.0.0: down\n");
    TOLD("events 0 10.0.1.9: lost, with 1 route\n");
    NOT_TOLD("packets");
    NOT_TOLD("10.9.0.0");
    net_end(&net);
}

static void routes(void)
{
    start(RIP_DEBUG_ROUTES, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL}, {"10.8.0.0/16", 1, 0, NULL});
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 2, 0, NULL});
    SAY(&net, 2, "10.0.2.9", 2, {"10.9.0.0/16", 16, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    CU_ASSERT_STRING_EQUAL(told, "routes 0 10.9.0.0: 10.9.0.0/16 is learned from 10.0.1.9 now, metric 4\n"
                                 "routes 0 10.8.0.0: 10.8.0.0/16 is learned from 10.0.1.9 now, metric 2\n"
                                 "routes 1 10.9.0.0: 10.9.0.0/16 is learned from 10.0.2.9 now, metric 3\n"
                                 "routes 1 10.9.0.0: 10.9.0.0/16 from 10.0.2.9 is gone: its neighbour has lost it\n"
                                 "routes 0 10.9.0.0: 10.9.0.0/16 is learned from 10.0.1.9 now, metric 4\n");
    told[0] = '\0';
    net_run(&net, 170);
    CU_ASSERT_STRING_EQUAL(told, "");
    net_run(&net, 500);
    TOLD("routes 0 10.9.0.0: 10.9.0.0/16 from 10.0.1.9 is gone: it timed out\n"
         "routes -1 10.9.0.0: 10.9.0.0/16 is unreachable now\n");
    TOLD("routes -1 10.9.0.0: 10.9.0.0/16 is forgotten\n");
    told[0] = '\0';
    net_stub(&net, 0, "172.16.0.1/24");
    CU_ASSERT_STRING_EQUAL(told, "routes 2 172.16.0.0: 172.16.0.0/24 is interface now, metric 1\n");
    net_end(&net);
}

static void nothing_is_told_unless_it_is_wanted(void)
{
    start(0, NULL);
    SAY(&net, 1, "10.0.1.9", 2, {"10.9.0.0/16", 3, 0, NULL});
    net_run(&net, 600);
    CU_ASSERT_STRING_EQUAL(told, "");
    net_end(&net);
}

static const struct unit_case cases[] = {
    {"messages", messages},
    {"messages with authentication", messages_with_authentication},
    {"events", events},
    {"routes", routes},
    {"nothing is told unless it is wanted", nothing_is_told_unless_it_is_wanted},
};
UNIT_MAIN("rip debug", cases)

/* What RFC 1058 and RFC 2453 ask for and no other test shows. The table of all of it is ferryd-conformance(7). */
#include "forwarding/bytes.h"
#include "tests/unit/support/rip_listen.h"

#define METRIC(prefix, expected) CU_ASSERT_EQUAL(net_metric(&net, 0, prefix), expected)

static struct net net;
static struct listener listener;

/* One router, 10.0.1.1 and 10.0.2.1. */
static void start_with(const struct rip_settings *settings, const struct rip_interface_settings *interface)
{
    net_begin(&net, 1, settings);
    net_attach(&net, 0, 1, interface);
    net_attach(&net, 0, 2, interface);
    listen_begin(&net, &listener);
    net_run(&net, 1);
    listen_forget(&listener);
}

/* ---- what comes in ---- */

/* RFC 1058 3.4.2: on a network that is not the sender's either; RFC 2453 3.9.2 says unicast. */
static void broadcast_addresses_are_no_destinations(void)
{
    start_with(NULL, NULL);
    SAY(&net, 1, "10.0.1.9", 1, {"10.0.1.255/32", 1, 0, NULL});
    SAY(&net, 1, "10.0.1.9", 2, {"10.0.2.255/32", 1, 0, NULL}, {"10.0.3.255/32", 1, 0, NULL});
    CU_ASSERT_EQUAL(refused(&net, 0, 0, RIP_REJECT_ADDRESS), 2);
    METRIC("10.0.1.255/32", 16);
    METRIC("10.0.2.255/32", 16);
    METRIC("10.0.3.255/32", 2); /* nobody here knows that it is one */
    net_port(&net, 0, 1, false);
    net_run(&net, 300);
    SAY(&net, 1, "10.0.1.9", 2, {"10.0.2.255/32", 1, 0, NULL});
    METRIC("10.0.2.255/32", 2); /* nor any more */
    net_end(&net);
}

/* ---- requests ---- */

static void by_entry(const char *src, uint16_t port)
{
    const struct said said[] = {{"10.0.2.0/24", 16, 0, NULL}};
    say(&net, 1, src, port, RIP_REQUEST, 2, said, 1);
}

/* RFC 1058 3.4.1: one that is silent answers those who do not ask from port 520, as they watch it. */
static void silent_ones_answer_who_watches(void)
{
    struct rip_interface_settings silent = rip_interface_settings_default;
    silent.passive = true;
    start_with(NULL, &silent);
    ask_for_all(&net, 1, "10.0.1.9", RIP_PORT, 2);
    by_entry("10.0.1.9", RIP_PORT);
    CU_ASSERT_EQUAL(listener.messages, 0);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 2);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1520 response/2 10.0.2.0/24=1\n");
    listen_forget(&listener);
    by_entry("10.0.1.9", 1521);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1521 response/2 10.0.2.0/24=1\n");
    listen_forget(&listener);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 1);
    CU_ASSERT_EQUAL(listener.messages, 0); /* of version 2 only */
    /* An interface that goes while somebody is being answered takes the answer along. */
    struct rip_message m;
    rip_message_begin(&m, RIP_REQUEST, 2, false);
    rip_message_add(&m, &(struct rip_entry){.metric = RIP_INFINITY});
    struct rip_datagram d = {.src = addr_of("10.0.1.9"), .dst = addr_of("10.0.1.1"), .src_port = 1520};
    rip_input(net.routers[0].rip, &d, m.bytes, m.len, net.now);
    rip_interface_remove(net.routers[0].rip, 0, net.now);
    net_run(&net, 400);
    CU_ASSERT_EQUAL(listener.messages, 0);
    net_end(&net);
}

/* A summary stands for its routes in updates; who watches an interface that sends none is told the routes. */
static void silent_ones_hide_nothing_behind_summaries(void)
{
    static const struct prefix summary[] = {{.addr = 0x0a000000, .len = 8}};
    struct rip_interface_settings silent = rip_interface_settings_default;
    silent.passive = true;
    silent.summaries = summary;
    silent.n_summaries = 1;
    start_with(NULL, &silent);
    ask_for_all(&net, 1, "10.0.1.9", 1520, 2);
    HEARD(&listener, "10.0.1.1 > 10.0.1.9:1520 response/2 10.0.2.0/24=1\n");
    net_end(&net);
}

static const struct unit_case cases[] = {
    {"the broadcast address of a network of ours is no destination", broadcast_addresses_are_no_destinations},
    {"a passive interface answers who does not ask from port 520", silent_ones_answer_who_watches},
    {"a passive interface hides nothing behind summaries", silent_ones_hide_nothing_behind_summaries},
};

UNIT_MAIN("rip conformance", cases)

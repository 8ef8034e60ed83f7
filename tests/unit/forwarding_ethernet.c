/* Whose frame it is: ethernet_check. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/ethernet.h"
#include "tests/unit/support/unit.h"

#define OUR_MAC   2, 0, 0, 0, 0, 1
#define HOST_MAC  2, 0, 0, 0, 0, 9
#define OTHER_MAC 2, 0, 0, 0, 0, 8
#define BROADCAST 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
#define GROUP_MAC 1, 0, 0x5e, 0, 0, 9
#define IPV4      8, 0
#define ARP       8, 6
#define IPV6      0x86, 0xdd

static const uint8_t our_mac[MAC_LEN] = {OUR_MAC};

static struct port *port_up(void)
{
    struct port *port = port_new(0);
    memcpy(port->mac, our_mac, MAC_LEN);
    port->up = true;
    return port;
}

static const struct frame_case {
    const char *what;
    uint8_t bytes[ETHERNET_HEADER];
    uint32_t len, wire_len;
    bool tagged;
    enum drop why; /* DROP__COUNT: goes on */
} cases[] = {
    {"IPv4 to us", {OUR_MAC, HOST_MAC, IPV4}, 14, 14, false, DROP__COUNT},
    {"ARP to us", {OUR_MAC, HOST_MAC, ARP}, 14, 14, false, DROP__COUNT},
    {"ARP broadcast", {BROADCAST, HOST_MAC, ARP}, 14, 14, false, DROP__COUNT},
    {"IPv4 broadcast", {BROADCAST, HOST_MAC, IPV4}, 14, 14, false, DROP__COUNT},
    {"IPv4 multicast", {GROUP_MAC, HOST_MAC, IPV4}, 14, 14, false, DROP__COUNT},
    {"cut off by the buffer", {OUR_MAC, HOST_MAC, IPV4}, 14, 15, false, DROP_TRUNCATED},
    {"13 bytes", {OUR_MAC, HOST_MAC, IPV4}, 13, 13, false, DROP_RUNT},
    {"no bytes", {0}, 0, 0, false, DROP_RUNT},
    {"tag stripped by the kernel", {OUR_MAC, HOST_MAC, IPV4}, 14, 14, true, DROP_VLAN},
    {"802.1Q tag in the bytes", {OUR_MAC, HOST_MAC, 0x81, 0}, 14, 14, false, DROP_VLAN},
    {"802.1ad tag in the bytes", {OUR_MAC, HOST_MAC, 0x88, 0xa8}, 14, 14, false, DROP_VLAN},
    {"other station's", {OTHER_MAC, HOST_MAC, IPV4}, 14, 14, false, DROP_OTHER_HOST},
    {"other station's, not IPv4", {OTHER_MAC, HOST_MAC, IPV6}, 14, 14, false, DROP_OTHER_HOST},
    {"our own, back", {BROADCAST, OUR_MAC, IPV4}, 14, 14, false, DROP_OWN_FRAME},
    {"from us to us", {OUR_MAC, OUR_MAC, IPV4}, 14, 14, false, DROP_OWN_FRAME},
    {"IPv6 to us", {OUR_MAC, HOST_MAC, IPV6}, 14, 14, false, DROP_NOT_IP},
    {"IPv6 multicast", {0x33, 0x33, 0, 0, 0, 1, HOST_MAC, IPV6}, 14, 14, false, DROP_NOT_IP},
    {"802.3 length", {BROADCAST, HOST_MAC, 0, 46}, 14, 14, false, DROP_NOT_IP},
};

static void each_frame_has_its_verdict(void)
{
    struct port *port = port_up();
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct frame_case *c = &cases[i];
        uint8_t *frame = malloc(c->len + 1); /* of its exact size: one byte too many read is seen */
        memcpy(frame, c->bytes, c->len);
        struct packet packet = {.frame = frame, .len = c->len, .wire_len = c->wire_len, .tagged = c->tagged};
        uint16_t type = 0;
        enum verdict verdict = ethernet_check(port, &packet, &type);
        bool right = c->why == DROP__COUNT ? verdict == VERDICT_CONTINUE && type == load_be16(c->bytes + 12)
                                           : verdict == VERDICT_DROP && packet.drop == c->why;
        CU_ASSERT_TRUE(right);
        if (!right)
            fprintf(stderr, "  %s: verdict %d, drop %s\n", c->what, (int)verdict, drop_name[packet.drop]);
        free(frame);
    }
    free(port);
}

static void nothing_comes_in_by_a_port_that_is_down_or_gone(void)
{
    uint8_t frame[ETHERNET_HEADER] = {OUR_MAC, HOST_MAC, IPV4};
    struct packet packet = {.frame = frame, .len = sizeof frame, .wire_len = sizeof frame};
    uint16_t type;
    CU_ASSERT_EQUAL(ethernet_check(NULL, &packet, &type), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_PORT_DOWN);

    struct port *port = port_up();
    port->up = false;
    packet.drop = DROP__COUNT;
    CU_ASSERT_EQUAL(ethernet_check(port, &packet, &type), VERDICT_DROP);
    CU_ASSERT_EQUAL(packet.drop, DROP_PORT_DOWN);
    free(port);
}

static void a_written_header_has_each_field_in_its_place(void)
{
    static const uint8_t host[MAC_LEN] = {HOST_MAC};
    static const uint8_t expected[ETHERNET_HEADER] = {HOST_MAC, OUR_MAC, ARP};
    uint8_t frame[ETHERNET_HEADER];
    ethernet_write(frame, host, our_mac, ETHERTYPE_ARP);
    CU_ASSERT_EQUAL(memcmp(frame, expected, sizeof frame), 0);
}

static const struct unit_case all[] = {
    {"each frame has its verdict", each_frame_has_its_verdict},
    {"nothing comes in by a port that is down or gone", nothing_comes_in_by_a_port_that_is_down_or_gone},
    {"a written header has each field in its place", a_written_header_has_each_field_in_its_place},
};
UNIT_MAIN("ethernet", all)

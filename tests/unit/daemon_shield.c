/* The kernel runs the shield's program on frames of ours. Where BPF is not allowed there is nothing to test. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/shield.h"
#include "tests/unit/support/unit.h"

#define FRAME 64

static const uint8_t loopback_mac[6]; /* all zeros: the device on which the kernel runs tests */
static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t all_systems[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x01};
static const uint8_t stranger[6] = {0x02, 0, 0, 0, 0, 0x77};

/* What becomes of a frame; SHIELD_NEXT too where BPF is not allowed, *ran says which. */
static int32_t verdict_of(const uint8_t to[6], uint16_t type, int *ran)
{
    uint8_t frame[FRAME] = {0};
    memcpy(frame, to, 6);
    memcpy(frame + 6, stranger, 6);
    frame[12] = (uint8_t)(type >> 8);
    frame[13] = (uint8_t)type;
    frame[14] = 0x45;
    int32_t verdict = SHIELD_NEXT;
    int program = shield_load();
    *ran = program >= 0 && shield_try(program, 0, frame, sizeof frame, &verdict) == 0;
    if (!*ran)
        printf("(not tested: BPF is not allowed here: %s) ", strerror(errno));
    if (program >= 0)
        close(program);
    return verdict;
}

static void assert_verdict(const uint8_t to[6], uint16_t type, int32_t expected)
{
    int ran;
    int32_t verdict = verdict_of(to, type, &ran);
    CU_ASSERT(!ran || verdict == expected);
}

static void our_ipv4_is_kept_from_the_kernel(void)
{
    assert_verdict(loopback_mac, 0x0800, SHIELD_DROP);
}

static void our_arp_is_kept_from_the_kernel(void)
{
    assert_verdict(loopback_mac, 0x0806, SHIELD_DROP);
}

static void broadcasts_pass_for_macvlan(void)
{
    assert_verdict(broadcast, 0x0800, SHIELD_NEXT);
    assert_verdict(broadcast, 0x0806, SHIELD_NEXT);
    assert_verdict(all_systems, 0x0800, SHIELD_NEXT);
}

static void other_stations_frames_pass(void)
{
    assert_verdict(stranger, 0x0800, SHIELD_NEXT);
    assert_verdict(stranger, 0x0806, SHIELD_NEXT);
}

static void ipv6_and_vlans_pass(void)
{
    assert_verdict(loopback_mac, 0x86dd, SHIELD_NEXT);
    assert_verdict(loopback_mac, 0x8100, SHIELD_NEXT);
    assert_verdict(loopback_mac, 0x88cc, SHIELD_NEXT);
}

static const struct unit_case cases[] = {
    {"IPv4 to the port's own MAC is kept from the kernel", our_ipv4_is_kept_from_the_kernel},
    {"ARP to the port's own MAC is kept from the kernel", our_arp_is_kept_from_the_kernel},
    {"broadcast and multicast pass on to macvlan devices", broadcasts_pass_for_macvlan},
    {"frames for other stations pass", other_stations_frames_pass},
    {"IPv6, VLAN-tagged and other frames pass", ipv6_and_vlans_pass},
};
UNIT_MAIN("daemon shield", cases)

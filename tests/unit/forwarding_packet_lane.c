/* How a lane reads its rings, on rings in memory that the test fills as the kernel does. */
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/packet_lane.h"
#include "tests/unit/support/unit.h"

enum { FRAME = 256, FRAMES = 8, PORTS = 3, AT_MAC = 82 };
#define DEVICE(port) (100 + (port))

struct scene {
    struct packet_lane *lane;
    struct packet_ring small[PORTS], big;
    uint32_t written[PORTS], written_big;
};

static void ring_make(struct packet_ring *ring, unsigned port, uint32_t ifindex)
{
    uint8_t *map = aligned_alloc(64, FRAMES * FRAME);
    CU_ASSERT_PTR_NOT_NULL_FATAL(map);
    memset(map, 0, FRAMES * FRAME);
    *ring = (struct packet_ring){
        .fd = -1, .ifindex = ifindex, .port = (uint16_t)port, .frames = FRAMES, .frame_size = FRAME, .map = map};
}

static void begin(struct scene *s)
{
    *s = (struct scene){.lane = packet_lane_new()};
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->lane);
    for (unsigned i = 0; i < PORTS; i++) {
        ring_make(&s->small[i], i, DEVICE(i));
        packet_lane_set(s->lane, i, &s->small[i]);
    }
    ring_make(&s->big, 0, 0);
    packet_lane_set_big(s->lane, &s->big);
}

static void end(struct scene *s)
{
    for (unsigned i = 0; i < PORTS; i++)
        free(s->small[i].map);
    free(s->big.map);
    packet_lane_free(s->lane);
}

/* The kernel's part: frame number SEQUENCE of RING gets stamp NS, its id in the first byte. */
static bool fill(struct packet_ring *ring, uint32_t *written, uint32_t ifindex, uint64_t ns, uint8_t id)
{
    void *at = ring->map + *written % FRAMES * FRAME;
    struct tpacket2_hdr *frame = at;
    if (__atomic_load_n(&frame->tp_status, __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL)
        return false;
    frame->tp_len = frame->tp_snaplen = 60;
    frame->tp_mac = AT_MAC;
    frame->tp_sec = (uint32_t)(ns / 1000000000);
    frame->tp_nsec = (uint32_t)(ns % 1000000000);
    struct sockaddr_ll source = {.sll_ifindex = (int)ifindex};
    memcpy((uint8_t *)at + TPACKET_ALIGN(sizeof *frame), &source, sizeof source);
    ((uint8_t *)at)[AT_MAC] = id;
    __atomic_store_n(&frame->tp_status, TP_STATUS_USER, __ATOMIC_RELEASE);
    ++*written;
    return true;
}

static bool small(struct scene *s, unsigned port, uint64_t ns, uint8_t id)
{
    return fill(&s->small[port], &s->written[port], DEVICE(port), ns, id);
}

static bool big(struct scene *s, unsigned port, uint64_t ns, uint8_t id)
{
    return fill(&s->big, &s->written_big, DEVICE(port), ns, id);
}

/* Receives one burst of at most MOST and compares the ids, a letter each. */
static void expect(struct scene *s, unsigned most, const char *ids)
{
    struct packet burst[PACKET_LANE_BURST];
    char got[PACKET_LANE_BURST + 1];
    unsigned n = packet_lane_receive(s->lane, burst, most);
    for (unsigned i = 0; i < n; i++)
        got[i] = (char)burst[i].frame[0];
    got[n] = 0;
    CU_ASSERT_STRING_EQUAL(got, ids);
    packet_lane_release(s->lane);
}

static void the_older_head_goes_first(void)
{
    struct scene s;
    begin(&s);
    big(&s, 0, 20, 'b');
    big(&s, 0, 50, 'e');
    small(&s, 0, 10, 'a');
    small(&s, 0, 20, 'A'); /* not newer than b */
    small(&s, 0, 30, 'c');
    small(&s, 0, 40, 'd');
    small(&s, 0, 60, 'f');
    expect(&s, 64, "aAbcdef");
    expect(&s, 64, "");
    end(&s);
}

static void order_holds_across_bursts_and_seconds(void)
{
    struct scene s;
    begin(&s);
    small(&s, 1, 999999999, 'a');
    big(&s, 1, 1000000000, 'b');
    small(&s, 1, 1000000001, 'c');
    big(&s, 1, 2000000000, 'd');
    expect(&s, 1, "a");
    expect(&s, 1, "b");
    expect(&s, 2, "cd");
    end(&s);
}

enum { WRITTEN = 400000 };

/* One frame after the other into whichever ring, as one CPU of the kernel does with a flow. */
static void *write_on(void *argument)
{
    struct scene *s = argument;
    for (unsigned i = 1; i <= WRITTEN; i++)
        while (i % 3 == 0 ? !big(s, 0, i, (uint8_t)i) : !small(s, 0, i, (uint8_t)i))
            sched_yield();
    return NULL;
}

static void order_holds_while_frames_are_written(void)
{
    struct scene s;
    begin(&s);
    pthread_t writer;
    CU_ASSERT_FATAL(pthread_create(&writer, NULL, write_on, &s) == 0);
    struct packet burst[PACKET_LANE_BURST];
    unsigned seen = 0, disorder = 0;
    while (seen < WRITTEN) {
        unsigned n = packet_lane_receive(s.lane, burst, 4);
        for (unsigned i = 0; i < n; i++)
            disorder += burst[i].frame[0] != (uint8_t)++seen;
        packet_lane_release(s.lane);
        if (n == 0)
            sched_yield();
    }
    pthread_join(writer, NULL);
    CU_ASSERT_EQUAL(disorder, 0);
    end(&s);
}

static void a_busy_port_does_not_starve_others(void)
{
    struct scene s;
    begin(&s);
    for (unsigned i = 0; i < FRAMES; i++)
        for (unsigned port = 0; port < PORTS; port++)
            small(&s, port, 10, (uint8_t)('0' + port));
    expect(&s, 4, "0000");
    expect(&s, 4, "1111");
    expect(&s, 4, "2222");
    expect(&s, 6, "000011");
    expect(&s, 64, "222211");
    end(&s);
}

static void frames_are_the_lanes_until_release(void)
{
    struct scene s;
    begin(&s);
    for (unsigned i = 0; i < FRAMES; i++)
        CU_ASSERT(small(&s, 0, i, 'x'));
    CU_ASSERT(!small(&s, 0, 9, 'y')); /* full */
    struct packet burst[PACKET_LANE_BURST];
    CU_ASSERT_EQUAL(packet_lane_receive(s.lane, burst, 2), 2);
    CU_ASSERT(!small(&s, 0, 9, 'y'));
    packet_lane_release(s.lane);
    CU_ASSERT(small(&s, 0, 9, 'y') && small(&s, 0, 9, 'z') && !small(&s, 0, 9, '-'));
    expect(&s, FRAMES, "xxxxxxyz");
    end(&s);
}

static void big_frames_know_their_port(void)
{
    struct scene s;
    begin(&s);
    big(&s, 2, 1, 'a');
    big(&s, 7, 2, '!'); /* of no port of ours */
    big(&s, 1, 3, 'b');
    struct packet burst[PACKET_LANE_BURST];
    CU_ASSERT_EQUAL(packet_lane_receive(s.lane, burst, 64), 2);
    CU_ASSERT(burst[0].port == 2 && burst[0].frame[0] == 'a');
    CU_ASSERT(burst[1].port == 1 && burst[1].frame[0] == 'b');
    packet_lane_release(s.lane);
    for (unsigned i = 0; i < FRAMES; i++) /* nobody's was given back, too */
        CU_ASSERT(big(&s, 0, 4, 'c'));
    end(&s);
}

static void a_port_that_goes_is_left_alone(void)
{
    struct scene s;
    begin(&s);
    small(&s, 2, 1, '2');
    big(&s, 2, 2, '2');
    small(&s, 1, 3, '1');
    packet_lane_set(s.lane, 2, NULL);
    expect(&s, 64, "1");
    for (unsigned i = 0; i < PORTS; i++)
        packet_lane_set(s.lane, i, NULL);
    big(&s, 0, 2, '0');
    expect(&s, 64, ""); /* taken away, or the lane would never sleep again */
    CU_ASSERT_EQUAL(packet_ring_peek(&s.big), NULL);
    packet_lane_set(s.lane, 1, &s.small[1]);
    small(&s, 1, 3, 'x');
    expect(&s, 64, "x");
    end(&s);
}

static void a_clock_that_jumps_back_stops_nothing(void)
{
    struct scene s;
    begin(&s);
    big(&s, 0, 5000000000, 'B');
    unsigned before = 0;
    struct packet burst[PACKET_LANE_BURST];
    bool came = false;
    while (!came && before < 1000000) { /* small frames never cease */
        while (small(&s, 0, 1000, 's'))
            ;
        unsigned n = packet_lane_receive(s.lane, burst, 4);
        for (unsigned i = 0; i < n; i++)
            came = came || burst[i].frame[0] == 'B';
        before += n;
        packet_lane_release(s.lane);
    }
    CU_ASSERT(came);
    end(&s);
}

static void tags_and_truncation_are_described(void)
{
    struct scene s;
    begin(&s);
    small(&s, 0, 1, 'a');
    void *at = s.small[0].map;
    struct tpacket2_hdr *frame = at;
    frame->tp_len = 1000;
    frame->tp_vlan_tci = 0x6007;
    frame->tp_status |= TP_STATUS_VLAN_VALID | TP_STATUS_COPY;
    struct virtio_net_hdr vnet = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
    memcpy(s.small[0].map + AT_MAC - sizeof vnet, &vnet, sizeof vnet);
    small(&s, 0, 2, 'b');
    at = s.small[0].map + FRAME;
    frame = at;
    frame->tp_vlan_tci = 0x6000;
    frame->tp_status |= TP_STATUS_VLAN_VALID;
    struct packet burst[PACKET_LANE_BURST];
    CU_ASSERT_EQUAL_FATAL(packet_lane_receive(s.lane, burst, 64), 2);
    CU_ASSERT(burst[0].tagged && burst[0].len == 60 && burst[0].wire_len == 1000);
    CU_ASSERT(memcmp(&burst[0].vnet, &vnet, sizeof vnet) == 0);
    CU_ASSERT(!burst[1].tagged && burst[1].wire_len == 60);
    end(&s);
}

static const struct unit_case cases[] = {
    {"the older head goes first", the_older_head_goes_first},
    {"order holds across bursts and seconds", order_holds_across_bursts_and_seconds},
    {"order holds while frames are written", order_holds_while_frames_are_written},
    {"a busy port does not starve others", a_busy_port_does_not_starve_others},
    {"frames are the lane's until they are released", frames_are_the_lanes_until_release},
    {"frames of the big ring know their port", big_frames_know_their_port},
    {"a port that goes is left alone", a_port_that_goes_is_left_alone},
    {"a clock that jumps back stops nothing", a_clock_that_jumps_back_stops_nothing},
    {"tags and truncation are described", tags_and_truncation_are_described},
};
UNIT_MAIN("packet_lane", cases)

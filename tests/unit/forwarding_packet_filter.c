/* The socket filters, run by a small interpreter of classic BPF: of control socket, small ring and big ring exactly one
 * takes each frame, whatever it looks like. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/counters.h"
#include "forwarding/packet_filter.h"
#include "tests/unit/support/unit.h"

enum { OUR_DEVICE = 7, OTHER_DEVICE = 8 };
enum taker { NOBODY, BY_CONTROL, BY_SMALL, BY_BIG, BY_SEVERAL };

struct seen { /* a frame as a socket filter sees it */
    uint8_t bytes[9216];
    uint32_t len;
    uint32_t ifindex;
    bool tagged;
    uint16_t tci;
};

/* ---- the interpreter: what the kernel does with such a program, RET 0 for every load beyond the frame ---- */

static bool load(const struct seen *f, uint32_t at, unsigned bytes, uint32_t *a)
{
    if (at == (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT))
        *a = f->tagged;
    else if (at == (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG))
        *a = f->tci;
    else if (at == (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX))
        *a = f->ifindex;
    else if ((uint64_t)at + bytes > f->len)
        return false;
    else
        *a = bytes == 1 ? f->bytes[at] : bytes == 2 ? load_be16(f->bytes + at) : load_be32(f->bytes + at);
    return true;
}

static bool jump_taken(const struct sock_filter *i, uint32_t a, uint32_t x)
{
    uint32_t with = BPF_SRC(i->code) == BPF_X ? x : i->k;
    switch (BPF_OP(i->code)) {
    case BPF_JEQ:
        return a == with;
    case BPF_JGT:
        return a > with;
    case BPF_JGE:
        return a >= with;
    case BPF_JSET:
        return (a & with) != 0;
    default:
        CU_FAIL_FATAL("an unknown jump");
        return false;
    }
}

static uint32_t run(const struct sock_filter *program, unsigned n, const struct seen *f)
{
    uint32_t a = 0, x = 0;
    for (unsigned pc = 0; pc < n; pc++) {
        const struct sock_filter *i = &program[pc];
        switch (i->code) {
        case BPF_RET | BPF_K:
            return i->k;
        case BPF_LD | BPF_W | BPF_LEN:
            a = f->len;
            break;
        case BPF_LD | BPF_W | BPF_ABS:
            if (!load(f, i->k, 4, &a))
                return 0;
            break;
        case BPF_LD | BPF_H | BPF_ABS:
            if (!load(f, i->k, 2, &a))
                return 0;
            break;
        case BPF_LD | BPF_B | BPF_ABS:
            if (!load(f, i->k, 1, &a))
                return 0;
            break;
        case BPF_LD | BPF_H | BPF_IND:
            if (!load(f, x + i->k, 2, &a))
                return 0;
            break;
        case BPF_LDX | BPF_B | BPF_MSH:
            if (!load(f, i->k, 1, &x))
                return 0;
            x = (x & 0xf) * 4;
            break;
        case BPF_ALU | BPF_SUB | BPF_X:
            a -= x;
            break;
        case BPF_JMP | BPF_JA:
            pc += i->k;
            break;
        default:
            CU_ASSERT_FATAL(BPF_CLASS(i->code) == BPF_JMP);
            pc += jump_taken(i, a, x) ? i->jt : i->jf;
        }
    }
    CU_FAIL_FATAL("ran beyond the program's end");
    return 0;
}

static enum taker taker_of(const struct seen *f)
{
    static struct sock_filter program[PACKET_FILTER_MAX];
    uint32_t ours = OUR_DEVICE;
    bool control = run(program, packet_filter_control(program), f) != 0;
    bool small = run(program, packet_filter_small(program), f) != 0;
    bool big = run(program, packet_filter_big(program, &ours, 1), f) != 0;
    CU_ASSERT(run(program, packet_filter_big_any(program), f) != 0 || !big);
    CU_ASSERT(run(program, packet_filter_none(program), f) == 0);
    if (control + small + big > 1)
        return BY_SEVERAL;
    return control ? BY_CONTROL : small ? BY_SMALL : big ? BY_BIG : NOBODY;
}

/* ---- frames ---- */

static struct seen frame(uint32_t len, uint16_t type)
{
    struct seen f = {.len = len, .ifindex = OUR_DEVICE};
    for (unsigned i = 0; i < sizeof f.bytes; i++)
        f.bytes[i] = 0xee;
    store_be16(f.bytes + 12, type);
    return f;
}

static struct seen ip_frame(uint32_t len, uint8_t words, uint8_t protocol, uint16_t fragment, uint16_t port)
{
    struct seen f = frame(len, 0x0800);
    f.bytes[14] = (uint8_t)(0x40 | words);
    store_be16(f.bytes + 20, fragment);
    f.bytes[23] = protocol;
    store_be16(f.bytes + 14 + 4 * words + 2, port);
    return f;
}

static void expect(const struct seen *f, enum taker taker)
{
    CU_ASSERT_EQUAL(taker_of(f), taker);
}

#define EXPECT(made, taker)                                                                                            \
    do {                                                                                                               \
        struct seen f_ = made;                                                                                         \
        expect(&f_, taker);                                                                                            \
    } while (0)

static void arp_is_control(void)
{
    EXPECT(frame(42, 0x0806), BY_CONTROL);
    EXPECT(frame(60, 0x0806), BY_CONTROL);
    EXPECT(frame(14, 0x0806), BY_CONTROL);
    EXPECT(frame(9000, 0x0806), BY_CONTROL);
    EXPECT(frame(42, 0x0807), BY_SMALL);
    EXPECT(frame(42, 0x86dd), BY_SMALL);
    EXPECT(frame(4000, 0x86dd), BY_BIG);
}

static void igmp_is_control(void)
{
    EXPECT(ip_frame(46, 6, 2, 0, 0), BY_CONTROL); /* with router alert, as it has to be */
    EXPECT(ip_frame(42, 5, 2, 0, 0), BY_CONTROL);
    EXPECT(ip_frame(34, 5, 2, 0, 0), BY_CONTROL);
    EXPECT(ip_frame(33, 5, 2, 0, 0), BY_SMALL); /* no IP header: a lane counts it */
    EXPECT(ip_frame(4000, 6, 2, 0, 0), BY_CONTROL);
    EXPECT(ip_frame(46, 6, 1, 0, 0), BY_SMALL);
}

static void rip_is_control_wherever_its_header_is(void)
{
    for (uint8_t words = 5; words <= 15; words++) {
        EXPECT(ip_frame(600, words, 17, 0, 520), BY_CONTROL);
        EXPECT(ip_frame(600, words, 17, 0, 521), BY_SMALL);
        EXPECT(ip_frame(600, words, 6, 0, 520), BY_SMALL);
        uint32_t through_port = 14u + 4u * words + 4;
        EXPECT(ip_frame(through_port, words, 17, 0, 520), BY_CONTROL);
        EXPECT(ip_frame(through_port - 1, words, 17, 0, 520), BY_SMALL); /* its port is not there */
    }
    EXPECT(ip_frame(600, 5, 17, 0x4000, 520), BY_CONTROL); /* DF */
    EXPECT(ip_frame(600, 5, 17, 0x2000, 520), BY_CONTROL); /* the first fragment */
    EXPECT(ip_frame(600, 5, 17, 0x2001, 520), BY_SMALL);   /* later ones have no ports */
    EXPECT(ip_frame(600, 5, 17, 0x1fff, 520), BY_SMALL);
    EXPECT(ip_frame(34, 15, 17, 0, 520), BY_SMALL); /* the header would be longer than the frame */
}

static void length_chooses_the_ring(void)
{
    EXPECT(ip_frame(AF_PACKET_SMALL, 5, 6, 0, 80), BY_SMALL);
    EXPECT(ip_frame(AF_PACKET_SMALL + 1, 5, 6, 0, 80), BY_BIG);
    EXPECT(ip_frame(9000, 5, 6, 0, 80), BY_BIG);
    for (uint32_t len = 0; len < 60; len++)
        EXPECT(ip_frame(len, 5, 6, 0, 80), BY_SMALL);
}

static void vlan_frames_are_not_control(void)
{
    struct seen f = frame(42, 0x0806);
    f.tagged = true;
    f.tci = 5;
    expect(&f, BY_SMALL);
    f.tci = 0xe005; /* with priority */
    expect(&f, BY_SMALL);
    f.tci = 0xe000; /* priority and no VLAN: the port's own */
    expect(&f, BY_CONTROL);
    f.tci = 0;
    expect(&f, BY_CONTROL);
    f = ip_frame(4000, 5, 17, 0, 520);
    f.tagged = true;
    f.tci = 4095;
    expect(&f, BY_BIG);
}

static void any_frame_is_taken_by_exactly_one(void)
{
    srandom(1);
    for (unsigned i = 0; i < 200000; i++) {
        static const uint16_t types[] = {0x0800, 0x0800, 0x0800, 0x0806, 0x86dd, 0x8100};
        static const uint8_t protocols[] = {17, 17, 2, 6, 1};
        uint32_t len = random() % 4 == 0 ? (uint32_t)random() % 9217 : (uint32_t)random() % 80;
        struct seen f = {.len = len, .ifindex = OUR_DEVICE, .tagged = random() % 8 == 0, .tci = (uint16_t)random()};
        for (unsigned b = 0; b < 96; b++)
            f.bytes[b] = (uint8_t)random();
        store_be16(f.bytes + 12, types[random() % 6]);
        f.bytes[23] = protocols[random() % 5];
        if (random() % 2 == 0)
            store_be16(f.bytes + 20, (uint16_t)(random() & 0xe000));
        if (random() % 2 == 0)
            store_be16(f.bytes + 14 + 4 * (f.bytes[14] & 0xf) + 2, 520);
        enum taker taker = taker_of(&f);
        CU_ASSERT_FATAL(taker == BY_CONTROL || taker == (len <= AF_PACKET_SMALL ? BY_SMALL : BY_BIG));
    }
}

static void big_ring_leaves_other_devices(void)
{
    struct seen f = ip_frame(4000, 5, 6, 0, 80);
    f.ifindex = OTHER_DEVICE;
    expect(&f, NOBODY);
}

static void big_ring_finds_each_of_many_devices(void)
{
    static struct sock_filter program[PACKET_FILTER_MAX + PORT_MAX];
    static uint32_t ifindex[PORT_MAX];
    static const unsigned counts[] = {0, 1, 7, 8, 9, 16, 17, 50, 255, 256, 1000, PORT_MAX};
    struct seen f = ip_frame(4000, 5, 6, 0, 80);
    for (unsigned i = 0; i < PORT_MAX; i++)
        ifindex[i] = i == PORT_MAX - 1 ? UINT32_MAX : i * 3 + 2;
    for (unsigned c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        unsigned length = packet_filter_big(program, ifindex, counts[c]);
        CU_ASSERT_FATAL(length <= PACKET_FILTER_MAX);
        for (unsigned i = 0; i < counts[c]; i++) {
            f.ifindex = ifindex[i];
            CU_ASSERT(run(program, length, &f) != 0);
            f.ifindex = ifindex[i] - 1;
            CU_ASSERT(run(program, length, &f) == 0);
            f.ifindex = ifindex[i] + 1;
            CU_ASSERT(run(program, length, &f) == 0);
        }
    }
}

static const struct unit_case cases[] = {
    {"ARP is control traffic, of any length", arp_is_control},
    {"IGMP is control traffic", igmp_is_control},
    {"RIP is control traffic, with whatever IP options", rip_is_control_wherever_its_header_is},
    {"length chooses between small and big ring", length_chooses_the_ring},
    {"frames of a VLAN go to lanes, priority-tagged ones are the port's", vlan_frames_are_not_control},
    {"any frame is taken by exactly one socket", any_frame_is_taken_by_exactly_one},
    {"the big ring leaves frames of other devices", big_ring_leaves_other_devices},
    {"the big ring finds each of up to PORT_MAX devices", big_ring_finds_each_of_many_devices},
};
UNIT_MAIN("packet_filter", cases)

/* pure: see packet_filter.h. Conditional jumps of classic BPF reach 255 instructions ahead; JA reaches any. */
#include "forwarding/packet_filter.h"

#include <linux/if_ether.h>
#include <string.h>

#include "forwarding/ethernet.h"
#include "forwarding/ip.h"

#define ROUTE_UDP_PORT 520 /* RIP, RFC 2453 3.1 */
#define VLAN_VID       0xfff
#define TAKE           UINT32_MAX
#define LEAVE          0
#define LEAF           8 /* devices that are compared one after the other */

enum {
    AT_ETHERTYPE = 12,
    AT_IP = ETHERNET_HEADER,
    AT_UDP_DST = AT_IP + 2, /* and the IP header's length */
    LEAST_IP = AT_IP + IP_HEADER_MIN,
    LEAST_UDP = AT_UDP_DST + 2, /* and the IP header's length */
};

struct program {
    struct sock_filter *at;
    unsigned n;
};

static void emit(struct program *p, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
    p->at[p->n++] = (struct sock_filter){.code = code, .jt = yes, .jf = no, .k = k};
}

static void emit_return(struct program *p, uint32_t bytes)
{
    emit(p, BPF_RET | BPF_K, 0, 0, bytes);
}

/* Is it control traffic? If so the program goes on at the instruction that follows the test, if not at the one after
 * that. A frame that belongs to a VLAN is not: it is a lane's to count. Numbers are instructions, jumps are to them. */
enum { CONTROL = 23, LANES = 24 };

#define DO(here, code_, k_) [here] = {.code = (code_), .k = (k_)}
#define IF(here, test, k_, yes, no)                                                                                    \
    [here] = {.code = BPF_JMP | (test), .jt = (yes) - (here)-1, .jf = (no) - (here)-1, .k = (k_)}

static const struct sock_filter control_test[CONTROL] = {
    DO(0, BPF_LD | BPF_W | BPF_LEN, 0),
    IF(1, BPF_JGE | BPF_K, ETHERNET_HEADER, 2, LANES),
    DO(2, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
    IF(3, BPF_JEQ | BPF_K, 0, 6, 4),
    DO(4, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG)),
    IF(5, BPF_JSET | BPF_K, VLAN_VID, LANES, 6), /* VLAN 0 is only a priority: the frame is the port's own */
    DO(6, BPF_LD | BPF_H | BPF_ABS, AT_ETHERTYPE),
    IF(7, BPF_JEQ | BPF_K, ETHERTYPE_ARP, CONTROL, 8),
    IF(8, BPF_JEQ | BPF_K, ETHERTYPE_IPV4, 9, LANES),
    DO(9, BPF_LD | BPF_W | BPF_LEN, 0),
    IF(10, BPF_JGE | BPF_K, LEAST_IP, 11, LANES),
    DO(11, BPF_LD | BPF_B | BPF_ABS, AT_IP + IP_AT_PROTOCOL),
    IF(12, BPF_JEQ | BPF_K, PROTO_IGMP, CONTROL, 13),
    IF(13, BPF_JEQ | BPF_K, PROTO_UDP, 14, LANES),
    DO(14, BPF_LD | BPF_H | BPF_ABS, AT_IP + IP_AT_FRAGMENT),
    IF(15, BPF_JSET | BPF_K, IP_OFFSET, LANES, 16),
    DO(16, BPF_LDX | BPF_B | BPF_MSH, AT_IP), /* X: the IP header's length */
    DO(17, BPF_LD | BPF_W | BPF_LEN, 0),
    IF(18, BPF_JGE | BPF_X, 0, 19, LANES), /* or the subtraction would wrap */
    DO(19, BPF_ALU | BPF_SUB | BPF_X, 0),
    IF(20, BPF_JGE | BPF_K, LEAST_UDP, 21, LANES),
    DO(21, BPF_LD | BPF_H | BPF_IND, AT_UDP_DST),
    IF(22, BPF_JEQ | BPF_K, ROUTE_UDP_PORT, CONTROL, LANES),
};

static void emit_control_test(struct program *p)
{
    memcpy(p->at + p->n, control_test, sizeof control_test);
    p->n += sizeof control_test / sizeof control_test[0];
}

unsigned packet_filter_none(struct sock_filter *to)
{
    struct program p = {.at = to};
    emit_return(&p, LEAVE);
    return p.n;
}

unsigned packet_filter_control(struct sock_filter *to)
{
    struct program p = {.at = to};
    emit_control_test(&p);
    emit_return(&p, TAKE);
    emit_return(&p, LEAVE);
    return p.n;
}

unsigned packet_filter_small(struct sock_filter *to)
{
    struct program p = {.at = to};
    emit(&p, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
    emit(&p, BPF_JMP | BPF_JGT | BPF_K, 0, 1, PACKET_FILTER_SMALL);
    emit_return(&p, LEAVE);
    emit_control_test(&p);
    emit_return(&p, LEAVE);
    emit_return(&p, TAKE);
    return p.n;
}

/* A is the frame's ifindex; ends in a return whatever it is. */
static void emit_search(struct program *p, const uint32_t *ifindex, unsigned n)
{
    if (n <= LEAF) {
        for (unsigned i = 0; i < n; i++) {
            emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, ifindex[i]);
            emit_return(p, TAKE);
        }
        emit_return(p, LEAVE);
        return;
    }
    unsigned half = n / 2;
    emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, ifindex[half]);
    unsigned jump = p->n;
    emit(p, BPF_JMP | BPF_JA, 0, 0, 0);
    emit_search(p, ifindex, half);
    p->at[jump].k = p->n - jump - 1;
    emit_search(p, ifindex + half, n - half);
}

static void emit_big_test(struct program *p)
{
    emit(p, BPF_LD | BPF_W | BPF_LEN, 0, 0, 0);
    emit(p, BPF_JMP | BPF_JGT | BPF_K, 1, 0, PACKET_FILTER_SMALL);
    emit_return(p, LEAVE);
    emit_control_test(p);
    emit_return(p, LEAVE);
}

unsigned packet_filter_big(struct sock_filter *to, const uint32_t *ifindex, unsigned n)
{
    struct program p = {.at = to};
    emit_big_test(&p);
    emit(&p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX));
    emit_search(&p, ifindex, n);
    return p.n;
}

unsigned packet_filter_big_any(struct sock_filter *to)
{
    struct program p = {.at = to};
    emit_big_test(&p);
    emit_return(&p, TAKE);
    return p.n;
}

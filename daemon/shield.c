#include "daemon/shield.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TCX_INGRESS 46 /* BPF_TCX_INGRESS, newer than many headers */

#define VLAN_ID 0x0fff

/* The part of union bpf_attr that BPF_LINK_CREATE reads for a TCX link. */
struct link_create {
    uint32_t prog_fd;
    uint32_t target_ifindex;
    uint32_t attach_type;
    uint32_t flags;
    uint32_t relative_fd;
    uint32_t unused;
    uint64_t expected_revision;
};

static int bpf(enum bpf_cmd command, void *attr, size_t size)
{
    return (int)syscall(SYS_bpf, command, attr, size);
}

#define LOAD(to, field)                                                                                                \
    {                                                                                                                  \
        .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = (to), .src_reg = BPF_REG_6,                                      \
        .off = offsetof(struct __sk_buff, field)                                                                       \
    }
#define JUMP(op, reg, value, to_skip)                                                                                  \
    {                                                                                                                  \
        .code = BPF_JMP | (op) | BPF_K, .dst_reg = (reg), .imm = (value), .off = (to_skip)                             \
    }
#define SET(reg, value)                                                                                                \
    {                                                                                                                  \
        .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (value)                                          \
    }
#define COPY(to, from)                                                                                                 \
    {                                                                                                                  \
        .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = (to), .src_reg = (from)                                        \
    }
#define AND(reg, value)                                                                                                \
    {                                                                                                                  \
        .code = BPF_ALU64 | BPF_AND | BPF_K, .dst_reg = (reg), .imm = (value)                                          \
    }
#define CALL(helper)                                                                                                   \
    {                                                                                                                  \
        .code = BPF_JMP | BPF_CALL, .imm = (helper)                                                                    \
    }
#define EXIT()                                                                                                         \
    {                                                                                                                  \
        .code = BPF_JMP | BPF_EXIT                                                                                     \
    }

int shield_load(void)
{
    /* skb->protocol is that of the inner frame where the tag was stripped: only the tag tells. A frame to a group may
     * not simply be dropped, because macvlan takes its copy after us, and its devices may sit in other namespaces where
     * we cannot see them. */
    const struct bpf_insn program[] = {
        COPY(BPF_REG_6, BPF_REG_1),
        LOAD(BPF_REG_2, vlan_present),
        JUMP(BPF_JEQ, BPF_REG_2, 0, 3), /* no tag */
        LOAD(BPF_REG_2, vlan_tci),
        AND(BPF_REG_2, VLAN_ID),
        JUMP(BPF_JNE, BPF_REG_2, 0, 9), /* a VLAN: pass */
        LOAD(BPF_REG_2, protocol),
        JUMP(BPF_JEQ, BPF_REG_2, htons(ETH_P_IP), 1),
        JUMP(BPF_JNE, BPF_REG_2, htons(ETH_P_ARP), 6), /* pass */
        LOAD(BPF_REG_2, pkt_type),
        JUMP(BPF_JEQ, BPF_REG_2, PACKET_HOST, 6),      /* drop */
        JUMP(BPF_JGT, BPF_REG_2, PACKET_MULTICAST, 3), /* pass */
        COPY(BPF_REG_1, BPF_REG_6),
        SET(BPF_REG_2, PACKET_OTHERHOST),
        CALL(BPF_FUNC_skb_change_type),
        SET(BPF_REG_0, SHIELD_NEXT), /* pass: */
        EXIT(),
        SET(BPF_REG_0, SHIELD_DROP), /* drop: */
        EXIT(),
    };
    static const char license[] = "Dual BSD/GPL";
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.prog_type = BPF_PROG_TYPE_SCHED_CLS;
    attr.insns = (uintptr_t)program;
    attr.insn_cnt = sizeof program / sizeof program[0];
    attr.license = (uintptr_t)license;
    memcpy(attr.prog_name, "ferryd_shield", sizeof "ferryd_shield");
    return bpf(BPF_PROG_LOAD, &attr, sizeof attr);
}

int shield_attach(int program, uint32_t ifindex)
{
    struct link_create attr = {.prog_fd = (uint32_t)program, .target_ifindex = ifindex, .attach_type = TCX_INGRESS};
    return bpf(BPF_LINK_CREATE, &attr, sizeof attr);
}

int shield_try(int program, uint32_t ifindex, const uint8_t *frame, uint32_t len, int32_t *verdict)
{
    struct __sk_buff context;
    memset(&context, 0, sizeof context);
    context.ifindex = ifindex;
    union bpf_attr attr;
    memset(&attr, 0, sizeof attr);
    attr.test.prog_fd = (uint32_t)program;
    attr.test.data_in = (uintptr_t)frame;
    attr.test.data_size_in = len;
    if (ifindex != 0) {
        attr.test.ctx_in = (uintptr_t)&context;
        attr.test.ctx_size_in = sizeof context;
    }
    if (bpf(BPF_PROG_TEST_RUN, &attr, sizeof attr) < 0)
        return -1;
    *verdict = (int32_t)attr.test.retval;
    return 0;
}

#define _GNU_SOURCE /* recvmmsg */
#include "cli/capture_socket.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "forwarding/bytes.h"
#include "forwarding/packet_socket.h"

#define TAG            4          /* bytes of a VLAN tag */
#define MACS           12         /* that it stands behind */
#define RECEIVE_BUFFER (32 << 20) /* bytes that may wait while the disk is slow */

#define CONTROL_SIZE (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct tpacket_auxdata)))

struct capture_socket {
    int fd;
    uint32_t ifindex;
    const struct pcap_filter *filter; /* NULL: the kernel does it, or there is none */
    uint64_t drops;
    struct mmsghdr message[CAPTURE_BURST];
    struct iovec part[CAPTURE_BURST];
    struct sockaddr_ll from[CAPTURE_BURST];
    _Alignas(struct cmsghdr) uint8_t control[CAPTURE_BURST][CONTROL_SIZE];
    uint8_t frame[CAPTURE_BURST][CAPTURE_SNAPLEN]; /* the first TAG bytes are for a tag that is put back */
};

static const struct sock_filter take_all = BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
static const struct sock_filter take_nothing = BPF_STMT(BPF_RET | BPF_K, 0);

/* A frame's filter is attached before the first frame can come. */
static bool set_filter(struct capture_socket *s, const struct pcap_filter *filter)
{
    const struct sock_filter *program = &take_all;
    unsigned length = filter != NULL ? pcap_filter_program(filter, &program) : 1;
    if (length == 0) {
        s->filter = filter;
        program = &take_all;
        length = 1;
    }
    return packet_set_filter(s->fd, program, length);
}

/* The vnet header that our sockets have otherwise would cost the frames that it can not describe. */
static bool set_options(struct capture_socket *s, const struct packet_why *why)
{
    int on = 1, bytes = RECEIVE_BUFFER;
    if (!packet_set(s->fd, PACKET_VNET_HDR, 0) || !packet_set(s->fd, PACKET_AUXDATA, 1) ||
        setsockopt(s->fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0)
        return packet_refused(why, "set the options of a socket that captures");
    if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return true;
}

struct capture_socket *capture_socket_open(const char *device, uint32_t ifindex, const struct pcap_filter *filter,
                                           char *why, size_t size)
{
    struct packet_why refused = {.device = device, .text = why, .size = size};
    struct capture_socket *s = calloc(1, sizeof *s);
    if (s == NULL) {
        packet_refused(&refused, "capture");
        return NULL;
    }
    s->ifindex = ifindex;
    s->fd = packet_socket(&refused);
    bool open = s->fd >= 0 && set_options(s, &refused);
    if (open && !set_filter(s, filter))
        open = packet_refused(&refused, "attach the filter of a capture");
    if (open && !packet_bind(s->fd, ifindex, true))
        open = packet_refused(&refused, "bind a socket that captures");
    if (open)
        return s;
    capture_socket_close(s);
    return NULL;
}

void capture_socket_close(struct capture_socket *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

int capture_socket_fd(const struct capture_socket *s)
{
    return s->fd;
}

/* ---- reading ---- */

static unsigned receive(struct capture_socket *s)
{
    for (unsigned i = 0; i < CAPTURE_BURST; i++) {
        s->part[i] = (struct iovec){s->frame[i] + TAG, CAPTURE_SNAPLEN - TAG};
        s->message[i].msg_hdr = (struct msghdr){.msg_name = &s->from[i],
                                                .msg_namelen = sizeof s->from[i],
                                                .msg_iov = &s->part[i],
                                                .msg_iovlen = 1,
                                                .msg_control = s->control[i],
                                                .msg_controllen = CONTROL_SIZE};
    }
    int n = recvmmsg(s->fd, s->message, CAPTURE_BURST, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

static void set_direction(struct pcapng_packet *packet, unsigned char type)
{
    static const enum pcapng_reception reception[] = {
        [PACKET_HOST] = PCAPNG_UNICAST,
        [PACKET_BROADCAST] = PCAPNG_BROADCAST,
        [PACKET_MULTICAST] = PCAPNG_MULTICAST,
        [PACKET_OTHERHOST] = PCAPNG_PROMISCUOUS,
    };
    packet->direction = type == PACKET_OUTGOING ? PCAPNG_OUTBOUND : PCAPNG_INBOUND;
    if (type < sizeof reception / sizeof reception[0])
        packet->reception = reception[type];
}

/* The kernel takes a frame's VLAN tag off and tells it apart. */
static void put_tag_back(struct pcapng_packet *packet, uint8_t *frame, const struct tpacket_auxdata *aux)
{
    if ((aux->tp_status & TP_STATUS_VLAN_VALID) == 0 || packet->len < MACS)
        return;
    memmove(frame, frame + TAG, MACS);
    store_be16(frame + MACS, (aux->tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux->tp_vlan_tpid : ETH_P_8021Q);
    store_be16(frame + MACS + 2, aux->tp_vlan_tci);
    packet->frame = frame;
    packet->len += TAG;
    packet->wire_len += TAG;
}

static struct pcapng_packet describe(struct capture_socket *s, unsigned i)
{
    struct msghdr *header = &s->message[i].msg_hdr;
    struct tpacket_auxdata aux = {0};
    struct timespec when = {0};
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA)
            memcpy(&aux, CMSG_DATA(c), sizeof aux);
        else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
            memcpy(&when, CMSG_DATA(c), sizeof when);
    }
    uint32_t len = s->message[i].msg_len;
    struct pcapng_packet packet = {
        .ns = (uint64_t)when.tv_sec * 1000000000 + (uint64_t)when.tv_nsec,
        .frame = s->frame[i] + TAG,
        .len = len,
        .wire_len = aux.tp_len > len ? aux.tp_len : len,
    };
    set_direction(&packet, s->from[i].sll_pkttype);
    put_tag_back(&packet, s->frame[i], &aux);
    return packet;
}

unsigned capture_socket_read(struct capture_socket *s, struct pcapng_packet packets[CAPTURE_BURST], bool *more)
{
    unsigned came = receive(s), taken = 0;
    for (unsigned i = 0; i < came; i++) {
        packets[taken] = describe(s, i);
        const struct pcapng_packet *p = &packets[taken];
        taken += s->filter == NULL || pcap_filter_match(s->filter, p->frame, p->len, p->wire_len);
    }
    *more = came > 0;
    return taken;
}

/* ---- the end ---- */

void capture_socket_shut(struct capture_socket *s)
{
    (void)packet_set_filter(s->fd, &take_nothing, 1);
}

bool capture_socket_lost(const struct capture_socket *s)
{
    return !packet_is_bound(s->fd, s->ifindex);
}

uint64_t capture_socket_drops(struct capture_socket *s)
{
    s->drops += packet_socket_drops(s->fd);
    return s->drops;
}

/* core: see packet_control.h. */
#include "forwarding/packet_control.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "forwarding/packet_filter.h"

#define CONTROL_BUFFER (2 * 1024 * 1024) /* with the kernel's overhead, some 2,800 small frames: 50 ms of a flood */
#define ALIGN_IP       2                 /* bytes before the frame, so that the IP header is aligned */
#define VLAN_VID       0xfff

static void set_receive_buffer(int fd)
{
    int bytes = CONTROL_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

/* Promiscuous mode would be wrong: the port is one station. But a NIC or a macvlan withholds the groups that nobody
 * asked for. */
static bool hear_all_groups(int fd, uint32_t ifindex)
{
    struct packet_mreq membership = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_ALLMULTI};
    return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership) == 0;
}

static bool set_up(int fd, uint32_t ifindex, const struct packet_why *why)
{
    struct sock_filter none[1];
    if (!packet_set_filter(fd, none, packet_filter_none(none)))
        return packet_refused(why, "attach a socket filter");
    if (!packet_set(fd, PACKET_IGNORE_OUTGOING, 1) || !packet_set(fd, PACKET_AUXDATA, 1))
        return packet_refused(why, "set up the control socket");
    set_receive_buffer(fd);
    if (!packet_bind(fd, ifindex, true))
        return packet_refused(why, "bind the control socket");
    if (!hear_all_groups(fd, ifindex))
        return packet_refused(why, "hear multicast");
    return true;
}

int packet_control_open(uint32_t ifindex, const struct packet_why *why)
{
    int fd = packet_socket(why);
    if (fd >= 0 && !set_up(fd, ifindex, why)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

bool packet_control_start(int fd)
{
    struct sock_filter program[PACKET_FILTER_MAX];
    return packet_set_filter(fd, program, packet_filter_control(program));
}

static void read_auxiliary(struct msghdr *message, struct packet *packet)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        struct tpacket_auxdata aux;
        if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA || c->cmsg_len < CMSG_LEN(sizeof aux))
            continue;
        memcpy(&aux, CMSG_DATA(c), sizeof aux);
        packet->tagged = (aux.tp_status & TP_STATUS_VLAN_VALID) != 0 && (aux.tp_vlan_tci & VLAN_VID) != 0;
        if (aux.tp_len > packet->wire_len)
            packet->wire_len = aux.tp_len;
    }
}

bool packet_control_receive(int fd, uint16_t port, uint8_t *buffer, size_t size, struct packet *packet)
{
    if (size <= ALIGN_IP)
        return false;
    *packet = (struct packet){.frame = buffer + ALIGN_IP, .port = port};
    struct iovec part[2] = {{&packet->vnet, sizeof packet->vnet}, {packet->frame, size - ALIGN_IP}};
    union {
        struct cmsghdr align;
        uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
    } auxiliary;
    struct sockaddr_ll source;
    for (;;) {
        struct msghdr message = {
            .msg_name = &source,
            .msg_namelen = sizeof source,
            .msg_iov = part,
            .msg_iovlen = 2,
            .msg_control = &auxiliary,
            .msg_controllen = sizeof auxiliary,
        };
        /* MSG_TRUNC asks for the real length of a frame that is longer than the buffer. */
        ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_TRUNC);
        /* A device that went down is told once, in front of the frames that still wait. */
        if (got < 0 && (errno == ENETDOWN || errno == EINTR))
            continue;
        if (got < (ssize_t)sizeof packet->vnet)
            return false;
        if (source.sll_pkttype == PACKET_OUTGOING)
            continue;
        size_t len = (size_t)got - sizeof packet->vnet;
        packet->wire_len = (uint32_t)len;
        packet->len = (uint32_t)(len < size - ALIGN_IP ? len : size - ALIGN_IP);
        read_auxiliary(&message, packet);
        return true;
    }
}

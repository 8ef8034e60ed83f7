/* core opens and closes, one thread sends: see packet_send.h. */
#define _GNU_SOURCE /* sendmmsg */
#include "forwarding/packet_send.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "forwarding/fast_path.h"
#include "forwarding/publish.h"

#define SEND_BATCH  64        /* frames of one system call */
#define SEND_BUFFER (4 << 20) /* bytes on their way in a device that frees them late */

struct packet_sender {
    struct transmit transmit;         /* first: the sender is the transmit */
    struct packet_out *out[PORT_MAX]; /* published(); NULL where there is none */
    int plain;                        /* bound to no device, never around a qdisc; -1 until it is opened */

    /* the sending thread's own */
    struct mmsghdr message[SEND_BATCH];
    struct iovec part[SEND_BATCH][2]; /* vnet header, frame */
};

static void set_send_buffer(int fd)
{
    int bytes = SEND_BUFFER;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) != 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

static enum drop drop_of(int error)
{
    return error == EAGAIN || error == ENOBUFS || error == ENOMEM ? DROP_TX_FULL : DROP_TX_FAILED;
}

/* What goes around the qdisc goes around the segmentation in software that a device without TSO needs too: the kernel
 * drops such a packet with ENOBUFS. The ordinary way segments it. */
static bool send_plain(struct packet_sender *s, const struct packet_out *out, struct packet *p)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)out->ifindex};
    struct iovec part[2] = {{&p->vnet, sizeof p->vnet}, {p->frame, p->len}};
    struct msghdr message = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = part, .msg_iovlen = 2};
    return sendmsg(s->plain, &message, MSG_DONTWAIT) >= 0;
}

/* Sends N messages that lie ready; how many were taken. errno is that of the first that was not. */
static unsigned send_batch(struct packet_sender *s, const struct packet_out *out, struct packet *const packets[],
                           unsigned n)
{
    unsigned sent = 0;
    while (sent < n) {
        int taken = sendmmsg(out->fd, s->message + sent, n - sent, MSG_DONTWAIT);
        if (taken > 0) {
            sent += (unsigned)taken; /* sendmmsg keeps an error behind the first message to itself: ask again */
            continue;
        }
        if (errno != ENOBUFS || !packet_is_gso(packets[sent]) || !__atomic_load_n(&out->bypass, __ATOMIC_RELAXED))
            break;
        if (!send_plain(s, out, packets[sent]))
            break;
        sent++;
    }
    return sent;
}

FAST_PATH static unsigned sender_send(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n,
                                      enum drop *why)
{
    struct packet_sender *s = (struct packet_sender *)self;
    const struct packet_out *out = port < PORT_MAX ? published(s->out[port]) : NULL;
    if (out == NULL) {
        *why = DROP_TX_FAILED;
        return 0;
    }
    unsigned sent = 0;
    while (sent < n) {
        unsigned batch = n - sent < SEND_BATCH ? n - sent : SEND_BATCH;
        for (unsigned i = 0; i < batch; i++) {
            struct packet *p = packets[sent + i];
            s->part[i][0] = (struct iovec){&p->vnet, sizeof p->vnet};
            s->part[i][1] = (struct iovec){p->frame, p->len};
        }
        unsigned taken = send_batch(s, out, packets + sent, batch);
        sent += taken;
        if (taken < batch) {
            *why = drop_of(errno);
            break;
        }
    }
    return sent;
}

struct packet_sender *packet_sender_new(void)
{
    struct packet_sender *sender = calloc(1, sizeof *sender);
    if (sender == NULL)
        return NULL;
    sender->transmit.send = sender_send;
    sender->plain = -1;
    for (unsigned i = 0; i < SEND_BATCH; i++)
        sender->message[i].msg_hdr = (struct msghdr){.msg_iov = sender->part[i], .msg_iovlen = 2};
    return sender;
}

void packet_sender_free(struct packet_sender *sender)
{
    if (sender == NULL)
        return;
    if (sender->plain >= 0)
        close(sender->plain);
    free(sender);
}

struct transmit *packet_sender_transmit(struct packet_sender *sender)
{
    return &sender->transmit;
}

void packet_sender_set(struct packet_sender *sender, unsigned port, struct packet_out *out)
{
    publish(sender->out[port], out);
}

bool packet_sender_open_plain(struct packet_sender *sender, const struct packet_why *why)
{
    if (sender->plain >= 0)
        return true;
    sender->plain = packet_socket(why);
    if (sender->plain < 0)
        return false;
    set_send_buffer(sender->plain);
    return true;
}

struct packet_out *packet_out_new(uint32_t ifindex, bool bypass, const struct packet_why *why)
{
    struct packet_out *out = malloc(sizeof *out);
    if (out == NULL) {
        packet_refused(why, "describe a socket for sending");
        return NULL;
    }
    *out = (struct packet_out){.fd = packet_socket(why), .ifindex = ifindex};
    if (out->fd >= 0) {
        set_send_buffer(out->fd);
        packet_out_set_bypass(out, bypass);
        if (packet_bind(out->fd, ifindex, false))
            return out;
        packet_refused(why, "bind a socket for sending");
    }
    int error = errno;
    packet_out_free(out);
    errno = error;
    return NULL;
}

void packet_out_free(struct packet_out *out)
{
    if (out == NULL)
        return;
    if (out->fd >= 0)
        close(out->fd);
    free(out);
}

/* A kernel that does not know the option sends through the qdisc, which is right as well. */
void packet_out_set_bypass(struct packet_out *out, bool bypass)
{
    if (packet_set(out->fd, PACKET_QDISC_BYPASS, bypass))
        __atomic_store_n(&out->bypass, bypass, __ATOMIC_RELAXED);
}

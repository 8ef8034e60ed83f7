/* core opens and closes, lanes read: the collection of all ports. The parts are in packet_*.c:
 *
 *     packet_filter   who takes which frame          packet_lane      a lane's rings, read in order
 *     packet_socket   what the sockets share         packet_control   ARP, IGMP and RIP, for the core
 *     packet_ring     one mapped ring                packet_send      a thread's sockets for sending
 *
 * A port is opened in this order: sockets with all their options, bound behind filters that let nothing pass; then
 * lanes are shown the rings; then the filters open. So no frame comes twice, or to where nobody looks.
 *
 * Making a ring waits for the kernel's own grace period, some 12 ms, closing a packet socket as well, and closing a
 * ring for two of them; hearing all groups waits for its lock of all network configuration. The core does not have that
 * time, and with many ports it adds up to seconds; but any number of threads can wait for the same period. So whatever
 * of opening a port lanes do not see may be done by any thread (af_packet_prepare), and once lanes have let go a thread
 * closes what a port leaves behind. Only the end waits for such threads: what is still open when the process goes the
 * kernel closes one after the other. */
#include "forwarding/af_packet.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "forwarding/counters.h"
#include "forwarding/fast_path.h"
#include "forwarding/packet_control.h"
#include "forwarding/packet_filter.h"
#include "forwarding/packet_lane.h"
#include "forwarding/packet_ring.h"
#include "forwarding/packet_send.h"
#include "forwarding/packet_socket.h"
#include "forwarding/thread.h"

/* How many threads are closing ports. */
struct closing {
    pthread_mutex_t lock;
    pthread_cond_t done;
    unsigned threads;
};

struct af_port { /* the core's; owns its sockets and rings */
    struct closing *closing;
    uint32_t ifindex;
    int control;
    unsigned lanes;
    struct packet_out **out;     /* [lanes + 1], the core's last */
    struct packet_ring *small[]; /* [lanes] */
};

struct af_packet {
    unsigned lanes;
    struct later *later;
    struct packet_lane **lane;     /* [lanes] */
    struct packet_sender **sender; /* [lanes + 1], the core's last */
    struct packet_ring **big;      /* [lanes]; NULL until the first port is taken */
    struct af_port *port[PORT_MAX];
    struct closing closing;
    pthread_mutex_t common;
    struct packet_ring **big_made; /* [lanes], under that lock until the first port is prepared, then unchanged */
    uint64_t ring_full[PORT_MAX];
    struct big_shares *shares; /* [lanes] */
};

/* What was lost of a big ring and is still to be shared out, and what the lane had taken when that was last done. */
struct big_shares {
    uint64_t lost, taken[PORT_MAX];
};

struct af_packet *af_packet_new(unsigned lanes, struct later *later)
{
    struct af_packet *a = calloc(1, sizeof *a);
    if (a == NULL)
        return NULL;
    a->lanes = lanes;
    a->later = later;
    pthread_mutex_init(&a->closing.lock, NULL);
    pthread_cond_init(&a->closing.done, NULL);
    pthread_mutex_init(&a->common, NULL);
    a->lane = calloc(lanes, sizeof(struct packet_lane *));
    a->sender = calloc(lanes + 1, sizeof(struct packet_sender *));
    a->big = calloc(lanes, sizeof(struct packet_ring *));
    a->big_made = calloc(lanes, sizeof(struct packet_ring *));
    a->shares = calloc(lanes, sizeof *a->shares);
    bool complete = a->lane != NULL && a->sender != NULL && a->big != NULL && a->big_made != NULL && a->shares != NULL;
    for (unsigned i = 0; complete && i < lanes; i++)
        complete = (a->lane[i] = packet_lane_new()) != NULL;
    for (unsigned i = 0; complete && i <= lanes; i++)
        complete = (a->sender[i] = packet_sender_new()) != NULL;
    if (complete)
        return a;
    int error = errno;
    af_packet_free(a);
    errno = error;
    return NULL;
}

/* ---- the big rings ---- */

static int by_value(const void *a, const void *b)
{
    uint32_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

/* Old kernels allow a socket 20 KB for such things, which is too little for hundreds of devices: then everything passes
 * and lanes leave what is not ours. */
static bool set_big_filters(struct af_packet *a)
{
    uint32_t ifindex[PORT_MAX] = {0};
    unsigned n = 0;
    for (unsigned i = 0; i < PORT_MAX; i++)
        if (a->port[i] != NULL)
            ifindex[n++] = a->port[i]->ifindex;
    qsort(ifindex, n, sizeof ifindex[0], by_value);

    struct sock_filter program[PACKET_FILTER_MAX];
    unsigned length = packet_filter_big(program, ifindex, n);
    for (unsigned i = 0; i < a->lanes; i++) {
        if (packet_set_filter(a->big[i]->fd, program, length))
            continue;
        if (errno != ENOMEM)
            return false;
        struct sock_filter any[PACKET_FILTER_MAX];
        if (!packet_set_filter(a->big[i]->fd, any, packet_filter_big_any(any)))
            return false;
    }
    return true;
}

static void free_big_rings(struct af_packet *a)
{
    for (unsigned i = 0; i < a->lanes; i++) {
        packet_ring_free(a->big_made[i]);
        a->big_made[i] = NULL;
    }
}

static bool open_big_rings(struct af_packet *a, const struct packet_why *why)
{
    uint16_t group = 0;
    for (unsigned i = 0; i < a->lanes; i++) {
        a->big_made[i] = packet_ring_make(PACKET_RING_BIG_FRAMES, PACKET_RING_BIG_FRAME, why);
        if (a->big_made[i] == NULL || !packet_ring_bind(a->big_made[i], 0, a->lanes > 1 ? &group : NULL, why))
            return false;
        if (!packet_lane_watch(a->lane[i], a->big_made[i]))
            return packet_refused(why, "watch the receive rings");
    }
    return true;
}

/* Once: what belongs to no port. It is not done at the beginning because only here there is somebody to tell. */
static bool open_common(struct af_packet *a, const struct packet_why *why)
{
    if (a->big_made[0] != NULL)
        return true;
    for (unsigned i = 0; i <= a->lanes; i++)
        if (!packet_sender_open_plain(a->sender[i], why))
            return false;
    if (open_big_rings(a, why))
        return true;
    free_big_rings(a);
    return false;
}

static void show_common(struct af_packet *a)
{
    if (a->big[0] != NULL)
        return;
    for (unsigned i = 0; i < a->lanes; i++) {
        a->big[i] = a->big_made[i];
        packet_lane_set_big(a->lane[i], a->big[i]);
    }
}

/* ---- closing ---- */

static void af_port_free(struct af_port *port)
{
    for (unsigned i = 0; i < port->lanes; i++)
        packet_ring_free(port->small[i]);
    for (unsigned i = 0; i <= port->lanes; i++)
        packet_out_free(port->out[i]);
    if (port->control >= 0)
        close(port->control);
    free(port->out);
    free(port);
}

static void *close_port(void *object)
{
    struct af_port *port = object;
    struct closing *closing = port->closing;
    af_port_free(port);
    pthread_mutex_lock(&closing->lock);
    closing->threads--;
    pthread_cond_signal(&closing->done);
    pthread_mutex_unlock(&closing->lock);
    return NULL;
}

static void close_port_beside(void *object)
{
    struct af_port *port = object;
    pthread_mutex_lock(&port->closing->lock);
    port->closing->threads++;
    pthread_mutex_unlock(&port->closing->lock);
    pthread_t thread;
    if (thread_start(&thread, "close", close_port, port))
        pthread_detach(thread);
    else
        close_port(port);
}

static void wait_for_closing(struct closing *closing)
{
    pthread_mutex_lock(&closing->lock);
    while (closing->threads > 0)
        pthread_cond_wait(&closing->done, &closing->lock);
    pthread_mutex_unlock(&closing->lock);
}

void af_packet_free(struct af_packet *a)
{
    if (a == NULL)
        return;
    for (unsigned i = 0; i < PORT_MAX; i++)
        if (a->port[i] != NULL)
            close_port_beside(a->port[i]);
    if (a->big_made != NULL)
        free_big_rings(a);
    for (unsigned i = 0; i < a->lanes && a->lane != NULL; i++)
        packet_lane_free(a->lane[i]);
    for (unsigned i = 0; i <= a->lanes && a->sender != NULL; i++)
        packet_sender_free(a->sender[i]);
    wait_for_closing(&a->closing);
    pthread_cond_destroy(&a->closing.done);
    pthread_mutex_destroy(&a->closing.lock);
    pthread_mutex_destroy(&a->common);
    free(a->shares);
    free(a->big_made);
    free(a->big);
    free(a->lane);
    free(a->sender);
    free(a);
}

/* ---- opening ---- */

static bool open_small_rings(struct af_port *port, const struct packet_why *why)
{
    uint16_t group = 0;
    for (unsigned i = 0; i < port->lanes; i++) {
        port->small[i] = packet_ring_make(PACKET_RING_SMALL_FRAMES, PACKET_RING_SMALL_FRAME, why);
        if (port->small[i] == NULL ||
            !packet_ring_bind(port->small[i], port->ifindex, port->lanes > 1 ? &group : NULL, why))
            return false;
    }
    return true;
}

static bool open_sockets(struct af_port *port, bool bypass, const struct packet_why *why)
{
    port->control = packet_control_open(port->ifindex, why);
    if (port->control < 0)
        return false;
    for (unsigned i = 0; i <= port->lanes; i++) {
        port->out[i] = packet_out_new(port->ifindex, bypass, why);
        if (port->out[i] == NULL)
            return false;
    }
    return true;
}

static struct af_port *af_port_new(struct af_packet *a, uint32_t ifindex, bool bypass, const struct packet_why *why)
{
    struct af_port *port = calloc(1, sizeof *port + a->lanes * sizeof port->small[0]);
    struct packet_out **out = calloc(a->lanes + 1, sizeof(struct packet_out *));
    if (port == NULL || out == NULL) {
        packet_refused(why, "describe the port");
        free(port);
        free(out);
        return NULL;
    }
    *port = (struct af_port){.closing = &a->closing, .ifindex = ifindex, .control = -1, .lanes = a->lanes, .out = out};
    if (open_sockets(port, bypass, why) && open_small_rings(port, why))
        return port;
    af_port_free(port);
    return NULL;
}

static bool watch_port(struct af_packet *a, const struct af_port *port)
{
    for (unsigned i = 0; i < a->lanes; i++)
        if (!packet_lane_watch(a->lane[i], port->small[i]))
            return false;
    return true;
}

static void show_port(struct af_packet *a, unsigned number)
{
    struct af_port *port = a->port[number];
    for (unsigned i = 0; i < a->lanes; i++) {
        port->small[i]->port = (uint16_t)number;
        packet_lane_set(a->lane[i], number, port->small[i]);
    }
    for (unsigned i = 0; i <= a->lanes; i++)
        packet_sender_set(a->sender[i], number, port->out[i]);
}

static void hide_port(struct af_packet *a, unsigned number)
{
    struct af_port *port = a->port[number];
    for (unsigned i = 0; i < a->lanes; i++) {
        packet_lane_unwatch(a->lane[i], port->small[i]);
        packet_lane_set(a->lane[i], number, NULL);
    }
    for (unsigned i = 0; i <= a->lanes; i++)
        packet_sender_set(a->sender[i], number, NULL);
}

static bool open_filters(struct af_packet *a, const struct af_port *port)
{
    struct sock_filter program[PACKET_FILTER_MAX];
    unsigned length = packet_filter_small(program);
    bool open = set_big_filters(a) && packet_control_start(port->control);
    for (unsigned i = 0; open && i < a->lanes; i++)
        open = packet_set_filter(port->small[i]->fd, program, length);
    return open;
}

struct af_port *af_packet_prepare(struct af_packet *a, uint32_t ifindex, const char *name, bool bypass, char *why,
                                  size_t why_size)
{
    struct packet_why refused = {.device = name, .text = why, .size = why_size};
    pthread_mutex_lock(&a->common);
    bool ready = open_common(a, &refused);
    pthread_mutex_unlock(&a->common);
    return ready ? af_port_new(a, ifindex, bypass, &refused) : NULL;
}

void af_packet_discard(struct af_port *port)
{
    close_port_beside(port);
}

bool af_packet_take(struct af_packet *a, struct af_port *port, unsigned number, const char *name, char *why,
                    size_t why_size)
{
    struct packet_why refused = {.device = name, .text = why, .size = why_size};
    if (number >= PORT_MAX || a->port[number] != NULL) {
        snprintf(why, why_size, "%s: port %u %s", name, number, number >= PORT_MAX ? "is none" : "is open already");
        af_packet_discard(port);
        return false;
    }
    show_common(a);
    a->port[number] = port;
    show_port(a, number);
    bool taken = watch_port(a, port) || packet_refused(&refused, "watch the receive rings");
    if (taken && !open_filters(a, port))
        taken = packet_refused(&refused, "attach a socket filter");
    if (!taken)
        af_packet_close(a, number);
    return taken;
}

bool af_packet_open(struct af_packet *a, unsigned number, uint32_t ifindex, const char *name, bool bypass, char *why,
                    size_t why_size)
{
    struct af_port *port = af_packet_prepare(a, ifindex, name, bypass, why, why_size);
    return port != NULL && af_packet_take(a, port, number, name, why, why_size);
}

static bool is_open(const struct af_packet *a, unsigned number)
{
    return number < PORT_MAX && a->port[number] != NULL;
}

void af_packet_close(struct af_packet *a, unsigned number)
{
    if (!is_open(a, number))
        return;
    struct af_port *port = a->port[number];
    (void)af_packet_ring_full(a, number); /* the sockets take their statistics with them */
    hide_port(a, number);
    a->port[number] = NULL;
    (void)set_big_filters(a); /* lanes leave frames of devices that they do not know, too */
    later(a->later, close_port_beside, port);
}

bool af_packet_hears(const struct af_packet *a, unsigned number)
{
    return is_open(a, number) && packet_is_bound(a->port[number]->control, a->port[number]->ifindex);
}

void af_packet_set_bypass(struct af_packet *a, unsigned number, bool bypass)
{
    for (unsigned i = 0; is_open(a, number) && i <= a->lanes; i++)
        packet_out_set_bypass(a->port[number]->out[i], bypass);
}

/* ---- the core's sockets, the lanes' rings ---- */

struct transmit *af_packet_core_transmit(struct af_packet *a)
{
    return packet_sender_transmit(a->sender[a->lanes]);
}

int af_packet_control_fd(const struct af_packet *a, unsigned number)
{
    return is_open(a, number) ? a->port[number]->control : -1;
}

bool af_packet_control_receive(struct af_packet *a, unsigned number, uint8_t *buffer, size_t size,
                               struct packet *packet)
{
    return is_open(a, number) &&
           packet_control_receive(a->port[number]->control, (uint16_t)number, buffer, size, packet);
}

struct transmit *af_packet_lane_transmit(struct af_packet *a, unsigned lane)
{
    return packet_sender_transmit(a->sender[lane]);
}

FAST_PATH unsigned af_packet_receive(struct af_packet *a, unsigned lane, struct packet *burst, unsigned most)
{
    return packet_lane_receive(a->lane[lane], burst, most);
}

FAST_PATH void af_packet_release(struct af_packet *a, unsigned lane)
{
    packet_lane_release(a->lane[lane]);
}

FAST_PATH int af_packet_lane_fd(const struct af_packet *a, unsigned lane)
{
    return a->lane[lane]->epoll;
}

void af_packet_clear_errors(struct af_packet *a, unsigned lane)
{
    packet_lane_clear_errors(a->lane[lane]);
}

/* ---- figures ---- */

/* The kernel does not say whose frames a big ring had no room for. Ports have their part in that which they have in the
 * frames that the lane took since it was last asked: with one busy port this is exact, and the sum always is. Frames
 * fill the ring before the first is lost, so some will be taken soon where there are none yet. */
static void share_out_big_ring(struct af_packet *a, unsigned lane)
{
    struct big_shares *shares = &a->shares[lane];
    uint64_t taken[PORT_MAX], total = 0;
    unsigned ports = a->lane[lane]->ports, most = 0;
    shares->lost += packet_socket_drops(a->big[lane]->fd);
    for (unsigned port = 0; port < ports; port++) {
        uint64_t now = count_read(&a->lane[lane]->big_taken[port]);
        taken[port] = now - shares->taken[port];
        shares->taken[port] = now;
        total += taken[port];
        if (taken[port] > taken[most])
            most = port;
    }
    if (total == 0)
        return;
    uint64_t left = shares->lost;
    for (unsigned port = 0; port < ports; port++) {
        uint64_t part = shares->lost * taken[port] / total;
        a->ring_full[port] += part;
        left -= part;
    }
    a->ring_full[most] += left;
    shares->lost = 0;
}

uint64_t af_packet_ring_full(struct af_packet *a, unsigned number)
{
    if (number >= PORT_MAX)
        return 0;
    const struct af_port *port = a->port[number];
    if (port != NULL)
        a->ring_full[number] += packet_socket_drops(port->control);
    for (unsigned i = 0; port != NULL && i < a->lanes; i++)
        a->ring_full[number] += packet_socket_drops(port->small[i]->fd);
    for (unsigned i = 0; i < a->lanes; i++)
        if (a->big[i] != NULL)
            share_out_big_ring(a, i);
    return a->ring_full[number];
}

size_t af_packet_ring_bytes(const struct af_packet *a)
{
    size_t bytes = 0;
    for (unsigned i = 0; i < a->lanes; i++)
        if (a->big[i] != NULL)
            bytes += packet_ring_bytes(a->big[i]);
    for (unsigned i = 0; i < PORT_MAX; i++)
        for (unsigned j = 0; a->port[i] != NULL && j < a->lanes; j++)
            bytes += packet_ring_bytes(a->port[i]->small[j]);
    return bytes;
}

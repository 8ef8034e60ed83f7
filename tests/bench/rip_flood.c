/* Floods a router with RIP messages, valid and broken, by a packet socket.
 *
 *     rip_flood DEVICE ROUTER-MAC ROUTER RATE SECONDS KINDS
 *
 * ROUTER is its address on a /24, RATE packets a second, 0 as many as go. KINDS are letters, taken in turn:
 *
 *   n  a good response; each comes from the next of 200 addresses of the subnet, .40 to .239
 *   c  25 good routes by one of eight addresses, other ones in each message
 *   a  signed with a wrong password, or with a digest that is none
 *   t  cut short
 *   m  metrics of 0 and 17
 *   p  a response from another port than 520
 *   o  from off the subnet
 *   r  a request for the whole table
 *   s  25 broken routes from the address .2, which may be that of a real neighbour
 *   u  UDP to port 9, for comparison
 *
 * Prints how many the device took and in how many seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#define BURST     32
#define FRAME_MAX 600
#define AT_IP     14
#define AT_UDP    34
#define AT_RIP    42
#define GROUP     0xe0000009u

struct flood {
    uint8_t mac[6], router_mac[6];
    uint32_t router;
    uint32_t count; /* messages so far */
    uint32_t route; /* routes so far */
};

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void put16(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 8);
    to[1] = (uint8_t)value;
}

static void put32(uint8_t *to, uint32_t value)
{
    put16(to, value >> 16);
    put16(to + 2, value);
}

/* ---- messages: each returns its length ---- */

static size_t header(uint8_t *m, uint8_t command)
{
    memset(m, 0, FRAME_MAX - AT_RIP);
    m[0] = command;
    m[1] = 2;
    return 4;
}

static size_t add(uint8_t *m, size_t len, uint32_t addr, uint32_t metric)
{
    put16(m + len, 2);
    put32(m + len + 4, addr);
    put32(m + len + 8, 0xffffff00);
    put32(m + len + 16, metric);
    return len + 20;
}

static size_t routes(struct flood *f, uint8_t *m, unsigned n, uint32_t metric)
{
    size_t len = header(m, 2);
    for (unsigned i = 0; i < n; i++)
        len = add(m, len, 0x1e000000 + (f->route++ << 8 & 0x3ffff00), metric); /* 30.0.0.0/24 and on */
    return len;
}

static size_t signature(const struct flood *f, uint8_t *m)
{
    size_t len = header(m, 2);
    put16(m + len, 0xffff);
    if ((f->count & 16) != 0) {
        put16(m + len + 2, 2);
        memcpy(m + len + 4, "guess", 5);
        return add(m, len + 20, 0x1e000000, 1);
    }
    put16(m + len + 2, 3);
    put16(m + len + 4, 44);
    m[len + 6] = 1;
    m[len + 7] = 20;
    put32(m + len + 8, f->count);
    len = add(m, len + 20, 0x1e000000, 1);
    put16(m + len, 0xffff);
    put16(m + len + 2, 1);
    return len + 20;
}

static size_t request(uint8_t *m)
{
    size_t len = add(m, header(m, 1), 0, 16);
    put16(m + 4, 0);
    put32(m + 12, 0);
    return len;
}

static size_t message(struct flood *f, char kind, uint8_t *m, uint32_t *src, uint16_t *port)
{
    uint32_t subnet = f->router & 0xffffff00;
    *src = subnet | (40 + f->count % 200);
    switch (kind) {
    case 'n':
        return add(m, header(m, 2), 0x28000000 | (f->count << 8 & 0xff00), 3);
    case 'c':
        *src = subnet | (240 + f->count % 8);
        return routes(f, m, 25, 1 + f->count % 15);
    case 'a':
        return signature(f, m);
    case 't':
        return routes(f, m, 2, 1) - 7;
    case 'm':
        return routes(f, m, 10, (f->count & 16) != 0 ? 17 : 0);
    case 'p':
        *port = 521;
        return routes(f, m, 1, 1);
    case 'o':
        *src = 0xc0000200 | (f->count & 255);
        return routes(f, m, 25, 1);
    case 'r':
        *port = (uint16_t)(f->count & 1 ? 520 : 2000 + f->count % 1000);
        return request(m);
    case 's':
        *src = subnet | 2;
        return routes(f, m, 25, 0);
    default:
        return header(m, 2) + 20;
    }
}

/* ---- frames ---- */

static uint16_t ip_checksum(const uint8_t *bytes)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static size_t build(struct flood *f, char kind, uint8_t *frame)
{
    static const uint8_t group_mac[6] = {0x01, 0x00, 0x5e, 0x00, 0x00, 0x09};
    uint32_t src;
    uint16_t port = 520;
    bool ordinary = kind == 'u';
    size_t len = message(f, kind, frame + AT_RIP, &src, &port);
    memset(frame, 0, AT_RIP);
    memcpy(frame, ordinary ? f->router_mac : group_mac, 6);
    memcpy(frame + 6, f->mac, 6);
    frame[12] = 0x08;
    uint8_t *ip = frame + AT_IP;
    ip[0] = 0x45;
    put16(ip + 2, (uint32_t)(28 + len));
    ip[8] = ordinary ? 64 : 1;
    ip[9] = 17;
    put32(ip + 12, src);
    put32(ip + 16, ordinary ? f->router : GROUP);
    put16(ip + 10, ip_checksum(ip));
    put16(frame + AT_UDP, port);
    put16(frame + AT_UDP + 2, ordinary ? 9 : 520);
    put16(frame + AT_UDP + 4, (uint32_t)(8 + len)); /* no checksum: RFC 768 allows it */
    f->count++;
    return AT_RIP + len;
}

static int open_device(const char *name, uint8_t *mac)
{
    int fd = socket(AF_PACKET, SOCK_RAW, 0);
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
    if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) != 0)
        die(name);
    memcpy(mac, request.ifr_hwaddr.sa_data, 6);
    struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
    int on = 1;
    if (bind(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) != 0)
        die(name);
    return fd;
}

int main(int argc, char **argv)
{
    static uint8_t frames[BURST][FRAME_MAX];
    struct flood f = {0};
    struct in_addr router;
    if (argc != 7 ||
        sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &f.router_mac[0], &f.router_mac[1], &f.router_mac[2],
               &f.router_mac[3], &f.router_mac[4], &f.router_mac[5]) != 6 ||
        inet_pton(AF_INET, argv[3], &router) != 1 || argv[6][0] == '\0') {
        fprintf(stderr, "usage: rip_flood DEVICE MAC ROUTER RATE SECONDS KINDS\n");
        return 2;
    }
    f.router = ntohl(router.s_addr);
    double rate = atof(argv[4]), seconds = atof(argv[5]);
    const char *kinds = argv[6], *kind = kinds;
    int fd = open_device(argv[1], f.mac);
    struct iovec iov[BURST];
    struct mmsghdr burst[BURST] = {0};
    uint64_t start = clock_ns(), end = start + (uint64_t)(seconds * 1e9), now = start, sent = 0;
    while (now < end) {
        uint64_t due = rate > 0 ? (uint64_t)((double)(now - start) * rate / 1e9) : sent + BURST;
        unsigned n = due - sent < BURST ? (unsigned)(due - sent) : BURST;
        for (unsigned i = 0; i < n; i++) {
            iov[i] = (struct iovec){.iov_base = frames[i], .iov_len = build(&f, *kind, frames[i])};
            burst[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
            kind = kind[1] != '\0' ? kind + 1 : kinds;
        }
        int taken = n > 0 ? sendmmsg(fd, burst, n, 0) : 0;
        if (taken > 0)
            sent += (uint64_t)taken;
        if (n == 0) {
            struct timespec nap = {.tv_nsec = 20000};
            nanosleep(&nap, NULL);
        }
        now = clock_ns();
    }
    printf("%llu %.6f\n", (unsigned long long)sent, (double)(now - start) / 1e9);
    return 0;
}

/* Sends UDP packets of 64-byte frames out of a device at a rate, by a packet socket.
 *
 *     blast DEVICE DESTINATION-MAC SOURCE-IP DESTINATION-IP RATE SECONDS [COUNT]
 *
 * With COUNT they go to as many addresses in turn, from that one on; a group's frames go to the group's own MAC (RFC
 * 1112 6.4). RATE is packets a second, 0 as many as go. Prints how many the device took and in how many seconds. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST     32
#define COUNT_MAX 65536
#define FRAME     60 /* and 4 of FCS make 64 on a wire */

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

static uint16_t ip_checksum(const uint8_t *header)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < 20; i += 2)
        sum += (uint32_t)header[i] << 8 | header[i + 1];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static void build(uint8_t *frame, const uint8_t *dst_mac, const uint8_t *src_mac, const char *src, const char *dst,
                  uint32_t number)
{
    memset(frame, 0, FRAME);
    memcpy(frame, dst_mac, 6);
    memcpy(frame + 6, src_mac, 6);
    frame[12] = 0x08;
    uint8_t *ip = frame + 14;
    ip[0] = 0x45;
    ip[3] = FRAME - 14;
    ip[8] = 64;
    ip[9] = 17;
    if (inet_pton(AF_INET, src, ip + 12) != 1 || inet_pton(AF_INET, dst, ip + 16) != 1) {
        fprintf(stderr, "blast: not an address\n");
        exit(2);
    }
    uint32_t to;
    memcpy(&to, ip + 16, 4);
    to = htonl(ntohl(to) + number);
    memcpy(ip + 16, &to, 4);
    if (ip[16] >> 4 == 14) {
        const uint8_t group[6] = {0x01, 0x00, 0x5e, ip[17] & 0x7f, ip[18], ip[19]};
        memcpy(frame, group, 6);
    }
    uint16_t check = htons(ip_checksum(ip));
    memcpy(ip + 10, &check, 2);
    uint16_t udp[3] = {htons(4000), htons(9), htons(FRAME - 34)};
    memcpy(ip + 20, udp, sizeof udp);
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
    uint8_t mac[6], dst_mac[6];
    if (argc < 7 || argc > 8 ||
        sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &dst_mac[0], &dst_mac[1], &dst_mac[2], &dst_mac[3],
               &dst_mac[4], &dst_mac[5]) != 6) {
        fprintf(stderr, "usage: blast DEVICE MAC SOURCE DESTINATION RATE SECONDS [COUNT]\n");
        return 2;
    }
    double rate = atof(argv[5]), seconds = atof(argv[6]);
    int fd = open_device(argv[1], mac);
    long count = argc == 8 ? atol(argv[7]) : 1;
    if (count < 1 || count > COUNT_MAX) {
        fprintf(stderr, "blast: COUNT is 1 to %d\n", COUNT_MAX);
        return 2;
    }
    uint8_t(*frame)[FRAME] = malloc((size_t)count * FRAME);
    if (frame == NULL)
        die("malloc");
    for (long i = 0; i < count; i++)
        build(frame[i], dst_mac, mac, argv[3], argv[4], (uint32_t)i);

    struct iovec iov[BURST];
    struct mmsghdr burst[BURST] = {0};
    for (unsigned i = 0; i < BURST; i++) {
        iov[i] = (struct iovec){.iov_base = frame[0], .iov_len = FRAME};
        burst[i].msg_hdr.msg_iov = &iov[i];
        burst[i].msg_hdr.msg_iovlen = 1;
    }
    uint64_t start = clock_ns(), end = start + (uint64_t)(seconds * 1e9), now = start, sent = 0;
    while (now < end) {
        uint64_t due = rate > 0 ? (uint64_t)((double)(now - start) * rate / 1e9) : sent + BURST;
        if (sent < due) {
            unsigned n = due - sent < BURST ? (unsigned)(due - sent) : BURST;
            for (unsigned i = 0; count > 1 && i < n; i++)
                iov[i].iov_base = frame[(sent + i) % (uint64_t)count];
            int taken = sendmmsg(fd, burst, n, 0);
            if (taken > 0)
                sent += (uint64_t)taken;
        } else {
            struct timespec nap = {.tv_nsec = 20000};
            nanosleep(&nap, NULL);
        }
        now = clock_ns();
    }
    printf("%llu %.6f\n", (unsigned long long)sent, (double)(now - start) / 1e9);
    return 0;
}

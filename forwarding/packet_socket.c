/* core: see packet_socket.h. */
#include "forwarding/packet_socket.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char *cure(int error)
{
    switch (error) {
    case EPERM:
    case EACCES:
        return "; packet sockets need CAP_NET_RAW: run ferryd as root";
    case ENOMEM:
    case ENOBUFS:
        return "; each lane needs 4 MB of kernel memory for a port, and 8 MB once: free some, or use fewer lanes";
    case ENODEV:
    case ENXIO:
        return "; the device is gone";
    case EMFILE:
    case ENFILE:
        return "; raise the limit of open files (ulimit -n, or LimitNOFILE= of the service)";
    case EAFNOSUPPORT:
        return "; the kernel has no packet sockets: modprobe af_packet";
    default:
        return "";
    }
}

bool packet_refused(const struct packet_why *why, const char *what)
{
    int error = errno;
    snprintf(why->text, why->size, "%s: can not %s: %s%s", why->device, what, strerror(error), cure(error));
    errno = error;
    return false;
}

int packet_socket(const struct packet_why *why)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        packet_refused(why, "open a packet socket");
        return -1;
    }
    if (!packet_set(fd, PACKET_VNET_HDR, 1)) {
        packet_refused(why, "have offloads described on a packet socket");
        close(fd);
        return -1;
    }
    return fd;
}

bool packet_set(int fd, int option, int value)
{
    return setsockopt(fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

bool packet_set_filter(int fd, const struct sock_filter *program, unsigned n)
{
    struct sock_filter *unchanged = (struct sock_filter *)(uintptr_t)program; /* the kernel only reads it */
    struct sock_fprog filter = {.len = (uint16_t)n, .filter = unchanged};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

bool packet_bind(int fd, uint32_t ifindex, bool receives)
{
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = receives ? __builtin_bswap16(ETH_P_ALL) : 0,
        .sll_ifindex = (int)ifindex,
    };
    return bind(fd, (const struct sockaddr *)&to, sizeof to) == 0;
}

bool packet_is_bound(int fd, uint32_t ifindex)
{
    struct sockaddr_ll at = {0};
    socklen_t size = sizeof at;
    return getsockname(fd, (struct sockaddr *)&at, &size) == 0 && at.sll_ifindex == (int)ifindex;
}

uint32_t packet_socket_drops(int fd)
{
    struct tpacket_stats stats = {0};
    socklen_t size = sizeof stats;
    if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) != 0)
        return 0;
    return stats.tp_drops;
}

/* core: what all our packet sockets have in common: made deaf and dumb, given their options, bound last. */
#ifndef FORWARDING_PACKET_SOCKET_H
#define FORWARDING_PACKET_SOCKET_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the kernel refused goes, as a sentence, to whoever asked for the port. */
struct packet_why {
    const char *device;
    char *text;
    size_t size;
};

/* Writes "DEVICE: can not WHAT: errno's text", and the cure where there is one. Always false. */
bool packet_refused(const struct packet_why *why, const char *what);

/* A non-blocking packet socket with vnet headers that hears nothing yet: its protocol is 0. -1 when refused. */
int packet_socket(const struct packet_why *why);

/* False with errno set. */
bool packet_set(int fd, int option, int value);

/* May also be called on a bound socket; the new program takes over from one frame to the next. */
bool packet_set_filter(int fd, const struct sock_filter *program, unsigned n);

/* To a device (0: to none, which means all when it receives). A receiver hears every protocol from here on. */
bool packet_bind(int fd, uint32_t ifindex, bool receives);

/* The kernel takes a socket off a device that goes. */
bool packet_is_bound(int fd, uint32_t ifindex);

/* Frames that found no room since this was last asked. */
uint32_t packet_socket_drops(int fd);

#endif

/* What passes by a device, in and out: a packet socket of its own that only looks, so nothing of forwarding knows of
 * it. Whoever reads it is the only one that uses it. */
#ifndef CLI_CAPTURE_SOCKET_H
#define CLI_CAPTURE_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/pcap_filter.h"
#include "cli/pcapng.h"

#define CAPTURE_SNAPLEN (65535 + 14 + 4) /* the largest packet with an Ethernet header and a VLAN tag */
#define CAPTURE_BURST   32

struct capture_socket;

/* Sees from now on what FILTER takes (kept until the end). NULL when refused: a sentence without its stop in WHY. */
struct capture_socket *capture_socket_open(const char *device, uint32_t ifindex, const struct pcap_filter *filter,
                                           char *why, size_t size);
void capture_socket_close(struct capture_socket *socket);

/* Readable when there is something. */
int capture_socket_fd(const struct capture_socket *socket);

/* What has come, at most CAPTURE_BURST frames, which stay until the next call; those that the filter did not take are
 * left out. MORE: ask again. */
unsigned capture_socket_read(struct capture_socket *socket, struct pcapng_packet packets[CAPTURE_BURST], bool *more);

/* Sees nothing more; what has come already can still be read. */
void capture_socket_shut(struct capture_socket *socket);

/* The device has gone. */
bool capture_socket_lost(const struct capture_socket *socket);

/* Frames that found no room since the beginning. */
uint64_t capture_socket_drops(struct capture_socket *socket);

#endif

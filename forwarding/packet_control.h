/* core: a port's control socket, where ARP, IGMP and RIP come in whatever floods the rings. */
#ifndef FORWARDING_PACKET_CONTROL_H
#define FORWARDING_PACKET_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/packet.h"
#include "forwarding/packet_socket.h"

/* A socket that is bound to the device but takes nothing before packet_control_start. While it is open the device hands
 * over every multicast group's frames. -1 when refused. Close with close(). */
int packet_control_open(uint32_t ifindex, const struct packet_why *why);
bool packet_control_start(int fd);

/* See af_packet_control_receive; PORT is what the packet is said to have come by. */
bool packet_control_receive(int fd, uint16_t port, uint8_t *buffer, size_t size, struct packet *packet);

#endif

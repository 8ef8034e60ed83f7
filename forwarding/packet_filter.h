/* pure: classic BPF programs that share out what a device receives between the sockets of a port.
 *
 * The control socket takes ARP, IGMP and UDP port 520; of the rest the small ring takes frames of up to
 * PACKET_FILTER_SMALL bytes and the big ring the larger ones of our devices. Each frame, however broken, is taken by
 * exactly one of the three: the programs share one test for control traffic, and that test never loads a byte that a
 * short frame lacks (such a load ends a program with "not taken"). */
#ifndef FORWARDING_PACKET_FILTER_H
#define FORWARDING_PACKET_FILTER_H

#include <linux/filter.h>
#include <stdint.h>

#include "forwarding/af_packet.h"

#define PACKET_FILTER_SMALL AF_PACKET_SMALL
#define PACKET_FILTER_MAX   BPF_MAXINSNS /* instructions of any program here, with PORT_MAX devices */

/* Each writes a program and returns its number of instructions. */
unsigned packet_filter_none(struct sock_filter *to); /* takes nothing */
unsigned packet_filter_control(struct sock_filter *to);
unsigned packet_filter_small(struct sock_filter *to);

/* IFINDEX: the devices that are ours, N (at most PORT_MAX) in ascending order without duplicates. */
unsigned packet_filter_big(struct sock_filter *to, const uint32_t *ifindex, unsigned n);
unsigned packet_filter_big_any(struct sock_filter *to); /* of any device */

#endif

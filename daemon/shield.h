/* The shield: a BPF program at a device's ingress, behind the packet taps, that keeps the IPv4 and ARP which ferryd
 * takes from the kernel's own stack.
 *
 *   to the device's own MAC       untagged IPv4 and ARP are dropped (after our sockets have their copy)
 *   broadcast, multicast          untagged IPv4 and ARP are marked as another host's: IP and ARP of the kernel leave
 *                                 such frames alone, but a macvlan device on the same port still gets them
 *   another station's MAC         passes: a macvlan device's own
 *   VLAN-tagged, all else         passes; a tag of VLAN 0 is only a priority and counts as untagged
 *
 * The program hangs on a TCX link (Linux 6.6), which lives as long as its descriptor. */
#ifndef DAEMON_SHIELD_H
#define DAEMON_SHIELD_H

#include <stdint.h>

/* The verdicts of the program. */
#define SHIELD_NEXT (-1) /* TCX_NEXT: on to the next program and the stack */
#define SHIELD_DROP 2    /* TCX_DROP */

/* A descriptor of the loaded program, or -1 with errno set. */
int shield_load(void);

/* Attaches it to a device; a descriptor that keeps it there, or -1 with errno set. */
int shield_attach(int program, uint32_t ifindex);

/* Runs it once in the kernel on FRAME, as received by the device IFINDEX (0: the loopback). 0 and the *verdict, or -1
 * with errno set. For tests. */
int shield_try(int program, uint32_t ifindex, const uint8_t *frame, uint32_t len, int32_t *verdict);

#endif

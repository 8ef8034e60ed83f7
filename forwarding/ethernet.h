/* pure: whose frame it is. */
#ifndef FORWARDING_ETHERNET_H
#define FORWARDING_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/packet.h"
#include "forwarding/port.h"

enum { ETHERTYPE_IPV4 = 0x0800, ETHERTYPE_ARP = 0x0806 };

/* Checks length, truncation, VLAN tag, source and destination MAC. CONTINUE: an IPv4 or ARP frame for this port, a
 * broadcast or a multicast; *type is which of the two. Else DROP with packet->drop set. PORT may be NULL (gone):
 * DROP_PORT_DOWN. */
enum verdict ethernet_check(const struct port *port, struct packet *packet, uint16_t *type);

static inline bool ethernet_is_group(const uint8_t mac[6]) /* broadcast or multicast */
{
    return (mac[0] & 1) != 0;
}

/* Writes an Ethernet header. */
void ethernet_write(uint8_t to[ETHERNET_HEADER], const uint8_t dst[6], const uint8_t src[6], uint16_t type);

#endif

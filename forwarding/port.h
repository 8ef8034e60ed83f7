/* pure: a port, which is an interface as forwarding sees it. The core publishes one of these for each; it never changes
 * once published: any change makes a new one. */
#ifndef FORWARDING_PORT_H
#define FORWARDING_PORT_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarding/prefix.h"

#define PORT_NAME 16 /* IFNAMSIZ */
#define MAC_LEN   6

struct port {
    uint16_t number; /* 0..PORT_MAX-1, ours; kept while the configuration names the interface */
    char name[PORT_NAME];
    uint32_t ifindex; /* the kernel's; 0 for a loopback or while there is no device */
    uint8_t mac[MAC_LEN];
    uint16_t mtu;            /* the effective IP MTU, bytes: the lesser of the device's and the configured one */
    bool loopback;           /* needs no device, is always up, sends nothing */
    bool up;                 /* administratively up, device there, carrier on */
    bool redirects;          /* send ICMP redirects */
    bool unreachables;       /* send ICMP destination unreachable */
    bool directed_broadcast; /* forward broadcasts to this port's subnets, RFC 2644 */
    bool source_route;       /* packets that come in here may carry LSRR/SSRR */
    bool mask_reply;         /* answer ICMP address mask requests */
    bool proxy_arp;          /* answer ARP for addresses behind other ports, RFC 1027 */
    bool rip;                /* the core hears what is sent to RIP's group, 224.0.0.9 */
    uint32_t arp_timeout_s;  /* an unconfirmed neighbour's life */
    unsigned n_addresses;
    struct prefix addresses[]; /* with host bits; the first is the primary */
};

/* A new port with room for N addresses, all fields zero. NULL when there is no memory. Free with free(). */
struct port *port_new(unsigned n_addresses);

/* A copy. NULL when there is no memory. */
struct port *port_copy(const struct port *port);

/* The address of PORT whose subnet holds ADDR, else NULL. */
const struct prefix *port_subnet_of(const struct port *port, uint32_t addr);

/* The address to speak to ADDR from (RFC 1812 4.3.2.4): the one of ADDR's subnet, else the primary; 0 when it has none.
 */
uint32_t port_source_for(const struct port *port, uint32_t addr);

#endif

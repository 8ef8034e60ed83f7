/* Filters over frames, in the language of tcpdump (pcap-filter(7)). Names of hosts and networks are refused: looking
 * them up would hold the router's loop until some name server answers. */
#ifndef CLI_PCAP_FILTER_H
#define CLI_PCAP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAP_FILTER_MAX 512 /* bytes of an expression: what it costs to compile grows faster than its length */

struct pcap_filter;

/* NULL when EXPRESSION is not understood: a sentence without its stop in WHY. An empty one takes every frame. */
struct pcap_filter *pcap_filter_new(const char *expression, char *why, size_t size);
void pcap_filter_free(struct pcap_filter *filter); /* NULL is fine */

/* Does the filter take the Ethernet frame of which LEN bytes are at FRAME, and WIRE_LEN were on the wire? */
bool pcap_filter_match(const struct pcap_filter *filter, const uint8_t *frame, size_t len, size_t wire_len);

/* The same as a socket filter, which lives as long as FILTER; how many instructions. 0 when only pcap_filter_match can
 * tell: the kernel keeps the VLAN tag of a frame apart from it. */
struct sock_filter;
unsigned pcap_filter_program(const struct pcap_filter *filter, const struct sock_filter **program);

#endif

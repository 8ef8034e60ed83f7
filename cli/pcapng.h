/* The pcapng file format (draft-ietf-opsawg-pcapng) as far as a capture of one Ethernet interface needs it: one section
 * with one interface, its packets, and statistics at the end. Pure functions from descriptions to bytes; numbers are
 * little-endian on every machine. */
#ifndef CLI_PCAPNG_H
#define CLI_PCAPNG_H

#include <stddef.h>
#include <stdint.h>

/* Each writes one whole block to TO, which has room for SIZE bytes, and returns its length; 0 when it does not fit. */

/* Section Header Block. APPLICATION wrote the file. */
size_t pcapng_section(uint8_t *to, size_t size, const char *application);

/* Interface Description Block of an Ethernet interface whose times are nanoseconds. FILTER may be NULL. */
size_t pcapng_interface(uint8_t *to, size_t size, const char *name, uint32_t snaplen, const char *filter);

enum pcapng_direction { PCAPNG_UNKNOWN, PCAPNG_INBOUND, PCAPNG_OUTBOUND };

/* How the frame was addressed. */
enum pcapng_reception {
    PCAPNG_NOT_SAID,
    PCAPNG_UNICAST,
    PCAPNG_MULTICAST,
    PCAPNG_BROADCAST,
    PCAPNG_PROMISCUOUS, /* to somebody else */
};

struct pcapng_packet {
    uint64_t ns; /* since 1970 */
    const uint8_t *frame;
    uint32_t len;      /* bytes at FRAME */
    uint32_t wire_len; /* bytes on the wire */
    enum pcapng_direction direction;
    enum pcapng_reception reception;
};

/* Enhanced Packet Block. */
size_t pcapng_packet(uint8_t *to, size_t size, const struct pcapng_packet *packet);

struct pcapng_statistics {
    uint64_t begin_ns, end_ns; /* since 1970 */
    uint64_t received;         /* frames that passed the filter */
    uint64_t dropped;          /* those of them that found no room */
    uint64_t delivered;        /* those in the file */
};

#define PCAPNG_STATISTICS_SIZE 88

/* Interface Statistics Block: PCAPNG_STATISTICS_SIZE bytes. */
size_t pcapng_statistics(uint8_t *to, size_t size, const struct pcapng_statistics *statistics);

/* The length of what is whole of LEN bytes of blocks at BYTES. */
size_t pcapng_whole(const uint8_t *bytes, size_t len);

#endif

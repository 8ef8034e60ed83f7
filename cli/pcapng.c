#include "cli/pcapng.h"

#include <stdbool.h>
#include <string.h>

#define SECTION_HEADER        0x0a0d0d0a
#define INTERFACE_DESCRIPTION 1
#define INTERFACE_STATISTICS  5
#define ENHANCED_PACKET       6

#define BYTE_ORDER_MAGIC  0x1a2b3c4d
#define LINKTYPE_ETHERNET 1
#define BLOCK_MIN         12 /* type, length, length again */

enum option { /* what a number means depends on the block */
              END_OF_OPTIONS = 0,
              SHB_USERAPPL = 4,
              IF_NAME = 2,
              IF_TSRESOL = 9,
              IF_FILTER = 11,
              EPB_FLAGS = 2,
              ISB_STARTTIME = 2,
              ISB_ENDTIME = 3,
              ISB_IFRECV = 4,
              ISB_IFDROP = 5,
              ISB_USRDELIV = 8,
};

/* A block that is being written. What does not fit is left out, and the block then counts as not written. */
struct block {
    uint8_t *to;
    size_t size, len;
    bool full;
};

static void put(struct block *b, const void *bytes, size_t len)
{
    if (b->full || b->size - b->len < len) {
        b->full = true;
        return;
    }
    memcpy(b->to + b->len, bytes, len);
    b->len += len;
}

static void put_le(struct block *b, uint64_t value, unsigned octets)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < octets; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
    put(b, bytes, octets);
}

/* Everything in a block begins at a multiple of four bytes. */
static void put_padded(struct block *b, const void *bytes, size_t len)
{
    put(b, bytes, len);
    put_le(b, 0, (unsigned)(-len & 3));
}

static void put_option(struct block *b, enum option option, const void *bytes, size_t len)
{
    put_le(b, option, 2);
    put_le(b, len, 2);
    put_padded(b, bytes, len);
}

static void put_count(struct block *b, enum option option, uint64_t count)
{
    put_le(b, option, 2);
    put_le(b, 8, 2);
    put_le(b, count, 8);
}

/* The high half of a time comes first. */
static void put_time(struct block *b, uint64_t ns)
{
    put_le(b, ns >> 32, 4);
    put_le(b, ns & UINT32_MAX, 4);
}

static struct block begin(uint8_t *to, size_t size, uint32_t type)
{
    struct block b = {.to = to, .size = size};
    put_le(&b, type, 4);
    put_le(&b, 0, 4); /* its length, when it is known */
    return b;
}

static size_t end(struct block *b)
{
    size_t len = b->len + 4;
    put_le(b, len, 4);
    if (b->full)
        return 0;
    struct block head = {.to = b->to + 4, .size = 4};
    put_le(&head, len, 4);
    return len;
}

size_t pcapng_section(uint8_t *to, size_t size, const char *application)
{
    struct block b = begin(to, size, SECTION_HEADER);
    put_le(&b, BYTE_ORDER_MAGIC, 4);
    put_le(&b, 1, 2); /* version 1.0 */
    put_le(&b, 0, 2);
    put_le(&b, UINT64_MAX, 8); /* the section's length is not said */
    put_option(&b, SHB_USERAPPL, application, strlen(application));
    put_le(&b, END_OF_OPTIONS, 4);
    return end(&b);
}

/* The first octet says what kind of filter it is: 0 is the language of tcpdump. */
static void put_filter(struct block *b, const char *filter)
{
    size_t len = strlen(filter) + 1;
    put_le(b, IF_FILTER, 2);
    put_le(b, len, 2);
    put_le(b, 0, 1);
    put(b, filter, len - 1);
    put_le(b, 0, (unsigned)(-len & 3));
}

size_t pcapng_interface(uint8_t *to, size_t size, const char *name, uint32_t snaplen, const char *filter)
{
    static const uint8_t nanoseconds = 9;
    struct block b = begin(to, size, INTERFACE_DESCRIPTION);
    put_le(&b, LINKTYPE_ETHERNET, 2);
    put_le(&b, 0, 2);
    put_le(&b, snaplen, 4);
    put_option(&b, IF_NAME, name, strlen(name));
    put_option(&b, IF_TSRESOL, &nanoseconds, sizeof nanoseconds);
    if (filter != NULL)
        put_filter(&b, filter);
    put_le(&b, END_OF_OPTIONS, 4);
    return end(&b);
}

size_t pcapng_packet(uint8_t *to, size_t size, const struct pcapng_packet *packet)
{
    uint32_t flags = (uint32_t)packet->direction | (uint32_t)packet->reception << 2;
    struct block b = begin(to, size, ENHANCED_PACKET);
    put_le(&b, 0, 4); /* the section's first and only interface */
    put_time(&b, packet->ns);
    put_le(&b, packet->len, 4);
    put_le(&b, packet->wire_len, 4);
    put_padded(&b, packet->frame, packet->len);
    if (flags != 0) {
        put_le(&b, EPB_FLAGS, 2);
        put_le(&b, 4, 2);
        put_le(&b, flags, 4);
        put_le(&b, END_OF_OPTIONS, 4);
    }
    return end(&b);
}

size_t pcapng_statistics(uint8_t *to, size_t size, const struct pcapng_statistics *statistics)
{
    const struct {
        enum option option;
        uint64_t ns;
    } times[] = {{ISB_STARTTIME, statistics->begin_ns}, {ISB_ENDTIME, statistics->end_ns}};
    struct block b = begin(to, size, INTERFACE_STATISTICS);
    put_le(&b, 0, 4); /* of which interface */
    put_time(&b, statistics->end_ns);
    for (unsigned i = 0; i < 2; i++) {
        put_le(&b, times[i].option, 2);
        put_le(&b, 8, 2);
        put_time(&b, times[i].ns);
    }
    put_count(&b, ISB_IFRECV, statistics->received);
    put_count(&b, ISB_IFDROP, statistics->dropped);
    put_count(&b, ISB_USRDELIV, statistics->delivered);
    put_le(&b, END_OF_OPTIONS, 4);
    return end(&b);
}

size_t pcapng_whole(const uint8_t *bytes, size_t len)
{
    size_t whole = 0;
    while (len - whole >= BLOCK_MIN) {
        const uint8_t *at = bytes + whole + 4;
        size_t next = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
        if (next < BLOCK_MIN || next > len - whole)
            break;
        whole += next;
    }
    return whole;
}

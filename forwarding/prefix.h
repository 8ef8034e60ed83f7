/* pure: IPv4 addresses and prefixes, always in host order, and what kind of address a number is. */
#ifndef FORWARDING_PREFIX_H
#define FORWARDING_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

struct prefix {
    uint32_t addr; /* host order; an interface address keeps its host bits, a route has none */
    uint8_t len;   /* 0..32 */
};

#define ADDR_TEXT   16 /* "255.255.255.255" and NUL */
#define PREFIX_TEXT 19 /* "255.255.255.255/32" and NUL */

/* The mask of a length 0..32. */
static inline uint32_t prefix_mask(uint8_t len)
{
    return len == 0 ? 0 : UINT32_MAX << (32 - len);
}

static inline uint32_t prefix_network(struct prefix p)
{
    return p.addr & prefix_mask(p.len);
}

/* All ones in the host part. Only a prefix of at most 30 bits has a broadcast address (RFC 3021). */
static inline uint32_t prefix_broadcast(struct prefix p)
{
    return p.addr | ~prefix_mask(p.len);
}

static inline bool prefix_has_broadcast(struct prefix p)
{
    return p.len <= 30;
}

static inline bool prefix_holds(struct prefix p, uint32_t addr)
{
    return ((p.addr ^ addr) & prefix_mask(p.len)) == 0;
}

static inline bool prefix_equal(struct prefix a, struct prefix b)
{
    return a.addr == b.addr && a.len == b.len;
}

/* Reads dotted quads; the whole text must be the address ("10.0.0.1", decimal, no leading zeros but "0" itself). */
bool addr_parse(const char *text, uint32_t *addr);

/* Reads A.B.C.D/L with L 0..32; without "/L" false. Host bits are kept as written. */
bool prefix_parse(const char *text, struct prefix *p);

/* Write into TO and return it. */
const char *addr_text(uint32_t addr, char to[ADDR_TEXT]);
const char *prefix_text(struct prefix p, char to[PREFIX_TEXT]);

static inline bool addr_is_multicast(uint32_t a)
{
    return a >> 28 == 0xe;
}

static inline bool addr_is_local_multicast(uint32_t a) /* 224.0.0/24, which no router forwards, RFC 5771 4 */
{
    return a >> 8 == 0xe00000;
}

static inline bool addr_is_limited_broadcast(uint32_t a)
{
    return a == UINT32_MAX;
}

static inline bool addr_is_class_e(uint32_t a) /* 240/4, the limited broadcast included */
{
    return a >> 28 == 0xf;
}

static inline bool addr_is_loopback(uint32_t a)
{
    return a >> 24 == 127;
}

static inline bool addr_is_this_network(uint32_t a) /* 0/8 */
{
    return a >> 24 == 0;
}

static inline bool addr_is_link_local(uint32_t a) /* 169.254/16, RFC 3927 */
{
    return a >> 16 == 0xa9fe;
}

/* Can a unicast packet to it be forwarded? RFC 1812 5.3.7, RFC 3927 2.7. */
static inline bool addr_is_forwardable(uint32_t a)
{
    return !addr_is_this_network(a) && !addr_is_loopback(a) && !addr_is_multicast(a) && !addr_is_class_e(a) &&
           !addr_is_link_local(a);
}

#endif

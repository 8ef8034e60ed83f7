/* pure: bytes of the wire. Fixed-offset loads and stores in network order for headers whose length has been checked,
 * and a reader that cannot overrun for everything with a length of its own. */
#ifndef FORWARDING_BYTES_H
#define FORWARDING_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t load_be16(const void *at)
{
    uint16_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t load_be32(const void *at)
{
    uint32_t v;
    memcpy(&v, at, sizeof v);
    return __builtin_bswap32(v);
}

static inline void store_be16(void *at, uint16_t v)
{
    v = __builtin_bswap16(v);
    memcpy(at, &v, sizeof v);
}

static inline void store_be32(void *at, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(at, &v, sizeof v);
}

/* A cursor over received bytes. Each get checks, copies, swaps to host order and advances; on too few bytes it returns
 * false and changes nothing. */
struct reader {
    const uint8_t *pos;
    const uint8_t *end;
};

static inline struct reader reader_of(const void *bytes, size_t len)
{
    const uint8_t *start = bytes;
    return (struct reader){.pos = start, .end = start + len};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->pos);
}

static inline bool reader_bytes(struct reader *r, void *to, size_t len)
{
    if (reader_left(r) < len)
        return false;
    memcpy(to, r->pos, len);
    r->pos += len;
    return true;
}

static inline bool reader_skip(struct reader *r, size_t len)
{
    if (reader_left(r) < len)
        return false;
    r->pos += len;
    return true;
}

static inline bool reader_u8(struct reader *r, uint8_t *to)
{
    return reader_bytes(r, to, sizeof *to);
}

static inline bool reader_be16(struct reader *r, uint16_t *to)
{
    if (!reader_bytes(r, to, sizeof *to))
        return false;
    *to = __builtin_bswap16(*to);
    return true;
}

static inline bool reader_be32(struct reader *r, uint32_t *to)
{
    if (!reader_bytes(r, to, sizeof *to))
        return false;
    *to = __builtin_bswap32(*to);
    return true;
}

/* Cuts a reader of exactly LEN bytes off the front, for a record that says its own length. */
static inline bool reader_cut(struct reader *r, size_t len, struct reader *part)
{
    if (reader_left(r) < len)
        return false;
    *part = reader_of(r->pos, len);
    r->pos += len;
    return true;
}

#endif

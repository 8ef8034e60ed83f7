/* libFuzzer's way to the reader of RIP messages and their authentication, and to a whole RIP instance. The input is a
 * list of steps, each a byte of what to do and what it needs:
 *
 *   bit 0  a seed's number follows, and the bytes are put over it at an offset that follows (2 bytes)
 *   bit 1  the digest is made right
 *   bit 2  the neighbour's routes are in use
 *   bit 3  the message is cut to a length that follows (2 bytes)
 *   bit 4  where the instance hears it follows: the interface, and the host that says it (2 bytes)
 *   bit 5  it is not from port 520
 *   bit 6  half a minute passes
 *
 * then the length of the bytes (2 bytes) and the bytes. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "tests/fuzz/rip_messages.h"
#include "tests/fuzz/rip_router.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
    uint8_t bytes[RIP_ROOM];
    size_t len;
};

static bool lay_over(struct step *step, struct reader *r, size_t at, size_t len)
{
    if (at > step->len)
        at = step->len;
    if (len > reader_left(r))
        len = reader_left(r);
    if (at + len > RIP_ROOM || !reader_bytes(r, step->bytes + at, len))
        return false;
    if (at + len > step->len)
        step->len = at + len;
    return true;
}

static bool take_step(struct rip_listeners *l, struct rip_router *router, struct reader *r)
{
    struct step step = {.len = 0};
    struct rip_origin origin = {.interface = RIP_LISTENERS - 1, .host = 2};
    uint8_t what, number;
    uint16_t at = 0, len, cut;
    if (!reader_u8(r, &what))
        return false;
    if ((what & 1) != 0) {
        if (!reader_u8(r, &number) || !reader_be16(r, &at))
            return false;
        const struct rip_seed *seed = &l->seeds[number % l->n_seeds];
        memcpy(step.bytes, seed->bytes, seed->len);
        step.len = seed->len;
    }
    if ((what & 8) != 0) {
        if (!reader_be16(r, &cut))
            return false;
        step.len = cut < step.len ? cut : step.len;
    }
    if ((what & 16) != 0) {
        if (!reader_u8(r, &number) || !reader_u8(r, &origin.host))
            return false;
        origin.interface = number % RIP_LISTENERS;
    }
    origin.other_port = (what & 32) != 0;
    if (!reader_be16(r, &len) || !lay_over(&step, r, at, len))
        return false;
    bool repaired = (what & 2) != 0 && rip_message_repair(l, step.bytes, step.len);
    rip_listeners_hear(l, step.bytes, step.len, (what & 4) != 0, repaired);
    l->now.ns += (what & 64) != 0 ? 30 * NS_PER_S : NS_PER_S;
    rip_router_hear(router, origin, step.bytes, step.len, l->now);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rip_listeners *l = malloc(sizeof *l);
    struct reader r = reader_of(data, size);
    if (l == NULL)
        abort();
    rip_listeners_make(l);
    struct rip_router *router = rip_router_new(l);
    while (take_step(l, router, &r))
        ;
    rip_router_free(router, l->now);
    free(l);
    return 0;
}

/* libFuzzer's way into the router in memory. The input is a list of steps, each a byte of what to do and what it needs:
 *
 *   bits 0-1  by which port
 *   bit 2     to the core; else to the lane
 *   bit 3     a seed's number follows, and the bytes are put over it at an offset that follows (2 bytes)
 *   bit 4     an offload description follows (10 bytes)
 *   bit 5     checksums are made right
 *   bit 6     time passes before it: a byte, in 64 ms
 *   bit 7     something is disturbed before it (4 bytes)
 *
 * then the length of the bytes (2 bytes) and the bytes. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "tests/fuzz/router_in_memory.h"
#include "tests/fuzz/seeds.h"

#define ROOM 9000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
    struct packet packet;
    _Alignas(4) uint8_t bytes[2 + ROOM];
};

/* Puts LEN bytes at AT of the frame, which grows if it has to. */
static bool lay_over(struct step *step, struct reader *r, uint16_t at, uint16_t len)
{
    uint32_t left = (uint32_t)reader_left(r);
    uint32_t n = len < left ? len : left;
    if (at > step->packet.len)
        at = (uint16_t)step->packet.len;
    if (at + n > ROOM || !reader_bytes(r, step->packet.frame + at, n))
        return false;
    if (at + n > step->packet.len)
        step->packet.len = at + n;
    step->packet.wire_len = step->packet.len;
    return true;
}

static bool read_frame(struct step *step, struct reader *r, uint8_t what, const struct seeds *seeds)
{
    uint16_t at = 0, len;
    step->packet = (struct packet){.frame = step->bytes + 2};
    if ((what & 0x08) != 0) {
        uint8_t number;
        if (!reader_u8(r, &number) || !reader_be16(r, &at))
            return false;
        const struct packet *seed = &seeds->packet[number % seeds->n];
        step->packet = *seed;
        step->packet.frame = step->bytes + 2;
        memcpy(step->packet.frame, seed->frame, seed->len);
    }
    step->packet.port = (uint16_t)((what & 3) % MEMORY_PORTS);
    if ((what & 0x10) != 0 && !reader_bytes(r, &step->packet.vnet, sizeof step->packet.vnet))
        return false;
    return reader_be16(r, &len) && lay_over(step, r, at, len);
}

static bool take_step(struct memory_router *router, const struct seeds *seeds, struct reader *r)
{
    uint8_t what, time;
    uint32_t disturbance;
    struct step step;
    if (!reader_u8(r, &what))
        return false;
    if ((what & 0x40) != 0 && reader_u8(r, &time))
        memory_router_advance(router, time * UINT64_C(64));
    if ((what & 0x80) != 0 && reader_be32(r, &disturbance))
        memory_router_disturb(router, disturbance);
    if (!read_frame(&step, r, what, seeds))
        return false;
    if ((what & 0x20) != 0)
        seed_repair(step.packet.frame, step.packet.len);
    if ((what & 0x04) != 0)
        memory_router_core(router, &step.packet);
    else
        memory_router_lane(router, &step.packet, 1);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct memory_router *router = memory_router_new(1);
    struct seeds seeds;
    struct reader r = reader_of(data, size);
    seeds_make(&seeds);
    while (take_step(router, &seeds, &r))
        memory_router_check(router);
    memory_router_finish(router);
    seeds_free(&seeds);
    memory_router_free(router);
    return 0;
}

#include "tests/unit/support/frames.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/prefix.h"

static const uint8_t router_mac[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 0x99};

uint32_t addr_of(const char *text)
{
    uint32_t addr;
    if (!addr_parse(text, &addr)) {
        fprintf(stderr, "not an address: %s\n", text);
        abort();
    }
    return addr;
}

static void fill_data(uint8_t *to, size_t len, const struct frame_spec *spec, uint8_t protocol)
{
    for (size_t i = 0; i < len; i++)
        to[i] = (uint8_t)(i * 7 + 3);
    if (protocol == PROTO_UDP && len >= 8) {
        store_be16(to, spec->src_port != 0 ? spec->src_port : 1000);
        store_be16(to + 2, spec->dst_port != 0 ? spec->dst_port : 2000);
        store_be16(to + 4, (uint16_t)len);
        store_be16(to + 6, 0);
        uint16_t check =
            checksum_finish(checksum_add(checksum_pseudo(0, spec->src, spec->dst, PROTO_UDP, (uint32_t)len), to, len));
        store_be16(to + 6, check != 0 ? check : 0xffff);
    } else if (protocol == PROTO_ICMP && len >= 8) {
        to[0] = 8;
        to[1] = 0;
        store_be16(to + 2, 0);
        store_be16(to + 2, checksum_finish(checksum_add(0, to, len)));
    }
}

struct packet frame_new(unsigned port, const struct frame_spec *spec)
{
    uint8_t protocol = spec->protocol != 0 ? spec->protocol : PROTO_UDP;
    size_t len = spec->len != 0 ? spec->len : 28;
    size_t header = IP_HEADER_MIN + spec->options_len;
    uint8_t *block = malloc(2 + ETHERNET_HEADER + header + len);
    if (block == NULL)
        abort();
    uint8_t *frame = block + 2;
    memcpy(frame, spec->dst_mac != NULL ? spec->dst_mac : router_mac, 6);
    memcpy(frame + 6, spec->src_mac != NULL ? spec->src_mac : host_mac, 6);
    store_be16(frame + 12, 0x0800);

    struct ip ip = {
        .src = spec->src,
        .dst = spec->dst,
        .len = (uint16_t)(header + len),
        .id = spec->id,
        .fragment = spec->fragment,
        .header = (uint8_t)header,
        .tos = spec->tos,
        .ttl = spec->ttl != 0 ? spec->ttl : (spec->ttl_zero ? 0 : 64),
        .protocol = protocol,
    };
    ip_write(frame + ETHERNET_HEADER, &ip, spec->options);
    uint8_t *data = frame + ETHERNET_HEADER + header;
    if (spec->data != NULL)
        memcpy(data, spec->data, len);
    else
        fill_data(data, len, spec, protocol);

    uint32_t total = (uint32_t)(ETHERNET_HEADER + header + len);
    return (struct packet){.frame = frame, .len = total, .wire_len = total, .port = (uint16_t)port};
}

void frame_free(struct packet *packet)
{
    if (packet->frame != NULL)
        free(packet->frame - 2);
    packet->frame = NULL;
}

static unsigned wire_send(struct transmit *self, unsigned port, struct packet *const packets[], unsigned n,
                          enum drop *why)
{
    struct wire *wire = (struct wire *)self;
    if (wire->full) {
        *why = DROP_TX_FULL;
        return 0;
    }
    for (unsigned i = 0; i < n; i++) {
        if (wire->n == wire->room) {
            wire->room = wire->room * 2 + 16;
            wire->sent = realloc(wire->sent, wire->room * sizeof *wire->sent);
            if (wire->sent == NULL)
                abort();
        }
        struct wire_frame *to = &wire->sent[wire->n++];
        *to = (struct wire_frame){.port = port, .len = packets[i]->len, .vnet = packets[i]->vnet};
        to->bytes = malloc(to->len);
        if (to->bytes == NULL)
            abort();
        memcpy(to->bytes, packets[i]->frame, to->len);
    }
    return n;
}

void wire_init(struct wire *wire)
{
    *wire = (struct wire){.transmit.send = wire_send};
}

void wire_clear(struct wire *wire)
{
    for (unsigned i = 0; i < wire->n; i++)
        free(wire->sent[i].bytes);
    free(wire->sent);
    wire_init(wire);
}

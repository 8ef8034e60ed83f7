/* Cutting into fragments, RFC 791 3.2. */
#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/fragment.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

static uint32_t random_state = 1;

static uint32_t below(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)(((uint64_t)random_state * n) >> 32);
}

/* What a receiver puts together, and what it saw on the way. */
struct receiver {
    uint8_t data[IP_PACKET_MAX];
    bool have[IP_PACKET_MAX];
    uint32_t got;   /* bytes, none twice */
    uint32_t total; /* 0 until the last fragment told */
    unsigned pieces;
    bool sound;
    uint8_t options[40]; /* of the last piece */
    unsigned options_len;
};

/* Takes a fragment, of which BASE bytes of data precede the whole's own. */
static void receive(struct receiver *r, const struct packet *piece, const struct packet *whole, uint32_t base)
{
    struct ip ip;
    if (piece->len != piece->wire_len || ip_parse(packet_ip(piece), piece->len - ETHERNET_HEADER, &ip) != DROP__COUNT) {
        r->sound = false;
        return;
    }
    const struct ip *was = &whole->ip;
    r->sound = r->sound && ip.len == piece->len - ETHERNET_HEADER && ip.id == was->id && ip.src == was->src &&
               ip.dst == was->dst && ip.tos == was->tos && ip.ttl == was->ttl && ip.protocol == was->protocol &&
               ip.len == piece->ip.len && ip.fragment == piece->ip.fragment && ip.header == piece->ip.header &&
               memcmp(piece->frame, whole->frame, ETHERNET_HEADER) == 0;
    uint32_t at = ip_offset(&ip) - base, n = (uint32_t)ip.len - ip.header;
    if ((ip.fragment & IP_MF) == 0)
        r->total = at + n;
    else
        r->sound = r->sound && (n % 8 == 0 || (was->fragment & IP_MF) != 0);
    for (uint32_t i = 0; i < n; i++) {
        r->sound = r->sound && !r->have[at + i];
        r->have[at + i] = true;
        r->data[at + i] = packet_ip(piece)[ip.header + i];
    }
    r->got += n;
    r->pieces++;
    r->options_len = ip.header - IP_HEADER_MIN;
    memcpy(r->options, packet_ip(piece) + IP_HEADER_MIN, r->options_len);
}

static struct packet whole_of(const struct frame_spec *spec)
{
    struct packet packet = frame_new(0, spec);
    CU_ASSERT_EQUAL(ip_parse(packet_ip(&packet), packet.len - ETHERNET_HEADER, &packet.ip), DROP__COUNT);
    return packet;
}

/* A list of well-formed options. */
static uint8_t random_options(uint8_t options[40])
{
    uint8_t n = 0;
    while (below(3) > 0) {
        uint8_t size = (uint8_t)(2 + below(10));
        if (below(4) == 0) {
            if (n + 1 <= 40)
                options[n++] = 1;
            continue;
        }
        if (n + size > 40)
            break;
        options[n] = (uint8_t)(2 + below(126)) | (below(2) ? 0x80 : 0);
        options[n + 1] = size;
        for (uint8_t i = 2; i < size; i++)
            options[n + i] = (uint8_t)below(256);
        n = (uint8_t)(n + size);
    }
    while (n % 4 != 0)
        options[n++] = 0;
    return n;
}

static bool pieces_make_the_whole(struct packet *whole, uint16_t mtu, struct receiver *r)
{
    struct cutter cut;
    *r = (struct receiver){.sound = true};
    if (fragment_start(&cut, whole, mtu) != DROP__COUNT)
        return false;
    uint32_t data = (uint32_t)whole->ip.len - whole->ip.header;
    for (;;) {
        uint8_t *to = malloc(CUT_PIECE_MAX(mtu)); /* of its exact size: a byte too many is seen */
        struct packet piece;
        if (!fragment_next(&cut, to, &piece)) {
            free(to);
            break;
        }
        r->sound = r->sound && piece.ip.len <= mtu && piece.frame == to && !packet_is_gso(&piece);
        receive(r, &piece, whole, ip_offset(&whole->ip));
        free(to);
    }
    return r->sound && r->got == data && cut.piece == r->pieces &&
           r->total == ((whole->ip.fragment & IP_MF) != 0 ? 0 : data) &&
           memcmp(r->data, packet_ip(whole) + whole->ip.header, data) == 0;
}

static void pieces_of_any_packet_make_it_again(void)
{
    static struct receiver r;
    unsigned failed = 0;
    for (unsigned round = 0; round < 3000; round++) {
        uint8_t options[40];
        uint8_t options_len = below(3) == 0 ? random_options(options) : 0;
        uint16_t mtu = (uint16_t)(68 + below(below(2) ? 100 : 2000));
        struct packet whole = whole_of(&(struct frame_spec){.src = 0x0a000109,
                                                            .dst = 0x0a090909,
                                                            .options = options,
                                                            .options_len = options_len,
                                                            .len = 1 + below(round % 50 == 0 ? 65000 : 3000),
                                                            .tos = (uint8_t)below(256),
                                                            .id = (uint16_t)below(65536)});
        if (!pieces_make_the_whole(&whole, mtu, &r))
            failed++;
        frame_free(&whole);
    }
    CU_ASSERT_EQUAL(failed, 0);
}

static void a_fragment_can_be_cut_again(void)
{
    static struct receiver r;
    for (unsigned round = 0; round < 500; round++) {
        bool more = below(2);
        uint16_t fragment = (uint16_t)((more ? IP_MF : 0) | (1 + below(4000)));
        struct packet whole = whole_of(&(struct frame_spec){.src = 0x0a000109,
                                                            .dst = 0x0a090909,
                                                            .len = 8 + 8 * below(200) + (more ? 0 : below(8)),
                                                            .fragment = fragment});
        CU_ASSERT_TRUE(pieces_make_the_whole(&whole, (uint16_t)(68 + below(500)), &r));
        frame_free(&whole);
    }
}

static void only_copied_options_are_in_later_fragments(void)
{
    /* record route (not copied), NOP, router alert (copied), stream id (copied), end */
    static const uint8_t options[] = {7, 7, 4, 0, 0, 0, 0, 1, 0x94, 4, 0, 0, 0x88, 4, 1, 2, 0, 0, 0, 0};
    static const uint8_t copied[] = {0x94, 4, 0, 0, 0x88, 4, 1, 2};
    struct packet whole = whole_of(&(struct frame_spec){
        .src = 0x0a000109, .dst = 0x0a090909, .len = 1000, .options = options, .options_len = sizeof options});
    struct cutter cut;
    uint8_t to[CUT_PIECE_MAX(576)];
    struct packet piece;
    CU_ASSERT_EQUAL(fragment_start(&cut, &whole, 576), DROP__COUNT);
    CU_ASSERT_TRUE(fragment_next(&cut, to, &piece));
    CU_ASSERT_EQUAL(piece.ip.header, 40);
    CU_ASSERT_EQUAL(memcmp(packet_ip(&piece) + 20, options, sizeof options), 0);
    CU_ASSERT_TRUE(fragment_next(&cut, to, &piece));
    CU_ASSERT_EQUAL(piece.ip.header, 28);
    CU_ASSERT_EQUAL(memcmp(packet_ip(&piece) + 20, copied, sizeof copied), 0);
    CU_ASSERT_FALSE(fragment_next(&cut, to, &piece));
    frame_free(&whole);
}

static void options_without_sense_cut_nothing_open(void)
{
    static const uint8_t bad[][8] = {
        {0x83, 0, 1, 1, 1, 1, 1, 1}, {0x83, 1, 1, 1, 1, 1, 1, 1},   {0x83, 9, 1, 1, 1, 1, 1, 1},
        {1, 1, 1, 1, 1, 1, 1, 0x83}, {0x83, 255, 1, 1, 1, 1, 1, 1},
    };
    static struct receiver r;
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct packet whole = whole_of(&(struct frame_spec){
            .src = 0x0a000109, .dst = 0x0a090909, .len = 300, .options = bad[i], .options_len = sizeof bad[i]});
        CU_ASSERT_TRUE(pieces_make_the_whole(&whole, 100, &r));
        CU_ASSERT_EQUAL(r.options_len, 0);
        frame_free(&whole);
    }
}

static enum drop start(const struct frame_spec *spec, uint16_t mtu, struct virtio_net_hdr vnet)
{
    struct packet whole = whole_of(spec);
    struct cutter cut;
    whole.vnet = vnet;
    enum drop why = fragment_start(&cut, &whole, mtu);
    frame_free(&whole);
    return why;
}

static void what_can_not_be_cut_is_refused(void)
{
    const struct virtio_net_hdr plain = {0};
    const struct frame_spec df = {.src = 1, .dst = 2, .len = 1000, .fragment = IP_DF};
    CU_ASSERT_EQUAL(start(&df, 576, plain), DROP_FRAGMENT_FAILED);

    const struct frame_spec usual = {.src = 1, .dst = 2, .len = 1000};
    CU_ASSERT_EQUAL(start(&usual, 27, plain), DROP_FRAGMENT_FAILED);
    CU_ASSERT_EQUAL(start(&usual, 28, plain), DROP__COUNT);
    CU_ASSERT_EQUAL(start(&usual, 576, (struct virtio_net_hdr){.gso_type = VIRTIO_NET_HDR_GSO_TCPV4}),
                    DROP_FRAGMENT_FAILED);
    CU_ASSERT_EQUAL(start(&usual, 576, (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM}),
                    DROP_FRAGMENT_FAILED);

    /* The offset of its last piece would not fit its field. */
    const struct frame_spec beyond = {.src = 1, .dst = 2, .len = 1000, .fragment = IP_OFFSET};
    CU_ASSERT_EQUAL(start(&beyond, 576, plain), DROP_FRAGMENT_FAILED);
}

static void a_packet_that_fits_stays_whole(void)
{
    struct packet whole = whole_of(&(struct frame_spec){.src = 1, .dst = 2, .len = 100});
    struct cutter cut;
    struct packet piece;
    uint8_t to[CUT_PIECE_MAX(120)];
    CU_ASSERT_EQUAL(fragment_start(&cut, &whole, 120), DROP__COUNT);
    CU_ASSERT_TRUE(fragment_next(&cut, to, &piece));
    CU_ASSERT_EQUAL(piece.len, whole.len);
    CU_ASSERT_EQUAL(memcmp(to, whole.frame, whole.len), 0);
    CU_ASSERT_FALSE(fragment_next(&cut, to, &piece));
    frame_free(&whole);
}

static const struct unit_case all[] = {
    {"pieces of any packet make it again", pieces_of_any_packet_make_it_again},
    {"a fragment can be cut again", a_fragment_can_be_cut_again},
    {"only copied options are in later fragments", only_copied_options_are_in_later_fragments},
    {"options without sense cut nothing open", options_without_sense_cut_nothing_open},
    {"what can not be cut is refused", what_can_not_be_cut_is_refused},
    {"a packet that fits stays whole", a_packet_that_fits_stays_whole},
};
UNIT_MAIN("fragment", all)

#include "tests/fuzz/seeds.h"

#include <stdlib.h>
#include <string.h>

#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/ethernet.h"
#include "forwarding/fragment.h"
#include "tests/fuzz/router_in_memory.h"
#include "tests/unit/support/frames.h"

#define HOST_1  "10.0.1.2" /* behind port 0, known */
#define HOST_2  "10.0.2.2" /* behind port 1, known */
#define HOST_3  "10.0.3.2" /* behind port 2, whose MTU is small, known */
#define ROUTER  "10.0.1.1"
#define UNKNOWN "10.0.2.77"

static const uint8_t all_stations[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t rip_routers[6] = {1, 0, 0x5e, 0, 0, 9};
static const uint8_t all_hosts[6] = {1, 0, 0x5e, 0, 0, 1};
static const uint8_t host_mac[6] = {2, 0, 0, 0, 0, 0x99};

static struct packet *put(struct seeds *seeds, struct packet packet)
{
    if (seeds->n == SEEDS_MAX)
        abort();
    seeds->packet[seeds->n] = packet;
    return &seeds->packet[seeds->n++];
}

static struct packet *add(struct seeds *seeds, struct frame_spec spec)
{
    if (spec.src == 0)
        spec.src = addr_of(HOST_1);
    return put(seeds, frame_new(0, &spec));
}

static void to(struct seeds *seeds, const char *dst)
{
    add(seeds, (struct frame_spec){.dst = addr_of(dst), .len = 100});
}

static void add_arp(struct seeds *seeds, uint16_t op, const char *sender, const char *target)
{
    struct packet packet = frame_new(0, &(struct frame_spec){.len = 26}); /* 60 bytes */
    uint8_t *at = packet.frame + ETHERNET_HEADER;
    ethernet_write(packet.frame, all_stations, host_mac, ETHERTYPE_ARP);
    memset(at, 0, packet.len - ETHERNET_HEADER);
    store_be16(at, 1);
    store_be16(at + 2, ETHERTYPE_IPV4);
    at[4] = 6;
    at[5] = 4;
    store_be16(at + 6, op);
    memcpy(at + 8, host_mac, 6);
    store_be32(at + 14, addr_of(sender));
    store_be32(at + 24, addr_of(target));
    put(seeds, packet);
}

static void add_options(struct seeds *seeds, const uint8_t *options, uint8_t len)
{
    add(seeds, (struct frame_spec){.dst = addr_of(HOST_2), .options = options, .options_len = len, .len = 60});
    add(seeds,
        (struct frame_spec){.dst = addr_of(ROUTER), .options = options, .options_len = len, .protocol = PROTO_ICMP});
}

static void add_all_options(struct seeds *seeds)
{
    static const uint8_t record[] = {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t stamps[] = {68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t addressed[] = {68, 20, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t prescribed[] = {68, 12, 5, 3, 10, 0, 1, 1, 0, 0, 0, 0};
    static const uint8_t loose[] = {131, 11, 4, 10, 0, 2, 2, 10, 0, 3, 2, 0};
    static const uint8_t loose_through_us[] = {131, 11, 4, 10, 0, 2, 1, 10, 0, 3, 2, 0};
    static const uint8_t strict[] = {137, 7, 4, 10, 0, 2, 2, 0};
    static const uint8_t alert[] = {148, 4, 0, 0};
    static const uint8_t nothing[] = {1, 1, 1, 0};
    static const uint8_t unknown[] = {30, 8, 1, 2, 3, 4, 5, 6};
    static const uint8_t many[40] = {7, 15, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 68, 20, 5, 1};
    add_options(seeds, record, sizeof record);
    add_options(seeds, stamps, sizeof stamps);
    add_options(seeds, addressed, sizeof addressed);
    add_options(seeds, prescribed, sizeof prescribed);
    add_options(seeds, loose, sizeof loose);
    add_options(seeds, loose_through_us, sizeof loose_through_us);
    add_options(seeds, strict, sizeof strict);
    add_options(seeds, alert, sizeof alert);
    add_options(seeds, nothing, sizeof nothing);
    add_options(seeds, unknown, sizeof unknown);
    add_options(seeds, many, sizeof many);
}

static void add_tcp(struct seeds *seeds, const char *dst, uint8_t flags)
{
    struct packet *packet = add(seeds, (struct frame_spec){.dst = addr_of(dst), .protocol = PROTO_TCP, .len = 40});
    uint8_t *tcp = packet_ip(packet) + IP_HEADER_MIN;
    memset(tcp, 0, 20);
    store_be16(tcp, 40000);
    store_be16(tcp + 2, 80);
    tcp[12] = 5 << 4;
    tcp[13] = flags;
    seed_repair(packet->frame, packet->len);
}

static void add_gso(struct seeds *seeds, const char *dst, uint8_t protocol, uint8_t type)
{
    uint16_t header = protocol == PROTO_TCP ? 20 : 8;
    struct packet *packet =
        add(seeds, (struct frame_spec){.dst = addr_of(dst), .protocol = protocol, .len = header + 4000u});
    uint8_t *transport = packet_ip(packet) + IP_HEADER_MIN;
    if (protocol == PROTO_TCP) {
        transport[12] = 5 << 4;
        transport[13] = 0x18;
    }
    packet->vnet = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = type,
        .hdr_len = (uint16_t)(ETHERNET_HEADER + IP_HEADER_MIN + header),
        .gso_size = 1000,
        .csum_start = ETHERNET_HEADER + IP_HEADER_MIN,
        .csum_offset = protocol == PROTO_TCP ? 16 : 6,
    };
}

/* TCP segments in IP in a UDP tunnel whose header is 8 bytes. */
static void add_gso_in_tunnel(struct seeds *seeds, const char *dst)
{
    enum { TUNNEL = 8 + 8, TCP = 20, DATA = 3000 };
    struct packet *packet =
        add(seeds, (struct frame_spec){.dst = addr_of(dst), .len = TUNNEL + IP_HEADER_MIN + TCP + DATA});
    uint8_t *inner = packet_ip(packet) + IP_HEADER_MIN + TUNNEL;
    struct ip ip = {.src = addr_of(HOST_1),
                    .dst = addr_of(HOST_2),
                    .len = IP_HEADER_MIN + TCP + DATA,
                    .header = IP_HEADER_MIN,
                    .ttl = 64,
                    .protocol = PROTO_TCP};
    ip_write(inner, &ip, NULL);
    inner[IP_HEADER_MIN + 12] = TCP / 4 << 4;
    packet->vnet = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
        .gso_size = 1000,
        .csum_start = ETHERNET_HEADER + 2 * IP_HEADER_MIN + TUNNEL,
        .csum_offset = 16,
    };
}

static void add_icmp(struct seeds *seeds, const char *dst, uint8_t type, uint8_t code)
{
    struct packet *packet = add(seeds, (struct frame_spec){.dst = addr_of(dst), .protocol = PROTO_ICMP, .len = 36});
    uint8_t *icmp = packet_ip(packet) + IP_HEADER_MIN;
    icmp[0] = type;
    icmp[1] = code;
    /* What an error quotes: a datagram of the router's. */
    struct ip quoted = {
        .src = addr_of(ROUTER), .dst = addr_of(HOST_1), .len = 28, .header = 20, .ttl = 64, .protocol = 17};
    ip_write(icmp + 8, &quoted, NULL);
    seed_repair(packet->frame, packet->len);
}

static void add_fragments(struct seeds *seeds, const char *dst)
{
    uint32_t addr = addr_of(dst);
    add(seeds, (struct frame_spec){.dst = addr, .id = 7, .fragment = IP_MF, .len = 80});
    add(seeds, (struct frame_spec){.dst = addr, .id = 7, .fragment = IP_MF | 10, .len = 80});
    add(seeds, (struct frame_spec){.dst = addr, .id = 7, .fragment = 20, .len = 33});
    add(seeds, (struct frame_spec){.dst = addr, .id = 7, .fragment = 8190, .len = 24});
}

static void add_groups(struct seeds *seeds)
{
    static const uint8_t query[12] = {0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0};
    static const uint8_t rip[24] = {2, 2, 0, 0, 0, 2, 0, 0, 10, 77, 0, 0, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    static const uint8_t alert[] = {148, 4, 0, 0};
    uint8_t udp[8 + sizeof rip] = {2, 8, 2, 8, 0, 8 + sizeof rip};
    memcpy(udp + 8, rip, sizeof rip);
    add(seeds, (struct frame_spec){.dst_mac = all_hosts,
                                   .dst = addr_of("224.0.0.1"),
                                   .protocol = PROTO_IGMP,
                                   .ttl = 1,
                                   .options = alert,
                                   .options_len = 4,
                                   .data = query,
                                   .len = sizeof query});
    add(seeds, (struct frame_spec){
                   .dst_mac = rip_routers, .dst = addr_of("224.0.0.9"), .ttl = 1, .data = udp, .len = sizeof udp});
    add(seeds, (struct frame_spec){.dst = addr_of(ROUTER), .data = udp, .len = sizeof udp});
    add(seeds, (struct frame_spec){.dst_mac = all_stations, .dst = UINT32_MAX, .src_port = 520, .dst_port = 520});
    add(seeds, (struct frame_spec){.dst_mac = all_hosts, .dst = addr_of("239.1.1.1"), .len = 40});
    for (unsigned i = 1; i <= 5; i++)
        seed_repair(seeds->packet[seeds->n - i].frame, seeds->packet[seeds->n - i].len);
}

static struct packet *to_group(struct seeds *seeds, const char *group, struct frame_spec spec)
{
    static uint8_t mac[6];
    uint32_t addr = spec.dst = addr_of(group);
    memcpy(mac, (const uint8_t[]){1, 0, 0x5e, addr >> 16 & 0x7f, addr >> 8 & 0xff, addr & 0xff}, sizeof mac);
    spec.dst_mac = mac;
    return add(seeds, spec);
}

static void add_multicast(struct seeds *seeds)
{
    static const uint8_t alert[] = {148, 4, 0, 0}, record[] = {7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t loose[] = {131, 7, 4, 10, 0, 2, 2, 0}, broken[] = {7, 60, 4, 0};
    to_group(seeds, "239.1.1.1", (struct frame_spec){.len = 200});
    to_group(seeds, "239.1.1.1", (struct frame_spec){.len = 1400});
    to_group(seeds, "239.1.1.1", (struct frame_spec){.len = 1400, .fragment = IP_DF});
    to_group(seeds, "239.1.1.1", (struct frame_spec){.ttl = 1});
    to_group(seeds, "239.1.1.1", (struct frame_spec){.ttl = 2});
    to_group(seeds, "239.129.1.1", (struct frame_spec){0});
    to_group(seeds, "239.2.1.1", (struct frame_spec){0});
    to_group(seeds, "239.3.1.1", (struct frame_spec){0});
    to_group(seeds, "239.1.1.2", (struct frame_spec){.src = addr_of("10.0.2.2")});
    to_group(seeds, "239.1.1.2", (struct frame_spec){.src = addr_of("192.0.2.2")});
    to_group(seeds, "239.1.1.2", (struct frame_spec){.src = addr_of("10.8.0.2")});
    to_group(seeds, "239.1.1.3", (struct frame_spec){.options = alert, .options_len = sizeof alert});
    to_group(seeds, "239.1.1.3", (struct frame_spec){.options = record, .options_len = sizeof record, .len = 1400});
    to_group(seeds, "239.1.1.3", (struct frame_spec){.options = loose, .options_len = sizeof loose});
    to_group(seeds, "239.1.1.3", (struct frame_spec){.options = broken, .options_len = sizeof broken});
    to_group(seeds, "224.0.0.5", (struct frame_spec){.protocol = 89});
    add_gso(seeds, "239.1.1.1", PROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4);
    struct packet *unfinished = to_group(seeds, "239.1.1.1", (struct frame_spec){.len = 1000});
    unfinished->vnet =
        (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
}

static void add_odd_frames(struct seeds *seeds)
{
    add(seeds, (struct frame_spec){.dst = addr_of(HOST_2), .ttl = 1});
    add(seeds, (struct frame_spec){.dst = addr_of(HOST_2), .ttl_zero = true});
    add(seeds, (struct frame_spec){.dst = addr_of(HOST_3), .len = 1400, .fragment = IP_DF});
    add(seeds, (struct frame_spec){.dst = addr_of(HOST_3), .len = 1400});
    add(seeds, (struct frame_spec){.dst = addr_of(ROUTER), .len = 1400, .protocol = PROTO_ICMP});
    add(seeds, (struct frame_spec){.dst = addr_of(ROUTER), .protocol = 99});
    add(seeds, (struct frame_spec){.dst = addr_of("10.0.1.9")}); /* back where it came from: redirect */
    add(seeds, (struct frame_spec){.dst = addr_of(HOST_2)})->tagged = true;
    struct packet *padded = add(seeds, (struct frame_spec){.dst = addr_of(HOST_2), .len = 26});
    store_be16(packet_ip(padded) + IP_AT_LENGTH, 28);
    seed_repair(padded->frame, padded->len);
    struct packet *vlan = add(seeds, (struct frame_spec){.dst = addr_of(HOST_2)});
    store_be16(vlan->frame + 12, 0x8100);
    struct packet *ipv6 = add(seeds, (struct frame_spec){.dst = addr_of(HOST_2)});
    store_be16(ipv6->frame + 12, 0x86dd);
    struct packet *unfinished = add(seeds, (struct frame_spec){.dst = addr_of(HOST_2), .len = 50});
    unfinished->vnet =
        (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 6};
}

void seeds_make(struct seeds *seeds)
{
    *seeds = (struct seeds){0};
    add_arp(seeds, 1, HOST_1, ROUTER);
    add_arp(seeds, 2, HOST_1, ROUTER);
    add_arp(seeds, 1, HOST_1, HOST_1);
    add_arp(seeds, 1, "0.0.0.0", ROUTER);
    add_arp(seeds, 1, HOST_1, "10.9.0.5");
    const char *const destinations[] = {HOST_2,      HOST_3,       UNKNOWN,     "10.9.1.1",    "10.8.1.1",
                                        "10.66.0.1", "10.67.0.1",  "10.68.0.1", "192.0.2.1",   "10.0.3.255",
                                        ROUTER,      "10.255.0.1", "127.0.0.1", "169.254.1.1", "240.0.0.1"};
    for (unsigned i = 0; i < sizeof destinations / sizeof destinations[0]; i++)
        to(seeds, destinations[i]);
    add_all_options(seeds);
    add_tcp(seeds, HOST_2, 0x02);
    add_tcp(seeds, ROUTER, 0x02);
    add_tcp(seeds, ROUTER, 0x11);
    add_gso_in_tunnel(seeds, HOST_2);
    add_gso_in_tunnel(seeds, HOST_3);
    add_gso(seeds, HOST_2, PROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4);
    add_gso(seeds, HOST_3, PROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4);
    add_gso(seeds, HOST_3, PROTO_UDP, VIRTIO_NET_HDR_GSO_UDP_L4);
    add_gso(seeds, ROUTER, PROTO_TCP, VIRTIO_NET_HDR_GSO_TCPV4);
    for (uint8_t type = 0; type < 19; type++)
        if (type == 0 || type == 3 || type == 5 || type == 8 || type >= 11)
            add_icmp(seeds, ROUTER, type, 0);
    add_fragments(seeds, ROUTER);
    add_fragments(seeds, HOST_3);
    add_groups(seeds);
    add_multicast(seeds);
    add_odd_frames(seeds);
}

void seeds_free(struct seeds *seeds)
{
    for (unsigned i = 0; i < seeds->n; i++)
        frame_free(&seeds->packet[i]);
}

/* ---- repair ---- */

static void repair_transport(uint8_t *ip, uint8_t *at, size_t len)
{
    static const uint8_t places[256] = {[PROTO_ICMP] = 2, [PROTO_IGMP] = 2, [PROTO_TCP] = 16, [PROTO_UDP] = 6};
    uint8_t protocol = ip[IP_AT_PROTOCOL], place = places[protocol];
    uint32_t sum = 0;
    if (place == 0 || len < place + 2u)
        return;
    if (protocol == PROTO_TCP || protocol == PROTO_UDP)
        sum = checksum_pseudo(0, load_be32(ip + IP_AT_SRC), load_be32(ip + IP_AT_DST), protocol, (uint32_t)len);
    store_be16(at + place, 0);
    uint16_t check = checksum_finish(checksum_add(sum, at, len));
    store_be16(at + place, check != 0 || protocol != PROTO_UDP ? check : 0xffff);
}

void seed_repair(uint8_t *frame, uint32_t len)
{
    uint8_t *ip = frame + ETHERNET_HEADER;
    if (len < ETHERNET_HEADER + IP_HEADER_MIN || load_be16(frame + 12) != ETHERTYPE_IPV4)
        return;
    size_t header = (ip[0] & 15) * (size_t)4, total = load_be16(ip + IP_AT_LENGTH);
    if (header < IP_HEADER_MIN || header > len - ETHERNET_HEADER)
        return;
    store_be16(ip + IP_AT_CHECKSUM, 0);
    store_be16(ip + IP_AT_CHECKSUM, checksum_finish(checksum_add(0, ip, header)));
    if (total > header && total <= len - ETHERNET_HEADER && (load_be16(ip + IP_AT_FRAGMENT) & (IP_MF | IP_OFFSET)) == 0)
        repair_transport(ip, ip + header, total - header);
}

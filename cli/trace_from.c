/* trace packet from A to B: the way that a packet would go, which is not sent and changes nothing. */
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/trace_print.h"
#include "cli/tree.h"
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"
#include "forwarding/ethernet.h"
#include "forwarding/explain.h"
#include "forwarding/fib.h"

#define FRAME_ALIGN    2
#define SOURCE_PORT    40000 /* of a client */
#define UDP_HEADER     8
#define TCP_HEADER     20
#define ICMP_HEADER    8
#define LENGTH_DEFAULT 84 /* ping's */

static const struct command source, target, in_value, icmp_word, tcp_word, udp_word, protocol_value, port_value,
    size_value, ttl_value, df;

/* ---- the packet ---- */

static uint8_t protocol_of(const struct job *job)
{
    const struct command_arg *number = job_arg(job, &protocol_value);
    if (number != NULL)
        return (uint8_t)number->number;
    return job_arg(job, &tcp_word) != NULL ? PROTO_TCP : job_arg(job, &udp_word) != NULL ? PROTO_UDP : PROTO_ICMP;
}

/* A client's first: an echo request, a SYN, a datagram. LEN bytes of zeros are at DATA, more than any header. */
static void write_transport(const struct job *job, const struct ip *ip, uint8_t *data, size_t len)
{
    const struct command_arg *port = job_arg(job, &port_value);
    uint32_t sum = checksum_pseudo(0, ip->src, ip->dst, ip->protocol, (uint32_t)len);
    if (ip->protocol == PROTO_ICMP && len >= ICMP_HEADER) {
        data[0] = ICMP_ECHO;
        store_be16(data + 6, 1);
        store_be16(data + 2, checksum_finish(checksum_add(0, data, len)));
        return;
    }
    if ((ip->protocol != PROTO_TCP || len < TCP_HEADER) && (ip->protocol != PROTO_UDP || len < UDP_HEADER))
        return;
    store_be16(data, SOURCE_PORT);
    store_be16(data + 2, port != NULL ? (uint16_t)port->number : ip->protocol == PROTO_TCP ? 80 : 33434);
    if (ip->protocol == PROTO_UDP) {
        store_be16(data + 4, (uint16_t)len);
        store_be16(data + 6, checksum_finish(checksum_add(sum, data, len)));
        return;
    }
    data[12] = TCP_HEADER / 4 << 4;
    data[13] = 0x02; /* SYN */
    store_be16(data + 16, checksum_finish(checksum_add(sum, data, len)));
}

static void write_ethernet(const struct job *job, const struct port *port, const struct ip *ip, uint8_t *frame)
{
    uint8_t dst[MAC_LEN], src[MAC_LEN] = {2};
    struct neighbour_view neighbour;
    memcpy(dst, port->mac, MAC_LEN);
    if (addr_is_multicast(ip->dst)) /* RFC 1112 6.4 */
        memcpy(dst, (uint8_t[]){1, 0, 0x5e, ip->dst >> 16 & 0x7f, ip->dst >> 8 & 0xff, ip->dst & 0xff}, MAC_LEN);
    else if (addr_is_limited_broadcast(ip->dst))
        memset(dst, 0xff, MAC_LEN);
    if (neighbour_look(job->router->dataplane->neighbours, port->number, ip->src, &neighbour, job_now(job)) &&
        neighbour.state != NEIGHBOUR_INCOMPLETE)
        memcpy(src, neighbour.mac, MAC_LEN);
    ethernet_write(frame, dst, src, ETHERTYPE_IPV4);
}

static struct ip header_of(const struct job *job)
{
    const struct command_arg *size = job_arg(job, &size_value), *ttl = job_arg(job, &ttl_value);
    return (struct ip){
        .src = job_arg(job, &source)->addr,
        .dst = job_arg(job, &target)->addr,
        .len = size != NULL ? (uint16_t)size->number : LENGTH_DEFAULT,
        .fragment = job_arg(job, &df) != NULL ? IP_DF : 0,
        .header = IP_HEADER_MIN,
        .ttl = ttl != NULL ? (uint8_t)ttl->number : 64,
        .protocol = protocol_of(job),
    };
}

/* ---- where it comes in ---- */

/* By the port that is said, or the one behind which its source is. */
static const struct port *port_in(const struct job *job, uint32_t src)
{
    const struct dataplane *d = job->router->dataplane;
    const struct command_arg *in = job_arg(job, &in_value);
    struct cli_link link;
    if (in != NULL)
        return job_link(job, in->text, &link) ? dataplane_port(d, link.port) : NULL;
    const struct nexthop_group *group = fib_lookup(d->tables.fib, src, NULL);
    return group != NULL && group->n > 0 ? dataplane_port(d, group->hop[0].port) : NULL;
}

static enum step run_from(struct job *job)
{
    struct ip ip = header_of(job);
    char text[ADDR_TEXT];
    const struct port *port = port_in(job, ip.src);
    if (port == NULL && job_arg(job, &in_value) != NULL)
        return job_refuse(job, "%s has no device now, so nothing comes in by it", job_arg(job, &in_value)->text);
    if (port == NULL)
        return job_refuse(job, "no route says where %s is: say by which interface it comes, with in IF",
                          addr_text(ip.src, text));
    if (port->loopback)
        return job_refuse(job, "nothing comes in by a loopback: say another interface, with in IF");

    uint32_t len = ETHERNET_HEADER + (uint32_t)ip.len;
    uint8_t *as_came = calloc(2, FRAME_ALIGN + (size_t)len + FRAME_ALIGN);
    if (as_came == NULL)
        return job_refuse(job, "the system gave no memory");
    struct packet shown = {.frame = as_came + FRAME_ALIGN, .len = len, .wire_len = len, .port = port->number};
    write_ethernet(job, port, &ip, shown.frame);
    ip_write(packet_ip(&shown), &ip, NULL);
    write_transport(job, &ip, packet_ip(&shown) + ip.header, (size_t)ip.len - ip.header);

    struct packet work = shown;
    struct explanation why;
    work.frame = shown.frame + ((len + FRAME_ALIGN + 3) & ~3u);
    memcpy(work.frame, shown.frame, len);
    explain(job->router->dataplane, &work, len, false, job_now(job), &why);
    shown.ip = why.ip;
    if (job->line->json)
        json_begin_array(&job->json, NULL);
    else
        job_print(job, "nothing is sent: this is the way that it would go\n");
    trace_print(job, &(struct traced){.packet = &shown, .kept = len, .why = &why}, job_now(job));
    if (job->line->json)
        json_end(&job->json);
    free(as_came);
    return STEP_DONE;
}

/* ---- the tables ---- */

static const struct command_run run = {.step = run_from};

static const struct command in_word, protocol_word, port_word, size_word, ttl_word;
static const struct command *const options[] = {&df, &in_word, &port_word, &protocol_word, &size_word, &ttl_word, NULL};

static const struct command in_value = {COMMAND_IF,      "IF",       "By this interface", COMMAND_SHOW,
                                        .next = options, .run = &run};
static const struct command *const in_next[] = {&in_value, NULL};
static const struct command in_word = {COMMAND_WORD, "in", "By which interface it comes", COMMAND_LOOK,
                                       .next = in_next};

static const struct command icmp_word = {COMMAND_WORD, "icmp",          "An echo request",
                                         COMMAND_SHOW, .next = options, .run = &run};
static const struct command tcp_word = {COMMAND_WORD, "tcp", "A SYN", COMMAND_SHOW, .next = options, .run = &run};
static const struct command udp_word = {COMMAND_WORD, "udp", "A datagram", COMMAND_SHOW, .next = options, .run = &run};
static const struct command protocol_value = {COMMAND_NUMBER, "(0-255)",       "Its number", COMMAND_SHOW,
                                              .max = 255,     .next = options, .run = &run};
static const struct command *const protocol_next[] = {&icmp_word, &tcp_word, &udp_word, &protocol_value, NULL};
static const struct command protocol_word = {COMMAND_WORD, "protocol", "What it carries; ICMP without it", COMMAND_LOOK,
                                             .next = protocol_next};

static const struct command port_value = {COMMAND_NUMBER, "(0-65535)",     "Of TCP or UDP", COMMAND_SHOW,
                                          .max = 65535,   .next = options, .run = &run};
static const struct command *const port_next[] = {&port_value, NULL};
static const struct command port_word = {COMMAND_WORD, "port", "To which port", COMMAND_LOOK, .next = port_next};

static const struct command size_value = {COMMAND_NUMBER,  "(20-65535)", "Bytes with the IP header; 84 without it",
                                          COMMAND_SHOW,    .min = 20,    .max = 65535,
                                          .next = options, .run = &run};
static const struct command *const size_next[] = {&size_value, NULL};
static const struct command size_word = {COMMAND_WORD, "size", "How large", COMMAND_LOOK, .next = size_next};

static const struct command ttl_value = {COMMAND_NUMBER, "(0-255)",       "64 without it", COMMAND_SHOW,
                                         .max = 255,     .next = options, .run = &run};
static const struct command *const ttl_next[] = {&ttl_value, NULL};
static const struct command ttl_word = {COMMAND_WORD, "ttl", "Its time to live", COMMAND_LOOK, .next = ttl_next};

static const struct command df = {COMMAND_WORD,    "df",       "May not be fragmented", COMMAND_SHOW,
                                  .next = options, .run = &run};

static const struct command target = {COMMAND_ADDR, "A.B.C.D",       "Its destination",
                                      COMMAND_SHOW, .next = options, .run = &run};
static const struct command *const target_next[] = {&target, NULL};
static const struct command to_word = {COMMAND_WORD, "to", "To whom", COMMAND_LOOK, .next = target_next};
static const struct command *const to_next[] = {&to_word, NULL};
static const struct command source = {COMMAND_ADDR, "A.B.C.D", "Its source", COMMAND_LOOK, .next = to_next};
static const struct command *const from_next[] = {&source, NULL};
const struct command command_trace_packet_from = {COMMAND_WORD, "from", "The way of a packet that is not sent",
                                                  COMMAND_LOOK, .next = from_next};

/* traceroute: probes with rising TTLs, and who answered each of them. A probe is known by what an error quotes of it:
 * source, destination, protocol, and of UDP both ports, of ICMP identifier and sequence number. As many as
 * UNDER_WAY are sent before the first of them is answered, and results are shown in order: a silent hop costs little
 * time, and the bursts are small enough for hosts that answer only so many errors at once.
 *
 * Probes beyond the destination may be under way when it is found; they are forgotten. The dataplane's hook only notes
 * what happened and wakes the job. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/probe.h"
#include "cli/tree.h"
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"

#define UNDER_WAY    6
#define PORT_DEFAULT 33434
#define SIZE_DEFAULT 60
#define TIMEOUT_S    5 /* longer than the 3 seconds after which ARP gives a host up, or its !H would be missed */
#define MARK_TEXT    16

enum shot_state { SHOT_READY, SHOT_UNDER_WAY, SHOT_ANSWERED, SHOT_LOST };

struct shot {
    uint64_t sent_ns, took_ns; /* by the measuring clock */
    uint64_t due_ns;           /* by the loop's: when it is given up */
    uint32_t from;
    uint16_t mtu; /* of a link that it was too large for */
    uint8_t state, type, code;
};

struct trace {
    struct probe_host to;
    uint32_t from;
    unsigned first_ttl, probes; /* of each hop */
    uint64_t timeout_ns;
    size_t size; /* of a packet, its headers included */
    uint16_t port;
    bool icmp, df, reached;
    uint16_t id; /* UDP's source port, or ICMP's identifier */
    struct event *timer;
    struct shot *shots; /* [n], the probes of one hop after those of another */
    unsigned n;         /* which shrinks when the last hop is found */
    unsigned sent, told;
    unsigned under_way;
};

static const struct command target, name, source, first_ttl_value, max_ttl_value, probes_value, timeout_value,
    port_value, size_value, icmp, df;

/* ---- sending ---- */

static void write_udp(const struct trace *t, uint8_t *to, size_t len, unsigned number)
{
    store_be16(to, t->id);
    store_be16(to + 2, (uint16_t)((t->port - 1u + number) % 65535 + 1));
    store_be16(to + 4, (uint16_t)len);
    store_be16(to + 6, 0);
    uint32_t sum = checksum_pseudo(0, t->from, t->to.addr, PROTO_UDP, (uint32_t)len);
    uint16_t check = checksum_finish(checksum_add(sum, to, len));
    store_be16(to + 6, check != 0 ? check : 0xffff);
}

static void write_echo(const struct trace *t, uint8_t *to, size_t len, unsigned number)
{
    to[0] = ICMP_ECHO;
    to[1] = 0;
    store_be16(to + 2, 0);
    store_be16(to + 4, t->id);
    store_be16(to + 6, (uint16_t)number);
    store_be16(to + 2, checksum_finish(checksum_add(0, to, len)));
}

static enum send_result send_probe(struct job *job, const struct trace *t, unsigned number)
{
    size_t len = t->size - IP_HEADER_MIN;
    uint8_t *data = malloc(len);
    if (data == NULL)
        return SEND_NO_MEMORY;
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)i;
    if (t->icmp)
        write_echo(t, data, len, number);
    else
        write_udp(t, data, len, number);
    struct datagram datagram = {.src = t->from,
                                .dst = t->to.addr,
                                .protocol = t->icmp ? PROTO_ICMP : PROTO_UDP,
                                .ttl = (uint8_t)(t->first_ttl + number / t->probes),
                                .df = t->df,
                                .port = PORT_NONE,
                                .data = data,
                                .len = len};
    enum send_result result = dataplane_send(job->router->dataplane, &datagram, job_now(job));
    free(data);
    return result;
}

static enum send_result send_next(struct job *job, struct trace *t)
{
    struct shot *shot = &t->shots[t->sent];
    shot->sent_ns = job_clock_ns();
    shot->due_ns = job_now(job).ns + t->timeout_ns;
    enum send_result result = send_probe(job, t, t->sent++);
    shot->state = result == SEND_OK ? SHOT_UNDER_WAY : SHOT_LOST;
    t->under_way += result == SEND_OK;
    return result;
}

/* ---- answers ---- */

/* The number of the probe that an error quotes; t->n: none. */
static unsigned number_quoted(const struct trace *t, const uint8_t *message, size_t len)
{
    struct probe_quote quote;
    if (!probe_read_quote(message, len, &quote) || quote.src != t->from || quote.dst != t->to.addr ||
        quote.protocol != (t->icmp ? PROTO_ICMP : PROTO_UDP))
        return t->n;
    const uint8_t *transport = quote.transport;
    if (t->icmp)
        return transport[0] == ICMP_ECHO && load_be16(transport + 4) == t->id ? load_be16(transport + 6) : t->n;
    return load_be16(transport) == t->id ? (load_be16(transport + 2) + 65535u - t->port) % 65535 : t->n;
}

static unsigned number_answered(const struct trace *t, const struct packet *packet, const uint8_t *message, size_t len)
{
    switch (message[0]) {
    case ICMP_ECHO_REPLY:
        return t->icmp && packet->ip.src == t->to.addr && load_be16(message + 4) == t->id ? load_be16(message + 6)
                                                                                          : t->n;
    case ICMP_TIME_EXCEEDED: /* code 1 is about reassembly */
        return message[1] == 0 ? number_quoted(t, message, len) : t->n;
    case ICMP_UNREACHABLE:
        return number_quoted(t, message, len);
    default:
        return t->n;
    }
}

static void take_answer(struct trace *t, unsigned number, uint32_t from, const uint8_t *message)
{
    struct shot *shot = &t->shots[number];
    if (shot->state != SHOT_UNDER_WAY)
        return;
    t->under_way--;
    shot->state = SHOT_ANSWERED;
    shot->took_ns = job_clock_ns() - shot->sent_ns;
    shot->from = from;
    shot->type = message[0];
    shot->code = message[1];
    shot->mtu = load_be16(message + 6);
    if (shot->type == ICMP_TIME_EXCEEDED)
        return;
    unsigned end = (number / t->probes + 1) * t->probes;
    t->n = end < t->n ? end : t->n;
    t->reached = t->reached || from == t->to.addr || shot->type == ICMP_ECHO_REPLY ||
                 (!t->icmp && shot->code == UNREACHABLE_PORT);
}

static void heard(struct job *job, const struct packet *packet, struct now now)
{
    struct trace *t = job->state;
    (void)now;
    if (t->shots == NULL || packet->ip.len < packet->ip.header + PROBE_ICMP_HEADER)
        return;
    const uint8_t *message = packet_ip(packet) + packet->ip.header;
    unsigned number = number_answered(t, packet, message, (size_t)packet->ip.len - packet->ip.header);
    if (number < t->n && number < t->sent)
        take_answer(t, number, packet->ip.src, message);
    job_wake(job);
}

/* ---- telling ---- */

/* What traceroute's users know: nothing for an ordinary answer. */
static const char *mark_of(const struct trace *t, const struct shot *shot, char to[MARK_TEXT])
{
    to[0] = '\0';
    if (shot->type != ICMP_UNREACHABLE || (shot->code == UNREACHABLE_PORT && !t->icmp))
        return to;
    switch (shot->code) {
    case UNREACHABLE_NET:
        return "!N";
    case UNREACHABLE_HOST:
        return "!H";
    case UNREACHABLE_PROTOCOL:
        return "!P";
    case UNREACHABLE_FRAGMENTATION:
        snprintf(to, MARK_TEXT, "!F-%u", shot->mtu);
        return to;
    case UNREACHABLE_SOURCE_ROUTE:
        return "!S";
    case 9:  /* the network, RFC 1122 3.2.2.1 */
    case 10: /* the host */
    case UNREACHABLE_PROHIBITED:
        return "!X";
    case 14: /* RFC 1812 5.2.7.1 */
        return "!V";
    case 15:
        return "!C";
    default:
        snprintf(to, MARK_TEXT, "!<%u>", shot->code);
        return to;
    }
}

static void tell_header(struct job *job, const struct trace *t)
{
    char text[PROBE_HOST_TEXT];
    unsigned max_ttl = t->first_ttl + t->n / t->probes - 1;
    if (!job->line->json) {
        job_print(job, "traceroute to %s from ", probe_host_text(&t->to, text));
        job_print(job, "%s, %u hops max, %zu byte packets\n", addr_text(t->from, text), max_ttl, t->size);
        return;
    }
    json_begin_object(&job->json, NULL);
    json_member(&job->json, "host", t->to.name != NULL ? json_text(t->to.name) : json_addr(t->to.addr));
    json_member(&job->json, "address", json_addr(t->to.addr));
    json_member(&job->json, "source", json_addr(t->from));
    json_member(&job->json, "maxTtl", json_integer(max_ttl));
    json_begin_array(&job->json, "hops");
}

static void tell_shot(struct job *job, const struct trace *t, unsigned number)
{
    const struct shot *shot = &t->shots[number];
    char mark[MARK_TEXT], addr[ADDR_TEXT];
    bool first = number % t->probes == 0;
    const struct shot *before = first ? NULL : &t->shots[number - 1];
    if (first)
        job_print(job, "%2u ", t->first_ttl + number / t->probes);
    if (shot->state == SHOT_LOST) {
        job_print(job, " *");
    } else {
        if (before == NULL || before->state == SHOT_LOST || before->from != shot->from)
            job_print(job, " %s", addr_text(shot->from, addr));
        job_print(job, "  %.3f ms", (double)shot->took_ns / 1e6);
        const char *text = mark_of(t, shot, mark);
        if (text[0] != '\0')
            job_print(job, " %s", text);
    }
    if ((number + 1) % t->probes == 0)
        job_print(job, "\n");
}

static json_t *shot_json(const struct trace *t, const struct shot *shot)
{
    char text[MARK_TEXT];
    if (shot->state == SHOT_LOST)
        return json_pack("{s:n, s:n, s:n}", "address", "rtt", "mark");
    const char *mark = mark_of(t, shot, text);
    return json_pack("{s:o, s:f, s:s?}", "address", json_addr(shot->from), "rtt", (double)shot->took_ns / 1e6, "mark",
                     mark[0] != '\0' ? mark : NULL);
}

/* The hop whose last probe is NUMBER. */
static void tell_hop_json(struct job *job, const struct trace *t, unsigned number)
{
    json_t *probes = json_array();
    for (unsigned i = number + 1 - t->probes; i <= number; i++)
        json_array_append_new(probes, shot_json(t, &t->shots[i]));
    json_member(&job->json, NULL,
                json_pack("{s:i, s:o}", "ttl", (int)(t->first_ttl + number / t->probes), "probes", probes));
}

/* Tells what is known and comes next; false when there may be more. */
static bool tell(struct job *job, struct trace *t)
{
    for (unsigned row = 0; t->told < t->n && t->shots[t->told].state >= SHOT_ANSWERED; row++, t->told++) {
        if (row == JOB_ROWS)
            return false;
        if (!job->line->json)
            tell_shot(job, t, t->told);
        else if ((t->told + 1) % t->probes == 0)
            tell_hop_json(job, t, t->told);
    }
    return true;
}

static enum step finish(struct job *job, const struct trace *t)
{
    job->failed = !t->reached;
    if (job->line->json) {
        json_end(&job->json);
        json_member(&job->json, "reached", json_boolean(t->reached));
        json_end(&job->json);
    } else if (t->told % t->probes != 0) {
        job_print(job, "\n");
    }
    return STEP_DONE;
}

/* ---- the job ---- */

static unsigned number_or(const struct job *job, const struct command *argument, unsigned otherwise)
{
    const struct command_arg *arg = job_arg(job, argument);
    return arg != NULL ? (unsigned)arg->number : otherwise;
}

static enum step read_options(struct job *job, struct trace *t)
{
    t->first_ttl = number_or(job, &first_ttl_value, 1);
    unsigned max_ttl = number_or(job, &max_ttl_value, t->first_ttl > 30 ? t->first_ttl : 30);
    t->probes = number_or(job, &probes_value, 3);
    t->timeout_ns = number_or(job, &timeout_value, TIMEOUT_S) * NS_PER_S;
    t->port = (uint16_t)number_or(job, &port_value, PORT_DEFAULT);
    t->size = number_or(job, &size_value, SIZE_DEFAULT);
    t->icmp = job_arg(job, &icmp) != NULL;
    t->df = job_arg(job, &df) != NULL;
    if (max_ttl < t->first_ttl)
        return job_refuse(job, "max-ttl %u is less than first-ttl %u", max_ttl, t->first_ttl);
    t->n = (max_ttl - t->first_ttl + 1) * t->probes;
    return STEP_MORE;
}

static enum step refuse_host(struct job *job, const struct trace *t, enum send_result result)
{
    char host[PROBE_HOST_TEXT];
    return job_refuse(job, "the way to %s can not be traced: %s", probe_host_text(&t->to, host), probe_why_not(result));
}

/* STEP_MORE: the first probe is sent. */
static enum step begin(struct job *job, struct trace *t)
{
    enum step step = read_options(job, t);
    if (step == STEP_MORE)
        step = probe_find_source(job, &source, &t->from);
    if (step == STEP_MORE)
        step = probe_find_host(job, &t->to, &target, &name);
    if (step != STEP_MORE)
        return step;
    /* told apart from other programs' ports and echoes by chance alone, as everywhere */
    t->id = (uint16_t)(dataplane_random(job->router->dataplane) | 0x8000);
    if (t->from == 0)
        t->from = dataplane_source_for(job->router->dataplane, t->to.addr);
    t->timer = probe_timer_new(job);
    t->shots = calloc(t->n, sizeof *t->shots);
    if (t->timer == NULL || t->shots == NULL)
        return job_refuse(job, "the system gave no memory");
    enum send_result result = send_next(job, t);
    if (result != SEND_OK)
        return refuse_host(job, t, result);
    tell_header(job, t);
    return STEP_MORE;
}

/* Gives up what is overdue; returns when the next will be. */
static uint64_t give_up(struct trace *t, uint64_t now_ns)
{
    uint64_t due_ns = NEVER_NS;
    for (unsigned i = t->told; i < t->sent; i++) {
        struct shot *shot = &t->shots[i];
        if (shot->state != SHOT_UNDER_WAY)
            continue;
        if (now_ns >= shot->due_ns) {
            shot->state = SHOT_LOST;
            t->under_way--;
        } else if (shot->due_ns < due_ns) {
            due_ns = shot->due_ns;
        }
    }
    return due_ns;
}

static enum step traceroute(struct job *job)
{
    struct trace *t = job->state;
    if (job->interrupted && t->sent == 0) {
        job->failed = true;
        return STEP_DONE;
    }
    if (t->sent == 0) {
        enum step step = begin(job, t);
        if (step != STEP_MORE)
            return step;
    }
    give_up(t, job_now(job).ns);
    if (!tell(job, t))
        return STEP_MORE;
    if (job->interrupted || t->told == t->n)
        return finish(job, t);
    while (t->sent < t->n && t->under_way < UNDER_WAY)
        send_next(job, t);
    uint64_t due_ns = give_up(t, job_now(job).ns);
    if (due_ns == NEVER_NS)
        return STEP_MORE;
    probe_timer_set(t->timer, due_ns, job_now(job));
    return STEP_WAIT;
}

static void end(struct job *job)
{
    struct trace *t = job->state;
    probe_host_exit(&t->to);
    if (t->timer != NULL)
        event_free(t->timer);
    free(t->shots);
}

/* ---- the tables ---- */

static const struct command_run run = {
    .state_size = sizeof(struct trace), .step = traceroute, .end = end, .icmp = heard, .hears_interrupt = true};

static const struct command source_word, first_ttl_word, max_ttl_word, probes_word, timeout_word, port_word, size_word;
static const struct command *const options[] = {
    &df, &first_ttl_word, &icmp, &max_ttl_word, &port_word, &probes_word, &size_word, &source_word, &timeout_word, NULL,
};

PROBE_NUMBER(first_ttl, "first-ttl", COMMAND_JSON, 1, 255, "Where to begin",
             "Time to live of the first probe; 1 without it");
PROBE_NUMBER(max_ttl, "max-ttl", COMMAND_JSON, 1, 255, "Where to give up",
             "Time to live of the last probe; 30 without it");
PROBE_NUMBER(probes, "probes", COMMAND_JSON, 1, 10, "How often each hop is asked", "Probes; 3 without it");
PROBE_NUMBER(timeout, "timeout", COMMAND_JSON, 1, 60, "How long an answer may take", "Seconds; 5 without it");
PROBE_NUMBER(port, "port", COMMAND_JSON, 1, 65535, "To which port", "UDP port of the first probe; 33434 without it");
PROBE_NUMBER(size, "size", COMMAND_JSON, 28, 65535, "How large",
             "Bytes of each packet, headers included; 60 without it");

#define FLAG(symbol, keyword, help)                                                                                    \
    static const struct command symbol = {COMMAND_WORD, keyword, help, COMMAND_JSON, .next = options, .run = &run}

FLAG(icmp, "icmp", "Echo requests in place of UDP");
FLAG(df, "df", "Do not fragment");

static const struct command source = {COMMAND_ADDR,    "A.B.C.D",   "An address of this router", COMMAND_JSON,
                                      .next = options, .run = &run, .values = COMMAND_VALUES_OWN};
static const struct command *const source_next[] = {&source, NULL};
static const struct command source_word = {COMMAND_WORD, "source", "From which address", .next = source_next};

static const struct command target = {COMMAND_ADDR,
                                      "A.B.C.D",
                                      "The host",
                                      COMMAND_JSON,
                                      .next = options,
                                      .run = &run,
                                      .values = COMMAND_VALUES_NEIGHBOURS};
static const struct command name = {COMMAND_ANY, "NAME", "Its name", COMMAND_JSON, .next = options, .run = &run};
static const struct command *const words[] = {&target, &name, NULL};
const struct command command_traceroute = {COMMAND_WORD, "traceroute", "Which way packets to a host take",
                                           .next = words};

/* ping: one echo request a second, a line for each answer, and a summary. Answers are matched by identifier and
 * sequence number, and replies by the address too: what comes late is still taken, what comes twice is told apart.
 * Events and the dataplane's hook only note what happened and wake the job; every decision is made in its step. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/tree.h"
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"

#define INTERVAL_NS  NS_PER_S
#define REMEMBERED   64 /* requests whose answer is still known when it comes */
#define ECHO_HEADER  8
#define DATA_DEFAULT 56

struct probe {
    uint64_t sent_ns;
    bool sent, answered;
};

struct ping {
    uint32_t to, from;
    int64_t count;
    size_t size; /* bytes of data */
    bool df;
    uint16_t id;
    struct event *timer;
    uint64_t next_ns; /* when the next is sent, or the last given up */
    int64_t sent, received, duplicates, errors;
    uint64_t min_ns, max_ns, sum_ns;
    struct probe probes[REMEMBERED]; /* by sequence number */
};

static const struct command target, count_value, size_value, df, from;

/* ---- sending ---- */

static struct probe *probe_of(struct ping *ping, int64_t number)
{
    return &ping->probes[(uint64_t)number % REMEMBERED];
}

static enum send_result send_echo(struct job *job, struct ping *ping, uint16_t sequence)
{
    uint8_t *message = malloc(ECHO_HEADER + ping->size);
    if (message == NULL)
        return SEND_NO_MEMORY;
    message[0] = ICMP_ECHO;
    message[1] = 0;
    store_be16(message + 2, 0);
    store_be16(message + 4, ping->id);
    store_be16(message + 6, sequence);
    for (size_t i = 0; i < ping->size; i++)
        message[ECHO_HEADER + i] = (uint8_t)i;
    store_be16(message + 2, checksum_finish(checksum_add(0, message, ECHO_HEADER + ping->size)));
    struct datagram datagram = {.src = ping->from,
                                .dst = ping->to,
                                .protocol = PROTO_ICMP,
                                .df = ping->df,
                                .port = PORT_NONE,
                                .data = message,
                                .len = ECHO_HEADER + ping->size};
    enum send_result result = dataplane_send(job->router->dataplane, &datagram, job_now(job));
    free(message);
    return result;
}

static const char *why_not(enum send_result result)
{
    switch (result) {
    case SEND_NO_ROUTE:
        return "there is no route to it";
    case SEND_NO_SOURCE:
        return "the router has no address to send from";
    case SEND_TOO_BIG:
        return "it is larger than the MTU of the way and may not be fragmented";
    case SEND_UNREACHABLE:
        return "the route to it says unreachable";
    case SEND_NO_MEMORY:
        return "there is no memory";
    case SEND_OK:
        break;
    }
    return "it was not sent";
}

/* Fails only when the very first can not be sent: then there is nothing to wait for. */
static enum send_result send_next(struct job *job, struct ping *ping)
{
    char text[ADDR_TEXT];
    int64_t number = ++ping->sent;
    *probe_of(ping, number) = (struct probe){.sent = true, .sent_ns = job_clock_ns()};
    enum send_result result = send_echo(job, ping, (uint16_t)number);
    ping->next_ns = job_now(job).ns + INTERVAL_NS;
    if (number == 1 && result == SEND_OK)
        job_print(job, "%zu bytes of data to %s, every second:\n", ping->size, addr_text(ping->to, text));
    if (result == SEND_OK || number == 1)
        return result;
    probe_of(ping, number)->answered = true; /* nothing will come */
    ping->errors++;
    job_print(job, "icmp_seq=%" PRId64 ": %s\n", number, why_not(result));
    return SEND_OK;
}

/* ---- answers ---- */

/* The request that SEQUENCE (16 bits of its number) stands for; 0: none that is remembered. */
static int64_t number_of(struct ping *ping, uint16_t sequence)
{
    int64_t number = ping->sent - (uint16_t)((uint16_t)ping->sent - sequence);
    return number > 0 && ping->sent - number < REMEMBERED && probe_of(ping, number)->sent ? number : 0;
}

static void take_reply(struct job *job, const struct packet *packet, int64_t number, size_t len)
{
    struct ping *ping = job->state;
    struct probe *probe = probe_of(ping, number);
    char source[ADDR_TEXT];
    bool duplicate = probe->answered;
    uint64_t took = job_clock_ns() - probe->sent_ns;
    if (duplicate) {
        ping->duplicates++;
    } else {
        probe->answered = true;
        ping->min_ns = ping->received == 0 || took < ping->min_ns ? took : ping->min_ns;
        ping->max_ns = took > ping->max_ns ? took : ping->max_ns;
        ping->sum_ns += took;
        ping->received++;
    }
    if (!job_has_room(job))
        return;
    job_print(job, "%zu bytes from %s: icmp_seq=%" PRId64 " ttl=%u time=%.3f ms%s\n", len,
              addr_text(packet->ip.src, source), number, packet->ip.ttl, (double)took / 1e6,
              duplicate ? " (duplicate)" : "");
}

static const char *error_text(uint8_t type, uint8_t code)
{
    static const char *const unreachable[] = {
        [UNREACHABLE_NET] = "network unreachable",
        [UNREACHABLE_HOST] = "host unreachable",
        [UNREACHABLE_PROTOCOL] = "protocol unreachable",
        [UNREACHABLE_PORT] = "port unreachable",
        [UNREACHABLE_FRAGMENTATION] = "larger than the MTU of the way",
        [UNREACHABLE_SOURCE_ROUTE] = "source route failed",
        [UNREACHABLE_PROHIBITED] = "administratively prohibited",
    };
    if (type == ICMP_UNREACHABLE && code < sizeof unreachable / sizeof unreachable[0] && unreachable[code] != NULL)
        return unreachable[code];
    return type == ICMP_UNREACHABLE         ? "unreachable"
           : type == ICMP_TIME_EXCEEDED     ? "time to live exceeded"
           : type == ICMP_PARAMETER_PROBLEM ? "parameter problem"
           : type == ICMP_SOURCE_QUENCH     ? "source quench"
           : type == ICMP_REDIRECT          ? "redirect"
                                            : NULL;
}

/* An error quotes the packet it is about: ours is known by its destination, identifier and sequence number. The quoted
 * header may be cut or changed by the way, so it is read by hand and without its checksum. */
static int64_t number_quoted(struct ping *ping, const uint8_t *quote, size_t len)
{
    if (len < IP_HEADER_MIN)
        return 0;
    size_t header = (size_t)(quote[0] & 15) * 4;
    if (quote[0] >> 4 != 4 || header < IP_HEADER_MIN || len < header + ECHO_HEADER)
        return 0;
    const uint8_t *echo = quote + header;
    if (quote[IP_AT_PROTOCOL] != PROTO_ICMP || load_be32(quote + IP_AT_DST) != ping->to || echo[0] != ICMP_ECHO ||
        load_be16(echo + 4) != ping->id)
        return 0;
    return number_of(ping, load_be16(echo + 6));
}

static void take_error(struct job *job, const struct packet *packet, const uint8_t *message, size_t len)
{
    struct ping *ping = job->state;
    const char *text = error_text(message[0], message[1]);
    char source[ADDR_TEXT];
    int64_t number = text != NULL ? number_quoted(ping, message + ECHO_HEADER, len - ECHO_HEADER) : 0;
    if (number == 0 || probe_of(ping, number)->answered)
        return;
    /* neither of these means that the request is lost */
    if (message[0] != ICMP_REDIRECT && message[0] != ICMP_SOURCE_QUENCH) {
        probe_of(ping, number)->answered = true;
        ping->errors++;
    }
    if (job_has_room(job))
        job_print(job, "from %s: icmp_seq=%" PRId64 " %s (type %u, code %u)\n", addr_text(packet->ip.src, source),
                  number, text, message[0], message[1]);
}

static void heard(struct job *job, const struct packet *packet, struct now now)
{
    struct ping *ping = job->state;
    (void)now;
    if (ping->timer == NULL || packet->ip.len < packet->ip.header + ECHO_HEADER)
        return;
    const uint8_t *message = packet_ip(packet) + packet->ip.header;
    size_t len = (size_t)packet->ip.len - packet->ip.header;
    if (message[0] != ICMP_ECHO_REPLY) {
        take_error(job, packet, message, len);
    } else if (load_be16(message + 4) == ping->id && packet->ip.src == ping->to) {
        int64_t number = number_of(ping, load_be16(message + 6));
        if (number != 0)
            take_reply(job, packet, number, len);
    }
    job_wake(job);
}

/* ---- the job ---- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    job_wake(context);
}

static enum step begin(struct job *job, struct ping *ping)
{
    const struct command_arg *arg;
    char text[ADDR_TEXT];
    ping->to = job_arg(job, &target)->addr;
    ping->from = (arg = job_arg(job, &from)) != NULL ? arg->addr : 0;
    ping->count = (arg = job_arg(job, &count_value)) != NULL ? arg->number : 5;
    ping->size = (arg = job_arg(job, &size_value)) != NULL ? (size_t)arg->number : DATA_DEFAULT;
    ping->df = job_arg(job, &df) != NULL;
    ping->id = (uint16_t)dataplane_random(job->router->dataplane);
    const struct own *own = ping->from != 0 ? own_find(job->router->dataplane->tables.own, ping->from) : NULL;
    if (ping->from != 0 && (own == NULL || own->kind != OWN_ADDRESS))
        return job_refuse(job, "%s is no address of this router", addr_text(ping->from, text));
    ping->timer = evtimer_new(job_base(job), on_timer, job);
    if (ping->timer == NULL)
        return job_refuse(job, "the system gave no memory");
    return STEP_MORE;
}

static enum step finish(struct job *job, const struct ping *ping)
{
    int64_t lost = ping->sent - ping->received;
    job_print(job, "%" PRId64 " packets transmitted, %" PRId64 " received, ", ping->sent, ping->received);
    if (ping->duplicates > 0)
        job_print(job, "%" PRId64 " duplicates, ", ping->duplicates);
    if (ping->errors > 0)
        job_print(job, "%" PRId64 " errors, ", ping->errors);
    job_print(job, "%" PRId64 "%% packet loss\n", ping->sent > 0 ? lost * 100 / ping->sent : 0);
    if (ping->received > 0)
        job_print(job, "round trip min/avg/max %.3f/%.3f/%.3f ms\n", (double)ping->min_ns / 1e6,
                  (double)ping->sum_ns / 1e6 / (double)ping->received, (double)ping->max_ns / 1e6);
    job->failed = ping->received == 0;
    return STEP_DONE;
}

static bool all_answered(const struct ping *ping)
{
    return ping->sent == ping->count && ping->received + ping->errors >= ping->count;
}

static void wait_until(struct ping *ping, struct now now)
{
    uint64_t us = ping->next_ns > now.ns ? (ping->next_ns - now.ns) / 1000 + 1 : 1;
    struct timeval after = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    evtimer_add(ping->timer, &after);
}

static enum step ping_step(struct job *job)
{
    struct ping *ping = job->state;
    char text[ADDR_TEXT];
    if (ping->timer == NULL) {
        enum step step = begin(job, ping);
        if (step == STEP_REFUSED)
            return step;
    }
    if (job->interrupted || all_answered(ping))
        return finish(job, ping);
    if (job_now(job).ns >= ping->next_ns) {
        if (ping->sent > 0 && !probe_of(ping, ping->sent)->answered)
            job_print(job, "icmp_seq=%" PRId64 ": no answer within a second\n", ping->sent);
        if (ping->sent == ping->count)
            return finish(job, ping);
        enum send_result result = send_next(job, ping);
        if (result != SEND_OK)
            return job_refuse(job, "%s can not be pinged: %s", addr_text(ping->to, text), why_not(result));
    }
    wait_until(ping, job_now(job));
    return STEP_WAIT;
}

static void end_ping(struct job *job)
{
    struct ping *ping = job->state;
    if (ping->timer != NULL)
        event_free(ping->timer);
}

/* ---- the tables ---- */

static const struct command_run run = {
    .state_size = sizeof(struct ping), .step = ping_step, .end = end_ping, .icmp = heard, .hears_interrupt = true};

static const struct command count_word, size_word, from_word;
static const struct command *const options[] = {&count_word, &df, &size_word, &from_word, NULL};

static const struct command count_value = {
    COMMAND_NUMBER, "(1-1000000)", "Requests; 5 without it", .min = 1, .max = 1000000, .next = options, .run = &run};
static const struct command *const count_next[] = {&count_value, NULL};
static const struct command count_word = {COMMAND_WORD, "count", "How many requests", .next = count_next};

static const struct command size_value = {COMMAND_NUMBER, "(0-65507)",     "Bytes of data in each; 56 without it",
                                          .max = 65507,   .next = options, .run = &run};
static const struct command *const size_next[] = {&size_value, NULL};
static const struct command size_word = {COMMAND_WORD, "size", "How large", .next = size_next};

static const struct command df = {COMMAND_WORD, "df", "Do not fragment", .next = options, .run = &run};

static const struct command from = {COMMAND_ADDR,    "A.B.C.D",   "An address of this router",
                                    .next = options, .run = &run, .values = COMMAND_VALUES_OWN};
static const struct command *const from_next[] = {&from, NULL};
static const struct command from_word = {COMMAND_WORD, "source", "From which address", .next = from_next};

static const struct command target = {COMMAND_ADDR,    "A.B.C.D",   "The host",
                                      .next = options, .run = &run, .values = COMMAND_VALUES_NEIGHBOURS};
static const struct command *const words[] = {&target, NULL};
const struct command command_ping = {COMMAND_WORD, "ping", "Is a host there?", .next = words};

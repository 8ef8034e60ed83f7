/* ping: echo requests at a steady pace, a line for each answer, and a summary. Answers are matched by identifier and
 * sequence number, and replies by the address too: what comes late is still taken, what comes twice is told apart.
 * Events and the dataplane's hook only note what happened and wake the job; every decision is made in its step. */
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/job.h"
#include "cli/probe.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/bytes.h"
#include "forwarding/checksum.h"

#define DATA_DEFAULT 56

#define INTERVAL_MIN_MS 10
#define TIMEOUT_MAX_S   10
#define REMEMBERED      1024 /* requests whose answer is still known when it comes */
_Static_assert(REMEMBERED *INTERVAL_MIN_MS > TIMEOUT_MAX_S * 1000, "a request is remembered until it is given up");

struct request {
    uint64_t sent_ns, due_ns; /* by the measuring clock, and by the loop's when it is given up */
    bool sent, answered;
};

struct ping {
    struct probe_host to;
    uint32_t from;
    int64_t count;
    size_t size; /* bytes of data */
    uint64_t interval_ns, timeout_ns;
    uint8_t ttl, tos;
    bool df;
    uint16_t id;
    struct event *timer;
    uint64_t next_ns;     /* when the next is sent */
    int64_t sent, judged; /* judged: of these it is known whether there was an answer in time */
    int64_t received, duplicates, errors;
    uint64_t min_ns, max_ns, sum_ns;
    struct request requests[REMEMBERED]; /* by sequence number */
};

static const struct command target, name, count_value, size_value, interval_value, timeout_value, ttl_value, tos_value,
    df, from;

/* ---- sending ---- */

static struct request *request_of(struct ping *ping, int64_t number)
{
    return &ping->requests[(uint64_t)number % REMEMBERED];
}

static enum send_result send_echo(struct job *job, struct ping *ping, uint16_t sequence)
{
    uint8_t *message = malloc(PROBE_ICMP_HEADER + ping->size);
    if (message == NULL)
        return SEND_NO_MEMORY;
    message[0] = ICMP_ECHO;
    message[1] = 0;
    store_be16(message + 2, 0);
    store_be16(message + 4, ping->id);
    store_be16(message + 6, sequence);
    for (size_t i = 0; i < ping->size; i++)
        message[PROBE_ICMP_HEADER + i] = (uint8_t)i;
    store_be16(message + 2, checksum_finish(checksum_add(0, message, PROBE_ICMP_HEADER + ping->size)));
    struct datagram datagram = {.src = ping->from,
                                .dst = ping->to.addr,
                                .protocol = PROTO_ICMP,
                                .tos = ping->tos,
                                .ttl = ping->ttl,
                                .df = ping->df,
                                .port = PORT_NONE,
                                .data = message,
                                .len = PROBE_ICMP_HEADER + ping->size};
    enum send_result result = dataplane_send(job->router->dataplane, &datagram, job_now(job));
    free(message);
    return result;
}

static const char *every(uint64_t ns, char to[TEXT_SHORT])
{
    if (ns == NS_PER_S)
        return "every second";
    snprintf(to, TEXT_SHORT, "every %" PRIu64 " ms", ns / NS_PER_MS);
    return to;
}

/* Fails only when the very first can not be sent: then there is nothing to wait for. */
static enum send_result send_next(struct job *job, struct ping *ping)
{
    char host[PROBE_HOST_TEXT], pace[TEXT_SHORT];
    int64_t number = ++ping->sent;
    uint64_t now_ns = job_now(job).ns;
    *request_of(ping, number) =
        (struct request){.sent = true, .sent_ns = job_clock_ns(), .due_ns = now_ns + ping->timeout_ns};
    enum send_result result = send_echo(job, ping, (uint16_t)number);
    ping->next_ns = now_ns + ping->interval_ns;
    if (number == 1 && result == SEND_OK)
        job_print(job, "%zu bytes of data to %s, %s:\n", ping->size, probe_host_text(&ping->to, host),
                  every(ping->interval_ns, pace));
    if (result == SEND_OK || number == 1)
        return result;
    request_of(ping, number)->answered = true; /* nothing will come */
    ping->errors++;
    job_print(job, "icmp_seq=%" PRId64 ": %s\n", number, probe_why_not(result));
    return SEND_OK;
}

/* ---- answers ---- */

/* The request that SEQUENCE (16 bits of its number) stands for; 0: none that is remembered. */
static int64_t number_of(struct ping *ping, uint16_t sequence)
{
    int64_t number = ping->sent - (uint16_t)((uint16_t)ping->sent - sequence);
    return number > 0 && ping->sent - number < REMEMBERED && request_of(ping, number)->sent ? number : 0;
}

static void take_reply(struct job *job, const struct packet *packet, int64_t number, size_t len)
{
    struct ping *ping = job->state;
    struct request *request = request_of(ping, number);
    char source[ADDR_TEXT];
    bool duplicate = request->answered;
    uint64_t took = job_clock_ns() - request->sent_ns;
    if (duplicate) {
        ping->duplicates++;
    } else {
        request->answered = true;
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

/* An error quotes the packet it is about: ours is known by its destination, identifier and sequence number. */
static int64_t number_quoted(struct ping *ping, const uint8_t *message, size_t len)
{
    struct probe_quote quote;
    if (!probe_read_quote(message, len, &quote) || quote.protocol != PROTO_ICMP || quote.dst != ping->to.addr ||
        quote.transport[0] != ICMP_ECHO || load_be16(quote.transport + 4) != ping->id)
        return 0;
    return number_of(ping, load_be16(quote.transport + 6));
}

static void take_error(struct job *job, const struct packet *packet, const uint8_t *message, size_t len)
{
    struct ping *ping = job->state;
    const char *text = error_text(message[0], message[1]);
    char source[ADDR_TEXT];
    int64_t number = text != NULL ? number_quoted(ping, message, len) : 0;
    if (number == 0 || request_of(ping, number)->answered)
        return;
    /* neither of these means that the request is lost */
    if (message[0] != ICMP_REDIRECT && message[0] != ICMP_SOURCE_QUENCH) {
        request_of(ping, number)->answered = true;
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
    if (ping->timer == NULL || packet->ip.len < packet->ip.header + PROBE_ICMP_HEADER)
        return;
    const uint8_t *message = packet_ip(packet) + packet->ip.header;
    size_t len = (size_t)packet->ip.len - packet->ip.header;
    if (message[0] != ICMP_ECHO_REPLY) {
        take_error(job, packet, message, len);
    } else if (load_be16(message + 4) == ping->id && packet->ip.src == ping->to.addr) {
        int64_t number = number_of(ping, load_be16(message + 6));
        if (number != 0)
            take_reply(job, packet, number, len);
    }
    job_wake(job);
}

/* ---- the job ---- */

static int64_t number_or(const struct job *job, const struct command *argument, int64_t otherwise)
{
    const struct command_arg *arg = job_arg(job, argument);
    return arg != NULL ? arg->number : otherwise;
}

static void read_options(const struct job *job, struct ping *ping)
{
    ping->count = number_or(job, &count_value, 5);
    ping->size = (size_t)number_or(job, &size_value, DATA_DEFAULT);
    ping->interval_ns = (uint64_t)number_or(job, &interval_value, 1000) * NS_PER_MS;
    ping->timeout_ns = (uint64_t)number_or(job, &timeout_value, 1) * NS_PER_S;
    ping->ttl = (uint8_t)number_or(job, &ttl_value, 64);
    ping->tos = (uint8_t)number_or(job, &tos_value, 0);
    ping->df = job_arg(job, &df) != NULL;
    ping->id = (uint16_t)dataplane_random(job->router->dataplane);
}

/* STEP_MORE: everything is there to send the first. */
static enum step begin(struct job *job, struct ping *ping)
{
    if (job_first(job))
        read_options(job, ping);
    if (job->interrupted) {
        job->failed = true;
        return STEP_DONE;
    }
    enum step step = probe_find_source(job, &from, &ping->from);
    if (step == STEP_MORE)
        step = probe_find_host(job, &ping->to, &target, &name);
    if (step != STEP_MORE)
        return step;
    ping->timer = probe_timer_new(job);
    return ping->timer != NULL ? STEP_MORE : job_refuse(job, "the system gave no memory");
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

/* What was not answered in time is told, in order. */
static void judge(struct job *job, struct ping *ping)
{
    uint64_t now_ns = job_now(job).ns;
    for (; ping->judged < ping->sent; ping->judged++) {
        const struct request *request = request_of(ping, ping->judged + 1);
        if (!request->answered && now_ns < request->due_ns)
            return;
        if (request->answered)
            continue;
        if (ping->timeout_ns == NS_PER_S)
            job_print(job, "icmp_seq=%" PRId64 ": no answer within a second\n", ping->judged + 1);
        else
            job_print(job, "icmp_seq=%" PRId64 ": no answer within %" PRIu64 " seconds\n", ping->judged + 1,
                      ping->timeout_ns / NS_PER_S);
    }
}

static uint64_t next_event(struct ping *ping)
{
    uint64_t next_ns = ping->sent < ping->count ? ping->next_ns : NEVER_NS;
    uint64_t due_ns = ping->judged < ping->sent ? request_of(ping, ping->judged + 1)->due_ns : NEVER_NS;
    return due_ns < next_ns ? due_ns : next_ns;
}

static enum step ping_step(struct job *job)
{
    struct ping *ping = job->state;
    char host[PROBE_HOST_TEXT];
    if (ping->timer == NULL) {
        enum step step = begin(job, ping);
        if (step != STEP_MORE)
            return step;
    }
    judge(job, ping);
    if (job->interrupted || ping->judged == ping->count)
        return finish(job, ping);
    if (ping->sent < ping->count && job_now(job).ns >= ping->next_ns) {
        enum send_result result = send_next(job, ping);
        if (result != SEND_OK)
            return job_refuse(job, "%s can not be pinged: %s", probe_host_text(&ping->to, host), probe_why_not(result));
    }
    probe_timer_set(ping->timer, next_event(ping), job_now(job));
    return STEP_WAIT;
}

static void end_ping(struct job *job)
{
    struct ping *ping = job->state;
    probe_host_exit(&ping->to);
    if (ping->timer != NULL)
        event_free(ping->timer);
}

/* ---- the tables ---- */

static const struct command_run run = {
    .state_size = sizeof(struct ping), .step = ping_step, .end = end_ping, .icmp = heard, .hears_interrupt = true};

static const struct command count_word, size_word, interval_word, timeout_word, ttl_word, tos_word, from_word;
static const struct command *const options[] = {
    &count_word, &df, &interval_word, &size_word, &from_word, &timeout_word, &tos_word, &ttl_word, NULL,
};

PROBE_NUMBER(count, "count", 0, 1, 1000000, "How many requests", "Requests; 5 without it");
PROBE_NUMBER(size, "size", 0, 0, 65507, "How large", "Bytes of data in each; 56 without it");
PROBE_NUMBER(interval, "interval", 0, 10, 60000, "How often", "Milliseconds from one to the next; 1000 without it");
PROBE_NUMBER(timeout, "timeout", 0, 1, 10, "How long an answer may take", "Seconds; 1 without it");
PROBE_NUMBER(ttl, "ttl", 0, 1, 255, "How many routers it may pass", "Time to live; 64 without it");
PROBE_NUMBER(tos, "tos", 0, 0, 255, "Type of service", "The whole byte: DSCP and ECN; 0 without it");

static const struct command df = {COMMAND_WORD, "df", "Do not fragment", .next = options, .run = &run};

static const struct command from = {COMMAND_ADDR,    "A.B.C.D",   "An address of this router",
                                    .next = options, .run = &run, .values = COMMAND_VALUES_OWN};
static const struct command *const from_next[] = {&from, NULL};
static const struct command from_word = {COMMAND_WORD, "source", "From which address", .next = from_next};

static const struct command target = {COMMAND_ADDR,    "A.B.C.D",   "The host",
                                      .next = options, .run = &run, .values = COMMAND_VALUES_NEIGHBOURS};
static const struct command name = {COMMAND_ANY, "NAME", "Its name", .next = options, .run = &run};
static const struct command *const words[] = {&target, &name, NULL};
const struct command command_ping = {COMMAND_WORD, "ping", "Is a host there?", .next = words};

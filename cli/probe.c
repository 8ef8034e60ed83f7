#include "cli/probe.h"

#include <stdio.h>

#include "cli/resolve.h"
#include "forwarding/bytes.h"

/* ---- hosts ---- */

enum step probe_find_host(struct job *job, struct probe_host *host, const struct command *addr,
                          const struct command *name)
{
    const struct command_arg *arg = job_arg(job, addr);
    if (arg != NULL) {
        host->addr = arg->addr;
        return STEP_MORE;
    }
    if (host->resolve == NULL) {
        host->name = job_arg(job, name)->text;
        host->resolve = resolve_begin(job, host->name);
    }
    if (host->resolve == NULL)
        return job_refuse(job, "the system gave no memory");
    switch (resolve_state(host->resolve)) {
    case RESOLVE_WAITING:
        return STEP_WAIT;
    case RESOLVE_FOUND:
        host->addr = resolve_addr(host->resolve);
        probe_host_exit(host);
        return STEP_MORE;
    case RESOLVE_FAILED:
        break;
    }
    return job_refuse(job, "%s", resolve_why(host->resolve));
}

void probe_host_exit(struct probe_host *host)
{
    resolve_end(host->resolve);
    host->resolve = NULL;
}

const char *probe_host_text(const struct probe_host *host, char to[PROBE_HOST_TEXT])
{
    char addr[ADDR_TEXT];
    if (host->name == NULL)
        return addr_text(host->addr, to);
    snprintf(to, PROBE_HOST_TEXT, "%s (%s)", host->name, addr_text(host->addr, addr));
    return to;
}

enum step probe_find_source(struct job *job, const struct command *source, uint32_t *addr)
{
    const struct command_arg *arg = job_arg(job, source);
    char text[ADDR_TEXT];
    *addr = 0;
    if (arg == NULL)
        return STEP_MORE;
    const struct own *own = own_find(job->router->dataplane->tables.own, arg->addr);
    if (own == NULL || own->kind != OWN_ADDRESS)
        return job_refuse(job, "%s is no address of this router", addr_text(arg->addr, text));
    *addr = arg->addr;
    return STEP_MORE;
}

/* ---- packets ---- */

const char *probe_why_not(enum send_result result)
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

bool probe_read_quote(const uint8_t *message, size_t len, struct probe_quote *to)
{
    if (len < PROBE_ICMP_HEADER + IP_HEADER_MIN)
        return false;
    const uint8_t *ip = message + PROBE_ICMP_HEADER;
    size_t header = (size_t)(ip[0] & 15) * 4;
    if (ip[0] >> 4 != 4 || header < IP_HEADER_MIN || len < PROBE_ICMP_HEADER + header + 8)
        return false;
    *to = (struct probe_quote){.src = load_be32(ip + IP_AT_SRC),
                               .dst = load_be32(ip + IP_AT_DST),
                               .protocol = ip[IP_AT_PROTOCOL],
                               .transport = ip + header};
    return true;
}

/* ---- time ---- */

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    (void)fd;
    (void)what;
    job_wake(context);
}

struct event *probe_timer_new(struct job *job)
{
    return evtimer_new(job_base(job), on_timer, job);
}

void probe_timer_set(struct event *timer, uint64_t due_ns, struct now now)
{
    uint64_t us = due_ns > now.ns ? (due_ns - now.ns) / 1000 + 1 : 1;
    struct timeval after = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (suseconds_t)(us % 1000000)};
    evtimer_add(timer, &after);
}

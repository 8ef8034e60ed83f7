#include "cli/trace_print.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/trace_text.h"

#define WIDTH 80
#define LABEL 14 /* columns before a step's clause, its indent included */
#define TIME  32

/* TEXT after what stands in the line already, AT columns of it; broken between words before WIDTH, and gone on with
 * below its own beginning. */
static void print_broken(struct job *job, const char *text, size_t at)
{
    while (strlen(text) > WIDTH - at) {
        size_t cut = WIDTH - at;
        while (cut > 0 && text[cut] != ' ')
            cut--;
        if (cut == 0)
            break;
        job_print(job, "%.*s\n%*s", (int)cut, text, (int)at, "");
        text += cut + 1;
    }
    job_print(job, "%s\n", text);
}

static const char *time_text(uint64_t wall_ms, char to[TIME])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm tm;
    localtime_r(&seconds, &tm);
    snprintf(to, TIME, "%02d:%02d:%02d.%03u", tm.tm_hour, tm.tm_min, tm.tm_sec, (unsigned)(wall_ms % 1000));
    return to;
}

static void print_line(struct job *job, const char *name, const char *text)
{
    job_print(job, "  %-*s", LABEL - 2, name);
    print_broken(job, text, LABEL);
}

static void print_text(struct job *job, const struct traced *traced, struct now now)
{
    const struct dataplane *d = job->router->dataplane;
    const struct explanation *why = traced->why;
    char text[TRACE_TEXT], at[TIME];
    job_print(job, "%s ", time_text(now.wall_ms, at));
    print_broken(job, trace_packet_text(traced, text), strlen(at) + 1);
    print_line(job, "in", trace_arrival_text(d, traced, text));
    for (unsigned i = 0; i < why->n; i++)
        print_line(job, trace_step_name(why->step[i].kind), trace_step_text(d, &why->step[i], text));
    job_print(job, "  => ");
    print_broken(job, trace_end_text(d, why, text), 5);
}

/* ---- JSON ---- */

static json_t *step_json(const struct dataplane *d, const struct explain_step *step)
{
    char text[TRACE_TEXT], prefix[PREFIX_TEXT];
    json_t *object =
        json_pack("{s:s, s:o}", "step", trace_step_name(step->kind), "text", json_text(trace_step_text(d, step, text)));
    switch (step->kind) {
    case EXPLAIN_ROUTE:
        json_object_set_new(object, "prefix", json_string(prefix_text(step->route.prefix, prefix)));
        break;
    case EXPLAIN_HOP:
        json_object_set_new(object, "ip", json_addr(step->addr));
        json_object_set_new(object, "interfaceName", json_text(trace_port_name(d, step->port)));
        break;
    case EXPLAIN_NEIGHBOUR:
        json_object_set_new(object, "address", json_addr(step->addr));
        json_object_set_new(object, "state",
                            step->neighbour.known ? json_string(neighbour_state_name[step->neighbour.view.state])
                                                  : json_null());
        break;
    case EXPLAIN_SIZE:
        json_object_set_new(object, "length", json_count(step->size.len));
        json_object_set_new(object, "mtu", json_count(step->mtu));
        break;
    case EXPLAIN_REWRITE:
        json_object_set_new(object, "ttl", json_count(step->rewrite.ttl));
        break;
    case EXPLAIN_SEGMENTS:
    case EXPLAIN_FRAGMENTS:
        json_object_set_new(object, "pieces", json_count(step->n));
        break;
    case EXPLAIN_STREAM:
        json_object_set_new(object, "iif", json_text(trace_port_name(d, step->port)));
        json_object_set_new(object, "outputs", json_count(step->stream.n_out));
        break;
    case EXPLAIN_COPY:
        json_object_set_new(object, "interfaceName", json_text(trace_port_name(d, step->port)));
        json_object_set_new(object, "sent", json_boolean(step->port != PORT_NONE && step->copy.why == DROP__COUNT));
        break;
    case EXPLAIN_ERROR:
        json_object_set_new(object, "type", json_count(step->error.says.type));
        json_object_set_new(object, "code", json_count(step->error.says.code));
        json_object_set_new(object, "sent", json_boolean(step->error.fate == ICMP_SENT && step->error.src != 0));
        break;
    case EXPLAIN_PUNT:
        json_object_set_new(object, "reason", json_string(step->n < PUNT__COUNT ? punt_name[step->n] : ""));
        break;
    default:
        break;
    }
    return object;
}

static json_t *packet_json(const struct dataplane *d, const struct traced *traced, struct now now)
{
    const struct packet *packet = traced->packet;
    const struct explanation *why = traced->why;
    char text[TRACE_TEXT];
    json_t *object = json_pack("{s:o, s:o, s:o, s:o}", "timeMs", json_count(now.wall_ms), "interfaceName",
                               json_text(trace_port_name(d, packet->port)), "frameLength", json_count(packet->wire_len),
                               "text", json_text(trace_packet_text(traced, text)));
    if (packet->ip.header != 0) {
        json_object_set_new(object, "source", json_addr(packet->ip.src));
        json_object_set_new(object, "destination", json_addr(packet->ip.dst));
        json_object_set_new(object, "protocol", json_count(packet->ip.protocol));
        json_object_set_new(object, "ttl", json_count(packet->ip.ttl));
        json_object_set_new(object, "length", json_count(packet->ip.len));
    }
    json_t *steps = json_array();
    for (unsigned i = 0; i < why->n; i++)
        json_array_append_new(steps, step_json(d, &why->step[i]));
    json_object_set_new(object, "steps", steps);
    json_object_set_new(object, "end", json_string(trace_end_name(why->end)));
    if (why->end == EXPLAIN_DROPPED)
        json_object_set_new(object, "reason", json_string(drop_name[why->drop]));
    if (why->end == EXPLAIN_FORWARDED)
        json_object_set_new(object, "outInterfaceName", json_text(trace_port_name(d, why->out_port)));
    return object;
}

void trace_print(struct job *job, const struct traced *traced, struct now now)
{
    if (job->line->json)
        json_member(&job->json, NULL, packet_json(job->router->dataplane, traced, now));
    else
        print_text(job, traced, now);
}

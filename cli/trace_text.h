/* A packet and its way through the router in words. */
#ifndef CLI_TRACE_TEXT_H
#define CLI_TRACE_TEXT_H

#include "forwarding/dataplane.h"
#include "forwarding/explain.h"
#include "forwarding/trace.h"

#define TRACE_TEXT 320

const char *trace_port_name(const struct dataplane *d, unsigned number);

/* "10.0.1.2 > 10.0.2.2 ICMP echo request, 84 bytes, TTL 64, DF": what came. Returns TO, as all of these do. */
const char *trace_packet_text(const struct traced *traced, char to[TRACE_TEXT]);

/* By what port and from whom. */
const char *trace_arrival_text(const struct dataplane *d, const struct traced *traced, char to[TRACE_TEXT]);

/* What a step is about, in one or two words: "route", "next hop". */
const char *trace_step_name(enum explain_kind kind);

/* The step in a clause. */
const char *trace_step_text(const struct dataplane *d, const struct explain_step *step, char to[TRACE_TEXT]);

/* "forwarded out of r1", "dropped as blackhole: the route is a blackhole". */
const char *trace_end_text(const struct dataplane *d, const struct explanation *why, char to[TRACE_TEXT]);

/* As in JSON: "forwarded", "delivered", "arp", "dropped", "held". */
const char *trace_end_name(enum explain_end end);

#endif

#include "daemon/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "daemon/interfaces.h"
#include "daemon/router.h"

#define ROWS_MOST 1000 /* of a table: the log is no place for a whole Internet, and the loop has other work */

static void write_interface(const struct router *r, const struct cli_link *link)
{
    struct port_counters c;
    dataplane_port_counters(r->dataplane, link->port, &c);
    uint64_t dropped = 0;
    for (unsigned why = 0; why < DROP__COUNT; why++)
        dropped += c.drop[why];
    log_notice(&r->log,
               "interface %s: %s%s; rx %" PRIu64 " packets %" PRIu64 " bytes, tx %" PRIu64 " packets %" PRIu64
               " bytes, forwarded %" PRIu64 ", delivered %" PRIu64 ", arp %" PRIu64 ", dropped %" PRIu64
               ", held %" PRIu64,
               link->name, link->reason == NULL ? "up" : "down: ", link->reason == NULL ? "" : link->reason,
               c.rx_packets, c.rx_bytes, c.tx_packets, c.tx_bytes, c.forwarded, c.delivered, c.arp, dropped,
               dataplane_held(r->dataplane, link->port));
    for (unsigned why = 0; why < DROP__COUNT; why++)
        if (c.drop[why] > 0)
            log_notice(&r->log, "interface %s: %" PRIu64 " dropped for %s: %s", link->name, c.drop[why], drop_name[why],
                       drop_meaning[why]);
}

static const char *port_name(const struct router *r, unsigned number)
{
    const struct port *port = number == PORT_NONE ? NULL : dataplane_port(r->dataplane, number);
    return port == NULL ? "?" : port->name;
}

static void write_neighbours(struct router *r)
{
    struct neighbour_view v;
    uint64_t cursor = 0;
    char text[ADDR_TEXT];
    for (unsigned row = 0; neighbours_next(r->dataplane->neighbours, &cursor, &v, loop_now(r->loop)); row++) {
        if (row == ROWS_MOST) {
            log_notice(&r->log, "arp: more than %u entries: show ip arp has the rest", ROWS_MOST);
            return;
        }
        log_notice(&r->log, "arp %s on %s: %02x:%02x:%02x:%02x:%02x:%02x %s, %u s old", addr_text(v.addr, text),
                   port_name(r, v.port), v.mac[0], v.mac[1], v.mac[2], v.mac[3], v.mac[4], v.mac[5],
                   neighbour_state_name[v.state], v.age_s);
    }
}

static void write_route(const struct router *r, const struct rib_view *v)
{
    static const char *const type[] = {"", " blackhole", " unreachable", " prohibit"};
    char prefix[PREFIX_TEXT], gateway[ADDR_TEXT], hops[512];
    size_t len = 0;
    hops[0] = '\0';
    for (unsigned i = 0; i < v->n_hops && len < sizeof hops; i++) {
        const struct rib_hop_view *h = &v->hops[i];
        len += (size_t)snprintf(hops + len, sizeof hops - len, "%s via %s on %s%s", i > 0 ? "," : "",
                                h->hop.gateway == 0 ? "itself" : addr_text(h->hop.gateway, gateway),
                                port_name(r, h->hop.port), h->active ? "" : " (inactive)");
    }
    log_notice(&r->log, "route %s %s [%u/%" PRIu32 "]%s%s%s", prefix_text(v->route.prefix, prefix),
               rib_protocol_name[v->route.protocol], v->route.distance, v->route.metric, type[v->route.type], hops,
               v->installed ? "" : " (not used)");
}

static void write_routes(const struct router *r)
{
    struct rib_cursor cursor = RIB_START;
    struct rib_view v;
    for (unsigned row = 0; rib_next(r->rib, &cursor, &v); row++) {
        if (row == ROWS_MOST) {
            log_notice(&r->log, "routes: more than %u: show ip route has the rest", ROWS_MOST);
            return;
        }
        write_route(r, &v);
    }
}

void report_write(struct router *r)
{
    struct cli_link link;
    r->view.refresh_counters(r);
    for (unsigned i = 0; interfaces_view(r->interfaces, i, &link); i++)
        write_interface(r, &link);
    write_neighbours(r);
    write_routes(r);
}

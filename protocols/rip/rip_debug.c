/* What is told of RIP's inner life while somebody wants to hear it. */
#include <stdarg.h>
#include <stdio.h>

#include "forwarding/bytes.h"
#include "protocols/rip/rip_internal.h"

void rip_debug(struct rip *rip, unsigned kinds)
{
    rip->debug = rip->hooks.debug != NULL ? kinds : 0;
}

void rip_debug_say(const struct rip *rip, enum rip_debug kind, unsigned port, uint32_t addr, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    rip->hooks.debug(rip->hooks.context, kind, port, addr, text);
}

#define AUTH_TEXT 32

static const char *auth_text(const struct rip_auth *auth, const struct rip_told *told, char to[AUTH_TEXT])
{
    const uint8_t *entry = told->message + RIP_HEADER;
    if (!told->is_signed)
        return "no key is valid";
    if (load_be16(entry) != RIP_FAMILY_AUTH)
        return "no authentication";
    if (load_be16(entry + 2) == RIP_AUTH_TYPE_PASSWORD)
        return "a password";
    const struct rip_key *key = rip_keys_find(auth, entry[6]);
    snprintf(to, AUTH_TEXT, "%s key %u", key != NULL ? rip_auth_mode_name[key->mode] : "unknown", entry[6]);
    return to;
}

void rip_debug_message(const struct rip *rip, const struct rip_interface *interface, const char *what, uint32_t addr,
                       const struct rip_told *told)
{
    char auth[AUTH_TEXT];
    rip_debug_if(rip, RIP_DEBUG_PACKETS, interface->port, addr, "%s version %u %s, %zu %s, %zu bytes, %s", what,
                 told->message[1], told->message[0] == RIP_REQUEST ? "request" : "response", told->entries,
                 told->entries == 1 ? "entry" : "entries", told->len,
                 auth_text(&interface->settings->auth, told, auth));
}

void rip_debug_route(const struct rip *rip, const struct rip_route *route)
{
    char prefix[PREFIX_TEXT], by[ADDR_TEXT];
    const struct path *path = route->kind == RIP_LEARNED && route->metric < RIP_INFINITY ? route->paths : NULL;
    prefix_text(route->prefix, prefix);
    if (route->metric == RIP_INFINITY)
        rip_debug_say(rip, RIP_DEBUG_ROUTES, PORT_NONE, route->prefix.addr, "%s is unreachable now", prefix);
    else if (path != NULL)
        rip_debug_say(rip, RIP_DEBUG_ROUTES, path->neighbour->interface->port, route->prefix.addr,
                      "%s is learned from %s now, metric %u", prefix, addr_text(path->neighbour->address, by),
                      route->metric);
    else
        rip_debug_say(rip, RIP_DEBUG_ROUTES, route->interface, route->prefix.addr, "%s is %s now, metric %u", prefix,
                      rip_kind_name[route->kind], route->metric);
}

void rip_debug_path_gone(const struct rip *rip, const struct path *path, const char *why)
{
    char prefix[PREFIX_TEXT], by[ADDR_TEXT];
    rip_debug_say(rip, RIP_DEBUG_ROUTES, path->neighbour->interface->port, path->route->prefix.addr,
                  "%s from %s is gone: %s", prefix_text(path->route->prefix, prefix),
                  addr_text(path->neighbour->address, by), why);
}

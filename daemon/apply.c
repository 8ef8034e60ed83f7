#include "daemon/apply.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_file.h"
#include "daemon/interfaces.h"
#include "daemon/router.h"
#include "daemon/routes.h"

/* ---- what is said ---- */

static void add_line(struct findings *f, const char *line)
{
    if (f->report == NULL || f->used >= f->size)
        return;
    int n = snprintf(f->report + f->used, f->size - f->used, "%s%s", f->used > 0 ? "\n" : "", line);
    f->used += (size_t)n;
}

static void report(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    struct findings *f = (struct findings *)self;
    char line[1024], where[512];
    config_place_text(place, where, sizeof where);
    snprintf(line, sizeof line, "%s%s%s", where, warning ? "warning: " : "", text);
    if (f->log == NULL)
        fprintf(stderr, "%s\n", line);
    else
        log_at(f->log, warning ? CONFIG_LOG_WARNING : CONFIG_LOG_ERROR, "%s%s", where, text);
    add_line(f, line);
}

void findings_init(struct findings *f, const struct log *log, char *to, size_t size)
{
    *f = (struct findings){.errors.report = report, .log = log, .report = to, .size = size};
    if (size > 0)
        to[0] = '\0';
}

static void say(struct findings *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct findings *f, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    log_notice(f->log, "%s", line);
    add_line(f, line);
}

struct config *apply_read(const char *path, struct findings *f)
{
    struct config *config = config_read(path, &f->errors);
    if (config == NULL)
        return NULL;
    if (config_check(config, &f->errors) && f->errors.errors == 0)
        return config;
    config_free(config);
    return NULL;
}

/* ---- static ARP ---- */

static const struct config_arp *find_arp(const struct config *config, const struct config_arp *like)
{
    for (size_t i = 0; config != NULL && i < config->n_arps; i++)
        if (config->arps[i].address == like->address && strcmp(config->arps[i].interface, like->interface) == 0)
            return &config->arps[i];
    return NULL;
}

static void remove_arps(struct router *r, const struct config *before, const struct config *after, struct now now)
{
    for (size_t i = 0; before != NULL && i < before->n_arps; i++) {
        const struct config_arp *arp = &before->arps[i];
        unsigned port = interfaces_number(r->interfaces, arp->interface);
        if (find_arp(after, arp) == NULL && port != PORT_NONE)
            neighbour_unset_static(r->dataplane->neighbours, port, arp->address, now);
    }
}

/* Those that are there already are put again: it changes nothing, and their interface may have got a new port. */
static void add_arps(struct router *r, const struct config *config, struct now now)
{
    for (size_t i = 0; i < config->n_arps; i++) {
        const struct config_arp *arp = &config->arps[i];
        char text[ADDR_TEXT];
        unsigned number = interfaces_number(r->interfaces, arp->interface);
        const struct port *port = number == PORT_NONE ? NULL : dataplane_port(r->dataplane, number);
        if (port == NULL || !neighbour_set_static(r->dataplane->neighbours, port, arp->address, arp->mac, now))
            log_error(&r->log, "static ARP %s on %s: no memory or no room for it", addr_text(arp->address, text),
                      arp->interface);
    }
}

/* ---- the difference ---- */

/* Makes the router follow its running configuration, which BEFORE was until now (NULL: nothing was). */
static unsigned follow(struct router *r, const struct config *before)
{
    const struct config *config = r->running;
    struct now now = loop_now(r->loop);
    log_configure(&r->log, config);
    r->dataplane->icmp_rate = (uint32_t)config->icmp_rate_limit;
    r->dataplane->icmp_burst = (uint32_t)config->icmp_burst;
    /* One batch: a static route by way of an interface that changes is resolved once, when all is in place. */
    rib_batch_begin(r->rib);
    remove_arps(r, before, config, now);
    unsigned refused = interfaces_apply(r->interfaces, config, now);
    routes_apply(r, config, now);
    add_arps(r, config, now);
    rib_batch_end(r->rib, now);
    return refused;
}

unsigned apply_first(struct router *router)
{
    return follow(router, NULL);
}

bool apply_reload(struct router *r, char *report_to, size_t size)
{
    struct findings f;
    findings_init(&f, &r->log, report_to, size);
    struct config *config = apply_read(r->options.config_path, &f);
    if (config == NULL) {
        say(&f, "%s was not applied because of what is wrong in it; nothing has changed", r->options.config_path);
        return false;
    }
    struct config *before = r->running;
    r->running = config;
    unsigned refused = follow(r, before);
    if (r->cli != NULL)
        cli_set_access(r->cli, config->cli_group, config->cli_idle_timeout);
    config_check_restart(before, config, &f.errors);
    if (refused > 0)
        say(&f, "%u interface%s not forwarding because something stands in the way: show interfaces says what", refused,
            refused == 1 ? " is" : "s are");
    say(&f, "%s was read and applied", r->options.config_path);
    config_free(before);
    return true;
}

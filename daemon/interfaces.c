#include "daemon/interfaces.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/change.h"
#include "daemon/igmp.h"
#include "daemon/interface.h"
#include "daemon/rip.h"

#define RETRY_S 5

struct interfaces {
    struct router *router;
    struct interface *list[PORT_MAX], *was[PORT_MAX]; /* in configuration order; was: while a new one is applied */
    size_t n;
    unsigned next_number;
    bool used[PORT_MAX];
    bool incomplete; /* not all that is configured could be made */
    bool waiting;    /* in interfaces_wait */
    struct event *retry;
    struct event *when_open; /* to be made active when nothing is being opened any more; NULL: nobody asked */
    struct cli_tap *taps;
    unsigned n_taps;
};

void interface_tell(const struct router *router, enum config_log_level level, const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_at(&router->log, level, "%s", text);
    changes_heard(router->changes, level, text);
}

static void say(const struct interfaces *all, const struct interface *i)
{
    const struct log *log = &all->router->log;
    switch (i->obstacle) {
    case NONE:
        log_notice(log, "interface %s: up", i->name);
        break;
    case SHUTDOWN:
    case DEVICE_DOWN:
    case NO_CARRIER:
        log_notice(log, "interface %s: down: %s", i->name, i->reason);
        break;
    case OPENING:
        break;
    case WAITING:
        interface_tell(all->router, CONFIG_LOG_NOTICE, "interface %s: %s; it is taken as soon as there is one", i->name,
                       i->reason);
        break;
    case REFUSED:
        interface_tell(all->router, log->starting ? CONFIG_LOG_ERROR : CONFIG_LOG_WARNING,
                       "interface %s does not forward: %s", i->name, i->reason);
        break;
    }
}

static bool is_opening(const struct interfaces *all)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->list[i]->opening != NULL)
            return true;
    return false;
}

static void follow_bypass(const struct interfaces *all, struct interface *i, const struct link *link)
{
    if (i->ifindex == 0 || link == NULL || interface_wants_bypass(all->router, link) == i->bypass)
        return;
    i->bypass = !i->bypass;
    af_packet_set_bypass(all->router->af_packet, i->number, i->bypass);
}

static void settle(struct interfaces *all, struct interface *i, struct now now)
{
    char why[REASON_MAX] = "";
    const struct link *link = NULL;
    enum obstacle obstacle;
    if (i->config->type == CONFIG_LOOPBACK) {
        interface_close(all->router, i);
        obstacle = interface_state(i, NULL, why, sizeof why);
    } else {
        link = links_find(all->router->links, i->name);
        obstacle = interface_look(all->router, i, link, why, sizeof why);
    }
    if (obstacle == OPENING && i->obstacle == REFUSED) { /* it is tried again: what was in the way may still be */
        obstacle = REFUSED;
        memcpy(why, i->reason, sizeof why);
    }
    bool news = !i->settled || obstacle != i->obstacle || strcmp(why, i->reason) != 0;
    i->obstacle = obstacle;
    memcpy(i->reason, why, sizeof why);
    i->settled = true;
    if (news)
        say(all, i);
    follow_bypass(all, i, link);
    interface_follow(all->router, i, link, now);
    if (all->when_open != NULL && !is_opening(all)) {
        event_active(all->when_open, 0, 0);
        all->when_open = NULL;
    }
}

static struct interface *find_in(struct interface *const *list, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i]->name, name) == 0)
            return list[i];
    return NULL;
}

static struct interface *find(const struct interfaces *all, const char *name)
{
    return find_in(all->list, all->n, name);
}

void interfaces_device_changed(void *context, const char *name)
{
    struct interfaces *all = context;
    struct interface *i = find(all, name);
    if (i != NULL && i->config->type != CONFIG_LOOPBACK)
        settle(all, i, loop_now(all->router->loop));
}

void interfaces_opened(struct interfaces *all, struct interface *i)
{
    if (!all->waiting)
        settle(all, i, loop_now(all->router->loop));
}

/* Not every cure is told to us: the end of another ferryd, memory that has become free. */
static void retry(int fd, short what, void *context)
{
    (void)fd;
    (void)what;
    struct interfaces *all = context;
    for (size_t i = 0; i < all->n; i++)
        if (all->list[i]->obstacle == REFUSED && all->list[i]->opening == NULL)
            settle(all, all->list[i], loop_now(all->router->loop));
}

/* ---- the list ---- */

struct interfaces *interfaces_new(struct router *router)
{
    struct interfaces *all = calloc(1, sizeof *all);
    if (all == NULL)
        return NULL;
    all->router = router;
    all->retry = event_new(router->base, -1, EV_PERSIST, retry, all);
    struct timeval every = {.tv_sec = RETRY_S};
    if (all->retry == NULL || event_add(all->retry, &every) < 0) {
        interfaces_free(all);
        return NULL;
    }
    return all;
}

static void free_interface(struct interface *i)
{
    free(i->announced);
    free(i);
}

void interfaces_free(struct interfaces *all)
{
    if (all == NULL)
        return;
    for (size_t i = 0; i < all->n; i++) {
        interface_close(all->router, all->list[i]);
        free_interface(all->list[i]);
    }
    if (all->retry != NULL)
        event_free(all->retry);
    free(all);
}

/* Numbers go round, so that one is not used again while lanes may still hold what led to its last owner. */
static bool take_number(struct interfaces *all, struct interface *i)
{
    for (unsigned tries = 0; tries < PORT_MAX; tries++) {
        unsigned number = all->next_number;
        all->next_number = (number + 1) % PORT_MAX;
        if (!all->used[number]) {
            all->used[number] = true;
            i->number = number;
            return true;
        }
    }
    return false;
}

static struct interface *make(struct interfaces *all, const struct config_interface *config)
{
    struct interface *i = calloc(1, sizeof *i);
    if (i == NULL || !take_number(all, i)) {
        log_error(&all->router->log, "interface %s: %s", config->name,
                  i == NULL ? "no memory for it" : "there are too many interfaces already");
        free(i);
        return NULL;
    }
    snprintf(i->name, sizeof i->name, "%s", config->name);
    i->held = GUARD_NOTHING;
    i->shield = -1;
    dataplane_clear_counters(all->router->dataplane, i->number);
    return i;
}

static void drop(struct interfaces *all, struct interface *i, struct now now)
{
    struct router *r = all->router;
    rip_service_port_goes(r->rip, i->number, now);
    igmp_service_port_goes(r->igmp, i->number, now);
    interface_withdraw(all->router, i, true, now);
    if (i->up)
        rib_port_changed(r->rib, i->number, false, now);
    interface_close(all->router, i);
    dataplane_remove_port(r->dataplane, i->number, now);
    all->used[i->number] = false;
    log_info(&r->log, "interface %s: no longer configured", i->name);
    for (struct cli_tap *tap = all->taps; tap != NULL; tap = tap->next)
        if (strcmp(tap->name, i->name) == 0)
            tap->gone(tap);
    free_interface(i);
}

/* The interfaces of CONFIG, those that are there already and new ones. False when some could not be made. */
static bool relist(struct interfaces *all, const struct config *config, size_t n_was)
{
    all->n = 0;
    for (size_t c = 0; c < config->n_interfaces; c++) {
        struct interface *i = find_in(all->was, n_was, config->interfaces[c].name);
        if (i == NULL && (all->n == PORT_MAX || (i = make(all, &config->interfaces[c])) == NULL))
            continue;
        i->config = &config->interfaces[c];
        all->list[all->n++] = i;
    }
    return all->n == config->n_interfaces;
}

static void drop_missing(struct interfaces *all, size_t n_was, struct now now)
{
    for (size_t w = 0; w < n_was; w++) {
        size_t i = 0;
        while (i < all->n && all->list[i] != all->was[w])
            i++;
        if (i == all->n)
            drop(all, all->was[w], now);
    }
}

unsigned interfaces_apply(struct interfaces *all, const struct config *config, struct now now)
{
    size_t n_was = all->n;
    memcpy(all->was, all->list, n_was * sizeof all->was[0]);
    all->incomplete = !relist(all, config, n_was);
    rib_batch_begin(all->router->rib);
    drop_missing(all, n_was, now);
    /* Everything that goes goes before anything comes: a network may have moved from one interface to another. */
    for (size_t i = 0; i < all->n; i++)
        interface_withdraw(all->router, all->list[i], false, now);
    for (size_t i = 0; i < all->n; i++)
        settle(all, all->list[i], now);
    rib_batch_end(all->router->rib, now);
    return interfaces_refused(all);
}

/* They settle in configuration order, whichever was open first. */
unsigned interfaces_wait(struct interfaces *all, struct now now)
{
    all->waiting = true;
    while (is_opening(all)) {
        worker_finish(all->router->openers);
        for (size_t i = 0; i < all->n; i++)
            if (all->list[i]->opening != NULL)
                settle(all, all->list[i], now);
    }
    all->waiting = false;
    return interfaces_refused(all);
}

bool interfaces_opening(struct interfaces *all, struct event *then)
{
    all->when_open = is_opening(all) ? then : NULL;
    return all->when_open != NULL;
}

unsigned interfaces_refused(const struct interfaces *all)
{
    unsigned refused = all->incomplete ? 1 : 0;
    for (size_t i = 0; i < all->n; i++)
        refused += all->list[i]->obstacle == REFUSED;
    return refused;
}

/* ---- taps ---- */

static void tapping_changed(const struct interfaces *all, const char *name)
{
    struct interface *i = find(all, name);
    if (i != NULL)
        follow_bypass(all, i, links_find(all->router->links, name));
}

bool interfaces_tap(struct interfaces *all, struct cli_tap *tap)
{
    if (all->n_taps == CLI_TAPS_MAX)
        return false;
    tap->next = all->taps;
    all->taps = tap;
    all->n_taps++;
    tapping_changed(all, tap->name);
    return true;
}

void interfaces_untap(struct interfaces *all, struct cli_tap *tap)
{
    struct cli_tap **at = &all->taps;
    while (*at != NULL && *at != tap)
        at = &(*at)->next;
    if (*at == NULL)
        return;
    *at = tap->next;
    all->n_taps--;
    tapping_changed(all, tap->name);
}

bool interfaces_is_tapped(const struct interfaces *all, const char *name)
{
    for (const struct cli_tap *tap = all->taps; tap != NULL; tap = tap->next)
        if (strcmp(tap->name, name) == 0)
            return true;
    return false;
}

void interfaces_finish_taps(struct interfaces *all)
{
    while (all != NULL && all->taps != NULL)
        all->taps->finish(all->taps);
}

/* ---- looking ---- */

unsigned interfaces_number(const struct interfaces *all, const char *name)
{
    const struct interface *i = find(all, name);
    return i == NULL ? PORT_NONE : i->number;
}

bool interfaces_view(const struct interfaces *all, unsigned n, struct cli_link *view)
{
    if (n >= all->n)
        return false;
    const struct interface *i = all->list[n];
    bool loopback = i->config->type == CONFIG_LOOPBACK;
    const struct link *link = loopback ? NULL : links_find(all->router->links, i->name);
    *view = (struct cli_link){
        .name = i->name,
        .port = i->number,
        .pending = i->obstacle == WAITING,
        .admin_up = !i->config->shutdown,
        .device_up = loopback,
        .carrier = loopback,
        .reason = i->obstacle == NONE ? NULL : i->reason,
        .changed_ns = i->changed_ns,
        .carrier_changes = i->changes,
    };
    if (link != NULL) {
        view->device_up = link->up;
        view->carrier = link->carrier;
        view->ifindex = link->index;
        view->device_mtu = link->mtu;
        memcpy(view->mac, link->mac, sizeof view->mac);
    }
    return true;
}

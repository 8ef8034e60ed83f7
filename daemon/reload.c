#include "daemon/reload.h"

#include <stdlib.h>
#include <string.h>

#include "cli/access.h"
#include "daemon/apply.h"
#include "daemon/config_file.h"
#include "daemon/findings.h"
#include "daemon/interfaces.h"
#include "daemon/router.h"
#include "daemon/routes.h"

#define PREFIXES_A_TURN 128 /* of static routes that change; a fraction of a millisecond */

/* What the worker makes: plain data. */
struct candidate {
    struct reload *reload; /* NULL: the router stops, nobody wants it any more */
    const char *path;
    struct findings findings;
    struct config *config; /* NULL: it is not to be used */
    struct static_routes routes;
    struct access_rules access;
    char access_warning[256];
};

struct reload {
    struct router *router;
    struct candidate *candidate; /* of the reload that is under way */
    struct routes_change change;
    struct event *turn;
    struct cli_asker *askers; /* of it */
    struct cli_asker *next_askers;
    bool applying; /* the candidate is back from the worker */
    bool again;
};

/* ---- in the worker ---- */

static void read_candidate(void *data)
{
    struct candidate *c = data;
    c->config = config_load(c->path, &c->findings.errors);
    if (c->config == NULL)
        return;
    if (!routes_list(&c->routes, c->config)) {
        config_error(&c->findings.errors, c->config->place, "no memory for the static routes");
        config_free(c->config);
        c->config = NULL;
        return;
    }
    access_rules_set(&c->access, c->config->cli_group, c->access_warning, sizeof c->access_warning);
}

static void free_config(void *config)
{
    config_free(config);
}

/* ---- the end ---- */

static void free_candidate(struct candidate *c)
{
    findings_exit(&c->findings);
    config_free(c->config);
    routes_free(&c->routes);
    free(c);
}

static void begin(struct reload *reload);

static void finish(struct reload *reload, bool good)
{
    struct candidate *c = reload->candidate;
    struct cli_asker *asker = reload->askers, *next;
    findings_log(&c->findings, &reload->router->log);
    char *text = asker == NULL ? NULL : findings_text(&c->findings);
    reload->askers = NULL;
    reload->candidate = NULL;
    reload->applying = false;
    for (; asker != NULL; asker = next) {
        next = asker->next;
        asker->done(asker, good, text != NULL ? text : "");
    }
    free(text);
    free_candidate(c);
    if (reload->again)
        begin(reload);
}

void reload_discard(struct router *r, struct config *config)
{
    if (config != NULL && !worker_do(r->worker, free_config, NULL, config))
        config_free(config);
}

/* ---- applying ---- */

static void change_routes(int fd, short what, void *context)
{
    struct reload *reload = context;
    static const struct timeval at_once = {0};
    (void)fd;
    (void)what;
    if (interfaces_opening(reload->router->interfaces, reload->turn))
        return;
    if (routes_change_some(&reload->change, PREFIXES_A_TURN, loop_now(reload->router->loop))) {
        event_add(reload->turn, &at_once);
        return;
    }
    routes_discard(reload->router, &reload->change.want);
    unsigned refused = interfaces_refused(reload->router->interfaces);
    if (refused > 0)
        findings_say(&reload->candidate->findings, CONFIG_LOG_NOTICE,
                     "%u interface%s not forwarding because something stands in the way: show interfaces says what",
                     refused, refused == 1 ? " is" : "s are");
    findings_say(&reload->candidate->findings, CONFIG_LOG_NOTICE, "%s was read and applied",
                 reload->router->options.config_path);
    finish(reload, true);
}

static void apply(struct reload *reload)
{
    struct router *r = reload->router;
    struct candidate *c = reload->candidate;
    struct config *before = r->running;
    reload->applying = true;
    r->running = c->config;
    c->config = NULL;
    apply_follow(r, before);
    if (c->access_warning[0] != '\0')
        log_warning(&r->log, "%s", c->access_warning);
    if (r->cli != NULL)
        cli_set_access(r->cli, &c->access, r->running->cli_idle_timeout);
    config_check_restart(before, r->running, &c->findings.errors);
    if (before->holders == 0)
        reload_discard(r, before);
    reload->change = (struct routes_change){.router = r, .config = r->running, .want = c->routes};
    c->routes = (struct static_routes){0};
    change_routes(-1, 0, reload);
}

/* ---- the beginning ---- */

static void was_read(void *data)
{
    struct candidate *c = data;
    struct reload *reload = c->reload;
    if (reload == NULL) {
        free_candidate(c);
        return;
    }
    if (c->config != NULL) {
        apply(reload);
        return;
    }
    if (c->findings.lost > 0)
        findings_say(&c->findings, CONFIG_LOG_NOTICE, "and %zu more: ferryd -t -c %s prints them all", c->findings.lost,
                     c->path);
    findings_say(&c->findings, CONFIG_LOG_NOTICE,
                 "%s was not applied because of what is wrong in it; nothing has changed", c->path);
    finish(reload, false);
}

static void begin(struct reload *reload)
{
    struct router *r = reload->router;
    struct candidate *c = calloc(1, sizeof *c);
    reload->again = false;
    reload->askers = reload->next_askers;
    reload->next_askers = NULL;
    if (c != NULL) {
        *c = (struct candidate){.reload = reload, .path = r->options.config_path};
        findings_init(&c->findings, false);
        reload->candidate = c;
        if (worker_do(r->worker, read_candidate, was_read, c))
            return;
        free_candidate(c);
        reload->candidate = NULL;
    }
    log_error(&r->log, "no memory to read %s; nothing has changed", r->options.config_path);
    while (reload->askers != NULL) {
        struct cli_asker *asker = reload->askers;
        reload->askers = asker->next;
        asker->done(asker, false, "no memory to read the file; nothing has changed");
    }
}

void reload_ask(struct reload *reload, struct cli_asker *asker)
{
    if (asker != NULL) {
        asker->next = reload->next_askers;
        reload->next_askers = asker;
    }
    if (reload->candidate == NULL)
        begin(reload);
    else
        reload->again = true;
}

static void take_out(struct cli_asker **list, const struct cli_asker *asker)
{
    while (*list != NULL && *list != asker)
        list = &(*list)->next;
    if (*list != NULL)
        *list = asker->next;
}

void reload_forget(struct reload *reload, struct cli_asker *asker)
{
    take_out(&reload->askers, asker);
    take_out(&reload->next_askers, asker);
}

struct reload *reload_new(struct router *router)
{
    struct reload *reload = calloc(1, sizeof *reload);
    if (reload == NULL)
        return NULL;
    reload->router = router;
    reload->turn = evtimer_new(router->base, change_routes, reload);
    if (reload->turn == NULL) {
        free(reload);
        return NULL;
    }
    return reload;
}

void reload_free(struct reload *reload)
{
    if (reload == NULL)
        return;
    event_free(reload->turn);
    routes_free(&reload->change.want);
    if (reload->applying)
        free_candidate(reload->candidate);
    else if (reload->candidate != NULL)
        reload->candidate->reload = NULL;
    free(reload);
}

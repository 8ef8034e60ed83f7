#include "daemon/change.h"

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
    struct changes *changes; /* NULL: the router stops, nobody wants it any more */
    const char *path;
    struct findings findings;
    struct config *config; /* NULL: it is not to be used */
    struct static_routes routes;
    struct access_rules access;
    char access_warning[256];
};

struct changes {
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
    free(c->routes.list);
    free(c);
}

static void begin(struct changes *changes);

static void finish(struct changes *changes, bool good)
{
    struct candidate *c = changes->candidate;
    struct cli_asker *asker = changes->askers, *next;
    findings_log(&c->findings, &changes->router->log);
    char *text = asker == NULL ? NULL : findings_text(&c->findings);
    changes->askers = NULL;
    changes->candidate = NULL;
    changes->applying = false;
    for (; asker != NULL; asker = next) {
        next = asker->next;
        asker->done(asker, good, text != NULL ? text : "");
    }
    free(text);
    free_candidate(c);
    if (changes->again)
        begin(changes);
}

void changes_discard(struct router *r, struct config *config)
{
    if (config != NULL && !worker_do(r->worker, free_config, NULL, config))
        config_free(config);
}

/* ---- applying ---- */

static void change_routes(int fd, short what, void *context)
{
    struct changes *changes = context;
    static const struct timeval at_once = {0};
    (void)fd;
    (void)what;
    if (routes_change_some(&changes->change, PREFIXES_A_TURN, loop_now(changes->router->loop))) {
        event_add(changes->turn, &at_once);
        return;
    }
    if (!worker_do(changes->router->worker, free, NULL, changes->change.want.list))
        free(changes->change.want.list);
    changes->change.want = (struct static_routes){0};
    findings_say(&changes->candidate->findings, CONFIG_LOG_NOTICE, "%s was read and applied",
                 changes->router->options.config_path);
    finish(changes, true);
}

static void apply(struct changes *changes)
{
    struct router *r = changes->router;
    struct candidate *c = changes->candidate;
    struct config *before = r->running;
    changes->applying = true;
    r->running = c->config;
    c->config = NULL;
    unsigned refused = apply_follow(r, before);
    if (c->access_warning[0] != '\0')
        log_warning(&r->log, "%s", c->access_warning);
    if (r->cli != NULL)
        cli_set_access(r->cli, &c->access, r->running->cli_idle_timeout);
    config_check_restart(before, r->running, &c->findings.errors);
    if (refused > 0)
        findings_say(&c->findings, CONFIG_LOG_NOTICE,
                     "%u interface%s not forwarding because something stands in the way: show interfaces says what",
                     refused, refused == 1 ? " is" : "s are");
    if (before->holders == 0)
        changes_discard(r, before);
    changes->change = (struct routes_change){.router = r, .config = r->running, .want = c->routes};
    c->routes = (struct static_routes){0};
    change_routes(-1, 0, changes);
}

/* ---- the beginning ---- */

static void was_read(void *data)
{
    struct candidate *c = data;
    struct changes *changes = c->changes;
    if (changes == NULL) {
        free_candidate(c);
        return;
    }
    if (c->config != NULL) {
        apply(changes);
        return;
    }
    if (c->findings.lost > 0)
        findings_say(&c->findings, CONFIG_LOG_NOTICE, "and %zu more: ferryd -t -c %s prints them all", c->findings.lost,
                     c->path);
    findings_say(&c->findings, CONFIG_LOG_NOTICE,
                 "%s was not applied because of what is wrong in it; nothing has changed", c->path);
    finish(changes, false);
}

static void begin(struct changes *changes)
{
    struct router *r = changes->router;
    struct candidate *c = calloc(1, sizeof *c);
    changes->again = false;
    changes->askers = changes->next_askers;
    changes->next_askers = NULL;
    if (c != NULL) {
        *c = (struct candidate){.changes = changes, .path = r->options.config_path};
        findings_init(&c->findings, false);
        changes->candidate = c;
        if (worker_do(r->worker, read_candidate, was_read, c))
            return;
        free_candidate(c);
        changes->candidate = NULL;
    }
    log_error(&r->log, "no memory to read %s; nothing has changed", r->options.config_path);
    while (changes->askers != NULL) {
        struct cli_asker *asker = changes->askers;
        changes->askers = asker->next;
        asker->done(asker, false, "no memory to read the file; nothing has changed");
    }
}

void changes_ask(struct changes *changes, struct cli_asker *asker)
{
    if (asker != NULL) {
        asker->next = changes->next_askers;
        changes->next_askers = asker;
    }
    if (changes->candidate == NULL)
        begin(changes);
    else
        changes->again = true;
}

static void take_out(struct cli_asker **list, const struct cli_asker *asker)
{
    while (*list != NULL && *list != asker)
        list = &(*list)->next;
    if (*list != NULL)
        *list = asker->next;
}

void changes_forget(struct changes *changes, struct cli_asker *asker)
{
    take_out(&changes->askers, asker);
    take_out(&changes->next_askers, asker);
}

struct changes *changes_new(struct router *router)
{
    struct changes *changes = calloc(1, sizeof *changes);
    if (changes == NULL)
        return NULL;
    changes->router = router;
    changes->turn = evtimer_new(router->base, change_routes, changes);
    if (changes->turn == NULL) {
        free(changes);
        return NULL;
    }
    return changes;
}

void changes_free(struct changes *changes)
{
    if (changes == NULL)
        return;
    event_free(changes->turn);
    free(changes->change.want.list);
    if (changes->applying)
        free_candidate(changes->candidate);
    else if (changes->candidate != NULL)
        changes->candidate->changes = NULL;
    free(changes);
}

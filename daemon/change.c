#include "daemon/change.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/access.h"
#include "cli/config_diff.h"
#include "cli/routes_file.h"
#include "daemon/apply.h"
#include "daemon/config_file.h"
#include "daemon/findings.h"
#include "daemon/interfaces.h"
#include "daemon/router.h"
#include "daemon/routes.h"
#include "daemon/save.h"

#define PREFIXES_A_TURN 128    /* of static routes that change; a fraction of a millisecond */
#define WAITING_MOST    256    /* changes that wait for their turn */
#define PAST_ROUTES     200000 /* of all past configurations together, some 400 bytes each */
#define FILE_ROUTES     20     /* of a routes file take as much as one */
#define RETRY_S         10     /* after an undoing that there was no memory for */

/* A change in the queue. */
struct change {
    struct cli_change what;    /* edits and base are its own */
    const struct config *back; /* held: what CLI_CHANGE_BACK goes back to */
    bool undo;                 /* because it was not confirmed */
    struct cli_asker *askers;  /* who wait for it */
    struct change *next;
};

/* What the worker makes: plain data. */
struct candidate {
    struct changes *changes;
    const struct change *change;
    const struct config *running, *saved; /* held */
    struct findings findings;
    struct config *config; /* NULL: it is not to be used */
    struct static_routes routes;
    struct access_rules access;
    char access_warning[256];
    char summary[1024]; /* of what differs; "": nothing */
    char lost[512];     /* what was not saved and is gone */
};

struct past {
    const struct config *config; /* held */
    uint64_t until_wall_ms;
    struct cli_author author;
    enum cli_change_kind kind;
};

struct changes {
    struct router *router;
    struct change *first, **end; /* the first is under way, if there is a candidate */
    unsigned n;
    struct candidate *candidate;
    struct routes_change routes;
    bool applying; /* interfaces follow the candidate */
    struct event *turn;
    bool stopping;
    const struct config *saved; /* held */
    struct past past[CLI_PAST]; /* the last one first */
    unsigned n_past;
    /* A change that waits to be confirmed: */
    const struct config *before; /* held: what comes back without; NULL: none waits */
    struct cli_unconfirmed unconfirmed;
    struct event *deadline;
    bool undoing;
};

/* ---- who holds configurations ---- */

static struct config *own(const struct config *config)
{
    return (struct config *)(uintptr_t)config; /* all of them are the daemon's */
}

static void free_config(void *config)
{
    config_free(config);
}

/* Big ones take long to free. */
static void discard(struct router *r, const struct config *config)
{
    if (r->worker == NULL || !worker_do(r->worker, free_config, NULL, own(config)))
        config_free(own(config));
}

const struct config *config_hold(const struct config *config)
{
    own(config)->holders++;
    return config;
}

void config_release(struct router *r, const struct config *config)
{
    if (config != NULL && --own(config)->holders == 0 && config != r->running)
        discard(r, config);
}

const char *change_clock(struct now now, uint64_t due_ns, char to[CHANGE_CLOCK])
{
    int64_t from_now_ms = ((int64_t)due_ns - (int64_t)now.ns) / 1000000;
    time_t when = (time_t)(((int64_t)now.wall_ms + from_now_ms) / 1000);
    struct tm parts;
    if (localtime_r(&when, &parts) == NULL || strftime(to, CHANGE_CLOCK, "%H:%M:%S", &parts) == 0)
        to[0] = '\0';
    return to;
}

/* ---- in the worker ---- */

static struct config *refuse(struct candidate *c, struct config *config, const char *why)
{
    config_error(&c->findings.errors, (struct config_place){0}, "%s", why);
    config_free(config);
    return NULL;
}

static struct config *edited(struct candidate *c, const struct config *from)
{
    char why[1024] = "";
    struct config *config = config_copy(from);
    if (config == NULL)
        return refuse(c, NULL, "no memory for a changed configuration");
    config_forget_places(config);
    if (!edit_apply(c->change->what.edits, config, why, sizeof why))
        return refuse(c, config, why);
    return config;
}

/* Others may have changed something since the edits were made. */
static bool may_follow(struct candidate *c)
{
    const struct config *base = c->change->what.base;
    char where[768], why[1024];
    if (base == NULL || base == c->running)
        return true;
    struct config *ours = edited(c, base);
    if (ours == NULL)
        return false;
    enum config_conflict found = config_conflict(base, c->running, ours, where, sizeof where);
    config_free(ours);
    if (found == CONFIG_CONFLICT_NONE)
        return true;
    snprintf(
        why, sizeof why,
        "others changed meanwhile what is changed here too (theirs and ours): %s: abort takes theirs, after which it "
        "can be changed again",
        where);
    refuse(c, NULL, found == CONFIG_CONFLICT_FAILED ? "no memory to compare configurations" : why);
    return false;
}

/* The file that the edits name, if they name another one. */
static bool follow_routes_file(struct candidate *c, struct config *config)
{
    const char *was = c->running->routes_path, *is = config->routes_path;
    unsigned before = c->findings.errors.errors;
    if (strcmp(was == NULL ? "" : was, is == NULL ? "" : is) != 0)
        config_read_routes(config, c->changes->router->options.config_path, &c->findings.errors);
    return c->findings.errors.errors == before;
}

static struct config *make_of_edits(struct candidate *c)
{
    if (!may_follow(c))
        return NULL;
    struct config *config = edited(c, c->running);
    if (config == NULL || (follow_routes_file(c, config) && config_check(config, &c->findings.errors)))
        return config;
    config_free(config);
    return NULL;
}

static struct config *make(struct candidate *c)
{
    struct config *config;
    switch (c->change->what.kind) {
    case CLI_CHANGE_FILE:
        return save_load(&c->changes->router->file, c->changes->router->options.config_path, &c->findings.errors);
    case CLI_CHANGE_EDITS:
        return make_of_edits(c);
    case CLI_CHANGE_BACK:
        break;
    }
    config = config_copy(c->change->back);
    return config != NULL ? config : refuse(c, NULL, "no memory for a past configuration");
}

static bool compare(struct candidate *c)
{
    bool good = config_diff_summary(c->running, c->config, c->summary, sizeof c->summary);
    if (c->change->what.kind == CLI_CHANGE_FILE)
        good = config_lost(c->saved, c->running, c->config, c->lost, sizeof c->lost) && good;
    return good;
}

static void make_candidate(void *data)
{
    struct candidate *c = data;
    c->config = make(c);
    if (c->config == NULL)
        return;
    if (!routes_list(&c->routes, c->config) || !compare(c)) {
        c->config = refuse(c, c->config, "no memory for the static routes");
        return;
    }
    if (c->change->what.confirm_minutes > 0 && c->summary[0] == '\0') {
        c->config =
            refuse(c, c->config, "the running configuration is like that already: there would be nothing to confirm");
        return;
    }
    access_rules_set(&c->access, c->config->cli_group, c->access_warning, sizeof c->access_warning);
}

/* ---- the end ---- */

static void free_candidate(struct candidate *c)
{
    struct router *r = c->changes->router;
    findings_exit(&c->findings);
    config_free(c->config);
    routes_free(&c->routes);
    config_release(r, c->running);
    config_release(r, c->saved);
    free(c);
}

static void tell(struct change *change, bool good, const char *text)
{
    struct cli_asker *asker = change->askers, *next;
    change->askers = NULL;
    for (; asker != NULL; asker = next) {
        next = asker->next;
        asker->done(asker, good, text);
    }
}

static void free_change(struct router *r, struct change *change)
{
    edit_free(change->what.edits);
    config_release(r, change->what.base);
    config_release(r, change->back);
    free(change);
}

static void begin(struct changes *changes);

/* The first of the queue is done; TEXT goes to whoever asked. */
static void end_first(struct changes *changes, bool good, const char *text)
{
    struct change *change = changes->first;
    changes->first = change->next;
    if (changes->first == NULL)
        changes->end = &changes->first;
    changes->n--;
    tell(change, good, text);
    free_change(changes->router, change);
    if (changes->first != NULL && changes->candidate == NULL)
        begin(changes);
}

static void finish(struct changes *changes, bool good)
{
    struct candidate *c = changes->candidate;
    const struct change *change = changes->first;
    /* what somebody mistyped is no error of the router's: the shell logs it as theirs */
    if (good || change->what.kind != CLI_CHANGE_EDITS || change->askers == NULL)
        findings_log(&c->findings, &changes->router->log);
    char *text = change->askers == NULL ? NULL : findings_text(&c->findings);
    changes->candidate = NULL;
    free_candidate(c);
    end_first(changes, good, text != NULL ? text : "");
    free(text);
}

/* ---- what was ---- */

static void remember(struct changes *changes, const struct config *before, const struct change *change)
{
    struct router *r = changes->router;
    if (changes->n_past == CLI_PAST)
        config_release(r, changes->past[--changes->n_past].config);
    memmove(&changes->past[1], &changes->past[0], changes->n_past * sizeof changes->past[0]);
    changes->past[0] = (struct past){.config = config_hold(before),
                                     .until_wall_ms = loop_now(r->loop).wall_ms,
                                     .author = change->what.author,
                                     .kind = change->what.kind};
    changes->n_past++;
    size_t routes = 0;
    const struct routes_file *file = NULL;
    for (unsigned i = 0; i < changes->n_past; i++) {
        const struct config *config = changes->past[i].config;
        routes += config->n_routes;
        if (config->routes_file != NULL && config->routes_file != file)
            routes += config->routes_file->n / FILE_ROUTES;
        file = config->routes_file;
        while (i > 0 && routes > PAST_ROUTES && changes->n_past > i)
            config_release(r, changes->past[--changes->n_past].config);
    }
}

bool changes_past(const struct changes *changes, unsigned i, struct cli_past *to)
{
    if (i == 0 || i > changes->n_past)
        return false;
    const struct past *past = &changes->past[i - 1];
    *to = (struct cli_past){past->config, past->until_wall_ms, past->author, past->kind};
    return true;
}

const struct config *changes_saved(const struct changes *changes)
{
    return changes->saved;
}

void changes_were_saved(struct changes *changes, const struct config *config)
{
    const struct config *before = changes->saved;
    changes->saved = config_hold(config);
    config_release(changes->router, before);
}

/* ---- changes that have to be confirmed ---- */

static void stop_waiting(struct changes *changes)
{
    event_del(changes->deadline);
    config_release(changes->router, changes->before);
    changes->before = NULL;
    changes->undoing = false;
}

static void wait_for_confirmation(struct changes *changes, const struct config *before, const struct change *change)
{
    struct timeval minutes = {.tv_sec = (time_t)change->what.confirm_minutes * 60};
    uint64_t ns = (uint64_t)change->what.confirm_minutes * 60 * 1000000000;
    changes->before = config_hold(before);
    changes->unconfirmed = (struct cli_unconfirmed){change->what.author, loop_now(changes->router->loop).ns + ns};
    event_add(changes->deadline, &minutes);
}

static void put(struct changes *changes, struct change *change)
{
    change->next = NULL;
    *changes->end = change;
    changes->end = &change->next;
    changes->n++;
    if (changes->first == change && changes->candidate == NULL)
        begin(changes);
}

static void retry_later(struct changes *changes)
{
    static const struct timeval later = {.tv_sec = RETRY_S};
    log_error(&changes->router->log, "the change that was not confirmed could not be undone: no memory; that is tried "
                                     "again in " /* RETRY_S */ "10 seconds");
    changes->undoing = false;
    event_add(changes->deadline, &later);
}

static void not_confirmed(int fd, short what, void *context)
{
    struct changes *changes = context;
    struct change *change = calloc(1, sizeof *change);
    (void)fd;
    (void)what;
    if (change == NULL) {
        retry_later(changes);
        return;
    }
    changes->undoing = true;
    *change = (struct change){.what = {.kind = CLI_CHANGE_BACK, .author = changes->unconfirmed.author},
                              .back = config_hold(changes->before),
                              .undo = true};
    put(changes, change);
}

void changes_expire(struct changes *changes)
{
    if (changes->before != NULL)
        event_active(changes->deadline, EV_TIMEOUT, 0);
}

bool changes_unconfirmed(const struct changes *changes, struct cli_unconfirmed *to)
{
    if (changes->before != NULL)
        *to = changes->unconfirmed;
    return changes->before != NULL;
}

bool changes_confirm(struct changes *changes)
{
    if (changes->before == NULL || changes->undoing)
        return false;
    stop_waiting(changes);
    return true;
}

/* ---- applying ---- */

void changes_heard(struct changes *changes, enum config_log_level level, const char *text)
{
    if (changes != NULL && changes->applying)
        findings_heard(&changes->candidate->findings, level, text);
}

/* What became of it, for whoever asked and the log. Single edits are said by the shell, which knows their words. */
static void sum_up(struct changes *changes)
{
    struct candidate *c = changes->candidate;
    const char *path = changes->router->options.config_path;
    bool differs = c->summary[0] != '\0';
    switch (c->change->what.kind) {
    case CLI_CHANGE_FILE:
        if (c->lost[0] != '\0')
            findings_say(&c->findings, CONFIG_LOG_WARNING, "changes that were not saved are gone: %s", c->lost);
        findings_say(&c->findings, CONFIG_LOG_NOTICE,
                     differs ? "%s was read and applied: %s" : "%s was read%s: nothing differs", path, c->summary);
        break;
    case CLI_CHANGE_EDITS:
        if (c->change->what.base != NULL)
            findings_say(&c->findings, CONFIG_LOG_NOTICE, "%s", differs ? c->summary : "nothing differs");
        break;
    case CLI_CHANGE_BACK:
        findings_say(&c->findings, CONFIG_LOG_NOTICE, "%s%s",
                     c->change->undo ? "the change was not confirmed in time and is undone: " : "",
                     differs ? c->summary : "nothing differs");
        break;
    }
}

static void change_routes(int fd, short what, void *context)
{
    struct changes *changes = context;
    static const struct timeval at_once = {0};
    (void)fd;
    (void)what;
    if (interfaces_opening(changes->router->interfaces, changes->turn))
        return;
    changes->applying = false;
    if (routes_change_some(&changes->routes, PREFIXES_A_TURN, loop_now(changes->router->loop))) {
        event_add(changes->turn, &at_once);
        return;
    }
    routes_discard(changes->router, &changes->routes.want);
    unsigned refused = interfaces_refused(changes->router->interfaces);
    if (refused > 0 && changes->first->what.kind == CLI_CHANGE_FILE)
        findings_say(&changes->candidate->findings, CONFIG_LOG_NOTICE,
                     "%u interface%s not forwarding because something stands in the way: show interfaces says what",
                     refused, refused == 1 ? " is" : "s are");
    sum_up(changes);
    finish(changes, true);
}

/* BEFORE was replaced: what has to be kept of it. */
static void follow_up(struct changes *changes, const struct config *before)
{
    const struct change *change = changes->first;
    if (change->undo)
        stop_waiting(changes);
    else if (change->what.confirm_minutes > 0)
        wait_for_confirmation(changes, before, change);
    if (change->what.kind == CLI_CHANGE_FILE)
        changes_were_saved(changes, changes->router->running);
    if (changes->candidate->summary[0] != '\0')
        remember(changes, before, change);
}

static bool same_group(const struct config *a, const struct config *b)
{
    return strcmp(a->cli_group == NULL ? "" : a->cli_group, b->cli_group == NULL ? "" : b->cli_group) == 0;
}

static void apply(struct changes *changes)
{
    struct router *r = changes->router;
    struct candidate *c = changes->candidate;
    const struct config *before = r->running;
    r->running = c->config;
    c->config = NULL;
    changes->applying = true;
    apply_follow(r, before);
    if (c->access_warning[0] != '\0' && !same_group(before, r->running)) /* else it was said before */
        findings_say(&c->findings, CONFIG_LOG_WARNING, "%s", c->access_warning);
    if (r->cli != NULL)
        cli_set_access(r->cli, &c->access, r->running->cli_idle_timeout);
    config_check_restart(before, r->running, &c->findings.errors);
    follow_up(changes, before); /* the candidate holds BEFORE until it is freed */
    changes->routes = (struct routes_change){.router = r, .config = r->running, .want = c->routes};
    c->routes = (struct static_routes){0};
    change_routes(-1, 0, changes);
}

/* ---- the beginning ---- */

static void was_made(void *data)
{
    struct candidate *c = data;
    struct changes *changes = c->changes;
    const char *path = changes->router->options.config_path;
    if (changes->stopping) {
        free_candidate(c);
        changes->candidate = NULL;
        return;
    }
    if (c->config != NULL) {
        apply(changes);
        return;
    }
    if (c->findings.lost > 0 && c->change->what.kind == CLI_CHANGE_FILE)
        findings_say(&c->findings, CONFIG_LOG_NOTICE, "and %zu more: ferryd -t -c %s prints them all", c->findings.lost,
                     path);
    else if (c->findings.lost > 0)
        findings_say(&c->findings, CONFIG_LOG_NOTICE, "and %zu more", c->findings.lost);
    if (c->change->what.kind == CLI_CHANGE_FILE)
        findings_say(&c->findings, CONFIG_LOG_NOTICE,
                     "%s was not applied because of what is wrong in it; nothing has changed", path);
    if (c->change->undo)
        retry_later(changes);
    finish(changes, false);
}

/* While a change waits to be confirmed, what came on top of it would be undone with it. */
static bool is_in_the_way(const struct changes *changes, const struct change *change, char *why, size_t size)
{
    const struct cli_author *author = &changes->unconfirmed.author;
    char clock[CHANGE_CLOCK];
    if (changes->before == NULL || change->undo)
        return false;
    snprintf(
        why, size,
        "a change by uid %lu in session %u waits to be confirmed until %s, and is undone then: commit lets it stay, "
        "and then there can be others; nothing has changed",
        (unsigned long)author->uid, author->session,
        change_clock(loop_now(changes->router->loop), changes->unconfirmed.due_ns, clock));
    return true;
}

static bool make_first(struct changes *changes)
{
    struct router *r = changes->router;
    struct candidate *c = calloc(1, sizeof *c);
    if (c == NULL)
        return false;
    *c = (struct candidate){.changes = changes,
                            .change = changes->first,
                            .running = config_hold(r->running),
                            .saved = config_hold(changes->saved)};
    findings_init(&c->findings, false);
    c->findings.errors.discreet = true; /* members of the group are not root */
    changes->candidate = c;
    if (worker_do(r->worker, make_candidate, was_made, c))
        return true;
    changes->candidate = NULL;
    free_candidate(c);
    return false;
}

static void begin(struct changes *changes)
{
    char why[512] = "no memory to change the configuration; nothing has changed";
    if (!is_in_the_way(changes, changes->first, why, sizeof why) && make_first(changes))
        return;
    if (changes->first->undo)
        retry_later(changes);
    if (changes->first->what.kind == CLI_CHANGE_FILE)
        log_error(&changes->router->log, "%s was not read: %s", changes->router->options.config_path, why);
    end_first(changes, false, why);
}

static void add_asker(struct change *change, struct cli_asker *asker)
{
    if (asker == NULL)
        return;
    asker->next = change->askers;
    change->askers = asker;
}

/* A change that has not begun yet, and does what WHAT asks for. */
static struct change *find_waiting(const struct changes *changes, const struct cli_change *what)
{
    struct change *last = NULL;
    for (struct change *change = changes->first; change != NULL; change = change->next)
        last = change;
    bool begun = last != NULL && changes->candidate != NULL && changes->candidate->change == last;
    bool both = last != NULL && last->what.kind == CLI_CHANGE_FILE && what->kind == CLI_CHANGE_FILE;
    bool stay = both && last->what.confirm_minutes == 0 && what->confirm_minutes == 0;
    return stay && !begun ? last : NULL;
}

static void refuse_to_ask(const struct cli_change *what, struct cli_asker *asker, const char *why)
{
    edit_free(what->edits);
    if (asker != NULL)
        asker->done(asker, false, why);
}

void changes_ask(struct changes *changes, const struct cli_change *what, struct cli_asker *asker)
{
    struct change *change = find_waiting(changes, what);
    struct cli_past past = {0};
    if (change != NULL) {
        add_asker(change, asker);
        return;
    }
    if (what->kind == CLI_CHANGE_BACK && !changes_past(changes, what->back, &past)) {
        refuse_to_ask(what, asker, "there is no such past configuration; nothing has changed");
        return;
    }
    change = changes->n < WAITING_MOST ? calloc(1, sizeof *change) : NULL;
    if (change == NULL) {
        refuse_to_ask(what, asker, "too many changes wait for their turn; nothing has changed: try again");
        return;
    }
    change->what = *what;
    if (what->base != NULL)
        config_hold(what->base);
    if (past.config != NULL)
        change->back = config_hold(past.config);
    add_asker(change, asker);
    put(changes, change);
}

void changes_forget(struct changes *changes, struct cli_asker *asker)
{
    for (struct change *change = changes->first; change != NULL; change = change->next) {
        struct cli_asker **at = &change->askers;
        while (*at != NULL && *at != asker)
            at = &(*at)->next;
        if (*at != NULL)
            *at = asker->next;
    }
}

struct changes *changes_new(struct router *router)
{
    struct changes *changes = calloc(1, sizeof *changes);
    if (changes == NULL)
        return NULL;
    changes->router = router;
    changes->end = &changes->first;
    changes->turn = evtimer_new(router->base, change_routes, changes);
    changes->deadline = evtimer_new(router->base, not_confirmed, changes);
    changes->saved = config_hold(router->running);
    if (changes->turn == NULL || changes->deadline == NULL) {
        changes_free(changes);
        return NULL;
    }
    return changes;
}

void changes_stop(struct changes *changes)
{
    if (changes == NULL)
        return;
    changes->stopping = true;
    event_del(changes->turn);
    event_del(changes->deadline);
}

void changes_free(struct changes *changes)
{
    if (changes == NULL)
        return;
    struct router *r = changes->router;
    if (changes->turn != NULL)
        event_free(changes->turn);
    if (changes->deadline != NULL)
        event_free(changes->deadline);
    routes_free(&changes->routes.want);
    if (changes->candidate != NULL)
        free_candidate(changes->candidate);
    while (changes->first != NULL) {
        struct change *next = changes->first->next;
        free_change(r, changes->first);
        changes->first = next;
    }
    for (unsigned i = 0; i < changes->n_past; i++)
        config_release(r, changes->past[i].config);
    config_release(r, changes->before);
    config_release(r, changes->saved);
    free(changes);
}

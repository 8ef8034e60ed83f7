/* The shell's server over the router in memory (router.h), with clients in the same process: what they send is taken by
 * turning the event loop by hand. */
#ifndef TESTS_SHELL_H
#define TESTS_SHELL_H

#include <errno.h>
#include <event2/event.h>
#include <jansson.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/frame.h"
#include "cli/schema.h"
#include "cli/session.h"
#include "protocols/rib.h"
#include "tests/unit/support/router.h"

struct shell {
    struct router r;
    struct rib *rib;
    struct rip *rip;   /* NULL: it does not run */
    struct igmp *igmp; /* likewise */
    struct config *config;
    struct event_base *base;
    struct cli_router view;
    struct cli *cli;
    char path[64], why[256];
    char log[8192];    /* the last line */
    char logged[8192]; /* all notices, a line each */
    struct log_lines lines;
    bool reload_good, reload_later;
    struct cli_asker *reloading; /* waits, when reload_later */
    /* Changes by edits: those that ran before, the last one last, until the end of the test. */
    struct cli_past past[256];
    unsigned n_past;
    bool change_later; /* the end of a change waits in CHANGING for shell_change_ends */
    struct cli_asker *changing;
    bool change_good;
    char change_report[8192];
    bool is_unconfirmed;
    struct cli_unconfirmed unconfirmed;
    const struct config *saved;
    char save_path[64]; /* what was asked for last; "" is the file of the start */
    bool save_force, save_good;
};

/* ---- what the daemon would tell ---- */

static inline const struct config *shell_running(void *context)
{
    return ((struct shell *)context)->config;
}

static inline const struct config *shell_hold(void *context)
{
    struct shell *s = context;
    s->config->holders++;
    return s->config;
}

static inline void shell_release(void *context, const struct config *config)
{
    struct shell *s = context;
    if (config == s->config)
        s->config->holders--;
    for (unsigned i = 0; i < s->n_past; i++)
        if (s->past[i].config == config)
            ((struct config *)(uintptr_t)s->past[i].config)->holders--;
}

static inline struct now shell_now(void *context)
{
    return ((struct shell *)context)->r.now;
}

static inline struct rip *shell_rip(void *context)
{
    return ((struct shell *)context)->rip;
}

static inline struct igmp *shell_igmp(void *context)
{
    return ((struct shell *)context)->igmp;
}

static inline bool shell_link(void *context, unsigned i, struct cli_link *link)
{
    const struct shell *s = context;
    if (i >= s->config->n_interfaces)
        return false;
    *link = (struct cli_link){.name = s->config->interfaces[i].name,
                              .port = i < 3 ? i : PORT_NONE,
                              .pending = i >= 3,
                              .admin_up = true,
                              .device_up = i < 3,
                              .carrier = i < 3,
                              .ifindex = i + 10,
                              .device_mtu = 1500,
                              .reason = i >= 3 ? "there is no device of that name" : NULL,
                              .changed_ns = 995 * NS_PER_S,
                              .carrier_changes = 1};
    return true;
}

static inline void shell_refresh(void *context)
{
    (void)context;
}

static inline size_t shell_ring_bytes(void *context)
{
    (void)context;
    return 4096;
}

static inline void shell_reload_ends(struct shell *s, struct cli_asker *asker)
{
    asker->done(asker, s->reload_good,
                s->reload_good ? "2 interfaces changed" : "f.conf:3: no such key\nf.conf:4: neither");
}

/* ---- changes by edits: done to a copy, which is checked and then runs ---- */

struct shell_findings {
    struct config_errors errors; /* first */
    struct shell *shell;
};

static inline void shell_finds(struct config_errors *self, struct config_place place, bool warning, const char *text)
{
    struct shell *s = ((struct shell_findings *)self)->shell;
    size_t len = strlen(s->change_report);
    (void)place;
    snprintf(s->change_report + len, sizeof s->change_report - len, "%s%s%s", len == 0 ? "" : "\n",
             warning ? "warning: " : "", text);
}

static inline void shell_run_config(struct shell *s, struct config *config, const struct cli_change *change)
{
    CU_ASSERT_FATAL(s->n_past < sizeof s->past / sizeof s->past[0]);
    s->past[s->n_past++] = (struct cli_past){s->config, s->r.now.wall_ms, change->author, change->kind};
    s->config = config;
    s->is_unconfirmed = change->confirm_minutes > 0;
    s->unconfirmed.author = change->author;
    s->unconfirmed.due_ns = s->r.now.ns + change->confirm_minutes * 60 * NS_PER_S;
}

static inline bool shell_do_edits(struct shell *s, const struct cli_change *change)
{
    struct shell_findings found = {.errors.report = shell_finds, .shell = s};
    if (change->base != NULL && change->base != s->config) {
        snprintf(s->change_report, sizeof s->change_report, "others changed the same: hostname");
        return false;
    }
    struct config *config = config_copy(s->config);
    bool good = edit_apply(change->edits, config, s->change_report, sizeof s->change_report) &&
                config_check(config, &found.errors);
    if (good) {
        config_check_restart(s->config, config, &found.errors);
        shell_run_config(s, config, change);
    } else {
        config_free(config);
    }
    return good;
}

static inline bool shell_past(void *context, unsigned i, struct cli_past *to)
{
    const struct shell *s = context;
    if (i == 0 || i > s->n_past || i > CLI_PAST)
        return false;
    *to = s->past[s->n_past - i];
    return true;
}

static inline void shell_change_ends(struct shell *s)
{
    struct cli_asker *asker = s->changing;
    s->changing = NULL;
    asker->done(asker, s->change_good, s->change_report);
}

static inline void shell_change(void *context, const struct cli_change *change, struct cli_asker *asker)
{
    struct shell *s = context;
    struct cli_past past;
    s->change_report[0] = '\0';
    if (change->kind == CLI_CHANGE_FILE) {
        if (s->reload_later)
            s->reloading = asker;
        else
            shell_reload_ends(s, asker);
        return;
    }
    if (change->kind == CLI_CHANGE_EDITS) {
        s->change_good = shell_do_edits(s, change);
        edit_free(change->edits);
    } else {
        s->change_good = shell_past(s, change->back, &past);
        if (s->change_good)
            shell_run_config(s, config_copy(past.config), change);
    }
    s->changing = asker;
    if (!s->change_later)
        shell_change_ends(s);
}

static inline void shell_forget(void *context, struct cli_asker *asker)
{
    struct shell *s = context;
    CU_ASSERT_TRUE(asker == s->reloading || asker == s->changing);
    if (asker == s->reloading)
        s->reloading = NULL;
    else
        s->changing = NULL;
}

static inline bool shell_is_unconfirmed(void *context, struct cli_unconfirmed *to)
{
    const struct shell *s = context;
    *to = s->unconfirmed;
    return s->is_unconfirmed;
}

static inline bool shell_confirm(void *context, const struct cli_author *author)
{
    struct shell *s = context;
    bool was = s->is_unconfirmed;
    CU_ASSERT_TRUE(author->session > 0);
    s->is_unconfirmed = false;
    return was;
}

static inline void shell_save(void *context, const char *path, bool force, struct cli_asker *asker)
{
    struct shell *s = context;
    snprintf(s->save_path, sizeof s->save_path, "%s", path == NULL ? "" : path);
    s->save_force = force;
    asker->done(asker, s->save_good, s->save_good ? "saved" : "it was changed by somebody else");
}

static inline const struct config *shell_saved(void *context)
{
    return ((struct shell *)context)->saved;
}

static inline void shell_notice(void *context, const char *text)
{
    struct shell *s = context;
    size_t len = strlen(s->logged);
    snprintf(s->log, sizeof s->log, "%s", text);
    snprintf(s->logged + len, sizeof s->logged - len, "%s\n", text);
}

static inline void shell_warn(void *context, const char *text)
{
    struct shell *s = context;
    snprintf(s->log, sizeof s->log, "%s", text);
}

static inline void shell_heard_icmp(void *context, const struct packet *packet, struct now now)
{
    cli_icmp(((struct shell *)context)->cli, packet, now);
}

/* ---- the fixture ---- */

static inline void shell_route(struct shell *s, const char *prefix, const char *gateway, unsigned port,
                               enum rib_protocol protocol, enum rib_type type)
{
    struct rib_route route = {.protocol = protocol, .type = type, .distance = protocol == RIB_STATIC};
    CU_ASSERT_TRUE_FATAL(prefix_parse(prefix, &route.prefix));
    if (type == RIB_UNICAST) {
        route.n_hops = 1;
        route.hops[0] = (struct rib_hop){gateway != NULL ? addr_of(gateway) : 0, (uint16_t)port};
    }
    CU_ASSERT_TRUE_FATAL(rib_add(s->rib, &route, s->r.now));
}

static inline void shell_config(struct shell *s)
{
    static const char *const names[] = {"r0", "r1", "lo0", "gone0"};
    s->config = config_new();
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->config);
    free(s->config->hostname);
    s->config->hostname = strdup("r1");
    s->config->interfaces = calloc(4, sizeof *s->config->interfaces);
    s->config->n_interfaces = 4;
    s->config->has_interfaces = true;
    for (unsigned i = 0; i < 4; i++) {
        struct config_interface *to = &s->config->interfaces[i];
        const struct port *port = i < 3 ? dataplane_port(s->r.d, i) : NULL;
        CU_ASSERT_TRUE_FATAL(schema_init(schema_find(&schema_root, "interfaces")->group, to));
        to->name = strdup(names[i]);
        to->type = i == 2 ? CONFIG_LOOPBACK : CONFIG_ETHERNET;
        to->description = i == 0 ? strdup("to the lab") : NULL;
        to->redirects = to->unreachables = true;
        to->arp_timeout = 1200;
        to->n_addresses = port != NULL ? port->n_addresses : 0;
        to->addresses = calloc(to->n_addresses + 1, sizeof *to->addresses);
        for (size_t j = 0; j < to->n_addresses; j++)
            to->addresses[j].prefix = port->addresses[j];
    }
}

static inline void shell_begin(struct shell *s)
{
    *s = (struct shell){0};
    router_begin(&s->r);
    s->r.d->hooks.context = s;
    s->r.d->hooks.icmp = shell_heard_icmp;
    shell_config(s);
    s->rib = rib_new(s->r.d->tables.fib, &later_at_once);
    for (unsigned i = 0; i < 3; i++)
        rib_port_changed(s->rib, i, true, s->r.now);
    shell_route(s, "10.0.1.0/24", NULL, 0, RIB_CONNECTED, RIB_UNICAST);
    shell_route(s, "10.0.2.0/24", NULL, 1, RIB_CONNECTED, RIB_UNICAST);
    s->r.now.ns += 12 * NS_PER_S;
    s->base = event_base_new();
    s->view = (struct cli_router){.context = s,
                                  .dataplane = s->r.d,
                                  .rib = s->rib,
                                  .rip = shell_rip,
                                  .igmp = shell_igmp,
                                  .running = shell_running,
                                  .hold = shell_hold,
                                  .release = shell_release,
                                  .config_path = "/nonexistent/ferryd.conf",
                                  .version = "1.2.3",
                                  .started_ns = 900 * NS_PER_S,
                                  .log = &s->lines,
                                  .now = shell_now,
                                  .link = shell_link,
                                  .refresh_counters = shell_refresh,
                                  .ring_bytes = shell_ring_bytes,
                                  .change = shell_change,
                                  .forget = shell_forget,
                                  .unconfirmed = shell_is_unconfirmed,
                                  .confirm = shell_confirm,
                                  .past = shell_past,
                                  .save = shell_save,
                                  .saved = shell_saved,
                                  .notice = shell_notice,
                                  .warn = shell_warn};
    snprintf(s->path, sizeof s->path, "/tmp/ferryd-unit-%d.sock", (int)getpid());
    s->cli = cli_new(s->base, &s->view, s->path, NULL, 600, s->why, sizeof s->why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->cli);
}

static inline void shell_end(struct shell *s)
{
    cli_free(s->cli);
    CU_ASSERT_NOT_EQUAL(access(s->path, F_OK), 0);
    event_base_free(s->base);
    rib_free(s->rib);
    CU_ASSERT_EQUAL(s->config->holders, 0);
    config_free(s->config);
    for (unsigned i = 0; i < s->n_past; i++) {
        CU_ASSERT_EQUAL(s->past[i].config->holders, 0);
        config_free((struct config *)(uintptr_t)s->past[i].config);
    }
    router_end(&s->r);
}

static inline void shell_turn(struct shell *s)
{
    event_base_loop(s->base, EVLOOP_NONBLOCK);
    router_run(&s->r);
}

/* ---- clients ---- */

static inline int shell_connect(const struct shell *s)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, s->path, strlen(s->path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    CU_ASSERT_EQUAL_FATAL(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static inline void shell_send(int fd, const void *bytes, size_t len)
{
    CU_ASSERT_EQUAL(send(fd, bytes, len, MSG_NOSIGNAL), (ssize_t)len);
}

/* Reads what is there: 0 at the end of the stream, -1 when there is nothing yet. */
static inline ssize_t shell_receive(struct shell *s, int fd, void *to, size_t size)
{
    shell_turn(s);
    return recv(fd, to, size, 0);
}

/* The whole answer to INPUT of a plain client that then stops sending. To be freed. */
static inline char *shell_plain_bytes(struct shell *s, const char *input, size_t input_len)
{
    int fd = shell_connect(s);
    size_t room = 1 << 16, len = 0, sent = 0;
    char *text = malloc(room);
    for (unsigned idle = 0; idle < 20000; idle++) {
        if (sent < input_len) {
            ssize_t n = send(fd, input + sent, input_len - sent, MSG_NOSIGNAL);
            sent += n > 0 ? (size_t)n : 0;
            if (sent == input_len)
                shutdown(fd, SHUT_WR);
        }
        ssize_t n = shell_receive(s, fd, text + len, room - len - 1);
        if (n == 0)
            break;
        if (n < 0) {
            usleep(100);
            continue;
        }
        idle = 0;
        len += (size_t)n;
        if (room - len < 4096)
            text = realloc(text, room *= 2);
    }
    close(fd);
    text[len] = '\0';
    return text;
}

static inline char *shell_plain(struct shell *s, const char *input)
{
    return shell_plain_bytes(s, input, strlen(input));
}

/* The answer to one command as JSON: one document and nothing after it. To be let go of. */
static inline json_t *shell_json(struct shell *s, const char *command)
{
    json_error_t error;
    char *text = shell_plain(s, command);
    json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    CU_ASSERT_PTR_NOT_NULL(document);
    if (document == NULL)
        printf("\n  %s: %s: %.200s\n", command, error.text, text);
    free(text);
    return document;
}

#endif

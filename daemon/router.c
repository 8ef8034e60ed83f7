#include "daemon/router.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/apply.h"
#include "daemon/change.h"
#include "daemon/igmp.h"
#include "daemon/interfaces.h"
#include "daemon/notify.h"
#include "daemon/report.h"
#include "daemon/rip.h"
#include "daemon/version.h"

#define WHY_MAX    512
#define CORE_NICE  (-10)
#define GOODBYE_NS (2 * NS_PER_S) /* that the stop waits for neighbours to be told */

/* Threads that open interfaces. They wait for the kernel half the time, and in the other half they have it make 4 MB
 * zero for a lane, which may hold a CPU for some 10 ms, whoever else wants it. While nothing is forwarded yet that is
 * nobody's loss. */
#define OPENERS_AT_START 32
#define OPENERS          2

static bool failed(const struct router *r, const char *what)
{
    log_error(&r->log, "starting failed: %s: %s", what, strerror(errno));
    return false;
}

/* ---- what the dataplane tells ---- */

static void dataplane_says(void *context, enum dataplane_level level, const char *text)
{
    static const enum config_log_level of[] = {[DATAPLANE_WARNING] = CONFIG_LOG_WARNING,
                                               [DATAPLANE_NOTICE] = CONFIG_LOG_NOTICE,
                                               [DATAPLANE_INFO] = CONFIG_LOG_INFO,
                                               [DATAPLANE_DEBUG] = CONFIG_LOG_DEBUG};
    const struct router *r = context;
    log_at(&r->log, of[level], "%s", text);
}

static void icmp_came(void *context, const struct packet *packet, struct now now)
{
    struct router *r = context;
    if (r->cli != NULL)
        cli_icmp(r->cli, packet, now);
}

static bool udp_came(void *context, const struct packet *packet, uint16_t port, struct now now)
{
    struct router *r = context;
    return port == RIP_PORT && rip_service_input(r->rip, packet, now);
}

static void igmp_came(void *context, const struct packet *packet, struct now now)
{
    igmp_service_input(((struct router *)context)->igmp, packet, now);
}

static uint64_t run_protocols(void *context, struct now now)
{
    struct router *r = context;
    uint64_t rip_ns = rip_service_run(r->rip, now), igmp_ns = igmp_service_run(r->igmp, now);
    return rip_ns < igmp_ns ? rip_ns : igmp_ns;
}

static bool protocols_are_stopped(void *context)
{
    const struct router *r = context;
    return rip_service_is_stopped(r->rip) && igmp_service_is_stopped(r->igmp);
}

static void log_heard(void *context, enum config_log_level level, const char *line)
{
    struct router *r = context;
    log_lines_add(&r->log_lines, level, line);
    if (r->cli != NULL)
        cli_log(r->cli, level, line);
}

/* ---- what the shell asks ---- */

static const struct config *view_running(void *context)
{
    return ((struct router *)context)->running;
}

static const struct config *view_hold(void *context)
{
    return config_hold(((struct router *)context)->running);
}

static void view_release(void *context, const struct config *config)
{
    config_release(context, config);
}

static struct now view_now(void *context)
{
    return loop_now(((struct router *)context)->loop);
}

static struct igmp *view_igmp(void *context)
{
    return igmp_service_igmp(((struct router *)context)->igmp);
}

static struct rip *view_rip(void *context)
{
    return rip_service_rip(((struct router *)context)->rip);
}

static bool view_link(void *context, unsigned i, struct cli_link *link)
{
    return interfaces_view(((struct router *)context)->interfaces, i, link);
}

static void view_refresh_counters(void *context)
{
    struct router *r = context;
    struct cli_link link;
    for (unsigned i = 0; interfaces_view(r->interfaces, i, &link); i++)
        r->dataplane->ring_full[link.port] = af_packet_ring_full(r->af_packet, link.port);
}

static size_t view_ring_bytes(void *context)
{
    return af_packet_ring_bytes(((struct router *)context)->af_packet);
}

static void view_change(void *context, const struct cli_change *change, struct cli_asker *asker)
{
    changes_ask(((struct router *)context)->changes, change, asker);
}

static void view_forget(void *context, struct cli_asker *asker)
{
    struct router *r = context;
    changes_forget(r->changes, asker);
    saves_forget(r->saves, asker);
}

static bool view_unconfirmed(void *context, struct cli_unconfirmed *to)
{
    return changes_unconfirmed(((struct router *)context)->changes, to);
}

static bool view_confirm(void *context, const struct cli_author *author)
{
    (void)author; /* the shell logs who it was */
    return changes_confirm(((struct router *)context)->changes);
}

static bool view_past(void *context, unsigned i, struct cli_past *to)
{
    return changes_past(((struct router *)context)->changes, i, to);
}

static void view_save(void *context, const char *path, bool force, struct cli_asker *asker)
{
    saves_ask(((struct router *)context)->saves, path, force, asker);
}

static const struct config *view_saved(void *context)
{
    return changes_saved(((struct router *)context)->changes);
}

static bool view_tap(void *context, struct cli_tap *tap)
{
    return interfaces_tap(((struct router *)context)->interfaces, tap);
}

static void view_untap(void *context, struct cli_tap *tap)
{
    interfaces_untap(((struct router *)context)->interfaces, tap);
}

static void view_warn(void *context, const char *text)
{
    log_warning(&((struct router *)context)->log, "%s", text);
}

static void view_notice(void *context, const char *text)
{
    log_notice(&((struct router *)context)->log, "%s", text);
}

static bool start_cli(struct router *r)
{
    const struct config *c = r->running;
    const char *path = r->options.socket != NULL ? r->options.socket : c->cli_socket;
    char why[WHY_MAX];
    r->view = (struct cli_router){.context = r,
                                  .dataplane = r->dataplane,
                                  .rib = r->rib,
                                  .rip = view_rip,
                                  .igmp = view_igmp,
                                  .running = view_running,
                                  .hold = view_hold,
                                  .release = view_release,
                                  .config_path = r->options.config_path,
                                  .log = &r->log_lines,
                                  .version = FERRYD_VERSION,
                                  .started_ns = loop_now(r->loop).ns,
                                  .now = view_now,
                                  .link = view_link,
                                  .refresh_counters = view_refresh_counters,
                                  .ring_bytes = view_ring_bytes,
                                  .change = view_change,
                                  .forget = view_forget,
                                  .unconfirmed = view_unconfirmed,
                                  .confirm = view_confirm,
                                  .past = view_past,
                                  .save = view_save,
                                  .saved = view_saved,
                                  .tap = view_tap,
                                  .untap = view_untap,
                                  .warn = view_warn,
                                  .notice = view_notice};
    r->cli = cli_new(r->base, &r->view, path, c->cli_group, c->cli_idle_timeout, why, sizeof why);
    if (r->cli == NULL)
        log_error(&r->log, "starting failed: %s", why);
    return r->cli != NULL;
}

/* ---- lanes ---- */

static bool start_lane(struct router *r, unsigned lane)
{
    const struct config *c = r->running;
    char refused[WHY_MAX];
    struct lane_thread_settings settings = {.cpu = lane < c->n_cpus ? (int)c->cpus[lane] : -1, .realtime = c->realtime};
    r->threads[lane] = lane_thread_start(r->dataplane->lanes[lane], r->af_packet, loop_wake_fd(r->loop),
                                         loop_core_asleep(r->loop), settings, refused, sizeof refused);
    if (r->threads[lane] == NULL)
        return failed(r, "no thread for a lane");
    r->n_threads++;
    if (refused[0] != '\0')
        log_notice(&r->log, "%s", refused);
    return true;
}

static bool start_lanes(struct router *r)
{
    for (unsigned lane = 0; lane < r->dataplane->n_lanes; lane++)
        if (!start_lane(r, lane))
            return false;
    return true;
}

static bool make_dataplane(struct router *r)
{
    unsigned lanes = (unsigned)r->running->lanes;
    struct transmit *transmit[CONFIG_CPUS_MAX];
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        return failed(r, "no random numbers");
    r->af_packet = af_packet_new(lanes, grace_later(r->grace));
    if (r->af_packet == NULL)
        return failed(r, "packet sockets");
    for (unsigned i = 0; i < lanes; i++)
        transmit[i] = af_packet_lane_transmit(r->af_packet, i);
    struct dataplane_settings settings = {
        .lanes = lanes,
        .seed = seed,
        .later = grace_later(r->grace),
        .core_transmit = af_packet_core_transmit(r->af_packet),
        .lane_transmit = transmit,
        .hooks = {.context = r, .log = dataplane_says, .icmp = icmp_came, .udp = udp_came, .igmp = igmp_came}};
    errno = ENOMEM;
    r->dataplane = dataplane_new(&settings);
    if (r->dataplane == NULL)
        return failed(r, "the forwarding tables");
    r->rib = rib_new(r->dataplane->tables.fib, grace_later(r->grace));
    if (r->rib == NULL)
        return failed(r, "the routing table");
    r->rip = rip_service_new(r);
    if (r->rip == NULL)
        return failed(r, "RIP");
    r->igmp = igmp_service_new(r);
    if (r->igmp == NULL)
        return failed(r, "IGMP");
    loop_serve(r->loop, r->dataplane, r->af_packet, r->rib);
    loop_also(r->loop, run_protocols, r);
    return true;
}

/* ---- signals, pid file, limits ---- */

static void asked_to_stop(int signal, short what, void *context)
{
    (void)what;
    struct router *r = context;
    log_notice(&r->log, "stopping because of %s", signal == SIGTERM ? "SIGTERM" : "SIGINT");
    loop_stop(r->loop);
}

static void asked_to_reload(int signal, short what, void *context)
{
    (void)signal;
    (void)what;
    static const struct cli_change change = {.kind = CLI_CHANGE_FILE};
    changes_ask(((struct router *)context)->changes, &change, NULL);
}

static void asked_to_report(int signal, short what, void *context)
{
    (void)signal;
    (void)what;
    report_write(context);
}

static bool watch_signals(struct router *r)
{
    static const struct {
        int number;
        event_callback_fn callback;
    } wanted[] = {
        {SIGTERM, asked_to_stop}, {SIGINT, asked_to_stop}, {SIGHUP, asked_to_reload}, {SIGUSR1, asked_to_report}};
    for (unsigned i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        r->signals[i] = evsignal_new(r->base, wanted[i].number, wanted[i].callback, r);
        if (r->signals[i] == NULL || event_add(r->signals[i], NULL) < 0)
            return failed(r, "no memory to watch signals");
    }
    return true;
}

/* Each port takes a handful of descriptors, and each lane one more of each. */
static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* Beside a busy lane, which runs at nice -20, an ordinary thread is given one per cent of the CPU: answers to ARP and
 * to the shell would wait for hundreds of milliseconds. This is enough to be prompt, and not so much that a flood of
 * what only the core can answer takes the CPU away from forwarding. Where it is refused, so it is to the lanes, who say
 * so. */
static void raise_priority(void)
{
    (void)setpriority(PRIO_PROCESS, 0, CORE_NICE);
}

static bool refuse_pidfile(const struct router *r, int fd)
{
    const char *path = r->options.pidfile;
    char pid[16];
    ssize_t n = fd >= 0 && errno == EWOULDBLOCK ? read(fd, pid, sizeof pid - 1) : -1;
    if (n < 0) {
        log_error(&r->log, "starting failed: the pid file %s can not be written: %s", path, strerror(errno));
    } else {
        pid[n] = '\0';
        pid[strcspn(pid, "\n")] = '\0';
        log_error(&r->log,
                  "starting failed: the pid file %s is that of a running ferryd (pid %s): stop it, or choose another "
                  "file with -p",
                  path, pid);
    }
    if (fd >= 0)
        close(fd);
    return false;
}

/* The lock goes with the process, so a file that was left behind is taken, and that of one that runs is not. */
static bool write_pidfile(struct router *r)
{
    if (r->options.pidfile == NULL)
        return true;
    int fd = open(r->options.pidfile, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
        return refuse_pidfile(r, fd);
    if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
        return refuse_pidfile(r, fd);
    r->wrote_pidfile = true;
    r->pidfile = fd;
    return true;
}

/* ---- start to end ---- */

static bool make_core(struct router *r)
{
    char why[WHY_MAX];
    errno = ENOMEM;
    r->base = event_base_new();
    if (r->base == NULL)
        return failed(r, "the event loop");
    r->grace = grace_new();
    if (r->grace == NULL)
        return failed(r, "the thread that frees memory");
    r->loop = loop_new(r->base, r->grace);
    if (r->loop == NULL)
        return failed(r, "the event loop");
    if (!make_dataplane(r))
        return false;
    r->worker = worker_new(r->base);
    r->openers = worker_new_of(r->base, "opener", OPENERS_AT_START);
    if (r->worker == NULL || r->openers == NULL)
        return failed(r, "the worker threads");
    r->changes = changes_new(r);
    r->saves = saves_new(r);
    if (r->changes == NULL || r->saves == NULL)
        return failed(r, "the event loop");
    r->guard = guard_new(r->base, &r->log);
    r->interfaces = interfaces_new(r);
    if (r->guard == NULL || r->interfaces == NULL)
        return failed(r, "the table of interfaces");
    r->links = links_new(r->base, &r->log, interfaces_device_changed, r->interfaces, why, sizeof why);
    if (r->links == NULL)
        log_error(&r->log, "starting failed: %s", why);
    return r->links != NULL;
}

static bool bring_up(struct router *r)
{
    char why[WHY_MAX];
    r->log.hear = log_heard;
    r->log.context = r;
    log_configure(&r->log, r->running);
    if (!guard_capable(why, sizeof why)) {
        log_error(&r->log, "starting failed: %s", why);
        return false;
    }
    raise_file_limit();
    raise_priority();
    if (!make_core(r))
        return false;
    unsigned refused = apply_first(r);
    if (refused > 0) {
        log_error(&r->log, "starting failed: %u of the configured interfaces can not be used", refused);
        return false;
    }
    worker_limit(r->openers, OPENERS);
    return start_cli(r) && watch_signals(r) && write_pidfile(r) && start_lanes(r);
}

bool router_start(struct router *r)
{
    /* The threads that are started in here leave the signals to the core. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    bool done = bring_up(r);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return done;
}

static void say_ready(struct router *r)
{
    struct cli_link link;
    unsigned n = 0, up = 0;
    for (; interfaces_view(r->interfaces, n, &link); n++)
        up += link.reason == NULL;
    log_notice(&r->log, "ferryd %s is ready: %u of %u interfaces up, %u lane%s", FERRYD_VERSION, up, n, r->n_threads,
               r->n_threads == 1 ? "" : "s");
    r->log.starting = false;
    notify("READY=1");
}

void router_run(struct router *r)
{
    say_ready(r);
    loop_run(r->loop);
    notify("STOPPING=1");
    rip_service_stop(r->rip, loop_now(r->loop));
    igmp_service_stop(r->igmp, loop_now(r->loop));
    loop_linger(r->loop, protocols_are_stopped, r, GOODBYE_NS);
}

void router_stop(struct router *r)
{
    for (unsigned i = 0; i < r->n_threads; i++)
        lane_thread_stop(r->threads[i]);
    if (r->cli != NULL)
        cli_free(r->cli);
    r->cli = NULL;
    interfaces_finish_taps(r->interfaces);
    changes_stop(r->changes);
    worker_free(r->worker);
    r->worker = NULL;
    saves_free(r->saves);
    changes_free(r->changes);
    for (unsigned i = 0; i < sizeof r->signals / sizeof r->signals[0]; i++)
        if (r->signals[i] != NULL)
            event_free(r->signals[i]);
    links_free(r->links);
    interfaces_free(r->interfaces);
    worker_free(r->openers); /* with what was still being opened */
    guard_free(r->guard);
    if (r->rip != NULL)
        rip_service_free(r->rip, loop_now(r->loop));
    igmp_service_free(r->igmp);
    if (r->rib != NULL)
        rib_free(r->rib);
    if (r->dataplane != NULL)
        dataplane_free(r->dataplane);
    loop_free(r->loop);
    if (r->grace != NULL)
        grace_free(r->grace); /* closed ports are among what it frees */
    if (r->af_packet != NULL)
        af_packet_free(r->af_packet);
    if (r->base != NULL)
        event_base_free(r->base);
    routes_free(&r->statics);
    if (r->wrote_pidfile) {
        unlink(r->options.pidfile);
        close(r->pidfile);
    }
    config_free(r->running);
    r->log.hear = NULL;
    log_lines_exit(&r->log_lines);
}

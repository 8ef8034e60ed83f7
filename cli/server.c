/* The listener and the turn. All sessions share one timer event: while some session can go on, it runs them in turn for
 * at most TURN_NS, then lets the loop look at everything else before it goes on. Nothing runs a session but the turn,
 * so a session can be freed there and nowhere else. */
#define _GNU_SOURCE /* struct ucred */
#include "cli/cli.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/session_parts.h"

#define TURN_NS          (3 * NS_PER_MS)
#define SESSIONS_LOOKING 48 /* sessions beyond that are for those who may do everything */

/* Everybody may connect, and who connects again and again must not keep the core from its work. */
#define ACCEPT_RATE    1000 /* connections a second; others wait in the kernel */
#define ACCEPT_BURST   100
#define ACCEPT_REST_US 20000 /* when there were too many */

/* ---- the turn ---- */

void cli_schedule(struct cli *cli)
{
    static const struct timeval at_once = {0};
    if (!evtimer_pending(cli->turn, NULL))
        evtimer_add(cli->turn, &at_once);
}

static void sweep(struct cli *cli)
{
    struct session *s = TAILQ_FIRST(&cli->sessions);
    while (s != NULL) {
        struct session *next = TAILQ_NEXT(s, link);
        if (session_finished(s)) {
            TAILQ_REMOVE(&cli->sessions, s, link);
            cli->n_sessions--;
            session_free(s);
            session_debug_changed(cli);
        }
        s = next;
    }
}

/* The first that can go on; it becomes the last, so that all have their turn. */
static struct session *next_runnable(struct cli *cli)
{
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link)) {
        if (!session_runnable(s))
            continue;
        TAILQ_REMOVE(&cli->sessions, s, link);
        TAILQ_INSERT_TAIL(&cli->sessions, s, link);
        return s;
    }
    return NULL;
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    struct cli *cli = context;
    uint64_t until = job_clock_ns() + TURN_NS;
    struct session *s = NULL;
    (void)fd;
    (void)what;
    while ((s = next_runnable(cli)) != NULL) {
        session_step(s);
        if (job_clock_ns() >= until)
            break;
    }
    sweep(cli);
    if (s != NULL)
        cli_schedule(cli);
}

/* ---- new sessions ---- */

static void turn_away(int fd, const char *sentence)
{
    char text[512];
    int len = snprintf(text, sizeof text, "%% %s\n", sentence);
    if (len > 0)
        (void)!send(fd, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
}

/* Whoever may do nothing holds no session: the socket is open to all, sessions are few. */
static bool welcome(struct cli *cli, int fd)
{
    struct access_peer peer;
    char why[400];
    access_peer_read(&peer, fd);
    enum access_level level = access_of(&cli->access, &peer);
    access_refusal(&cli->access, &peer, ACCESS_LOOK, why, sizeof why);
    access_peer_exit(&peer);
    unsigned most = level == ACCESS_ALL ? SESSIONS_MAX : SESSIONS_LOOKING;
    if (level == ACCESS_NONE) {
        turn_away(fd, why);
        return false;
    }
    if (cli->n_sessions >= most) {
        snprintf(why, sizeof why, "%u sessions are open already, which is the most: close one of them (show users)",
                 cli->n_sessions);
        turn_away(fd, why);
        return false;
    }
    return true;
}

static void rest(struct cli *cli, const struct timeval *how_long)
{
    evconnlistener_disable(cli->listener);
    evtimer_add(cli->retry, how_long);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from, int len,
                      void *context)
{
    struct cli *cli = context;
    static const struct timeval a_little = {.tv_usec = ACCEPT_REST_US};
    (void)listener;
    (void)from;
    (void)len;
    if (!bucket_take(&cli->accepts, ACCEPT_RATE, ACCEPT_BURST, job_clock_ns()))
        rest(cli, &a_little);
    if (!welcome(cli, fd))
        return;
    struct session *s = session_new(cli, fd);
    if (s == NULL)
        return;
    TAILQ_INSERT_TAIL(&cli->sessions, s, link);
    cli->n_sessions++;
}

/* Descriptors ran out, most likely: asking again at once would only spin. */
static void on_accept_error(struct evconnlistener *listener, void *context)
{
    static const struct timeval second = {.tv_sec = 1};
    struct cli *cli = context;
    (void)listener;
    int error = EVUTIL_SOCKET_ERROR();
    char text[160];
    snprintf(text, sizeof text, "shell: accepting on %s failed: %s; next try in a second", cli->path, strerror(error));
    cli->router->warn(cli->router->context, text);
    rest(cli, &second);
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    struct cli *cli = context;
    (void)fd;
    (void)what;
    evconnlistener_enable(cli->listener);
}

/* Once a plain client has finished speaking no event tells that it has gone altogether. A command that has something
 * to print finds out; one that waits would wait for ever. */
static void look_for_the_gone(struct cli *cli)
{
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link)) {
        if (!s->ended || !s->waiting || !job_left_alone(&s->job))
            continue;
        s->gone = true;
        cli_schedule(cli);
    }
}

static void on_second(evutil_socket_t fd, short what, void *context)
{
    struct cli *cli = context;
    (void)fd;
    (void)what;
    rates_sample(cli->rates, cli->router->dataplane, cli->router->now(cli->router->context));
    debug_packets_look(cli);
    session_tell_left_out(cli);
    look_for_the_gone(cli);
}

/* ---- the socket ---- */

static bool make_folder(const char *path, char *why, size_t size)
{
    char copy[sizeof((struct cli *)0)->path];
    struct stat st;
    snprintf(copy, sizeof copy, "%s", path);
    const char *folder = dirname(copy);
    if (stat(folder, &st) == 0 || mkdir(folder, 0755) == 0)
        return true;
    snprintf(why, size, "the folder %s for the shell's socket can not be made: %s; make it, or choose a socket with -s",
             folder, strerror(errno));
    return false;
}

/* Who listens behind a socket that let us connect; 0 when the kernel would not say. */
static pid_t listener_of(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
}

/* Removes what a dead daemon left; false when somebody lives there, or when it is no socket. */
static bool clear_path(const struct sockaddr_un *address, char *why, size_t size)
{
    const char *path = address->sun_path;
    struct stat st;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT)
            return true;
        snprintf(why, size, "%s: %s", path, strerror(errno));
        return false;
    }
    if (!S_ISSOCK(st.st_mode)) {
        snprintf(why, size, "%s is there and is no socket: remove it, or choose another with -s", path);
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        snprintf(why, size, "a Unix socket can not be made: %s", strerror(errno));
        return false;
    }
    /* EAGAIN: its queue is full, so it is alive */
    bool alive = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN;
    if (alive)
        snprintf(why, size, "a running ferryd (pid %ld) serves %s already: stop it, or choose another socket with -s",
                 (long)listener_of(fd), path);
    close(fd);
    if (alive)
        return false;
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    snprintf(why, size, "the stale socket %s can not be removed: %s", path, strerror(errno));
    return false;
}

static int open_socket(const char *path, char *why, size_t size)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (path[0] == '\0' || strlen(path) >= sizeof address.sun_path) {
        snprintf(why, size, "the shell's socket path must have 1 to %zu bytes: \"%s\"", sizeof address.sun_path - 1,
                 path);
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    if (!make_folder(path, why, size) || !clear_path(&address, why, size))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && chmod(path, 0666) == 0 &&
        listen(fd, 64) == 0)
        return fd;
    snprintf(why, size, "the shell can not listen on %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- front door ---- */

void cli_set_access(struct cli *cli, const struct access_rules *rules, int64_t idle_timeout_s)
{
    struct session *s;
    cli->access = *rules;
    cli->idle_s = idle_timeout_s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link))
        session_restart_idle(s);
}

static bool make_events(struct cli *cli, struct event_base *base, int fd)
{
    cli->turn = evtimer_new(base, on_turn, cli);
    static const struct timeval second = {.tv_sec = 1};
    cli->retry = evtimer_new(base, on_retry, cli);
    cli->second = event_new(base, -1, EV_PERSIST, on_second, cli);
    cli->rates = rates_new();
    if (cli->turn == NULL || cli->retry == NULL || cli->second == NULL || cli->rates == NULL)
        return false;
    event_add(cli->second, &second);
    cli->listener = evconnlistener_new(base, on_accept, cli, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
    if (cli->listener == NULL)
        return false;
    evconnlistener_set_error_cb(cli->listener, on_accept_error);
    return true;
}

struct cli *cli_new(struct event_base *base, const struct cli_router *router, const char *path, const char *group,
                    int64_t idle_timeout_s, char *why, size_t why_size)
{
    struct stat st;
    int fd = open_socket(path, why, why_size);
    if (fd < 0)
        return NULL;
    struct cli *cli = calloc(1, sizeof *cli);
    if (cli == NULL || stat(path, &st) != 0) {
        snprintf(why, why_size, "the shell on %s: %s", path, strerror(errno));
        free(cli);
        close(fd);
        return NULL;
    }
    cli->base = base;
    cli->router = router;
    cli->device = st.st_dev;
    cli->inode = st.st_ino;
    snprintf(cli->path, sizeof cli->path, "%s", path);
    TAILQ_INIT(&cli->sessions);
    LIST_INIT(&cli->resolves);
    if (!make_events(cli, base, fd)) {
        snprintf(why, why_size, "the shell on %s: the system gave no memory", path);
        if (cli->listener == NULL)
            close(fd);
        cli_free(cli);
        return NULL;
    }
    if (!access_rules_set(&cli->access, group, why, why_size))
        cli->router->warn(cli->router->context, why);
    cli->idle_s = idle_timeout_s;
    /* a session that hangs up must cost the router no more than a failed write */
    signal(SIGPIPE, SIG_IGN);
    return cli;
}

void cli_free(struct cli *cli)
{
    struct session *s;
    struct stat st;
    if (cli == NULL)
        return;
    while ((s = TAILQ_FIRST(&cli->sessions)) != NULL) {
        TAILQ_REMOVE(&cli->sessions, s, link);
        session_free(s);
    }
    session_debug_changed(cli);
    resolves_free(&cli->resolves);
    if (cli->listener != NULL)
        evconnlistener_free(cli->listener);
    if (lstat(cli->path, &st) == 0 && st.st_dev == cli->device && st.st_ino == cli->inode)
        unlink(cli->path);
    if (cli->turn != NULL)
        event_free(cli->turn);
    rates_free(cli->rates);
    if (cli->second != NULL)
        event_free(cli->second);
    if (cli->retry != NULL)
        event_free(cli->retry);
    free(cli);
}

void cli_icmp(struct cli *cli, const struct packet *packet, struct now now)
{
    struct session *s;
    for (s = TAILQ_FIRST(&cli->sessions); s != NULL; s = TAILQ_NEXT(s, link)) {
        if (s->busy && s->line.last->run->icmp != NULL)
            s->line.last->run->icmp(&s->job, packet, now);
    }
}

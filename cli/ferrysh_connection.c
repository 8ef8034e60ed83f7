/* The client's side of the framed protocol (cli/frame.h). */
#define _GNU_SOURCE /* ppoll */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/ferrysh.h"

/* ---- bytes ---- */

static bool send_all(struct connection *c, const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        ssize_t n = send(c->fd, at, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool send_frame(struct connection *c, enum frame_type type, const char *text)
{
    uint8_t header[FRAME_HEADER];
    size_t len = strlen(text);
    frame_header(header, type, (uint32_t)len);
    return send_all(c, header, sizeof header) && send_all(c, text, len);
}

/* Signals are blocked but while something waits. This lets one in that came meanwhile. */
static void let_signals_in(void)
{
    sigset_t none, before;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, &before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Waits for a frame. False when a signal or a key came (errno EINTR: ask again), the pager was left (EPIPE), or the
 * connection is over. */
static bool receive(struct connection *c, struct frame *frame)
{
    sigset_t none;
    sigemptyset(&none);
    for (;;) {
        enum reader_result result = reader_next(&c->reader, c->fd, frame);
        if (result != READER_NOTHING)
            return result == READER_FRAME;
        struct pollfd wait[] = {{c->fd, POLLIN, 0},
                                {c->interrupting ? -1 : c->screen->pager.fd, 0, 0},
                                {screen_keys_fd(c->screen), POLLIN, 0}};
        if (ppoll(wait, 3, NULL, &none) < 0)
            return false;
        if (wait[2].revents != 0) {
            errno = EINTR;
            return false;
        }
        if (wait[1].revents != 0 && wait[0].revents == 0) {
            errno = EPIPE;
            return false;
        }
    }
}

/* ---- opening ---- */

static enum status no_daemon(const char *path, int error)
{
    const char *cure = error == ENOENT || error == ENOTDIR ? "is ferryd running, and is this its socket (-s SOCKET)?"
                       : error == ECONNREFUSED             ? "ferryd has stopped and left it behind; start ferryd again"
                       : error == EACCES                   ? "your user may not open it: ask its owner, or try as root"
                                                           : "";
    fprintf(stderr, "ferrysh: no ferryd behind %s: %s%s%s\n", path, strerror(error), cure[0] != '\0' ? "; " : "", cure);
    return STATUS_NO_DAEMON;
}

/* A server that can not serve says so in plain text, a sentence that begins with a percent sign, and closes. */
static enum status turned_away(struct connection *c)
{
    char text[512];
    ssize_t n;
    while ((n = recv(c->fd, text, sizeof text, 0)) > 0)
        fwrite(text, 1, (size_t)n, stderr);
    return STATUS_REFUSED;
}

static void keep_prompt(struct connection *c, const struct frame *frame)
{
    snprintf(c->prompt, sizeof c->prompt, "%s", frame->text);
    for (char *at = c->prompt; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '.';
}

static enum status greet(struct connection *c)
{
    struct frame frame;
    char first;
    ssize_t n;
    (void)!send_all(c, "", 1);
    while ((n = recv(c->fd, &first, 1, MSG_PEEK)) < 0 && errno == EINTR)
        ;
    if (n <= 0)
        return no_daemon(c->path, n == 0 ? ECONNRESET : errno);
    if (first == '%')
        return turned_away(c);
    while (!receive(c, &frame))
        if (errno != EINTR)
            return no_daemon(c->path, errno);
    if (frame.type != FRAME_PROMPT) {
        fprintf(stderr, "ferrysh: what listens on %s is not ferryd\n", c->path);
        return STATUS_NO_DAEMON;
    }
    keep_prompt(c, &frame);
    return STATUS_GOOD;
}

enum status connection_open(struct connection *c, const char *path, struct heard *heard, struct screen *screen)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *c = (struct connection){.path = path, .fd = -1, .heard = heard, .screen = screen};
    if (strlen(path) >= sizeof address.sun_path) {
        fprintf(stderr, "ferrysh: the socket's path is longer than %zu bytes: %s\n", sizeof address.sun_path - 1, path);
        return STATUS_NO_DAEMON;
    }
    memcpy(address.sun_path, path, strlen(path));
    c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&address, sizeof address) != 0)
        return no_daemon(path, errno);
    return greet(c);
}

void connection_close(struct connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    reader_free(&c->reader);
    *c = (struct connection){.fd = -1};
}

/* ---- running ---- */

/* Programs such as timeout(1) send their signal to the process and to its group: that is one interrupt. */
#define TWICE_MS 1000

static long long clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void closed(struct connection *c, const struct frame *frame)
{
    c->lost = true;
    c->left = frame->len == 0;
    if (!c->left)
        screen_complain(c->screen, "%s", frame->text);
}

/* What else comes of the running command's answer is thrown away. */
static void quit_answer(struct connection *c)
{
    c->interrupting = send_frame(c, FRAME_INTERRUPT, "");
    c->interrupted_ms = clock_ms();
}

static void take_output(struct connection *c, const struct frame *frame)
{
    if (!c->interrupting && !screen_output(c->screen, frame->text, frame->len) && !c->heard->interrupted)
        quit_answer(c);
}

static void take_look(struct connection *c, const struct frame *frame)
{
    if (!c->interrupting && !screen_look(c->screen, frame->text, frame->len) && !c->heard->interrupted)
        quit_answer(c);
}

/* A number of lines, or nonsense that changes nothing. */
static void take_length(struct connection *c, const struct frame *frame)
{
    char *end;
    unsigned long lines = strtoul(frame->text, &end, 10);
    if (c->screen->interactive && frame->len > 0 && *end == '\0' && lines <= 10000)
        c->screen->pager.length = (int)lines;
}

/* What a frame means that nobody in particular waits for. */
static void take(struct connection *c, const struct frame *frame, const char *where)
{
    switch (frame->type) {
    case FRAME_OUTPUT:
        take_output(c, frame);
        break;
    case FRAME_SCREEN:
        take_look(c, frame);
        break;
    case FRAME_STREAM:
        screen_stream(c->screen);
        break;
    case FRAME_LENGTH:
        take_length(c, frame);
        break;
    case FRAME_LOG:
        screen_log(c->screen, frame->text);
        break;
    case FRAME_REFUSED:
        screen_refusal(c->screen, where, frame->text);
        break;
    case FRAME_PROMPT:
        keep_prompt(c, frame);
        break;
    case FRAME_INTERRUPT:
        c->interrupting = false;
        break;
    case FRAME_HELP:
    case FRAME_COMPLETE:
        c->owed -= c->owed > 0;
        break;
    case FRAME_BYE:
        closed(c, frame);
        break;
    default: /* a later server may say more */
        break;
    }
}

static enum status gone(struct connection *c)
{
    if (!c->lost)
        screen_complain(c->screen, "ferryd closed the connection on %s", c->path);
    c->lost = true;
    return STATUS_NO_DAEMON;
}

/* Until the server has answered the first interrupt, a second one means that nobody wants to wait for it. */
static bool interrupt(struct connection *c)
{
    c->heard->interrupted = 0;
    if (c->interrupting && clock_ms() - c->interrupted_ms < TWICE_MS)
        return true;
    bool typed = c->screen->pager.pid == 0 && c->screen->monitor == NULL;
    screen_discard(c->screen);
    if (isatty(STDERR_FILENO) && typed)
        fputc('\n', stderr); /* after the terminal's ^C */
    if (c->interrupting) {
        screen_complain(c->screen, "ferryd does not answer on %s", c->path);
        c->lost = true;
        return false;
    }
    quit_answer(c);
    return true;
}

static enum status run(struct connection *c, const char *line, const char *where)
{
    struct frame frame;
    c->interrupting = false;
    (void)send_frame(c, FRAME_COMMAND, line); /* if it fails the server's last words are still to be read */
    for (;;) {
        let_signals_in();
        if (!screen_heard(c->screen)) {
            screen_finish(c->screen);
            quit_answer(c);
        }
        if (c->heard->interrupted && !interrupt(c))
            return STATUS_NO_DAEMON;
        if (receive(c, &frame)) {
            take(c, &frame, where);
            if (frame.type == FRAME_DONE) {
                c->interrupting = false;
                return frame.len == 1 && frame.text[0] == 0 ? STATUS_GOOD : STATUS_REFUSED;
            }
            if (c->lost)
                return c->left ? STATUS_GOOD : STATUS_NO_DAEMON;
        } else if (errno == EPIPE && c->screen->pager.pid != 0) {
            screen_finish(c->screen);
            quit_answer(c);
        } else if (errno != EINTR) {
            return gone(c);
        }
    }
}

enum status connection_run(struct connection *c, const char *line, const char *where)
{
    sigset_t interrupts, before;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupts, &before);
    screen_start(c->screen);
    enum status status = run(c, line, where);
    screen_finish(c->screen);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

char *connection_ask(struct connection *c, enum frame_type type, const char *line)
{
    struct frame frame;
    if (c->lost || strlen(line) > FRAME_ASK_MAX || !send_frame(c, type, line))
        return NULL;
    c->owed++;
    while (!c->lost && !c->heard->interrupted) {
        if (!receive(c, &frame)) {
            if (errno != EINTR)
                gone(c);
            continue;
        }
        take(c, &frame, "");
        if (frame.type == type && c->owed == 0)
            return strdup(frame.text);
    }
    return NULL;
}

bool connection_heard(struct connection *c)
{
    struct frame frame;
    enum reader_result result;
    while (!c->lost && (result = reader_next(&c->reader, c->fd, &frame)) != READER_NOTHING) {
        if (result == READER_FRAME)
            take(c, &frame, "");
        else
            gone(c);
    }
    return !c->lost;
}

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

static bool make_room(struct connection *c, size_t room)
{
    if (c->room >= room)
        return true;
    uint8_t *more = realloc(c->bytes, room);
    if (more == NULL)
        return false;
    c->bytes = more;
    c->room = room;
    return true;
}

/* Reads until N bytes are there. Signals come only while it waits, so none is missed: false with errno EINTR. */
static bool need(struct connection *c, size_t n)
{
    sigset_t none;
    sigemptyset(&none);
    if (!make_room(c, n + 1))
        return false;
    while (c->n < n) {
        struct pollfd wait = {c->fd, POLLIN, 0};
        if (ppoll(&wait, 1, NULL, &none) < 0)
            return false;
        ssize_t got = recv(c->fd, c->bytes + c->n, n - c->n, 0);
        if (got > 0) {
            c->n += (size_t)got;
            continue;
        }
        if (got == 0)
            errno = ECONNRESET;
        return false;
    }
    return true;
}

/* Waits for a frame. False when a signal came (errno EINTR: ask again) or the connection is over. */
static bool receive(struct connection *c, struct frame *frame)
{
    if (!need(c, FRAME_HEADER))
        return false;
    uint32_t len = load_be32(c->bytes + 1);
    if (len > FRAME_TEXT_MAX) {
        errno = EPROTO;
        return false;
    }
    if (!need(c, FRAME_HEADER + len))
        return false;
    char *text = (char *)c->bytes + FRAME_HEADER;
    text[len] = '\0';
    *frame = (struct frame){.type = (enum frame_type)c->bytes[0], .len = len, .text = text};
    c->n = 0;
    return true;
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
    fwrite(c->bytes, 1, c->n, stderr);
    while ((n = recv(c->fd, text, sizeof text, 0)) > 0)
        fwrite(text, 1, (size_t)n, stderr);
    return STATUS_REFUSED;
}

static void keep_prompt(struct connection *c, const struct frame *frame)
{
    snprintf(c->prompt, sizeof c->prompt, "%s", frame->text);
}

static enum status greet(struct connection *c)
{
    struct frame frame;
    (void)!send_all(c, "", 1);
    while (!need(c, 1))
        if (errno != EINTR)
            return no_daemon(c->path, errno);
    if (c->bytes[0] == '%')
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

enum status connection_open(struct connection *c, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    *c = (struct connection){.path = path, .fd = -1};
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
    free(c->bytes);
    *c = (struct connection){.fd = -1};
}

/* ---- running ---- */

static void closed(struct connection *c, const struct frame *frame)
{
    c->lost = true;
    c->left = frame->len == 0;
    if (!c->left)
        fprintf(stderr, "ferrysh: %s\n", frame->text);
}

/* What a frame means that nobody in particular waits for. */
static void take(struct connection *c, const struct frame *frame, const char *where)
{
    switch (frame->type) {
    case FRAME_OUTPUT:
        if (!c->interrupting) {
            fwrite(frame->text, 1, frame->len, stdout);
            fflush(stdout);
        }
        break;
    case FRAME_REFUSED:
        fprintf(stderr, "%% %s%s\n", where, frame->text);
        break;
    case FRAME_PROMPT:
        keep_prompt(c, frame);
        break;
    case FRAME_INTERRUPT:
        c->interrupting = false;
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
        fprintf(stderr, "ferrysh: ferryd closed the connection on %s\n", c->path);
    c->lost = true;
    return STATUS_NO_DAEMON;
}

/* Programs such as timeout(1) send their signal to the process and to its group: that is one interrupt. */
#define TWICE_MS 1000

static long long clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the server has answered the first interrupt, a second one means that nobody wants to wait for it. */
static bool interrupt(struct connection *c, volatile int *interrupted)
{
    *interrupted = 0;
    if (c->interrupting && clock_ms() - c->interrupted_ms < TWICE_MS)
        return true;
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr); /* after the terminal's ^C */
    if (c->interrupting) {
        fprintf(stderr, "ferrysh: ferryd does not answer on %s\n", c->path);
        c->lost = true;
        return false;
    }
    c->interrupting = send_frame(c, FRAME_INTERRUPT, "");
    c->interrupted_ms = clock_ms();
    return true;
}

static enum status run(struct connection *c, const char *line, const char *where, volatile int *interrupted)
{
    struct frame frame;
    c->interrupting = false;
    (void)send_frame(c, FRAME_COMMAND, line); /* if it fails the server's last words are still to be read */
    for (;;) {
        if (*interrupted && !interrupt(c, interrupted))
            return STATUS_NO_DAEMON;
        if (receive(c, &frame)) {
            take(c, &frame, where);
            if (frame.type == FRAME_DONE) {
                c->interrupting = false;
                return frame.len == 1 && frame.text[0] == 0 ? STATUS_GOOD : STATUS_REFUSED;
            }
            if (c->lost)
                return c->left ? STATUS_GOOD : STATUS_NO_DAEMON;
        } else if (errno != EINTR) {
            return gone(c);
        }
    }
}

enum status connection_run(struct connection *c, const char *line, const char *where, volatile int *interrupted)
{
    sigset_t interrupts, before;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupts, &before);
    enum status status = run(c, line, where, interrupted);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

char *connection_ask(struct connection *c, enum frame_type type, const char *line)
{
    struct frame frame;
    if (c->lost || strlen(line) > FRAME_ASK_MAX || !send_frame(c, type, line))
        return NULL;
    while (!c->lost) {
        if (!receive(c, &frame)) {
            if (errno != EINTR)
                gone(c);
        } else if (frame.type == type) {
            return strdup(frame.text);
        } else {
            take(c, &frame, "");
        }
    }
    return NULL;
}

bool connection_heard(struct connection *c)
{
    struct frame frame;
    if (receive(c, &frame))
        take(c, &frame, "");
    else if (errno != EINTR)
        gone(c);
    return !c->lost;
}

/* ferrysh: the shell to a running ferryd. */
#define _GNU_SOURCE /* getline, getopt_long */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/ferrysh.h"

#define SOCKET_DEFAULT "/run/ferryd/ferryd.sock"

static void on_signal(int number);
static struct heard heard = {.on_signal = on_signal};

static void on_signal(int number)
{
    if (number == SIGWINCH)
        heard.resized = 1;
    else if (number == SIGTERM || number == SIGHUP)
        heard.ended = number;
    else
        heard.interrupted = 1;
}

static void usage(FILE *to)
{
    fputs("usage: ferrysh [-s SOCKET] [-c COMMAND]... [--complete LINE] [-h]\n"
          "  -s SOCKET   the daemon's socket (default " SOCKET_DEFAULT ")\n"
          "  -c COMMAND  run it and exit; may be repeated: all run in one session, the first refusal ends it\n"
          "  --complete LINE  print what the last word of LINE may become, a line each\n"
          "  -h          this help\n"
          "Without -c an interactive session starts; standard input that is no terminal is read as a script.\n"
          "Exit status: 0 all commands succeeded, 1 one was refused, 2 no daemon, or bad usage.\n",
          to);
}

struct options {
    const char *socket;
    const char **commands;
    int n_commands;
    const char *complete; /* NULL: not asked for */
};

enum { OPTION_COMPLETE = 256 };

/* -1 to go on, else the exit status. */
static int read_options(int argc, char **argv, struct options *options)
{
    static const struct option longs[] = {
        {"complete", required_argument, NULL, OPTION_COMPLETE}, {"help", no_argument, NULL, 'h'}, {0}};
    int option;
    while ((option = getopt_long(argc, argv, "s:c:h", longs, NULL)) != -1) {
        switch (option) {
        case 's':
            options->socket = optarg;
            break;
        case 'c':
            options->commands[options->n_commands++] = optarg;
            break;
        case OPTION_COMPLETE:
            options->complete = optarg;
            break;
        case 'h':
            usage(stdout);
            return 0;
        default:
            usage(stderr);
            return 2;
        }
    }
    if (optind == argc)
        return -1;
    fprintf(stderr, "ferrysh: what is \"%s\"? A command follows -c\n", argv[optind]);
    usage(stderr);
    return 2;
}

static enum status run_one(struct connection *connection, const char *line, const char *where)
{
    if (strlen(line) > FRAME_ASK_MAX) {
        fprintf(stderr, "%% %sthe line is longer than %d bytes\n", where, FRAME_ASK_MAX);
        return STATUS_REFUSED;
    }
    return connection_run(connection, line, where);
}

static enum status run_commands(struct connection *connection, const struct options *options)
{
    enum status status = STATUS_GOOD;
    for (int i = 0; i < options->n_commands && status == STATUS_GOOD && !connection->lost; i++)
        status = run_one(connection, options->commands[i], "");
    return status;
}

static bool says_nothing(const char *line)
{
    line += strspn(line, " \t");
    return *line == '\0' || *line == '#' || *line == '!';
}

static enum status run_script(struct connection *connection, FILE *from)
{
    enum status status = STATUS_GOOD;
    char *line = NULL, where[32];
    size_t room = 0;
    ssize_t len = 0;
    for (unsigned number = 1; status == STATUS_GOOD && !connection->lost; number++) {
        if (heard.interrupted || (len = getline(&line, &room, from)) <= 0)
            break;
        line[strcspn(line, "\r\n")] = '\0';
        if (says_nothing(line))
            continue;
        snprintf(where, sizeof where, "line %u: ", number);
        status = run_one(connection, line, where);
    }
    free(line);
    if (status == STATUS_GOOD && heard.interrupted)
        fprintf(stderr, "ferrysh: interrupted\n");
    return status == STATUS_GOOD && heard.interrupted ? STATUS_REFUSED : status;
}

/* For the completion of other shells. */
static enum status run_complete(struct connection *connection, const char *line)
{
    char *text = connection_ask(connection, FRAME_COMPLETE, line);
    if (text != NULL)
        fputs(text, stdout);
    free(text);
    return text != NULL ? STATUS_GOOD : STATUS_NO_DAEMON;
}

/* A script's reading must not end because a window changes. */
static enum status run_interactive(struct connection *connection)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGWINCH, &action, NULL);
    return edit_run(connection);
}

static enum status run(const struct options *options)
{
    struct connection connection;
    struct screen screen;
    bool interactive = options->complete == NULL && options->n_commands == 0 && isatty(STDIN_FILENO);
    screen_begin(&screen, interactive, &heard);
    enum status status = connection_open(&connection, options->socket, &heard, &screen);
    if (status == STATUS_GOOD) {
        if (options->complete != NULL)
            status = run_complete(&connection, options->complete);
        else if (options->n_commands > 0)
            status = run_commands(&connection, options);
        else if (!interactive)
            status = run_script(&connection, stdin);
        else
            status = run_interactive(&connection);
    }
    if (status == STATUS_GOOD && !interactive && options->complete == NULL && !connection.lost)
        status = run_one(&connection, "end", ""); /* is refused if changes are not committed, which would be lost */
    connection_close(&connection);
    screen_end(&screen);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = {.socket = SOCKET_DEFAULT};
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: waiting ends */
    setlocale(LC_CTYPE, "");
    options.commands = calloc((size_t)argc + 1, sizeof *options.commands);
    if (options.commands == NULL) {
        fprintf(stderr, "ferrysh: no memory\n");
        return STATUS_NO_DAEMON;
    }
    int status = read_options(argc, argv, &options);
    if (status < 0) {
        sigaction(SIGINT, &action, NULL);
        status = (int)run(&options);
    }
    free(options.commands);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "ferrysh: standard output could not be written\n");
        return status == STATUS_GOOD ? STATUS_REFUSED : status;
    }
    return status;
}

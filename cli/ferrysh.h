/* The parts of ferrysh: the connection to the daemon (ferrysh_connection.c) and the line editor (ferrysh_edit.c). What
 * the answers look like is ferrysh_screen.h's. */
#ifndef CLI_FERRYSH_H
#define CLI_FERRYSH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/ferrysh_reader.h"
#include "cli/ferrysh_screen.h"
#include "cli/frame.h"

enum status { STATUS_GOOD = 0, STATUS_REFUSED = 1, STATUS_NO_DAEMON = 2 };

#define PROMPT_MAX 320

struct connection {
    const char *path;
    int fd;
    struct heard *heard;
    struct screen *screen;
    struct frame_reader reader;
    unsigned owed;     /* answers to questions that nobody waits for any more */
    bool interrupting; /* output is thrown away until the server has heard of it */
    long long interrupted_ms;
    bool left; /* the server closed because it was asked to */
    bool lost; /* the server closed, or went away */
    char prompt[PROMPT_MAX];
};

/* Opens the connection and greets. On failure the reason has been written to stderr and this is the exit status. */
enum status connection_open(struct connection *connection, const char *path, struct heard *heard,
                            struct screen *screen);
void connection_close(struct connection *connection);

/* Runs a line: its output goes to the screen, and so does a refusal, WHERE before it ("line 3: " in a script). SIGINT
 * interrupts the command. */
enum status connection_run(struct connection *connection, const char *line, const char *where);

/* Asks for help (FRAME_HELP) or completion (FRAME_COMPLETE) of LINE. A copy to free, or NULL. */
char *connection_ask(struct connection *connection, enum frame_type type, const char *line);

/* The server said something while nothing was asked. Never waits. False when it has closed. */
bool connection_heard(struct connection *connection);

/* The interactive session. */
enum status edit_run(struct connection *connection);

#endif

/* What a person sees: answers, a page at a time if they are long (ferrysh_pager.h); refusals with a caret under the
 * word in question; lines of the log; a little colour, on a terminal only. A script sees plain text. */
#ifndef CLI_FERRYSH_SCREEN_H
#define CLI_FERRYSH_SCREEN_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "cli/ferrysh_pager.h"

/* What signals have said: their handler has no other place to speak to. They come only while something waits. */
struct heard {
    volatile sig_atomic_t interrupted, resized;
    volatile sig_atomic_t ended;   /* SIGTERM or SIGHUP, while the screen is to be restored before it ends ferrysh */
    void (*on_signal)(int number); /* writes here */
};

struct monitor;

struct screen {
    bool interactive;
    bool out_colour, err_colour; /* of stdout and stderr */
    struct heard *heard;
    struct pager pager;
    struct monitor *monitor; /* NULL: it does not fill the screen */
    /* The line as the terminal shows it right above, from column TYPED_AT; NULL: it is not there, or no longer. */
    const char *typed;
    size_t typed_at;
    /* While a line is being edited: takes it off the screen, and puts it there again. */
    void (*hide)(void *editor);
    void (*show)(void *editor);
    void *editor;
};

void screen_begin(struct screen *screen, bool interactive, struct heard *heard);
void screen_end(struct screen *screen);

/* Columns of the terminal. */
size_t screen_columns(void);

/* Columns that the first LEN bytes of TEXT take. */
size_t screen_width(const char *text, size_t len);

/* A command begins; what it says; it says so for long (FRAME_STREAM); it is over, and what it said is shown. */
void screen_start(struct screen *screen);
bool screen_output(struct screen *screen, const char *text, size_t len); /* false: nobody wants to see more */
void screen_stream(struct screen *screen);
void screen_finish(struct screen *screen);

/* A look of `monitor`: on a terminal it fills the screen from the first one on, elsewhere each is a line of JSON.
 * False: nobody wants to see more, or it can not be read, which has been said. */
bool screen_look(struct screen *screen, const char *text, size_t len);

/* While it fills the screen: what is typed comes from this descriptor, otherwise -1. */
int screen_keys_fd(const struct screen *screen);

/* While it fills the screen: follows the terminal's size and the keys, and ends ferrysh if a signal says so. False:
 * leave it. Never waits. */
bool screen_heard(struct screen *screen);

/* What has not been shown yet will not be. */
void screen_discard(struct screen *screen);

/* TEXT is a sentence, which the line and a caret may follow (command_error_text). */
void screen_refusal(struct screen *screen, const char *where, const char *text);

void screen_log(struct screen *screen, const char *text);

/* A sentence of ferrysh's own. */
void screen_complain(struct screen *screen, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

/* Long answers a page at a time. Up to a page is held back; when more comes a pager is started ($PAGER, or less), and
 * gets that and all that follows. It takes as much as it wants to show: the rest waits in the daemon. */
#ifndef CLI_FERRYSH_PAGER_H
#define CLI_FERRYSH_PAGER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct pager {
    int length; /* lines of a page; 0: there are no pages; -1: as high as the terminal */
    /* of the running command */
    bool streaming; /* its answer is shown as it comes */
    bool quit;      /* nobody wants to see more */
    char *held;
    size_t n_held, room;
    unsigned rows, column; /* that what is held takes */
    bool escape;           /* in the middle of an escape sequence, which takes none */
    pid_t pid;             /* 0: it does not run */
    int fd;                /* to it */
    /* lines of the log that came while it had the screen */
    char *late;
    size_t n_late;
    bool covered; /* something else has the screen */
};

void pager_init(struct pager *pager);
void pager_free(struct pager *pager);

void pager_start_command(struct pager *pager);

/* Shows TEXT, or holds it back. False: nobody wants to see more, or *interrupted. */
bool pager_write(struct pager *pager, const char *text, size_t len, const volatile sig_atomic_t *interrupted);

/* What is held is shown, and what follows as it comes. */
void pager_stream(struct pager *pager);

/* What is held is not shown. */
void pager_discard(struct pager *pager);

/* Shows what is held, and waits until a pager has been left. */
void pager_finish(struct pager *pager);

/* From here to there lines of the log wait, as they do while a pager runs. */
void pager_cover(struct pager *pager);
void pager_uncover(struct pager *pager);

/* To be shown when the pager is left, or what covers the screen. False: none runs. */
bool pager_keep_late(struct pager *pager, const char *text);

#endif

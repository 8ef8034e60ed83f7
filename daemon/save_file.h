/* The configuration's file: what it was when it was last read or written, and writing it so that at no moment, whatever
 * ends the router or the machine, there is less than a whole one. Waits for disks: for the worker. */
#ifndef DAEMON_SAVE_FILE_H
#define DAEMON_SAVE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/config.h"

#define SAVE_KEPT   5 /* former files: FILE.1, the last, to FILE.5 */
#define SAVE_REPORT 1536

/* The bytes of a file, in short. */
struct saved_file {
    bool known; /* else it was never read, or is no plain file */
    uint64_t size, hash;
};

/* As config_load; when that succeeds, *file is what was read. */
struct config *save_load(struct saved_file *file, const char *path, struct config_errors *errors);

struct save_wish {
    const struct config *config;
    const char *start; /* the file of the start */
    const char *path;  /* another one, or NULL */
    bool force;        /* even if the file of the start is not what it was */
    bool unconfirmed;  /* a change waits to be confirmed: not into the file of the start */
};

/* Does it. REPORT is a sentence, also when it is done. *file is the file of the start as known, and then as written;
 * *is_start whether it was that which was written. False: every file is as it was. */
bool save_file(const struct save_wish *wish, struct saved_file *file, bool *is_start, char report[SAVE_REPORT]);

#endif

/* A capture that runs: a thread takes what a device sends and receives, and writes it to a file, until it is told to
 * stop or has enough. The core only starts it and hears of it; nothing that the thread waits for holds the core up. */
#ifndef CLI_CAPTURE_THREAD_H
#define CLI_CAPTURE_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/capture_file.h"
#include "cli/pcap_filter.h"

struct capture_order {
    const char *device;
    uint32_t ifindex;
    const char *path;
    const char *filter; /* NULL: everything */
    uint64_t count;     /* of packets; 0: as many as the file holds */
    uint64_t most;      /* bytes of the file */
    const char *application;
    struct capture_owner owner;
};

enum capture_phase {
    CAPTURE_OPENS,
    CAPTURE_RUNS, /* sees everything from here on */
    CAPTURE_ENDED,
};

struct capture_result {
    bool opened;
    bool failed;
    char why[512]; /* failed: a sentence; else what ended it, a clause */
    uint64_t packets, bytes;
    uint64_t dropped; /* by the kernel, for want of room */
    uint64_t file_bytes;
};

struct capture_thread;

/* NULL when refused: a sentence without its stop in WHY. */
struct capture_thread *capture_thread_start(const struct capture_order *order, char *why, size_t size);

/* An eventfd that counts every change of the phase. */
int capture_thread_fd(const struct capture_thread *thread);
enum capture_phase capture_thread_phase(const struct capture_thread *thread);

/* Asks it to end, once it has written what has come so far. REASON is a clause that stays. */
void capture_thread_stop(struct capture_thread *thread, const char *reason);

/* How it ended; NULL before. */
const struct capture_result *capture_thread_result(const struct capture_thread *thread);

/* Waits for its end, but not for ever: one that hangs in its file keeps what it has. */
void capture_thread_free(struct capture_thread *thread);

#endif

/* The file of a capture: a new one, written in large pieces, never larger than it may be, and readable to its last
 * whole block whatever ends it. */
#ifndef CLI_CAPTURE_FILE_H
#define CLI_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cli/pcapng.h"

/* As whom it is made. */
struct capture_owner {
    uid_t uid;
    gid_t gid;
    const gid_t *groups;
    size_t n_groups;
};

struct capture_file;

/* The calling thread takes on what OWNER may do with files, and no more, for good. */
bool capture_file_become(const struct capture_owner *owner, char *why, size_t size);

/* A new file of at most MOST bytes. NULL when refused; then, as wherever something fails here, a sentence without its
 * stop in WHY. */
struct capture_file *capture_file_new(const char *path, uint64_t most, char *why, size_t size);
void capture_file_free(struct capture_file *file);

bool capture_file_begin(struct capture_file *file, const char *application, const char *device, const char *filter,
                        char *why, size_t size);

enum capture_added { CAPTURE_ADDED, CAPTURE_FULL, CAPTURE_FAILED };
enum capture_added capture_file_add(struct capture_file *file, const struct pcapng_packet *packet, char *why,
                                    size_t size);

/* What was added so far is in the file then. */
bool capture_file_flush(struct capture_file *file, char *why, size_t size);

/* The end: there is room for it, but for a disk that is full. */
bool capture_file_end(struct capture_file *file, const struct pcapng_statistics *statistics, char *why, size_t size);

/* Bytes that are in the file. */
uint64_t capture_file_size(const struct capture_file *file);

#endif

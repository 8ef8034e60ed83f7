/* Reading files that people name. Whatever stands there (a FIFO without a writer, a terminal) holds nobody up for long.
 */
#ifndef DAEMON_FILE_H
#define DAEMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FILE_SILENCE 3 /* seconds that a pipe in a file's place may say nothing */

/* A descriptor to read PATH by; -1 with a sentence in WHY. */
int file_open(const char *path, char *why, size_t why_size);

/* May everybody on this machine read it? */
bool file_is_public(int fd);

/* Up to SIZE bytes, 0 at the end; -1 with a sentence in WHY. */
ssize_t file_read(int fd, char *to, size_t size, char *why, size_t why_size);

#endif

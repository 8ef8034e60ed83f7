/* The server's frames (frame.h), cut out of the bytes that come from a socket. Never waits. */
#ifndef CLI_FERRYSH_READER_H
#define CLI_FERRYSH_READER_H

#include <stddef.h>
#include <stdint.h>

#include "cli/frame.h"

struct frame {
    enum frame_type type;
    size_t len;
    const char *text; /* ends with a NUL that LEN does not count; valid until the next frame is read */
};

/* What has come and is no whole frame yet; all zero at the beginning. */
struct frame_reader {
    uint8_t *bytes;
    size_t n, room;
};

enum reader_result {
    READER_FRAME,
    READER_NOTHING, /* no whole frame yet */
    READER_ENDED,   /* the connection is over, for the reason in errno */
};

enum reader_result reader_next(struct frame_reader *reader, int fd, struct frame *frame);

void reader_free(struct frame_reader *reader);

#endif

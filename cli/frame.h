/* The framed protocol between ferrysh and the server, documented in ferrysh(1): the client opens with a NUL byte, then
 * both sides send frames of a type byte, a length of four bytes, big-endian, and so many bytes. */
#ifndef CLI_FRAME_H
#define CLI_FRAME_H

#include <stdint.h>

#include "forwarding/bytes.h"

#define FRAME_HEADER   5
#define FRAME_ASK_MAX  4096  /* bytes from the client */
#define FRAME_TEXT_MAX 65536 /* bytes from the server */

enum frame_type {
    /* from the client */
    FRAME_COMMAND = 'C',   /* a line; the next only after its FRAME_DONE */
    FRAME_INTERRUPT = 'I', /* empty: end the running command. The server echoes it at that place of its output */
    FRAME_HELP = '?',      /* a line up to the cursor; answered by FRAME_HELP: text */
    FRAME_COMPLETE = 'T',  /* a line up to the cursor; answered by FRAME_COMPLETE: candidates, a line each */
    /* from the server */
    FRAME_PROMPT = 'P',  /* what to show when the next command may come */
    FRAME_OUTPUT = 'O',  /* text of the answer */
    FRAME_REFUSED = 'R', /* why the command was refused */
    FRAME_DONE = 'D',    /* one byte, 0 when the command succeeded */
    FRAME_STREAM = 'S',  /* empty: the running command's output is to be shown as it comes, not a page at a time */
    FRAME_LENGTH = 'N',  /* a page is so many lines, in decimal; 0: there are no pages */
    FRAME_LOG = 'L',     /* a line that nobody asked for just now: of the log, or of debugging; at any time */
    FRAME_SCREEN = 'V',  /* a look of `monitor`: a JSON document */
    FRAME_BYE = 'X',     /* the server closes; why, or nothing when the user asked for it */
};

static inline void frame_header(uint8_t to[FRAME_HEADER], enum frame_type type, uint32_t len)
{
    to[0] = (uint8_t)type;
    store_be32(to + 1, len);
}

#endif

/* How the rows of the schema table are written; for the files that hold some. */
#ifndef CLI_SCHEMA_ROW_H
#define CLI_SCHEMA_ROW_H

#include "cli/schema.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Where a value and its place lie. */
#define UNPLACED             .place_offset = SCHEMA_NOWHERE, .present_offset = SCHEMA_NOWHERE
#define PLACED(type, member) .place_offset = offsetof(struct type, member), .present_offset = SCHEMA_NOWHERE
#define AT(type, member)     .offset = offsetof(struct type, member)
#define COUNTED(type, member)                                                                                          \
    .count_offset = offsetof(struct type, member), .count_size = sizeof(((struct type *)NULL)->member)
#define SIZE_OF(type, member) sizeof(*((struct type *)NULL)->member)

#define TEXT_LINE .valid = schema_is_line, .form = "one line of text"
#define LATER     .later = true, .place_offset = SCHEMA_NOWHERE, .present_offset = SCHEMA_NOWHERE

/* Text without control characters. */
bool schema_is_line(const char *text);

#endif

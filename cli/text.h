/* How numbers, times and tables look in text answers. */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_SHORT 32 /* room enough for each of these */

/* "00:00:12" below a day, "1d02h03m" below a week, "02w3d04h" beyond, as FRR's users know it. All return TO. */
const char *text_duration(uint64_t seconds, char to[TEXT_SHORT]);

/* A point in time as the clock on the wall has it: "2026-11-20 09:05:00". */
const char *text_clock(uint64_t wall_ms, char to[TEXT_SHORT]);

/* "512 B", "1.5 KB", "4.0 MB": powers of 1024. */
const char *text_size(uint64_t bytes, char to[TEXT_SHORT]);

/* "999 bit/s", "1.5 Mbit/s": powers of 1000. UNIT is "bit/s", "packet/s" or the like, at most 15 bytes. */
const char *text_rate(uint64_t per_second, const char *unit, char to[TEXT_SHORT]);

/* The same where the unit stands in the title: "999", "1.5 M". */
const char *text_number(uint64_t n, char to[TEXT_SHORT]);

const char *text_mac(const uint8_t mac[6], char to[TEXT_SHORT]);

/* "1 packet", "2 packets", "1 entry", "2 entries": N and its noun. */
const char *text_count(uint64_t n, const char *one, const char *many, char to[TEXT_SHORT]);

/* A table of fixed columns. A cell that is too wide pushes the rest of its row to the right rather than being cut: what
 * is shown is copied from there. */
struct text_column {
    const char *title;
    int width;
    bool right; /* numbers */
};

#define TEXT_ROW 512

/* One line, its end included, nothing after the last cell's text. CELLS NULL: the titles. */
const char *text_row(const struct text_column *columns, unsigned n, const char *const *cells, char to[TEXT_ROW]);

#define TEXT_COLUMNS 80 /* of a terminal */

/* TEXT broken at spaces where a line would be wider than a terminal: its first line begins at column AT, the others are
 * indented by INDENT. No line end at its end. Returns TO. */
const char *text_wrap(const char *text, size_t at, size_t indent, char *to, size_t size);

#endif

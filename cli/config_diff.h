/* What differs between two configurations, difference by difference, as the schema table has it. Entries of a list are
 * matched by what tells them apart (a name; a prefix and a distance), so their order does not count; the order of plain
 * values, such as addresses, does. */
#ifndef CLI_CONFIG_DIFF_H
#define CLI_CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "cli/config.h"
#include "cli/schema.h"

/* A value that differs; or an entry that came or went whole, or one of a single line that changed. */
struct config_difference {
    const char *path;             /* "interfaces r0 mtu", "static-routes 10.9.0.0/16", "icmp burst" */
    size_t entry;                 /* so many bytes of the path name the entry that it is in; 0: it is in none */
    const struct schema_key *key; /* of the value; of the list when it is an entry */
    const char *before, *after;   /* what the file would say; NULL: nothing */
};

struct config_diff {
    /* DIFFERENCE stays only during the call. False: no more is wanted. */
    bool (*differs)(struct config_diff *self, const struct config_difference *difference);
};

/* All differences: in the order of the file, of a list first what changed or went and then what came. False when there
 * is no memory. */
bool config_diff(const struct config *before, const struct config *after, struct config_diff *to);

/* The same bit by bit, for whoever must not work for long: both configurations have to stay until the end. */
struct config_differ;
enum config_differ_step { CONFIG_DIFFER_MORE, CONFIG_DIFFER_END, CONFIG_DIFFER_FAILED };

/* NULL when there is no memory. */
struct config_differ *config_differ_new(const struct config *before, const struct config *after);
void config_differ_free(struct config_differ *differ);

/* Looks at no more than about MOST entries. */
enum config_differ_step config_differ_some(struct config_differ *differ, size_t most, struct config_diff *to);

/* The difference as lines that begin with '-' for what goes and '+' for what comes:
 * "- interfaces r0 mtu = 1500;", "+ static-routes { prefix = ...; }". */
void config_difference_print(const struct config_difference *difference, FILE *to);

/* One sentence without its end: "3 routes added, interface r2 removed, hostname changed"; "" when nothing differs.
 * False when there is no memory. */
bool config_diff_summary(const struct config *before, const struct config *after, char *to, size_t size);

/* Do THEIRS and OURS, both made from BASE, change the same thing, and not in the same way? Then TO names the first such
 * things: "interfaces r0 mtu (1400 and 1300), hostname and 3 more". */
enum config_conflict { CONFIG_CONFLICT_NONE, CONFIG_CONFLICT_FOUND, CONFIG_CONFLICT_FAILED };
enum config_conflict config_conflict(const struct config *base, const struct config *theirs, const struct config *ours,
                                     char *to, size_t size);

/* What RUNNING has unlike SAVED, and NEXT has no longer: changes that are lost, named in the same way; "" for none.
 * False when there is no memory. */
bool config_lost(const struct config *saved, const struct config *running, const struct config *next, char *to,
                 size_t size);

#endif

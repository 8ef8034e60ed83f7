/* Every key of the configuration, in one table: what a value must be, its default, what it means, how the shell says
 * it, and where it lies in the model. Reader, errors, writer and copies all follow the table, so a new key is a row
 * here, a field in config.h and an item in the manual. */
#ifndef CLI_SCHEMA_H
#define CLI_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/config.h"

enum schema_kind {
    SCHEMA_BOOL,    /* bool */
    SCHEMA_INTEGER, /* int64_t */
    SCHEMA_DECIMAL, /* double */
    SCHEMA_STRING,  /* char *; where min is 0 an empty text is NULL: none */
    SCHEMA_ENUM,    /* int64_t, an index of words */
    SCHEMA_ADDRESS, /* uint32_t */
    SCHEMA_PREFIX,  /* struct prefix, host bits kept */
    SCHEMA_MAC,     /* uint8_t[6] */
    SCHEMA_GROUP,   /* { ... } of keys, in the same struct */
    SCHEMA_ENTRIES, /* ( { ... }, ... ), an allocated array of structs */
};

#define SCHEMA_NOWHERE SIZE_MAX /* an offset that is none */

struct schema_group;

struct schema_key {
    const char *name;
    enum schema_kind kind;
    bool list;                       /* of values of that kind, see below */
    bool required;                   /* in its entry */
    bool identity;                   /* tells its entry from the others, with the other keys that do */
    bool restart;                    /* a change takes effect at the next start */
    bool later;                      /* known, but refused: its feature is not there yet */
    bool bare;                       /* a list of one is written without brackets */
    bool always;                     /* written even when it is the default */
    bool presence;                   /* a bool that its group's being there makes true; written with its group */
    bool secret;                     /* not for everybody's eyes */
    int64_t min, max;                /* of an integer or decimal; of a string's length in bytes */
    const char *unit;                /* NULL: none */
    const char *const *words;        /* of an enum, NULL at the end */
    bool (*valid)(const char *text); /* further demands on a string; FORM says them in words */
    const char *form;
    int64_t initial;          /* default of a bool, integer or enum */
    const char *initial_text; /* default of a string; NULL: none */
    const char *help;         /* one line */
    const char *shell;        /* as typed in configuration mode; NULL: only in the file */
    const struct schema_group *group;

    size_t offset;         /* of the value, or of a list's array */
    size_t stride;         /* list and entries: from one to the next */
    size_t room;           /* list: elements in the struct itself; 0: OFFSET holds a pointer to an allocation */
    size_t count_offset;   /* list and entries: of their number */
    size_t count_size;     /* its sizeof: unsigned or size_t */
    size_t place_offset;   /* where its struct config_place is, or SCHEMA_NOWHERE */
    size_t place_stride;   /* list: a place each; 0: one for all */
    size_t present_offset; /* a bool that says that the key was there, or SCHEMA_NOWHERE */
};

/* Keys that stand together: the whole file, a group of it, or an entry of a list. */
struct schema_group {
    const char *name;       /* "interfaces"; "" is the file itself */
    const char *one, *many; /* what an entry is called in a sentence */
    const struct schema_key *keys;
    size_t n;
    size_t size;            /* of the struct; 0: that of the group above */
    bool block;             /* written with a line for each key */
    size_t place_offset;    /* of an entry, or SCHEMA_NOWHERE */
    size_t doubtful_offset; /* of a bool: some value was refused, or SCHEMA_NOWHERE */
};

extern const struct schema_group schema_root;

/* The rows of IGMP and multicast are schema_multicast.c's. */
extern const struct schema_group schema_igmp_interface, schema_multicast_interface, schema_multicast;

/* RIP's rows are schema_rip.c's. */
extern const struct schema_group schema_rip, schema_rip_interface, schema_prefix_list, schema_key_chain;
extern const char *const schema_redistributed[]; /* protocols */

const struct schema_key *schema_find(const struct schema_group *group, const char *name);

/* The key of GROUP that somebody who wrote NAME may have meant, or NULL. */
const struct schema_key *schema_nearest(const struct schema_group *group, const char *name);

/* A group or list of the file that has a key NAME, for one that stands in the wrong place; NULL if none has. */
const struct schema_group *schema_home(const char *name);

/* ---- values (schema_value.c): AT is where the model keeps one of KEY's kind ---- */

/* What KEY wants: "an integer from 68 to 65535 (bytes)". */
const char *schema_wants(const struct schema_key *key, char *to, size_t size);

/* Reads TEXT as one value. False, with a sentence in WHY, if it is none or out of range; *AT is then unchanged. A
 * string that was there is freed. */
bool schema_parse(const struct schema_key *key, const char *text, void *at, char *why, size_t why_size);
bool schema_set_integer(const struct schema_key *key, int64_t value, void *at, char *why, size_t why_size);
bool schema_set_decimal(const struct schema_key *key, double value, void *at, char *why, size_t why_size);

/* Whether the value that is there would have been accepted. */
bool schema_acceptable(const struct schema_key *key, const void *at, char *why, size_t why_size);

#define SCHEMA_TEXT 64 /* room for any value but a string */
/* The value as the file has it, without quotes; a string is returned itself ("" for none). */
const char *schema_text(const struct schema_key *key, const void *at, char to[SCHEMA_TEXT]);

/* What the file says for the value or list of KEY: `1500`, `[ "10.0.1.1/24" ]`; and for an entry of the list KEY:
 * `{ prefix = "10.9.0.0/16"; via = "10.0.2.2"; }`. (config_write.c) */
void schema_write(const struct schema_key *key, const void *base, FILE *to);
void schema_write_entry(const struct schema_key *key, const void *entry, FILE *to);
#define SCHEMA_VEIL "********" /* in place of a secret */

/* ---- structs (schema_store.c): BASE is the struct that a group describes ---- */

size_t schema_count(const struct schema_key *key, const void *base);

/* The I-th element of a list or entry, or the value itself. */
void *schema_at(const struct schema_key *key, void *base, size_t i);
const void *schema_look(const struct schema_key *key, const void *base, size_t i);

/* The place of the I-th; NULL if the model keeps none. */
struct config_place *schema_place(const struct schema_key *key, void *base, size_t i);

/* A new element, zero or with its defaults. NULL when there is no memory or, in a list with room, no room. */
void *schema_append(const struct schema_key *key, void *base);

/* The same in two steps, for many: room for MORE elements, and one into room that was made. */
bool schema_reserve(const struct schema_key *key, void *base, size_t more);
void *schema_add(const struct schema_key *key, void *base);

/* Undoes schema_append or schema_add. */
void schema_remove_last(const struct schema_key *key, void *base);

/* Takes the I-th out; those after it move up. */
void schema_remove(const struct schema_key *key, void *base, size_t i);

/* Back to the default, a list to none. False when there is no memory; it is then as it was. */
bool schema_reset(const struct schema_key *key, void *base);

/* Sets all defaults; what was there is not freed. False when there is no memory. */
bool schema_init(const struct schema_group *group, void *base);
void schema_clear(const struct schema_group *group, void *base);

/* Makes TO, whose bytes are those of FROM, own copies of what FROM owns. False when there is no memory (TO can then be
 * cleared). */
bool schema_own(const struct schema_group *group, void *to, const void *from);

/* Of one key, and of all of an entry: the same values? And is it the default? */
bool schema_same(const struct schema_key *key, const void *a, const void *b);
bool schema_same_entry(const struct schema_group *group, const void *a, const void *b);
bool schema_is_default(const struct schema_key *key, const void *base);

#endif

/* The shell's commands as data. A command is a path through const tables of words and typed arguments that stand next
 * to the handlers they lead to; one matcher reads a line by them, and help, completion and every message about a bad
 * line come from the same tables.
 *
 * A line is read word by word without looking ahead. Of what may come next the best fit wins: the keyword itself, then
 * an argument that the word really is (an address, an interface that exists), then the one keyword that it abbreviates,
 * then an argument that takes any word. Two equally good fits are an ambiguity. A word of the tables can stand only
 * once in a line, so options that lead back to their own list need no rules against repetition. */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarding/now.h"
#include "forwarding/packet.h"
#include "forwarding/prefix.h"

#define COMMAND_LINE_MAX  4096 /* bytes of a line, its end not counted */
#define COMMAND_WORDS_MAX 32

struct job;
struct edit;
struct config;

enum step {
    STEP_DONE,    /* the command is finished */
    STEP_MORE,    /* call again as soon as there is room for output */
    STEP_WAIT,    /* call again after job_wake() */
    STEP_REFUSED, /* what job_refuse() returns */
};

/* How a command runs: in steps of a few rows each, so that neither a long answer nor a slow reader holds the router up
 * or fills its memory. */
struct command_run {
    size_t state_size; /* zeroed memory at job->state, freed after the end */
    enum step (*step)(struct job *job);
    void (*end)(struct job *job); /* when the state owns more than its memory: finished, interrupted or hung up */
    /* An ICMP message to the router while the command runs; see dataplane_hooks.icmp. */
    void (*icmp)(struct job *job, const struct packet *packet, struct now now);
    /* For commands that go on until somebody has seen enough: job->interrupted is set and step called; otherwise the
     * command just ends. What such a command says is shown as it comes, and never a page at a time. */
    bool hears_interrupt;
};

/* What a command of configuration mode does to a configuration (edit.h). KEY is for those that only set one key: its
 * row in the schema says how. */
struct command_edit {
    bool (*apply)(const struct edit *edit, struct config *config, char *why, size_t why_size);
    const char *key;
};

enum command_kind {
    COMMAND_WORD,   /* the keyword itself */
    COMMAND_IF,     /* a configured interface */
    COMMAND_ADDR,   /* A.B.C.D */
    COMMAND_PREFIX, /* A.B.C.D/L */
    COMMAND_NUMBER, /* decimal, MIN to MAX */
    COMMAND_ANY,    /* any one word */
    COMMAND_REST,   /* the rest of the line */
};

/* Values of the router that completion offers for an address or a prefix. */
enum command_values {
    COMMAND_VALUES_NONE,
    COMMAND_VALUES_NEIGHBOURS, /* addresses of neighbours */
    COMMAND_VALUES_OWN,        /* addresses of the router */
    COMMAND_VALUES_ROUTES,     /* prefixes of the routing table */
    COMMAND_VALUES_STATICS,    /* those of them with a static route */
};

enum command_flag {
    COMMAND_LOOK = 1, /* changes nothing: those who may only look may run it */
    COMMAND_JSON = 2, /* a trailing "json" is understood */
    COMMAND_SHOW = COMMAND_LOOK | COMMAND_JSON,
    COMMAND_HIDDEN = 4, /* understood, so that abbreviations stay as they will be, but not offered */
};

struct command {
    enum command_kind kind;
    const char *word; /* the keyword; of an argument, how help writes it */
    const char *help; /* one line */
    unsigned flags;
    int64_t min, max;                  /* of a number */
    const struct command *const *next; /* what may follow, NULL at the end; NULL: nothing */
    const struct command_run *run;     /* NULL: the line can not end here */
    const char *refusal;               /* in place of RUN: why this can not be done */
    const struct command_edit *edit;   /* of configuration mode: RUN is edit_run */
    enum command_values values;        /* of an address or a prefix */
};

struct command_arg {
    const struct command *command;
    const char *text; /* as typed */
    union {
        uint32_t addr;
        struct prefix prefix;
        int64_t number;
    };
};

/* A line that was understood. */
struct command_line {
    const struct command *last; /* whose RUN or REFUSAL it is */
    bool json;
    unsigned n;
    struct command_arg args[COMMAND_WORDS_MAX]; /* keywords and arguments in order, "json" left out */
    char text[COMMAND_LINE_MAX + 1];            /* what args[].text points into */
};

struct command_list;

/* What the tables can not know. */
struct command_world {
    const void *context;
    /* The I-th interface's name; NULL past the last. */
    const char *(*interface)(const void *context, unsigned i);
    /* Adds values that ARGUMENT (an address or a prefix) may have and that begin with WORD; COMMAND_MORE in place of
     * too many. NULL: there are none. */
    void (*values)(const void *context, const struct command *argument, const char *word, struct command_list *to);
};

struct command_error {
    unsigned column; /* of the offending word, from 0 */
    char text[512];  /* a sentence */
};

/* Reads LINE by the tables from ROOT. On failure false, and ERROR says where and what was expected there; to->json is
 * right even then. */
bool command_match(const struct command *const *root, const struct command_world *world, const char *line,
                   struct command_line *to, struct command_error *error);

/* What was said for that argument of the tables, or NULL. */
const struct command_arg *command_arg_of(const struct command_line *line, const struct command *argument);

/* The error as people read it: the sentence, then the line with a caret under the offending word. Returns TO. */
const char *command_error_text(const struct command_error *error, const char *line, char *to, size_t size);

#define COMMAND_MORE "..." /* among candidates: there are more than are listed */

/* Gets what may stand at the end of a line: HELP is NULL for values such as an interface's name. */
struct command_list {
    void (*add)(struct command_list *self, const char *word, const char *help);
};

/* `?`: what may follow LINE (it ends with a space), or how its last word may go on. Each with its help, "<cr>" where
 * the line may end. False when the words before can not be read. */
bool command_help(const struct command *const *root, const struct command_world *world, const char *line,
                  struct command_list *to, struct command_error *error);

/* Tab: the words that the last word of LINE may become. Nothing when the words before can not be read. */
void command_complete(const struct command *const *root, const struct command_world *world, const char *line,
                      struct command_list *to);

/* All commands of exec mode. */
extern const struct command *const command_exec[];

#endif

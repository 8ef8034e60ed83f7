/* The process behind the router: memory, threads, log, and who uses the shell. */
#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/job.h"
#include "cli/session.h"
#include "cli/text.h"
#include "cli/tree.h"
#include "forwarding/neighbour.h"
#include "forwarding/punt.h"
#include "forwarding/reassembly.h"

/* ---- show memory ---- */

static uint64_t resident_bytes(void)
{
    unsigned long long size, resident;
    FILE *from = fopen("/proc/self/statm", "re");
    if (from == NULL)
        return 0;
    int n = fscanf(from, "%llu %llu", &size, &resident);
    fclose(from);
    return n == 2 ? resident * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

struct memory_row {
    const char *name, *words;
    uint64_t bytes;
    const char *what; /* of which there are N; NULL: not counted */
    uint64_t n;
};

#define MEMORY_ROWS 7
static void memory_rows(const struct job *job, struct memory_row rows[MEMORY_ROWS])
{
    const struct dataplane *d = job->router->dataplane;
    struct rib_summary rib = rib_summary(job->router->rib);
    struct fib_summary fib = fib_summary(d->tables.fib);
    struct neighbour_totals neighbours = neighbours_totals(d->neighbours);
    struct reassembly_totals reassembly = reassembly_totals(d->reassembly);
    rows[0] = (struct memory_row){"resident", "resident, all of it", resident_bytes(), NULL, 0};
    rows[1] = (struct memory_row){"rings", "packet rings", job->router->ring_bytes(job->router->context), NULL, 0};
    rows[2] = (struct memory_row){"rib", "routing table (RIB)", rib.bytes, "prefixes", rib.prefixes};
    rows[3] = (struct memory_row){"fib", "forwarding table (FIB)", fib.bytes, "prefixes", fib.prefixes};
    rows[4] = (struct memory_row){"neighbours", "neighbours", neighbours.bytes, "entries", neighbours.entries};
    rows[5] = (struct memory_row){"reassembly", "reassembly", reassembly.bytes, "datagrams", reassembly.datagrams};
    const struct config *config = job->router->running(job->router->context);
    const struct routes_file *file = config == NULL ? NULL : config->routes_file;
    uint64_t file_bytes = file == NULL ? 0 : file->n * sizeof *file->routes + file->n_hops * sizeof *file->hops;
    rows[6] = (struct memory_row){"routesFile", "routes file", file_bytes, "routes", file == NULL ? 0 : file->n};
}

static enum step show_memory(struct job *job)
{
    struct memory_row rows[MEMORY_ROWS];
    char size[TEXT_SHORT];
    json_t *o = job->line->json ? json_object() : NULL;
    memory_rows(job, rows);
    for (unsigned i = 0; i < MEMORY_ROWS; i++) {
        const struct memory_row *row = &rows[i];
        if (job->line->json) {
            json_t *entry = json_pack("{s:o}", "bytes", json_count(row->bytes));
            if (row->what != NULL)
                json_object_set_new(entry, row->what, json_count(row->n));
            json_object_set_new(o, row->name, entry);
            continue;
        }
        job_print(job, "%-24s %10s", row->words, text_size(row->bytes, size));
        if (row->what != NULL)
            job_print(job, "  %" PRIu64 " %s", row->n, row->what);
        job_print(job, "\n");
    }
    if (job->line->json)
        json_document(&job->json, o);
    return STEP_DONE;
}

static const struct command_run run_memory = {.step = show_memory};
const struct command command_show_memory = {COMMAND_WORD, "memory", "Memory by use", COMMAND_SHOW, .run = &run_memory};

/* ---- show processes ---- */

struct thread {
    long id;
    char name[32];
    char state;
    uint64_t user_ms, system_ms;
    long priority, nice;
};

static bool read_file(const char *path, char *to, size_t size)
{
    FILE *from = fopen(path, "re");
    if (from == NULL)
        return false;
    size_t n = fread(to, 1, size - 1, from);
    fclose(from);
    to[n] = '\0';
    return n > 0;
}

/* The name stands between parentheses and may hold anything, more of them included: the last one closes it. */
static bool read_thread(const char *id, struct thread *t)
{
    char path[64], text[1024];
    unsigned long long user, system;
    snprintf(path, sizeof path, "/proc/self/task/%.20s/stat", id);
    if (!read_file(path, text, sizeof text))
        return false;
    char *open = strchr(text, '('), *close = strrchr(text, ')');
    if (open == NULL || close == NULL || close < open)
        return false;
    *close = '\0';
    *t = (struct thread){.id = strtol(id, NULL, 10)};
    snprintf(t->name, sizeof t->name, "%s", open + 1);
    if (sscanf(close + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu %llu %*s %*s %ld %ld", &t->state, &user,
               &system, &t->priority, &t->nice) != 5)
        return false;
    uint64_t tick = (uint64_t)sysconf(_SC_CLK_TCK);
    t->user_ms = user * 1000 / tick;
    t->system_ms = system * 1000 / tick;
    return true;
}

static void show_thread(struct job *job, const struct thread *t)
{
    static const struct text_column columns[] = {{"Thread", 8, true}, {"Name", 16, false},   {"State", 5, false},
                                                 {"Nice", 4, true},   {"User ms", 10, true}, {"System ms", 10, true}};
    char id[24], nice[24], user[24], system[24], row[TEXT_ROW], state[2] = {t != NULL ? t->state : ' ', '\0'};
    if (t == NULL) {
        job_print(job, "%s", text_row(columns, 6, NULL, row));
        return;
    }
    snprintf(id, sizeof id, "%ld", t->id);
    snprintf(nice, sizeof nice, "%ld", t->nice);
    snprintf(user, sizeof user, "%" PRIu64, t->user_ms);
    snprintf(system, sizeof system, "%" PRIu64, t->system_ms);
    job_print(job, "%s", text_row(columns, 6, (const char *[]){id, t->name, state, nice, user, system}, row));
}

static json_t *thread_json(const struct thread *t)
{
    const char state[2] = {t->state, '\0'};
    return json_pack("{s:I, s:o, s:s, s:I, s:o, s:o}", "id", (json_int_t)t->id, "name", json_text(t->name), "state",
                     state, "nice", (json_int_t)t->nice, "userMs", json_count(t->user_ms), "systemMs",
                     json_count(t->system_ms));
}

/* The bounded rings by which lanes hand packets to the core, a row a lane and class; T NULL: the column heads. */
static void show_punt(struct job *job, unsigned lane, enum punt_class class, const struct punt_stats *t)
{
    static const struct text_column columns[] = {{"Lane", 8, true},     {"Handed on", 16, false}, {"Packets", 12, true},
                                                 {"Refused", 12, true}, {"Waiting", 10, true},    {"Room", 10, true}};
    char number[16], packets[24], refused[24], waiting[TEXT_SHORT], room[TEXT_SHORT], row[TEXT_ROW];
    if (t == NULL) {
        job_print(job, "\n%s", text_row(columns, 6, NULL, row));
        return;
    }
    snprintf(number, sizeof number, "%u", lane);
    snprintf(packets, sizeof packets, "%" PRIu64, t->put);
    snprintf(refused, sizeof refused, "%" PRIu64, t->full);
    const char *cells[] = {number,  punt_class_name[class],       packets,
                           refused, text_size(t->bytes, waiting), text_size(t->room, room)};
    job_print(job, "%s", text_row(columns, 6, cells, row));
}

static json_t *punt_json(unsigned lane, enum punt_class class, const struct punt_stats *t)
{
    return json_pack("{s:i, s:s, s:o, s:o, s:o, s:o}", "lane", (int)lane, "class", punt_class_name[class], "packets",
                     json_count(t->put), "refused", json_count(t->full), "bytes", json_count(t->bytes), "room",
                     json_count(t->room));
}

static void show_punts(struct job *job)
{
    const struct dataplane *d = job->router->dataplane;
    if (job->line->json)
        json_begin_array(&job->json, "punts");
    else
        show_punt(job, 0, 0, NULL);
    for (unsigned i = 0; i < d->n_lanes; i++) {
        for (unsigned class = 0; class < PUNT_CLASS__COUNT; class ++) {
            struct punt_stats stats = punt_stats(&d->lanes[i]->punts, class);
            if (job->line->json)
                json_member(&job->json, NULL, punt_json(i, class, &stats));
            else
                show_punt(job, i, class, &stats);
        }
    }
    if (job->line->json)
        json_end(&job->json);
}

static enum step show_processes(struct job *job)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *entry;
    struct thread thread;
    if (tasks == NULL)
        return job_refuse(job, "/proc/self/task can not be read");
    if (job->line->json) {
        json_begin_object(&job->json, NULL);
        json_begin_array(&job->json, "threads");
    } else {
        show_thread(job, NULL);
    }
    while ((entry = readdir(tasks)) != NULL) {
        if (!isdigit((unsigned char)entry->d_name[0]) || !read_thread(entry->d_name, &thread))
            continue;
        if (job->line->json)
            json_member(&job->json, NULL, thread_json(&thread));
        else
            show_thread(job, &thread);
    }
    closedir(tasks);
    if (job->line->json)
        json_end(&job->json);
    show_punts(job);
    if (job->line->json)
        json_end(&job->json);
    return STEP_DONE;
}

static const struct command_run run_processes = {.step = show_processes};
const struct command command_show_processes = {COMMAND_WORD, "processes", "Threads, and what lanes hand to the core",
                                               COMMAND_SHOW, .run = &run_processes};

/* ---- show users ---- */

static const char *access_name(enum access_level level)
{
    return level == ACCESS_ALL ? "all" : level == ACCESS_LOOK ? "look" : "none";
}

static json_t *user_json(const struct session *s, const struct session *self, uint64_t now_ns)
{
    return json_pack(
        "{s:i, s:I, s:I, s:s, s:s, s:o, s:o, s:b}", "session", (int)s->number, "uid", (json_int_t)s->peer.uid, "pid",
        (json_int_t)s->peer.pid, "access", access_name(access_of(&s->cli->access, &s->peer)), "protocol",
        s->protocol == SESSION_FRAMED ? "ferrysh" : "plain", "seconds", json_count((now_ns - s->since_ns) / NS_PER_S),
        "idleSeconds", json_count((now_ns - s->last_ns) / NS_PER_S), "self", s == self);
}

static void print_user(struct job *job, const struct session *s, uint64_t now_ns)
{
    char since[TEXT_SHORT], idle[TEXT_SHORT];
    job_print(job, "%c %5u  uid %-6ld pid %-8ld %-4s  %-7s  since %s, idle %s\n", s == job->session ? '*' : ' ',
              s->number, (long)s->peer.uid, (long)s->peer.pid, access_name(access_of(&s->cli->access, &s->peer)),
              s->protocol == SESSION_FRAMED ? "ferrysh" : "plain",
              text_duration((now_ns - s->since_ns) / NS_PER_S, since),
              text_duration((now_ns - s->last_ns) / NS_PER_S, idle));
}

static enum step show_users(struct job *job)
{
    uint64_t now_ns = job_now(job).ns;
    struct session *s;
    if (job->line->json) {
        json_begin_object(&job->json, NULL);
        json_begin_array(&job->json, "users");
    }
    for (s = TAILQ_FIRST(&job->session->cli->sessions); s != NULL; s = TAILQ_NEXT(s, link)) {
        if (job->line->json)
            json_member(&job->json, NULL, user_json(s, job->session, now_ns));
        else
            print_user(job, s, now_ns);
    }
    if (job->line->json) {
        json_end(&job->json);
        json_end(&job->json);
    }
    return STEP_DONE;
}

static const struct command_run run_users = {.step = show_users};
const struct command command_show_users = {COMMAND_WORD, "users", "Who uses the shell", COMMAND_SHOW,
                                           .run = &run_users};

/* ---- show history ---- */

#define HISTORY_ROWS 8 /* a line may be long */

struct past_lines {
    unsigned next;
};

static void begin_history(struct job *job, struct past_lines *past)
{
    unsigned n = job->session->history_n;
    past->next = n > SESSION_HISTORY ? n - SESSION_HISTORY : 0;
    if (!job->line->json)
        return;
    json_begin_object(&job->json, NULL);
    json_begin_array(&job->json, "commands");
}

static enum step show_history(struct job *job)
{
    struct past_lines *past = job->state;
    const struct session *s = job->session;
    if (job_first(job))
        begin_history(job, past);
    for (unsigned rows = 0; rows < HISTORY_ROWS && past->next < s->history_n; rows++) {
        const char *line = s->history[past->next++ % SESSION_HISTORY];
        if (job->line->json)
            json_member(&job->json, NULL, json_text(line));
        else
            job_print(job, "%5u  %s\n", past->next, line);
    }
    if (past->next < s->history_n)
        return STEP_MORE;
    if (job->line->json) {
        json_end(&job->json);
        json_end(&job->json);
    }
    return STEP_DONE;
}

static const struct command_run run_history = {.state_size = sizeof(struct past_lines), .step = show_history};
const struct command command_show_history = {COMMAND_WORD, "history", "What this session was told", COMMAND_SHOW,
                                             .run = &run_history};

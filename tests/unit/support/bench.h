/* A router without ports for tests of the daemon: its interfaces are loopbacks, which need no device, and its lane
 * sends into memory. Its file is in a folder of its own. */
#ifndef TESTS_UNIT_SUPPORT_BENCH_H
#define TESTS_UNIT_SUPPORT_BENCH_H

#include <dirent.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/apply.h"
#include "daemon/change.h"
#include "daemon/findings.h"
#include "daemon/interfaces.h"
#include "daemon/router.h"
#include "daemon/save.h"
#include "tests/unit/support/frames.h"
#include "tests/unit/support/unit.h"

struct bench {
    struct router router;
    struct wire wire;
    struct cli_asker asker;
    bool told, good;
    char folder[64], path[96], report[16384];
};

static inline void write_config(struct bench *b, const char *text)
{
    FILE *file = fopen(b->path, "w");
    CU_ASSERT_FATAL(file != NULL);
    fputs(text, file);
    fclose(file);
}

static inline void bench_init(struct bench *b, const char *text)
{
    memset(b, 0, sizeof *b);
    snprintf(b->folder, sizeof b->folder, "/tmp/ferryd-test-XXXXXX");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(b->folder));
    snprintf(b->path, sizeof b->path, "%s/r.conf", b->folder);
    write_config(b, text);
    struct router *r = &b->router;
    r->options.config_path = b->path;
    log_init(&r->log);
    r->log.level_fixed = true;
    r->log.fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
    wire_init(&b->wire);
    struct findings findings;
    findings_init(&findings, true);
    r->running = save_load(&r->file, b->path, &findings.errors);
    CU_ASSERT_FATAL(r->running != NULL);
    r->base = event_base_new();
    r->grace = grace_new();
    r->loop = loop_new(r->base, r->grace);
    struct transmit *transmit[] = {&b->wire.transmit};
    struct dataplane_settings settings = {
        .lanes = 1, .seed = 1, .later = &later_at_once, .core_transmit = &b->wire.transmit, .lane_transmit = transmit};
    r->dataplane = dataplane_new(&settings);
    r->rib = rib_new(r->dataplane->tables.fib, &later_at_once);
    r->interfaces = interfaces_new(r);
    r->worker = worker_new(r->base);
    r->changes = changes_new(r);
    r->saves = saves_new(r);
    CU_ASSERT_FATAL(r->worker != NULL && r->changes != NULL);
    CU_ASSERT_FATAL(r->loop != NULL && r->dataplane != NULL && r->rib != NULL && r->interfaces != NULL);
    CU_ASSERT_EQUAL(apply_first(r), 0);
}

/* Takes a folder away, with the files in it. */
static inline void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL)
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder != NULL)
        closedir(folder);
    rmdir(path);
}

static inline void bench_exit(struct bench *b)
{
    int log_fd = b->router.log.fd;
    router_stop(&b->router);
    wire_clear(&b->wire);
    close(log_fd);
    remove_folder(b->folder);
}

static inline void bench_told(struct cli_asker *asker, bool good, const char *report)
{
    struct bench *b = (struct bench *)((char *)asker - offsetof(struct bench, asker));
    b->told = true;
    b->good = good;
    snprintf(b->report, sizeof b->report, "%s", report);
}

static inline void begin_reload(struct bench *b, const char *text)
{
    write_config(b, text);
    b->told = false;
    b->asker.done = bench_told;
    struct cli_change change = {.kind = CLI_CHANGE_FILE};
    changes_ask(b->router.changes, &change, &b->asker);
}

/* Turns until the asker was told. */
static inline bool wait_told(struct bench *b)
{
    while (!b->told)
        event_base_loop(b->router.base, EVLOOP_ONCE);
    return b->good;
}

static inline bool reload(struct bench *b, const char *text)
{
    begin_reload(b, text);
    return wait_told(b);
}

#define TWO_LOOPBACKS                                                                                                  \
    "interfaces = ( { name = \"lo1\"; type = \"loopback\"; addresses = [ \"10.1.0.1/24\" ]; },\n"                      \
    "               { name = \"lo2\"; type = \"loopback\"; addresses = [ \"10.2.0.1/24\" ]; } );\n"

#endif

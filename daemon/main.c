#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/findings.h"
#include "daemon/router.h"
#include "daemon/version.h"

#define DEFAULT_CONFIG "/etc/ferryd/ferryd.conf"

enum { EXIT_STOPPED = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void print_usage(FILE *to)
{
    fputs("usage: ferryd [-c FILE] [-s SOCKET] [-t] [-p PIDFILE] [-l LEVEL] [-V] [-h]\n"
          "  -c FILE     configuration (default " DEFAULT_CONFIG ")\n"
          "  -s SOCKET   CLI socket, overrides the configuration\n"
          "  -t          check the configuration, print every error, and exit\n"
          "  -p PIDFILE  write the process id there\n"
          "  -l LEVEL    log level: error, warning, notice, info (default) or debug\n"
          "  -V          print the version and exit\n"
          "  -h          print this and exit\n",
          to);
}

static int refuse_usage(const char *what, const char *value)
{
    fprintf(stderr, "ferryd: %s%s%s\n", what, value == NULL ? "" : ": ", value == NULL ? "" : value);
    print_usage(stderr);
    return EXIT_USAGE;
}

/* -1: go on; else the exit status. */
static int read_options(struct router *r, int argc, char **argv)
{
    int option;
    while ((option = getopt(argc, argv, "c:s:tp:l:Vh")) != -1) {
        switch (option) {
        case 'c':
            r->options.config_path = optarg;
            break;
        case 's':
            r->options.socket = optarg;
            break;
        case 't':
            r->options.check = true;
            break;
        case 'p':
            r->options.pidfile = optarg;
            break;
        case 'l':
            if (!log_level_parse(optarg, &r->log.level))
                return refuse_usage("-l takes error, warning, notice, info or debug, and not", optarg);
            r->log.level_fixed = true;
            break;
        case 'V':
            puts("ferryd " FERRYD_VERSION);
            return EXIT_STOPPED;
        case 'h':
            print_usage(stdout);
            return EXIT_STOPPED;
        default:
            print_usage(stderr);
            return EXIT_USAGE;
        }
    }
    return optind < argc ? refuse_usage("unexpected argument", argv[optind]) : -1;
}

int main(int argc, char **argv)
{
    struct router router = {.options.config_path = DEFAULT_CONFIG};
    struct findings findings;
    log_init(&router.log);
    router.log.lost = &router.log_lost;
    int status = read_options(&router, argc, argv);
    if (status >= 0)
        return status;

    signal(SIGPIPE, SIG_IGN);
    /* What the worker makes and the core lets go of, and the other way round, comes from one heap: two would both grow
     * to what a big reload needs. Lanes do not allocate. */
    mallopt(M_ARENA_MAX, 1);
    /* Arrays of many routes come and go as pieces of their own; malloc would begin to take them from the heap once it
     * has seen one go, and leave holes. */
    mallopt(M_MMAP_THRESHOLD, 1 << 20);
    findings_init(&findings, true);
    router.running = save_load(&router.file, router.options.config_path, &findings.errors);
    if (router.running == NULL)
        return EXIT_FAILED;
    if (router.options.check) {
        config_free(router.running);
        return EXIT_STOPPED;
    }
    bool started = router_start(&router);
    if (started)
        router_run(&router);
    router_stop(&router);
    return started ? EXIT_STOPPED : EXIT_FAILED;
}

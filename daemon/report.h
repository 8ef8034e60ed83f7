/* SIGUSR1: counters and tables into the log. */
#ifndef DAEMON_REPORT_H
#define DAEMON_REPORT_H

struct router;

void report_write(struct router *router);

#endif

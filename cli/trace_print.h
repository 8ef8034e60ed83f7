/* One packet's block of lines, or its object in JSON. */
#ifndef CLI_TRACE_PRINT_H
#define CLI_TRACE_PRINT_H

#include "cli/job.h"
#include "forwarding/now.h"
#include "forwarding/trace.h"

/* To the job's output, as text or as a member of the array that is open in its JSON. */
void trace_print(struct job *job, const struct traced *traced, struct now now);

#endif

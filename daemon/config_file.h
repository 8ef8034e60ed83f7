/* Configuration files. */
#ifndef DAEMON_CONFIG_FILE_H
#define DAEMON_CONFIG_FILE_H

#include "cli/config.h"

/* Reads PATH and checks it, cross checks included. Every error is reported, in the order of the file, places naming it
 * as PATH does; NULL if there was any. Touches nothing but the files and what it returns, so any thread may call it. */
struct config *config_load(const char *path, struct config_errors *errors);

/* The same without the file that static-routes-file names. */
struct config *config_load_alone(const char *path, struct config_errors *errors);

/* Reads the static-routes-file that CONFIG names, in place of what it had; START is the configuration's own file, whose
 * folder the name is seen from. Every error is reported. */
void config_read_routes(struct config *config, const char *start, struct config_errors *errors);

#endif

/* Tells the service manager where we are: sd_notify(3) without the library. */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* Sends STATE ("READY=1") to $NOTIFY_SOCKET; nothing when there is none. */
void notify(const char *state);

#endif

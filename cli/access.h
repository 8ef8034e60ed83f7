/* Who may do what in the shell. The socket lets everybody in; the kernel says who the peer is (SO_PEERCRED) and to
 * which groups it belongs (SO_PEERGROUPS), and whoever may not do something is told who may. */
#ifndef CLI_ACCESS_H
#define CLI_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum access_level {
    ACCESS_NONE,
    ACCESS_LOOK, /* show commands */
    ACCESS_ALL,
};

#define ACCESS_GROUP 64 /* bytes of a group's name, NUL included */

struct access_rules {
    char group[ACCESS_GROUP];       /* may do everything; "": no group */
    char readers[ACCESS_GROUP + 5]; /* GROUP-read: may look */
    bool has_group, has_readers;    /* they exist on this system */
    gid_t group_id, readers_id;
    uid_t self; /* whom the daemon runs as */
};

struct access_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    gid_t *groups;
    size_t n_groups;
};

/* GROUP may be NULL. False if it does not exist, with a sentence in WHY; the rules are usable all the same. */
bool access_rules_set(struct access_rules *rules, const char *group, char *why, size_t size);

/* Reads who is at the other end of FD. False when the kernel would not say. access_peer_exit() frees. */
bool access_peer_read(struct access_peer *peer, int fd);
void access_peer_exit(struct access_peer *peer);

enum access_level access_of(const struct access_rules *rules, const struct access_peer *peer);

/* Why PEER may not do what needs LEVEL, and who may. Returns TO. */
const char *access_refusal(const struct access_rules *rules, const struct access_peer *peer, enum access_level level,
                           char *to, size_t size);

#endif

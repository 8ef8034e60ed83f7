#define _GNU_SOURCE /* struct ucred */
#include "cli/access.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool find_group(const char *name, gid_t *id)
{
    char buffer[16384];
    struct group entry, *found = NULL;
    if (getgrnam_r(name, &entry, buffer, sizeof buffer, &found) != 0 || found == NULL)
        return false;
    *id = found->gr_gid;
    return true;
}

bool access_rules_set(struct access_rules *rules, const char *group, char *why, size_t size)
{
    *rules = (struct access_rules){.self = geteuid()};
    if (group == NULL || group[0] == '\0')
        return true;
    snprintf(rules->group, sizeof rules->group, "%s", group);
    snprintf(rules->readers, sizeof rules->readers, "%s-read", rules->group);
    rules->has_group = find_group(group, &rules->group_id);
    rules->has_readers = find_group(rules->readers, &rules->readers_id);
    if (rules->has_group)
        return true;
    snprintf(why, size, "group \"%s\" (cli: group) does not exist: only root can use the shell; groupadd %s makes it",
             rules->group, rules->group);
    return false;
}

static bool read_groups(struct access_peer *peer, int fd)
{
    /* the first call tells the room that is needed */
    socklen_t len = 0;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &len) == 0)
        return true;
    if (errno != ERANGE || len == 0)
        return false;
    peer->groups = malloc(len);
    if (peer->groups == NULL || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) != 0)
        return false;
    peer->n_groups = len / sizeof *peer->groups;
    return true;
}

bool access_peer_read(struct access_peer *peer, int fd)
{
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    *peer = (struct access_peer){.uid = (uid_t)-1, .gid = (gid_t)-1};
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) != 0)
        return false;
    peer->uid = credentials.uid;
    peer->gid = credentials.gid;
    peer->pid = credentials.pid;
    /* without its further groups a peer is judged by the rest */
    if (!read_groups(peer, fd))
        peer->n_groups = 0;
    return true;
}

void access_peer_exit(struct access_peer *peer)
{
    free(peer->groups);
    peer->groups = NULL;
    peer->n_groups = 0;
}

static bool is_member(const struct access_peer *peer, gid_t id)
{
    if (peer->gid == id)
        return true;
    for (size_t i = 0; i < peer->n_groups; i++)
        if (peer->groups[i] == id)
            return true;
    return false;
}

enum access_level access_of(const struct access_rules *rules, const struct access_peer *peer)
{
    if (peer->uid == (uid_t)-1)
        return ACCESS_NONE;
    if (peer->uid == 0 || peer->uid == rules->self)
        return ACCESS_ALL;
    if (rules->has_group && is_member(peer, rules->group_id))
        return ACCESS_ALL;
    if (rules->has_readers && is_member(peer, rules->readers_id))
        return ACCESS_LOOK;
    return ACCESS_NONE;
}

const char *access_refusal(const struct access_rules *rules, const struct access_peer *peer, enum access_level level,
                           char *to, size_t size)
{
    const char *what = level == ACCESS_ALL ? "do this" : "look";
    char who[3 * ACCESS_GROUP + 64];
    if (rules->has_group && level == ACCESS_LOOK && rules->has_readers)
        snprintf(who, sizeof who, "root and members of group %s or %s", rules->group, rules->readers);
    else if (rules->has_group)
        snprintf(who, sizeof who, "root and members of group %s", rules->group);
    else if (level == ACCESS_LOOK && rules->has_readers)
        snprintf(who, sizeof who, "root and members of group %s", rules->readers);
    else if (rules->group[0] != '\0')
        snprintf(who, sizeof who, "root (group %s does not exist)", rules->group);
    else
        snprintf(who, sizeof who, "root (the configuration names no group)");
    int n = snprintf(to, size, "%s may %s; you are uid %ld", who, what, (long)peer->uid);
    if (rules->has_group && n > 0 && (size_t)n < size)
        snprintf(to + n, size - (size_t)n, ": usermod -aG %s USER, and log in anew", rules->group);
    return to;
}

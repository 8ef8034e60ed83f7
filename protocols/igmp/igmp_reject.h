/* Why a message, or one record or source of it, was refused. One enum, one name and one meaning each, in one list; each
 * refusal is counted under exactly one of them, at the interface. */
#ifndef PROTOCOLS_IGMP_REJECT_H
#define PROTOCOLS_IGMP_REJECT_H

#include <stdbool.h>

/* X(symbol, name, scope, meaning). The order is that of the checks; SCOPE says what is refused: the whole message, one
 * record of it, or one source of a record; the rest is used. */
#define IGMP_REJECTS(X)                                                                                                \
    X(SHORT, "short", MESSAGE, "the message was shorter than the 8 bytes that every one has")                          \
    X(CHECKSUM, "checksum", MESSAGE, "the checksum was wrong")                                                         \
    X(TYPE, "type", MESSAGE, "a type that is no membership query, report or leave")                                    \
    X(LENGTH, "length", MESSAGE, "the length fits no version, or its records or sources do not fit into it")           \
    X(TTL, "ttl", MESSAGE, "the TTL was not 1: it was not sent on this wire")                                          \
    X(ROUTER_ALERT, "router-alert", MESSAGE, "no router alert option, and this interface demands it")                  \
    X(OWN, "own", MESSAGE, "the source address is this router's own")                                                  \
    X(SOURCE, "source", MESSAGE, "the source address is in no subnet of this interface")                               \
    X(UNNUMBERED_QUERY, "unnumbered-query", MESSAGE, "a query from 0.0.0.0, which elects nobody")                      \
    X(DESTINATION, "destination", MESSAGE, "sent to another address than such a message is sent to")                   \
    X(QUERY_GROUP, "query-group", MESSAGE, "a query for an address that is no group, or for sources of no group")      \
    X(RATE, "rate", MESSAGE, "more reports a second than this interface takes")                                        \
    X(RECORD_TYPE, "record-type", RECORD, "a record of an unknown type")                                               \
    X(GROUP, "group", RECORD, "the group is no multicast address")                                                     \
    X(LINK_LOCAL, "link-local", RECORD, "the group is in 224.0.0.0/24, which is never forwarded")                      \
    X(SSM, "ssm", RECORD, "all sources of a group whose range is for single sources only")                             \
    X(VERSION_1_LEAVE, "version-1-leave", RECORD, "a leave, and version 1 is spoken here, or by a host of the group")  \
    X(NOT_QUERIER, "not-querier", RECORD, "a leave, and another router asks on this wire")                             \
    X(UNKNOWN_GROUP, "unknown-group", RECORD, "a leave of a group that nobody had joined")                             \
    X(GROUP_LIMIT, "group-limit", RECORD, "there are as many groups on this interface as there may be")                \
    X(SOURCE_ADDRESS, "source-address", SOURCE, "a source that is no unicast address")                                 \
    X(SOURCE_LIMIT, "source-limit", SOURCE, "the group, or the interface, has as many sources as it may")              \
    X(NO_MEMORY, "no-memory", RECORD, "the system gave no memory")

enum igmp_reject {
#define X(symbol, name, scope, meaning) IGMP_REJECT_##symbol,
    IGMP_REJECTS(X)
#undef X
        IGMP_REJECT__COUNT,
    IGMP_ACCEPT = IGMP_REJECT__COUNT
};

enum igmp_scope { IGMP_SCOPE_MESSAGE, IGMP_SCOPE_RECORD, IGMP_SCOPE_SOURCE };

extern const char *const igmp_reject_name[IGMP_REJECT__COUNT]; /* as in JSON */
extern const char *const igmp_reject_meaning[IGMP_REJECT__COUNT];
extern const enum igmp_scope igmp_reject_scope[IGMP_REJECT__COUNT];

#endif

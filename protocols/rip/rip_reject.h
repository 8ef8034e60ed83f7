/* Why a message, or one route of it, was refused. One enum, one name and one meaning each, in one list; each refusal is
 * counted under exactly one of them, at the interface and, if it came from one of its subnets, at the neighbour. */
#ifndef PROTOCOLS_RIP_REJECT_H
#define PROTOCOLS_RIP_REJECT_H

#include <stdbool.h>

/* X(symbol, name, route, meaning). The order is that of the checks; ROUTE: only that entry is refused, and the rest of
 * the message is used; else the whole message is. */
#define RIP_REJECTS(X)                                                                                                 \
    X(SHORT, "short", false, "the message was shorter than its header and one entry")                                  \
    X(LENGTH, "length", false, "the length was not that of whole entries")                                             \
    X(VERSION, "version", false, "the version was 0")                                                                  \
    X(VERSION_OFF, "version-off", false, "the version is not among those that this interface receives")                \
    X(COMMAND, "command", false, "neither a request nor a response")                                                   \
    X(OWN, "own", false, "the source address is this router's own")                                                    \
    X(SOURCE, "source", false, "the source address is in no subnet of this interface")                                 \
    X(SOURCE_PORT, "source-port", false, "a response that was not sent from port 520")                                 \
    X(NEIGHBOUR_TABLE_FULL, "neighbour-table-full", false, "this interface has as many neighbours as it may")          \
    X(MUST_BE_ZERO, "must-be-zero", false, "a field of a version 1 message that must be zero was not")                 \
    X(AUTH_PLACE, "auth-place", false, "an authentication entry that was not the first")                               \
    X(AUTH_UNEXPECTED, "auth-unexpected", false, "authenticated, and this interface is not configured for that")       \
    X(AUTH_MISSING, "auth-missing", false, "not authenticated, and this interface demands it")                         \
    X(AUTH_TYPE, "auth-type", false, "another kind of authentication than this interface demands")                     \
    X(AUTH_PASSWORD, "auth-password", false, "the password was wrong")                                                 \
    X(AUTH_FORMAT, "auth-format", false, "lengths of the authentication entry and trailer that do not fit")            \
    X(AUTH_NO_KEY, "auth-no-key", false, "no key of that number is configured")                                        \
    X(AUTH_KEY_LIFETIME, "auth-key-lifetime", false, "the key of that number is not accepted at this time")            \
    X(AUTH_DIGEST, "auth-digest", false, "the digest was wrong: not the same secret, or altered on the way")           \
    X(AUTH_SEQUENCE, "auth-sequence", false, "a lower sequence number than before: late, or replayed")                 \
    X(PASSIVE, "passive", false, "a request, and this interface is passive")                                           \
    X(RATE, "rate", false, "more requests than are answered at a time")                                                \
    X(FAMILY, "family", true, "an address family other than IP")                                                       \
    X(METRIC, "metric", true, "a metric that is not 1 to 16")                                                          \
    X(MASK, "mask", true, "a subnet mask with holes")                                                                  \
    X(HOST_BITS, "host-bits", true, "address bits beyond the subnet mask")                                             \
    X(ADDRESS, "address", true,                                                                                        \
      "a destination that no route can have: 0/8, 127/8, 224/4, 240/4, or a broadcast address")                        \
    X(FILTERED, "filtered", true, "not permitted by the prefix list for what comes in")                                \
    X(NEIGHBOUR_LIMIT, "neighbour-limit", true, "the neighbour has offered as many routes as it may")                  \
    X(TABLE_FULL, "table-full", true, "there are as many routes altogether as there may be")                           \
    X(NO_MEMORY, "no-memory", true, "the system gave no memory")

enum rip_reject {
#define X(symbol, name, route, meaning) RIP_REJECT_##symbol,
    RIP_REJECTS(X)
#undef X
        RIP_REJECT__COUNT,
    RIP_ACCEPT = RIP_REJECT__COUNT
};

extern const char *const rip_reject_name[RIP_REJECT__COUNT]; /* as in JSON */
extern const char *const rip_reject_meaning[RIP_REJECT__COUNT];
extern const bool rip_reject_route[RIP_REJECT__COUNT];

#endif

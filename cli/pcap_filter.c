#include "cli/pcap_filter.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX  64
#define FRAME_MAX 262144 /* what a program takes is more than any frame has */

struct pcap_filter {
    struct bpf_program program;
    bool vlan; /* looks at VLAN tags */
};

/* ---- words ----
 *
 * libpcap takes any word that it does not know for the name of a host and asks the system's resolver, which may take
 * seconds. So every word is looked at first. */

static const char *const known[] = {
    "ah",
    "aarp",
    "and",
    "arp",
    "atalk",
    "broadcast",
    "carp",
    "dst",
    "esp",
    "ether",
    "greater",
    "host",
    "icmp",
    "icmp6",
    "igmp",
    "igrp",
    "inbound",
    "ip",
    "ip6",
    "ipx",
    "iso",
    "len",
    "length",
    "less",
    "link",
    "llc",
    "mask",
    "mpls",
    "multicast",
    "net",
    "not",
    "or",
    "outbound",
    "pim",
    "port",
    "portrange",
    "pppoed",
    "pppoes",
    "proto",
    "protochain",
    "rarp",
    "sctp",
    "src",
    "stp",
    "tcp",
    "udp",
    "vlan",
    "vrrp",
    "icmpcode",
    "icmptype",
    "icmp-echo",
    "icmp-ireq",
    "icmp-ireqreply",
    "icmp-echoreply",
    "icmp-maskreply",
    "icmp-maskreq",
    "icmp-paramprob",
    "icmp-redirect",
    "icmp-routeradvert",
    "icmp-routersolicit",
    "icmp-sourcequench",
    "icmp-timxceed",
    "icmp-tstamp",
    "icmp-tstampreply",
    "icmp-unreach",
    "tcpflags",
    "tcp-ack",
    "tcp-cwr",
    "tcp-ece",
    "tcp-fin",
    "tcp-push",
    "tcp-rst",
    "tcp-syn",
    "tcp-urg",
};

static bool is_word_byte(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr(".:_-", c) != NULL;
}

static bool is_known(const char *word)
{
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i], word) == 0)
            return true;
    return false;
}

/* Decimal or 0x. */
static bool is_number(const char *word)
{
    bool hex = word[0] == '0' && (word[1] == 'x' || word[1] == 'X');
    const char *digits = hex ? word + 2 : word;
    return digits[0] != '\0' && digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")] == '\0';
}

/* A, A.B, A.B.C or A.B.C.D: an address, or the beginning of a network's. */
static bool is_dotted(const char *word)
{
    unsigned parts = 0;
    for (const char *at = word;; at++) {
        size_t digits = strspn(at, "0123456789");
        if (digits == 0 || digits > 3 || ++parts > 4)
            return false;
        at += digits;
        if (*at == '\0')
            return true;
        if (*at != '.')
            return false;
    }
}

static bool is_mac(const char *word)
{
    unsigned parts = 0;
    for (const char *at = word;; at++) {
        size_t digits = strspn(at, "0123456789abcdefABCDEF");
        if (digits == 0 || digits > 2 || ++parts > 6)
            return false;
        at += digits;
        if (*at == '\0')
            return parts == 6;
        if (*at != ':')
            return false;
    }
}

static bool is_plain(const char *word)
{
    return is_known(word) || is_number(word) || is_dotted(word);
}

/* WORD may be two, with a colon that belongs to a byte range between them: ip[0:2]. */
static bool is_harmless(char *word)
{
    uint8_t address[sizeof(struct in6_addr)];
    char *colon = strchr(word, ':');
    if (colon == NULL)
        return is_plain(word);
    if (is_mac(word) || inet_pton(AF_INET6, word, address) == 1)
        return true;
    *colon = '\0';
    bool harmless = (word[0] == '\0' || is_plain(word)) && (colon[1] == '\0' || is_plain(colon + 1));
    *colon = ':';
    return harmless;
}

/* After these a name is a service's or a protocol's, which stand in files of this system. */
static bool takes_name(const char *before)
{
    return strcmp(before, "port") == 0 || strcmp(before, "portrange") == 0 || strcmp(before, "proto") == 0;
}

static bool look_at_words(struct pcap_filter *filter, const char *expression, char *why, size_t size)
{
    bool side = false;
    char word[WORD_MAX], before[WORD_MAX] = "";
    for (const char *at = expression; *at != '\0';) {
        if (!is_word_byte(*at) || *at == '-') { /* no word begins with a minus: it is one of arithmetic */
            if (*at == '\\' && !takes_name(before)) {
                snprintf(why, size, "a backslash stands before the name of a protocol, after \"proto\"");
                return false;
            }
            at++;
            continue;
        }
        size_t len = 0;
        while (at[len] != '\0' && is_word_byte(at[len]))
            len++;
        snprintf(word, sizeof word, "%.*s", (int)len, at);
        if (len >= sizeof word || (!takes_name(before) && !is_harmless(word))) {
            snprintf(why, size,
                     "\"%s\" is no word of the filter language; names are not looked up, so write the address", word);
            return false;
        }
        filter->vlan = filter->vlan || strcmp(word, "vlan") == 0;
        side = side || strcmp(word, "inbound") == 0 || strcmp(word, "outbound") == 0;
        memcpy(before, word, sizeof before);
        at += len;
    }
    if (filter->vlan && side)
        snprintf(why, size, "a filter can not look at VLAN tags and at the direction of frames both");
    return !(filter->vlan && side);
}

/* ---- the program ---- */

struct pcap_filter *pcap_filter_new(const char *expression, char *why, size_t size)
{
    if (strlen(expression) > PCAP_FILTER_MAX) {
        snprintf(why, size, "the filter is longer than %d characters", PCAP_FILTER_MAX);
        return NULL;
    }
    struct pcap_filter *filter = calloc(1, sizeof *filter);
    if (filter != NULL && !look_at_words(filter, expression, why, size)) {
        free(filter);
        return NULL;
    }
    pcap_t *pcap = filter != NULL ? pcap_open_dead(DLT_EN10MB, FRAME_MAX) : NULL;
    if (pcap == NULL) {
        free(filter);
        snprintf(why, size, "the system gave no memory");
        return NULL;
    }
    if (pcap_compile(pcap, &filter->program, expression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        snprintf(why, size, "the filter was not understood: %s", pcap_geterr(pcap));
        free(filter);
        filter = NULL;
    }
    pcap_close(pcap);
    return filter;
}

void pcap_filter_free(struct pcap_filter *filter)
{
    if (filter == NULL)
        return;
    pcap_freecode(&filter->program);
    free(filter);
}

bool pcap_filter_match(const struct pcap_filter *filter, const uint8_t *frame, size_t len, size_t wire_len)
{
    struct pcap_pkthdr header = {.caplen = (bpf_u_int32)len, .len = (bpf_u_int32)wire_len};
    return pcap_offline_filter(&filter->program, &header, frame) != 0;
}

unsigned pcap_filter_program(const struct pcap_filter *filter, const struct sock_filter **program)
{
    /* libpcap's instruction is the kernel's by another name */
    _Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter) &&
                       offsetof(struct bpf_insn, jt) == offsetof(struct sock_filter, jt) &&
                       offsetof(struct bpf_insn, k) == offsetof(struct sock_filter, k),
                   "instructions differ");
    *program = (const struct sock_filter *)filter->program.bf_insns;
    return filter->vlan ? 0 : filter->program.bf_len;
}

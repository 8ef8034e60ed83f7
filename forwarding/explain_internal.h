/* core: what explain.c and explain_multicast.c share: a packet on its dry way. */
#ifndef FORWARDING_EXPLAIN_INTERNAL_H
#define FORWARDING_EXPLAIN_INTERNAL_H

#include "forwarding/explain.h"

struct walk {
    struct dataplane *d;
    struct packet *packet;
    uint32_t kept;
    bool control;
    struct now now;
    struct explanation *to;
};

static inline struct explain_step *add(struct walk *w, enum explain_kind kind)
{
    /* The way is short, and has no loops; but better a wrong list than a wrong write. */
    struct explain_step *step = &w->to->step[w->to->n < EXPLAIN_STEPS ? w->to->n++ : EXPLAIN_STEPS - 1];
    *step = (struct explain_step){.kind = kind, .port = PORT_NONE};
    return step;
}

static inline void end(struct walk *w, enum explain_end end)
{
    w->to->end = end;
}

static inline void drop(struct walk *w, enum drop why)
{
    w->to->end = EXPLAIN_DROPPED;
    w->to->drop = why;
}

static inline void note_punt(struct walk *w, enum punt why)
{
    if (w->control || w->to->punt != PUNT__COUNT)
        return;
    w->to->punt = why;
    add(w, EXPLAIN_PUNT)->n = why;
}

/* ---- explain.c ---- */

/* Cuts the packet for packet->mtu as whoever sends it would; how many segments and pieces that makes, 0 when it is not
 * cut. DROP__COUNT, or why it can not be. */
enum drop explain_cut(struct walk *w, uint32_t *segments, uint32_t *pieces);

/* ---- explain_multicast.c ---- */

/* From where ip_check has called it multicast. */
void explain_multicast(struct walk *w);

#endif

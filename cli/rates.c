#include "cli/rates.h"

#include <stdlib.h>
#include <string.h>

#define SECONDS   (RATES_HISTORY + 1) /* samples a second apart: so many rates */
#define COARSE_S  5                   /* every so many seconds one of them is kept for long */
#define COARSES   (300 / COARSE_S + 1)
#define BITS_BYTE 8

struct sample {
    uint64_t ns, rx_packets, rx_bytes, tx_packets, tx_bytes;
};

/* The newest of N samples is at (next - 1) % size. */
struct ring {
    unsigned n, next;
};

struct port_rates {
    struct ring fine_ring, coarse_ring;
    struct sample fine[SECONDS], coarse[COARSES];
};

struct rates {
    unsigned seconds; /* samples ever taken */
    struct port_rates *port[PORT_MAX];
};

struct rates *rates_new(void)
{
    return calloc(1, sizeof(struct rates));
}

void rates_free(struct rates *rates)
{
    if (rates == NULL)
        return;
    for (unsigned i = 0; i < PORT_MAX; i++)
        free(rates->port[i]);
    free(rates);
}

static void put(struct ring *ring, struct sample *samples, unsigned size, const struct sample *sample)
{
    samples[ring->next] = *sample;
    ring->next = (ring->next + 1) % size;
    ring->n += ring->n < size;
}

/* The one that is AGO samples before the newest. */
static const struct sample *look(const struct ring *ring, const struct sample *samples, unsigned size, unsigned ago)
{
    return &samples[(ring->next + size - 1 - ago) % size];
}

static bool went_back(const struct port_rates *port, const struct sample *now)
{
    if (port->fine_ring.n == 0)
        return false;
    const struct sample *last = look(&port->fine_ring, port->fine, SECONDS, 0);
    return now->rx_packets < last->rx_packets || now->rx_bytes < last->rx_bytes || now->tx_packets < last->tx_packets ||
           now->tx_bytes < last->tx_bytes;
}

static void sample_port(struct rates *rates, unsigned number, const struct dataplane *d, struct now now)
{
    struct port_counters counters;
    if (rates->port[number] == NULL && (rates->port[number] = calloc(1, sizeof **rates->port)) == NULL)
        return;
    struct port_rates *port = rates->port[number];
    dataplane_port_counters(d, number, &counters);
    struct sample sample = {now.ns, counters.rx_packets, counters.rx_bytes, counters.tx_packets, counters.tx_bytes};
    if (went_back(port, &sample))
        *port = (struct port_rates){0};
    if (rates->seconds % COARSE_S == 0 || port->coarse_ring.n == 0)
        put(&port->coarse_ring, port->coarse, COARSES, &sample);
    put(&port->fine_ring, port->fine, SECONDS, &sample);
}

void rates_sample(struct rates *rates, const struct dataplane *d, struct now now)
{
    for (unsigned i = 0; i < PORT_MAX; i++) {
        if (dataplane_port(d, i) != NULL) {
            sample_port(rates, i, d, now);
        } else {
            free(rates->port[i]);
            rates->port[i] = NULL;
        }
    }
    rates->seconds++;
}

static uint64_t a_second(uint64_t n, uint64_t ns)
{
    return (uint64_t)((double)n * (double)NS_PER_S / (double)ns + 0.5);
}

static struct rate between(const struct sample *old, const struct sample *new)
{
    uint64_t ns = new->ns - old->ns;
    if (new->ns <= old->ns)
        return (struct rate){0};
    return (struct rate){
        .rx_packets = a_second(new->rx_packets - old->rx_packets, ns),
        .rx_bits = a_second((new->rx_bytes - old->rx_bytes) * BITS_BYTE, ns),
        .tx_packets = a_second(new->tx_packets - old->tx_packets, ns),
        .tx_bits = a_second((new->tx_bytes - old->tx_bytes) * BITS_BYTE, ns),
    };
}

struct rate rates_of(const struct rates *rates, unsigned number, enum rates_window window)
{
    const struct port_rates *port = number < PORT_MAX ? rates->port[number] : NULL;
    if (port == NULL || port->fine_ring.n == 0)
        return (struct rate){0};
    const struct sample *newest = look(&port->fine_ring, port->fine, SECONDS, 0);
    unsigned ago = 5 < port->fine_ring.n ? 5 : port->fine_ring.n - 1;
    if (window == RATES_5_SECONDS)
        return between(look(&port->fine_ring, port->fine, SECONDS, ago), newest);
    return between(look(&port->coarse_ring, port->coarse, COARSES, port->coarse_ring.n - 1), newest);
}

unsigned rates_history(const struct rates *rates, unsigned number, uint64_t rx[RATES_HISTORY],
                       uint64_t tx[RATES_HISTORY])
{
    const struct port_rates *port = number < PORT_MAX ? rates->port[number] : NULL;
    unsigned known = port == NULL || port->fine_ring.n == 0 ? 0 : port->fine_ring.n - 1;
    for (unsigned i = 0; i < known; i++) {
        unsigned ago = known - 1 - i;
        struct rate rate = between(look(&port->fine_ring, port->fine, SECONDS, ago + 1),
                                   look(&port->fine_ring, port->fine, SECONDS, ago));
        rx[i] = rate.rx_bits;
        tx[i] = rate.tx_bits;
    }
    return known;
}

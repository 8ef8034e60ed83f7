/* RIP and what it names. Lists of rules, keys and the like are short, so each is compared with those before it. */
#include <string.h>

#include "cli/check.h"
#include "cli/schema.h"
#include "protocols/rip/rip.h"

#define PASSWORD_MAX 16 /* RFC 2453 4.1 */

/* ---- prefix lists ---- */

static void check_prefix(const struct check *c, struct prefix prefix, struct config_place place, const char *what)
{
    char text[PREFIX_TEXT], right[PREFIX_TEXT];
    struct prefix network = {.addr = prefix_network(prefix), .len = prefix.len};
    if (network.addr != prefix.addr)
        config_error(c->errors, place, "%s %s has bits beyond its length: %s is the network", what,
                     prefix_text(prefix, text), prefix_text(network, right));
}

static void check_rule(const struct check *c, const struct config_prefix_list *list, const struct config_prefix_rule *r)
{
    char text[PREFIX_TEXT];
    check_prefix(c, r->prefix, r->place, "prefix");
    prefix_text(r->prefix, text);
    if (r->ge != 0 && r->ge < r->prefix.len)
        config_error(c->errors, r->place, "prefix list '%s': ge %lld is less than the length of %s", list->name,
                     (long long)r->ge, text);
    if (r->le != 0 && (r->le < r->prefix.len || r->le < r->ge))
        config_error(c->errors, r->place, "prefix list '%s': le %lld is less than %s", list->name, (long long)r->le,
                     r->le < r->prefix.len ? text : "ge");
}

static void check_prefix_lists(const struct check *c)
{
    for (size_t i = 0; i < c->config->n_prefix_lists; i++) {
        const struct config_prefix_list *list = &c->config->prefix_lists[i];
        char where[CHECK_FIRST_SIZE];
        if (list->name == NULL)
            continue;
        const struct config_prefix_list *first = config_prefix_list_find(c->config, list->name);
        if (first != list)
            config_error(c->errors, list->place, "prefix list '%s' is there twice%s", list->name,
                         check_first_text(first->place, list->place, where, sizeof where));
        int64_t seq = 0;
        for (size_t k = 0; k < list->n_rules; k++) {
            if (list->rules[k].doubtful)
                continue;
            check_rule(c, list, &list->rules[k]);
            if (list->rules[k].seq != 0 && list->rules[k].seq <= seq)
                config_error(c->errors, list->rules[k].place,
                             "prefix list '%s': seq %lld stands behind %lld: rules stand in the order of their numbers",
                             list->name, (long long)list->rules[k].seq, (long long)seq);
            seq = config_seq(&list->rules[k], seq);
        }
    }
}

/* LIST may be NULL: none is named. INTERFACE, if not NULL, is who names it. */
static void check_list(const struct check *c, const char *list, const char *interface, struct config_place place,
                       struct config_place other)
{
    if (list == NULL || config_prefix_list_find(c->config, list) != NULL)
        return;
    if (interface != NULL)
        config_error(c->errors, check_place(place, other), "there is no prefix list '%s', which interface '%s' uses",
                     list, interface);
    else
        config_error(c->errors, check_place(place, other), "there is no prefix list '%s', which RIP uses", list);
}

/* ---- key chains ---- */

static void check_keys(const struct check *c, const struct config_key_chain *chain)
{
    char where[CHECK_FIRST_SIZE];
    for (size_t i = 0; i < chain->n_keys; i++) {
        const struct config_key *key = &chain->keys[i];
        size_t first = 0;
        while (chain->keys[first].id != key->id || chain->keys[first].doubtful)
            if (++first > i)
                break;
        if (first < i)
            config_error(c->errors, key->place, "key %lld of key chain '%s' is there twice%s", (long long)key->id,
                         chain->name, check_first_text(chain->keys[first].place, key->place, where, sizeof where));
        if (key->algorithm == RIP_AUTH_NONE)
            config_error(c->errors, key->place, "key %lld of key chain '%s': a key cannot sign with \"none\"",
                         (long long)key->id, chain->name);
    }
}

static void check_key_chains(const struct check *c)
{
    for (size_t i = 0; i < c->config->n_key_chains; i++) {
        const struct config_key_chain *chain = &c->config->key_chains[i];
        char where[CHECK_FIRST_SIZE];
        if (chain->name == NULL)
            continue;
        const struct config_key_chain *first = config_key_chain_find(c->config, chain->name);
        if (first != chain)
            config_error(c->errors, chain->place, "key chain '%s' is there twice%s", chain->name,
                         check_first_text(first->place, chain->place, where, sizeof where));
        check_keys(c, chain);
    }
}

/* ---- interfaces ---- */

static void check_password(const struct check *c, const char *key, struct config_place place, const char *whose)
{
    uint8_t bytes[CONFIG_SECRET_MAX];
    size_t len;
    if (key != NULL && config_secret(key, bytes, &len) && len > PASSWORD_MAX)
        config_error(c->errors, place, "%s: a password of \"text\" has at most %d bytes", whose, PASSWORD_MAX);
}

static void check_chain(const struct check *c, const struct config_interface *i)
{
    const struct config_rip_interface *rip = &i->rip;
    struct config_place place = check_place(rip->key_chain_place, i->place);
    const struct config_key_chain *chain = config_key_chain_find(c->config, rip->key_chain);
    if (chain == NULL) {
        config_error(c->errors, place, "there is no key chain '%s', which interface '%s' uses", rip->key_chain,
                     i->name);
        return;
    }
    if (rip->key != NULL)
        config_error(c->errors, place, "interface '%s' has both a 'key' and a 'key-chain'", i->name);
    if (chain->n_keys == 0) /* it must not come to no authentication: RFC 4822 5.1 (2) */
        config_error(c->errors, place, "interface '%s': key chain '%s' has no keys", i->name, rip->key_chain);
    for (size_t k = 0; k < chain->n_keys; k++) {
        int64_t mode = chain->keys[k].algorithm == CONFIG_UNSAID ? rip->auth_mode : chain->keys[k].algorithm;
        if (mode == RIP_AUTH_TEXT)
            check_password(c, chain->keys[k].secret, check_place(chain->keys[k].place, place), chain->name);
        if ((mode == RIP_AUTH_TEXT) != (rip->auth_mode == RIP_AUTH_TEXT))
            config_error(c->errors, place,
                         "interface '%s': key %lld of key chain '%s' is not of the interface's kind: passwords and "
                         "digests do not mix",
                         i->name, (long long)chain->keys[k].id, rip->key_chain);
    }
}

static void check_authentication(const struct check *c, const struct config_interface *i)
{
    const struct config_rip_interface *rip = &i->rip;
    bool keys = rip->key != NULL || rip->key_chain != NULL;
    if (rip->auth_mode == RIP_AUTH_NONE && keys && rip->enabled && c->config->rip.enabled) /* RFC 4822 3.1 */
        config_warning(c->errors, check_place(rip->key != NULL ? rip->key_place : rip->key_chain_place, i->place),
                       "interface '%s' has a key, and authenticates nothing: it has no 'mode'", i->name);
    if (rip->auth_mode == RIP_AUTH_NONE)
        return;
    if (rip->key == NULL && rip->key_chain == NULL)
        config_error(c->errors, check_place(rip->auth_place, i->place),
                     "interface '%s' is to authenticate, and has neither 'key' nor 'key-chain'", i->name);
    else if (rip->key_chain != NULL)
        check_chain(c, i);
    else if (rip->auth_mode == RIP_AUTH_TEXT)
        check_password(c, rip->key, check_place(rip->key_place, i->place), i->name);
}

static void check_interface_rip(const struct check *c, const struct config_interface *i)
{
    const struct config_rip_interface *rip = &i->rip;
    check_authentication(c, i);
    check_list(c, rip->filter_in, i->name, rip->filter_in_place, i->place);
    check_list(c, rip->filter_out, i->name, rip->filter_out_place, i->place);
    for (size_t k = 0; k < rip->n_offsets; k++)
        check_list(c, rip->offsets[k].list, i->name, rip->offsets[k].list_place, i->place);
    for (size_t k = 0; k < rip->n_summaries; k++)
        check_prefix(c, rip->summaries[k].prefix, check_place(rip->summaries[k].place, i->place), "summary");
    if (rip->triggered && rip->split_horizon != RIP_SPLIT_POISONED)
        config_error(
            c->errors, i->place,
            "interface '%s' is \"triggered\", which needs \"poisoned-reverse\" as split-horizon (RFC 2091 3.3)",
            i->name);
}

/* ---- the router's ---- */

static void check_redistribution(const struct check *c)
{
    const struct config_rip *rip = &c->config->rip;
    char where[CHECK_FIRST_SIZE];
    for (size_t i = 0; i < rip->n_redistribute; i++) {
        const struct config_redistribute *r = &rip->redistribute[i];
        check_list(c, r->list, NULL, r->list_place, r->place);
        for (size_t k = 0; k < i && !r->doubtful; k++)
            if (rip->redistribute[k].protocol == r->protocol && !rip->redistribute[k].doubtful)
                config_error(c->errors, r->place, "redistribution of %s is there twice%s",
                             schema_redistributed[r->protocol],
                             check_first_text(rip->redistribute[k].place, r->place, where, sizeof where));
    }
}

static void check_distances(const struct check *c)
{
    const struct config_rip *rip = &c->config->rip;
    char text[PREFIX_TEXT], where[CHECK_FIRST_SIZE];
    for (size_t i = 0; i < rip->n_distances; i++) {
        const struct config_distance *d = &rip->distances[i];
        check_list(c, d->list, NULL, d->list_place, d->place);
        check_prefix(c, d->source, d->place, "source");
        for (size_t k = 0; k < i && !d->doubtful; k++)
            if (prefix_equal(rip->distances[k].source, d->source) && !rip->distances[k].doubtful)
                config_error(c->errors, d->place, "distance of %s is there twice%s", prefix_text(d->source, text),
                             check_first_text(rip->distances[k].place, d->place, where, sizeof where));
    }
}

static void check_neighbors(const struct check *c)
{
    const struct config_rip *rip = &c->config->rip;
    char text[ADDR_TEXT];
    for (size_t i = 0; i < rip->n_neighbors; i++) {
        const struct config_neighbor *n = &rip->neighbors[i];
        const char *what = check_no_unicast(n->address);
        const struct owned *own = check_owned(c, n->address);
        const struct edge *edge = check_edge(c, n->address);
        addr_text(n->address, text);
        if (what == NULL && edge != NULL)
            what = edge->what;
        if (what != NULL)
            config_error(c->errors, n->place, "neighbor %s is %s", text, what);
        else if (own != NULL)
            config_error(c->errors, n->place, "neighbor %s is our own address, of '%s'", text, own->interface->name);
        for (size_t k = 0; k < i; k++)
            if (rip->neighbors[k].address == n->address) {
                config_error(c->errors, n->place, "neighbor %s is there twice", text);
                break;
            }
    }
}

void check_rip(const struct check *c)
{
    const struct config_rip *rip = &c->config->rip;
    check_prefix_lists(c);
    check_key_chains(c);
    for (size_t i = 0; i < c->config->n_interfaces; i++)
        if (!c->config->interfaces[i].doubtful && c->config->interfaces[i].name != NULL)
            check_interface_rip(c, &c->config->interfaces[i]);
    if (rip->timeout <= rip->update)
        config_error(c->errors, check_place(rip->timeout_place, c->config->place),
                     "rip.timers: a timeout of %lld seconds is over before the next update, after %lld: it has to be "
                     "more",
                     (long long)rip->timeout, (long long)rip->update);
    check_redistribution(c);
    check_distances(c);
    check_neighbors(c);
}

/* What the shell says of RIP: a real instance over the router in memory, which was told two routes and something wrong.
 */
#include "protocols/rip/rip.h"

#include "cli/show_rip.h"
#include "forwarding/bytes.h"
#include "tests/unit/support/shell.h"

#define COLUMNS 80

static struct shell s;

static bool sent(void *context, unsigned port, uint32_t src, uint32_t dst, uint16_t dst_port, const uint8_t *message,
                 size_t len, struct now now)
{
    (void)context, (void)port, (void)src, (void)dst, (void)dst_port, (void)message, (void)len, (void)now;
    return true;
}

/* From 10.0.1.2: two routes, one of them with a tag. */
static void hear(unsigned metric)
{
    uint8_t message[44] = {2, 2};
    static const uint32_t networks[] = {0xac1ffe00, 0x0a090000};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *entry = message + 4 + 20 * i;
        store_be16(entry, 2);
        store_be16(entry + 2, i == 0 ? 54321 : 0);
        store_be32(entry + 4, networks[i]);
        store_be32(entry + 8, 0xffffff00);
        store_be32(entry + 16, i == 0 ? metric : 3);
    }
    struct rip_datagram datagram = {.port = 0, .src = 0x0a000102, .dst = RIP_GROUP, .src_port = RIP_PORT};
    rip_input(s.rip, &datagram, message, sizeof message, s.r.now);
}

static void run(void)
{
    while (rip_run(s.rip, s.r.now) <= s.r.now.ns)
        ;
}

static void begin(void)
{
    shell_begin(&s);
    static const struct rip_hooks hooks = {.send = sent};
    struct rip_settings settings = rip_settings_default;
    settings.redistribute[RIB_STATIC] = (struct rip_redistribute){.on = true, .metric = 4, .tag = 7};
    s.rip = rip_new(s.rib, &settings, 1, &hooks);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s.rip);
    const struct port *port = dataplane_port(s.r.d, 0);
    CU_ASSERT_TRUE(rip_interface_set(s.rip, 0, &rip_interface_settings_default, s.r.now));
    CU_ASSERT_TRUE(rip_interface_up(s.rip, 0, port->addresses, port->n_addresses, s.r.now));
    run();
    hear(5);
    hear(77); /* no metric */
    run();
    s.r.now.ns += 5 * NS_PER_S;
}

static void end(void)
{
    rip_free(s.rip, s.r.now);
    s.rip = NULL;
    shell_end(&s);
}

static json_t *found(json_t *list, const char *member, const char *value)
{
    size_t i;
    json_t *o;
    json_array_foreach(list, i, o) if (strcmp(json_string_value(json_object_get(o, member)), value) == 0) return o;
    CU_FAIL("not in the list");
    return NULL;
}

static bool is_text(json_t *o, const char *name, const char *text)
{
    const char *is = json_string_value(json_object_get(o, name));
    return is != NULL && strcmp(is, text) == 0;
}

static long long number(json_t *o, const char *name)
{
    CU_ASSERT_TRUE(json_is_integer(json_object_get(o, name)));
    return json_integer_value(json_object_get(o, name));
}

static void routes(void)
{
    begin();
    json_t *document = shell_json(&s, "show ip rip json"), *list = json_object_get(document, "routes");
    json_t *learned = found(list, "prefix", "172.31.254.0/24");
    CU_ASSERT_TRUE(is_text(learned, "type", "normal") && is_text(learned, "nextHop", "10.0.1.2"));
    CU_ASSERT_TRUE(is_text(learned, "from", "10.0.1.2") && is_text(learned, "interface", "r0"));
    CU_ASSERT_EQUAL(number(learned, "metric"), 6);
    CU_ASSERT_EQUAL(number(learned, "tag"), 54321);
    CU_ASSERT_EQUAL(number(learned, "timer"), 175);
    json_t *own = found(list, "prefix", "10.0.1.0/24");
    CU_ASSERT_TRUE(is_text(own, "type", "interface") && is_text(own, "from", "self"));
    CU_ASSERT_TRUE(json_is_null(json_object_get(own, "timer")));
    json_decref(document);
    char *text = shell_plain(&s, "show ip rip");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "\nR(n)  172.31.254.0/24     10.0.1.2              6  10.0.1.2         54321  02:55\n"));
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "\nC(i)  10.0.1.0/24         0.0.0.0               1  self               0      -\n"));
    free(text);
    end();
}

static void neighbours(void)
{
    begin();
    json_t *document = shell_json(&s, "show ip rip neighbors json");
    json_t *one = found(json_object_get(document, "neighbors"), "address", "10.0.1.2");
    CU_ASSERT_TRUE(is_text(one, "interface", "r0"));
    CU_ASSERT_EQUAL(number(one, "version"), 2);
    CU_ASSERT_EQUAL(number(one, "lastUpdate"), 5);
    CU_ASSERT_EQUAL(number(one, "badPackets"), 0);
    CU_ASSERT_EQUAL(number(one, "badRoutes"), 1);
    CU_ASSERT_EQUAL(number(json_object_get(one, "rejects"), "metric"), 1);
    json_decref(document);
    char *text = shell_plain(&s, "show ip rip neighbors");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1 a metric that is not 1 to 16\n"));
    free(text);
    end();
}

static void counters(void)
{
    begin();
    json_t *document = shell_json(&s, "show ip rip interfaces json");
    json_t *r0 = json_object_get(document, "r0"), *counted = json_object_get(r0, "counters");
    CU_ASSERT_TRUE(json_is_true(json_object_get(r0, "up")) && is_text(r0, "splitHorizon", "poisoned-reverse"));
    CU_ASSERT_TRUE(is_text(r0, "sendVersion", "2") && is_text(r0, "receiveVersion", "1 2"));
    CU_ASSERT_EQUAL(number(counted, "inResponses"), 2);
    CU_ASSERT_TRUE(number(counted, "outRequests") + number(counted, "outUpdates") > 0);
    json_decref(document);
    document = shell_json(&s, "show ip traffic json");
    CU_ASSERT_EQUAL(number(json_object_get(document, "rip"), "inResponses"), 2);
    CU_ASSERT_EQUAL(number(json_object_get(document, "rip"), "inBadRoutes"), 1);
    json_decref(document);
    document = shell_json(&s, "show ip rip status json");
    CU_ASSERT_EQUAL(number(document, "updateTimer"), 30);
    CU_ASSERT_EQUAL(number(document, "learned"), 2);
    CU_ASSERT_EQUAL(number(json_array_get(json_object_get(document, "redistribute"), 0), "metric"), 4);
    json_decref(document);
    end();
}

static void clearing(void)
{
    begin();
    char *text = shell_plain(&s, "clear ip rip neighbor 10.0.1.9\n");
    CU_ASSERT_STRING_EQUAL(text, "% 10.0.1.9 is no neighbor: show ip rip neighbors lists them\n");
    free(text);
    CU_ASSERT_EQUAL(rip_status(s.rip).learned, 2);
    free(shell_plain(&s, "clear ip rip counters\n"));
    struct rip_interface_view view;
    CU_ASSERT_TRUE(rip_find_interface(s.rip, 0, &view) && view.counters.in_responses == 0);
    free(shell_plain(&s, "clear ip rip neighbor 10.0.1.2\n"));
    run();
    CU_ASSERT_EQUAL(rip_status(s.rip).unreachable, 2);
    end();
}

static void not_running(void)
{
    shell_begin(&s);
    static const char *const lines[] = {"show ip rip", "show ip rip status", "show ip rip neighbors",
                                        "show ip rip interfaces"};
    static const char *const documents[] = {"{\n\"routes\":[]\n}\n", "{}\n", "{\n\"neighbors\":[]\n}\n", "{}\n"};
    for (unsigned i = 0; i < 4; i++) {
        char command[64];
        snprintf(command, sizeof command, "%s json", lines[i]);
        char *text = shell_plain(&s, lines[i]), *json = shell_plain(&s, command);
        CU_ASSERT_STRING_EQUAL(text, "RIP does not run: \"router rip\" in configuration mode begins it\n");
        json_t *is = json_loads(json, 0, NULL), *expected = json_loads(documents[i], 0, NULL);
        CU_ASSERT_TRUE(json_equal(is, expected));
        json_decref(is);
        json_decref(expected);
        free(text);
        free(json);
    }
    char *text = shell_plain(&s, "clear ip rip\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% RIP does not run"));
    free(text);
    shell_end(&s);
}

static void within_the_window(void)
{
    static const char *const lines[] = {"show ip rip", "show ip rip status", "show ip rip neighbors",
                                        "show ip rip interfaces"};
    begin();
    for (unsigned i = 0; i < 4; i++) {
        char *text = shell_plain(&s, lines[i]);
        for (char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
            CU_ASSERT_TRUE(strcspn(line, "\n") <= COLUMNS);
            if (strcspn(line, "\n") > COLUMNS)
                printf("\n  %.*s", (int)strcspn(line, "\n"), line);
        }
        free(text);
    }
    end();
}

static const struct unit_case cases[] = {
    {"routes are shown as FRR does, with timers and tags", routes},
    {"neighbours are shown with what was refused of theirs", neighbours},
    {"every counter is shown", counters},
    {"clearing forgets what it says and nothing else", clearing},
    {"without RIP the shows say so, and JSON keeps its shape", not_running},
    {"lines fit a window of 80 columns", within_the_window},
};
UNIT_MAIN("show ip rip", cases)

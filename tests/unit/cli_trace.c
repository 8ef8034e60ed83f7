#define _DEFAULT_SOURCE
/* trace packet: its blocks of text, its JSON, and what it refuses. */
#include "cli/trace_text.h"

#include "tests/unit/support/shell.h"

static struct shell s;

/* A client of the shell whose command goes on while packets come. */
struct client {
    int fd;
    size_t len;
    char text[16384];
};

static bool hear(struct client *c, const char *what)
{
    for (unsigned i = 0; i < 20000; i++) {
        ssize_t n = shell_receive(&s, c->fd, c->text + c->len, sizeof c->text - c->len - 1);
        if (n > 0)
            c->len += (size_t)n;
        c->text[c->len] = '\0';
        if (strstr(c->text, what) != NULL)
            return true;
        if (n == 0)
            break;
        usleep(n < 0 ? 100 : 0);
    }
    printf("\n  waited for %s; got: %s\n", what, c->text);
    return false;
}

static void say(struct client *c, const char *line)
{
    *c = (struct client){.fd = shell_connect(&s)};
    shell_send(c->fd, line, strlen(line));
}

static void packet_in(const char *src, const char *dst, struct frame_spec spec)
{
    struct packet packet;
    spec.dst_mac = router_port_mac[0];
    spec.src = addr_of(src);
    spec.dst = addr_of(dst);
    packet = frame_new(0, &spec);
    lane_forward(s.r.d->lanes[0], &packet, 1, s.r.now);
    frame_free(&packet);
    router_run(&s.r);
}

static void narrow(const char *text)
{
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1)
        CU_ASSERT_TRUE(strcspn(line, "\n") <= 80);
}

static void blocks_of_text(void)
{
    static struct client c;
    shell_begin(&s);
    say(&c, "trace packet count 3\n");
    CU_ASSERT_TRUE(hear(&c, "following "));
    packet_in("10.0.1.2", "10.0.2.2", (struct frame_spec){.dst_port = 53});
    packet_in("10.0.1.2", "10.0.2.2", (struct frame_spec){.ttl = 1});
    packet_in("10.0.1.2", "192.0.2.1",
              (struct frame_spec){.options = (const uint8_t *)"\x07\x07\x04\0\0\0\0", .options_len = 8});
    CU_ASSERT_TRUE(hear(&c, "3 packets followed\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, " 10.0.1.2:1000 > 10.0.2.2:53 UDP, 48 bytes, TTL 64\n"
                                          "  in          by r0, from 02:00:00:00:00:99 to 02:00:00:00:00:01\n"
                                          "  frame       to the port's own MAC address\n"
                                          "  header      length, checksum and addresses are sound\n"
                                          "  route       10.0.2.0/24\n"
                                          "  next hop    the destination itself, 10.0.2.2, out of r1\n"
                                          "  size        48 bytes, MTU of r1 1500: fits\n"
                                          "  neighbour   10.0.2.2 on r1 is at 02:00:00:00:00:99, static\n"
                                          "  rewritten   TTL 64 to 63, from 02:00:00:00:00:02 to 02:00:00:00:00:99\n"
                                          "  => forwarded out of r1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "  TTL         1: too little to be forwarded\n"
                                          "  punt        the lane hands it to the core (ttl)\n"
                                          "  ICMP error  time exceeded (11/0) to 10.0.1.2, from 10.0.1.1\n"
                                          "  => dropped as ttl-exceeded: the time to live ran out\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "  punt        the lane hands it to the core (options)\n"
                                          "  options     record route: sound\n"
                                          "  route       none to 192.0.2.1\n"
                                          "  ICMP error  network unreachable (3/0) to 10.0.1.2, from 10.0.1.1\n"
                                          "  => dropped as no-route: no route to the destination\n"));
    narrow(c.text);
    close(c.fd);
    shell_end(&s);
}

static void wanted_everywhere(void *context, uint32_t src, uint32_t group, struct multicast_decision *decision)
{
    (void)context, (void)src, (void)group;
    for (unsigned port = 0; port < 4; port++)
        port_set_add(&decision->out, port);
}

/* A stream that is wanted on r1, and on r3, whose threshold is too high for it. */
static void a_multicast_packet_says_where_each_copy_goes(void)
{
    static struct client c;
    struct multicast_settings settings = multicast_defaults;
    shell_begin(&s);
    router_add_port(&s.r, 3, (struct prefix){0x0a000301, 24}, (struct prefix){0});
    settings.enabled = true;
    settings.decide = wanted_everywhere;
    multicast_configure(s.r.d, &settings, s.r.now);
    CU_ASSERT_TRUE(multicast_set_port(s.r.d, 3, &(struct multicast_port){.ttl_threshold = 64}, s.r.now));
    say(&c, "trace packet count 3\n");
    CU_ASSERT_TRUE(hear(&c, "following "));
    packet_in("10.0.1.2", "239.1.1.1", (struct frame_spec){0});
    packet_in("10.0.1.2", "239.1.1.1", (struct frame_spec){.ttl = 1});
    packet_in("10.0.2.2", "239.1.1.1", (struct frame_spec){0});
    CU_ASSERT_TRUE(hear(&c, "3 packets followed\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text,
                                  "  punt        the lane hands it to the core (multicast)\n"
                                  "  multicast   10.0.1.2 to 239.1.1.1, a new stream: comes in by r0, wanted on 2\n"
                                  "              other interfaces\n"
                                  "  rewritten   TTL 64 to 63, from 02:00:00:00:00:02 to 01:00:5e:01:01:01\n"
                                  "  copy        for r1: sent\n"
                                  "  copy        for r3: no, its time to live is not above the threshold of 64\n"
                                  "  => forwarded out of r1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "  => dropped as multicast-ttl: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(c.text, "  multicast   10.0.2.2 to 239.1.1.1, a new stream: comes in by r1, "));
    narrow(c.text);
    close(c.fd);
    shell_end(&s);
}

static void a_filter_and_json(void)
{
    static struct client c;
    json_error_t error;
    shell_begin(&s);
    say(&c, "trace packet count 1 filter udp dst port 7 json\n");
    CU_ASSERT_TRUE(hear(&c, "["));
    packet_in("10.0.1.2", "10.0.2.2", (struct frame_spec){.dst_port = 6});
    packet_in("10.0.1.2", "10.0.1.1", (struct frame_spec){.dst_port = 7});
    CU_ASSERT_TRUE(hear(&c, "\n]\n"));
    json_t *all = json_loads(c.text, JSON_REJECT_DUPLICATES, &error);
    CU_ASSERT_EQUAL(json_array_size(all), 1);
    json_t *one = json_array_get(all, 0);
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "destination")), "10.0.1.1");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "interfaceName")), "r0");
    CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(one, "end")), "delivered");
    CU_ASSERT_EQUAL(json_integer_value(json_object_get(one, "length")), 48);
    json_decref(all);
    close(c.fd);
    shell_end(&s);
}

static void refusals(void)
{
    shell_begin(&s);
    char *text =
        shell_plain(&s, "trace packet filter host www.example.com\ntrace packet filter tcp and\n"
                        "trace packet from 192.0.2.1 to 10.0.1.1\ntrace packet from 10.0.1.2 to 10.0.2.2 in lo0\n");
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% \"www.example.com\" is no word of the filter language"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% the filter was not understood: "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% no route says where 192.0.2.1 is: say by which interface it comes"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "% nothing comes in by a loopback"));
    CU_ASSERT_FALSE(trace_wanted(&s.r.d->tables));
    free(text);
    shell_end(&s);
}

/* A client that hangs up leaves no watch behind. */
static void hanging_up(void)
{
    static struct client c;
    shell_begin(&s);
    say(&c, "trace packet\n");
    CU_ASSERT_TRUE(hear(&c, "following "));
    CU_ASSERT_TRUE(trace_wanted(&s.r.d->tables));
    close(c.fd);
    for (unsigned i = 0; i < 20000 && trace_wanted(&s.r.d->tables); i++) {
        shell_turn(&s);
        usleep(1000);
    }
    CU_ASSERT_FALSE(trace_wanted(&s.r.d->tables));
    say(&c, "trace packet\n");
    CU_ASSERT_TRUE(hear(&c, "following "));
    shell_end(&s); /* nor does the shell that ends */
    close(c.fd);
}

/* Whatever its figures are, a step has a name and words that fit. */
static void every_step_has_words(void)
{
    char text[TRACE_TEXT];
    shell_begin(&s);
    for (unsigned kind = EXPLAIN_FRAME; kind <= EXPLAIN_CUT_SHORT; kind++)
        for (unsigned fill = 0; fill < 2; fill++) {
            struct explain_step step = {.kind = (enum explain_kind)kind, .port = PORT_NONE};
            step.addr = step.n = fill * UINT32_MAX;
            step.mtu = (uint16_t)(fill * UINT16_MAX);
            CU_ASSERT_TRUE(strlen(trace_step_name(step.kind)) > 0 && strlen(trace_step_name(step.kind)) < 13);
            CU_ASSERT_TRUE(strlen(trace_step_text(s.r.d, &step, text)) > 0);
        }
    for (unsigned end = EXPLAIN_FORWARDED; end <= EXPLAIN_HELD; end++) {
        struct explanation why = {.end = (enum explain_end)end, .out_port = PORT_NONE};
        CU_ASSERT_TRUE(strlen(trace_end_text(s.r.d, &why, text)) > 0);
        CU_ASSERT_TRUE(strlen(trace_end_name(why.end)) > 0);
    }
    shell_end(&s);
}

static const struct unit_case cases[] = {
    {"a packet is a block of lines", blocks_of_text},
    {"a multicast packet says where each copy goes", a_multicast_packet_says_where_each_copy_goes},
    {"a filter chooses and JSON is one document", a_filter_and_json},
    {"what it can not do it says", refusals},
    {"nobody who hangs up leaves a watch", hanging_up},
    {"every step has words", every_step_has_words},
};
UNIT_MAIN("trace", cases)

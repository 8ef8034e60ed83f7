/* Entries of multicast streams: when they are decided anew, how long they live, and what a flood can not do. */
#include "forwarding/multicast.h"
#include "tests/unit/support/streams.h"

static struct streams s;

#define PORT(n) (UINT64_C(1) << (n))

/* By which ports a packet leaves now. */
static uint64_t goes_to(unsigned port, uint32_t src, uint32_t group)
{
    streams_forget(&s);
    streams_give(&s, port, (struct frame_spec){.src = src, .dst = group});
    return streams_ports(&s.lane.wire) | streams_ports(&s.core.wire);
}

/* Many sources to one group, in bursts; the core gets its turn after each of them. */
static void flood(unsigned port, uint32_t first, unsigned n, uint32_t group)
{
    struct packet burst[LANE_BURST];
    for (unsigned i = 0; i < n;) {
        unsigned k = 0;
        for (; k < LANE_BURST && i < n; k++, i++)
            burst[k] = streams_frame(port, (struct frame_spec){.src = first + i, .dst = group});
        streams_burst(&s, burst, k);
        streams_run(&s);
        streams_forget(&s);
    }
}

/* ---- deciding anew ---- */

static void a_change_of_mind_is_followed_at_once(void)
{
    streams_begin(&s);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), 0);
    s.wanted[1] = PORT(1);
    s.wanted[2] = PORT(2);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), 0); /* nobody has said so */
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 2), PORT(2));
    s.wanted[2] = PORT(3);
    unsigned asked = s.asked;
    multicast_changed(s.d, 0, GROUP + 1, s.now);
    CU_ASSERT_EQUAL(s.asked, asked + 1); /* of that group alone */
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), PORT(1));
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 2), PORT(2));
    CU_ASSERT_EQUAL(goes_to(0, IN_0(8), GROUP + 1), PORT(1));
    s.wanted[1] = PORT(4) | PORT(5);
    multicast_changed(s.d, IN_0(8), GROUP + 1, s.now); /* of that source alone */
    CU_ASSERT_EQUAL(goes_to(0, IN_0(8), GROUP + 1), PORT(4) | PORT(5));
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), PORT(1));
    multicast_changed(s.d, 0, 0, s.now);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), PORT(4) | PORT(5));
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 2), PORT(3));
    s.wanted[2] = 0;
    multicast_changed(s.d, 0, GROUP + 2, s.now);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 2), 0);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_MULTICAST_UNWANTED), 3);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 2).packets, 4); /* the entry has lived on */
    streams_end(&s);
}

static void many_are_decided_anew_in_slices(void)
{
    enum { MANY = 2000 };
    streams_begin(&s);
    s.settings.new_rate = 0;
    s.settings.limit = MULTICAST_MAX;
    streams_configure(&s);
    s.wanted[1] = PORT(1);
    flood(0, 0x0a0a0000, MANY, GROUP + 1); /* behind port 0 */
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, MANY);
    s.wanted[1] = PORT(2);
    unsigned asked = s.asked;
    multicast_changed(s.d, 0, GROUP + 1, s.now);
    CU_ASSERT_TRUE(s.asked - asked < MANY / 2);
    while (s.asked - asked < MANY) { /* each is a turn of the core's loop */
        CU_ASSERT_TRUE_FATAL(timers_due(&s.d->timers) <= s.now.ns + 1);
        s.now.ns++;
        streams_run(&s);
    }
    CU_ASSERT_EQUAL(s.asked - asked, MANY);
    for (unsigned i = 0; i < MANY; i += 97)
        CU_ASSERT_EQUAL(streams_look(&s, 0x0a0a0000 + i, GROUP + 1).out.word[0], PORT(2));
    /* entries may go while they wait for it */
    multicast_changed(s.d, 0, 0, s.now);
    multicast_clear(s.d, 0, 0);
    streams_run(&s);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 0);
    streams_end(&s);
}

static void a_new_route_to_the_source_is_followed_within_a_second(void)
{
    streams_begin(&s);
    uint32_t src = 0x0a0a0101; /* 10.10.1.1, behind port 0 */
    s.wanted[1] = PORT(0) | PORT(1) | PORT(2);
    CU_ASSERT_EQUAL(goes_to(0, src, GROUP + 1), PORT(1) | PORT(2));
    streams_route(&s, "10.10.1.0/24", 0x0a000209, 2, 2);
    streams_wait(&s, 1);
    CU_ASSERT_EQUAL(streams_look(&s, src, GROUP + 1).in, 2);
    CU_ASSERT_EQUAL(streams_look(&s, src, GROUP + 1).upstream, 0x0a000209);
    CU_ASSERT_EQUAL(goes_to(0, src, GROUP + 1), 0);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_MULTICAST_PORT), 1);
    CU_ASSERT_EQUAL(goes_to(2, src, GROUP + 1), PORT(0) | PORT(1));
    CU_ASSERT_TRUE(fib_remove(s.d->tables.fib, (struct prefix){0x0a0a0100, 24}));
    multicast_changed(s.d, 0, 0, s.now); /* whoever knows of it need not wait */
    CU_ASSERT_EQUAL(goes_to(0, src, GROUP + 1), PORT(1) | PORT(2));
    /* the port towards the source goes down: nothing is let in, until there is a way again */
    streams_port(&s, 0, false);
    CU_ASSERT_EQUAL(streams_look(&s, src, GROUP + 1).in, PORT_NONE);
    streams_port(&s, 0, true);
    CU_ASSERT_EQUAL(goes_to(0, src, GROUP + 1), PORT(1) | PORT(2));
    streams_end(&s);
}

static void of_equal_routes_the_one_is_right_by_which_it_came(void)
{
    streams_begin(&s);
    uint32_t src = 0x0a630101; /* 10.99.1.1 */
    s.wanted[1] = PORT(5);
    streams_route(&s, "10.99.0.0/16", 0x0a000109, 1, 2);
    CU_ASSERT_EQUAL(goes_to(2, src, GROUP + 1), PORT(5));
    CU_ASSERT_EQUAL(streams_look(&s, src, GROUP + 1).upstream, 0x0a000209);
    CU_ASSERT_EQUAL(goes_to(1, src, GROUP + 1), 0); /* or it would leave twice */
    multicast_changed(s.d, 0, 0, s.now);
    CU_ASSERT_EQUAL(streams_look(&s, src, GROUP + 1).in, 2); /* the choice stands */
    CU_ASSERT_EQUAL(goes_to(3, src, GROUP + 1), 0);
    /* it moves to the other one */
    unsigned seconds = 0;
    while (goes_to(1, src, GROUP + 1) == 0 && seconds < 60) {
        streams_wait(&s, 1);
        seconds++;
    }
    CU_ASSERT_TRUE(seconds >= 9 && seconds <= 14);
    CU_ASSERT_EQUAL(streams_look(&s, src, GROUP + 1).in, 1);
    streams_end(&s);
}

/* A floor above that knows better by which port it comes. */
static void decide_in_3(void *context, uint32_t src, uint32_t group, struct multicast_decision *decision)
{
    streams_decide(context, src, group, decision);
    decision->in = 3;
}

static void the_floor_above_may_choose_the_port(void)
{
    streams_begin(&s);
    s.settings.decide = decide_in_3;
    streams_configure(&s);
    s.wanted[1] = PORT(0) | PORT(3);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), 0);
    CU_ASSERT_EQUAL(goes_to(3, IN_0(7), GROUP + 1), PORT(0));
    s.settings.decide = NULL;
    streams_configure(&s);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), 0);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).why, DROP_MULTICAST_UNWANTED);
    streams_end(&s);
}

/* ---- age ---- */

static void a_stream_is_forgotten_when_it_has_been_silent(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    streams_start(&s, 0, IN_0(7), GROUP + 1);
    streams_start(&s, 0, IN_0(7), GROUP + 2); /* unwanted */
    streams_wait(&s, 29);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 2);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).idle_ns, 29 * NS_PER_S);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).age_ns, 29 * NS_PER_S);
    streams_wait(&s, 2);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 1);
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1}); /* the lane's mark counts */
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 1).idle_ns, 0);
    streams_wait(&s, 209);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 1);
    streams_wait(&s, 2);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 0);
    CU_ASSERT_EQUAL(multicast_summary(s.d).aged, 2);
    CU_ASSERT_EQUAL(dataplane_run(s.d, s.now, 64), NEVER_NS); /* nothing is left to be done */
    streams_end(&s);
}

static void a_live_stream_stays_wanted_or_not(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(1);
    for (unsigned i = 0; i < 60; i++) {
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 2});
        streams_give(&s, 1, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 3}); /* only by the wrong port */
        streams_wait(&s, 20);
    }
    CU_ASSERT_EQUAL(multicast_summary(s.d).made, 3);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 3);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(7), GROUP + 3).wrong_port, 60);
    streams_end(&s);
}

/* ---- bounds ---- */

static void new_streams_are_limited_by_port(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(5);
    flood(0, 0x0a0a0000, 1000, GROUP + 1);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, multicast_defaults.new_burst);
    CU_ASSERT_EQUAL(multicast_summary(s.d).refused, 1000 - multicast_defaults.new_burst);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_MULTICAST_LIMIT), 1000 - multicast_defaults.new_burst);
    CU_ASSERT_EQUAL(goes_to(1, 0x0a000107, GROUP + 1), PORT(5)); /* another port has its own */
    s.now.ns += NS_PER_S;
    flood(0, 0x0a0a1000, 1000, GROUP + 1);
    CU_ASSERT_EQUAL(multicast_summary(s.d).made, multicast_defaults.new_burst + 1 + multicast_defaults.new_rate);
    streams_end(&s);
}

static void a_flood_of_what_nobody_wants_leaves_room_for_what_is_wanted(void)
{
    streams_begin(&s);
    s.wanted[1] = PORT(5);
    flood(0, 0x0a0a0000, 2000, GROUP + 2);
    CU_ASSERT_EQUAL(goes_to(0, IN_0(7), GROUP + 1), PORT(5)); /* in the same second, by the same port */
    streams_end(&s);
}

static void fill(unsigned limit)
{
    streams_begin(&s);
    s.settings.limit = limit;
    s.settings.new_rate = 0;
    streams_configure(&s);
}

static void unwanted_streams_have_half_of_the_table(void)
{
    fill(100);
    s.wanted[1] = PORT(5);
    flood(0, 0x0a0a0000, 1000, GROUP + 2);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 50);
    CU_ASSERT_EQUAL(multicast_summary(s.d).unwanted, 50);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_MULTICAST_LIMIT), 950); /* none of them had been silent yet */
    streams_wait(&s, 3);
    flood(0, 0x0a0a1000, 20, GROUP + 2); /* now they make room for each other */
    CU_ASSERT_EQUAL(multicast_summary(s.d).unwanted, 50);
    CU_ASSERT_EQUAL(multicast_summary(s.d).evicted, 20);
    flood(0, 0x0a0a2000, 100, GROUP + 1); /* what is wanted takes all of it */
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 100);
    CU_ASSERT_EQUAL(multicast_summary(s.d).unwanted, 0);
    streams_end(&s);
}

static void a_flood_pushes_out_no_live_stream(void)
{
    fill(64);
    s.wanted[1] = PORT(5);
    for (unsigned i = 0; i < 32; i++)
        streams_start(&s, 0, 0x0a0a0000 + i, GROUP + 1);
    uint32_t other = 0x0a0b0000; /* behind port 1 */
    for (unsigned second = 0; second < 100; second++) {
        for (unsigned i = 0; i < 32; i++)
            CU_ASSERT_EQUAL_FATAL(goes_to(0, 0x0a0a0000 + i, GROUP + 1), PORT(5));
        flood(1, other, 200, GROUP + 1);
        flood(1, other, 200, GROUP + 2);
        other += 200;
        CU_ASSERT_TRUE(multicast_summary(s.d).entries <= 64);
        streams_wait(&s, 1);
    }
    CU_ASSERT_TRUE(multicast_summary(s.d).evicted > 100);
    for (unsigned i = 0; i < 32; i++)
        CU_ASSERT_EQUAL(streams_look(&s, 0x0a0a0000 + i, GROUP + 1).packets, 101);
    streams_end(&s);
}

static void a_lower_limit_holds_at_once(void)
{
    fill(1000);
    s.wanted[1] = PORT(5);
    flood(0, 0x0a0a0000, 100, GROUP + 1);
    flood(0, 0x0a0a0000, 100, GROUP + 2);
    s.settings.limit = 120;
    streams_configure(&s);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 120);
    CU_ASSERT_EQUAL(multicast_summary(s.d).unwanted, 20);
    s.settings.limit = 60;
    streams_configure(&s);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 60);
    s.settings.limit = MULTICAST_MAX + 1;
    streams_configure(&s);
    flood(0, 0x0a0a0000, MULTICAST_MAX + 100, GROUP + 1);
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, MULTICAST_MAX);
    streams_end(&s);
}

/* The rings of the other classes are as they were. */
static void a_flood_of_new_streams_leaves_other_punts_alone(void)
{
    streams_begin(&s);
    struct packet burst[LANE_BURST];
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < LANE_BURST; k++)
            burst[k] = streams_frame(
                0, (struct frame_spec){.src = 0x0a0a0000 + i * LANE_BURST + k, .dst = GROUP + 1, .len = 500});
        streams_burst(&s, burst, LANE_BURST);
    }
    CU_ASSERT_TRUE(streams_drops(&s, 0, DROP_PUNT_FULL) > 0);
    burst[0] = frame_new(0, &(struct frame_spec){.src = IN_0(7), .dst = IN_0(1), .protocol = PROTO_ICMP});
    burst[1] = frame_new(0, &(struct frame_spec){.src = IN_0(7), .dst = 0x0a000107});
    uint64_t full = streams_drops(&s, 0, DROP_PUNT_FULL);
    streams_burst(&s, burst, 2);
    CU_ASSERT_EQUAL(streams_drops(&s, 0, DROP_PUNT_FULL), full);
    streams_end(&s);
}

/* ---- numbers and memory ---- */

static struct {
    struct later later; /* first */
    unsigned n;
    struct {
        void (*release)(void *object);
        void *object;
    } waiting[1000];
} grace;

static void wait_for_grace(struct later *self, void (*release)(void *object), void *object)
{
    (void)self;
    CU_ASSERT_FATAL(grace.n < 1000);
    grace.waiting[grace.n].release = release;
    grace.waiting[grace.n++].object = object;
}

static void end_grace(void)
{
    for (unsigned i = 0; i < grace.n; i++)
        grace.waiting[i].release(grace.waiting[i].object);
    grace.n = 0;
}

static uint32_t number_of(uint32_t src, uint32_t group)
{
    const struct multicast_way *way = multicast_find(s.d->multicast, src, group);
    return way != NULL ? way->number : UINT32_MAX;
}

static void a_number_is_given_again_only_after_a_grace_period(void)
{
    grace.later.defer = wait_for_grace;
    grace.n = 0;
    streams_begin_with(&s, &grace.later, STREAM_PORTS);
    s.wanted[1] = PORT(1);
    for (unsigned i = 0; i < 5; i++)
        streams_give(&s, 0, (struct frame_spec){.src = IN_0(7), .dst = GROUP + 1});
    const struct multicast_way *held = multicast_find(s.d->multicast, IN_0(7), GROUP + 1);
    uint32_t number = held->number;
    multicast_clear(s.d, IN_0(7), GROUP + 1);
    CU_ASSERT_PTR_NULL(multicast_find(s.d->multicast, IN_0(7), GROUP + 1));
    CU_ASSERT_EQUAL(held->n, 1); /* a lane may still hold it */
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(8), .dst = GROUP + 1});
    CU_ASSERT_NOT_EQUAL(number_of(IN_0(8), GROUP + 1), number);
    end_grace();
    streams_give(&s, 0, (struct frame_spec){.src = IN_0(9), .dst = GROUP + 1});
    CU_ASSERT_EQUAL(number_of(IN_0(9), GROUP + 1), number);
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(9), GROUP + 1).packets, 1); /* not what its forerunner had counted */
    CU_ASSERT_EQUAL(streams_look(&s, IN_0(9), GROUP + 1).bytes, 48);
    s.wanted[1] = PORT(2);
    multicast_changed(s.d, 0, 0, s.now);
    CU_ASSERT_EQUAL(number_of(IN_0(9), GROUP + 1), number);
    streams_end(&s);
    end_grace(); /* the router is gone, and what lanes could have held goes after it */
}

/* ---- looking ---- */

static void a_walk_goes_by_group_and_source(void)
{
    streams_begin(&s);
    static const uint32_t keys[][2] = {{GROUP + 2, IN_0(4)}, {GROUP + 1, IN_0(9)},  {GROUP + 2, IN_0(2)},
                                       {GROUP, 0x0a000307},  {GROUP + 1, IN_0(10)}, {GROUP + 2, IN_0(3)}};
    static const uint8_t order[] = {3, 1, 4, 2, 5, 0};
    for (unsigned i = 0; i < 6; i++)
        streams_start(&s, keys[i][1] == 0x0a000307 ? 3 : 0, keys[i][1], keys[i][0]);
    struct multicast_view view = {0};
    for (unsigned i = 0; i < 6; i++) {
        CU_ASSERT_TRUE_FATAL(multicast_next(s.d, &view, s.now));
        CU_ASSERT_TRUE(view.group == keys[order[i]][0] && view.src == keys[order[i]][1]);
    }
    CU_ASSERT_FALSE(multicast_next(s.d, &view, s.now));
    /* what it stands at may go */
    view = (struct multicast_view){0};
    CU_ASSERT_TRUE(multicast_next(s.d, &view, s.now) && multicast_next(s.d, &view, s.now));
    multicast_clear(s.d, IN_0(9), GROUP + 1);
    CU_ASSERT_TRUE(multicast_next(s.d, &view, s.now));
    CU_ASSERT_EQUAL(view.src, IN_0(10));
    multicast_clear(s.d, 0, GROUP + 2);
    CU_ASSERT_FALSE(multicast_next(s.d, &view, s.now));
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 2);
    multicast_clear(s.d, IN_0(77), GROUP + 1); /* no such one */
    CU_ASSERT_EQUAL(multicast_summary(s.d).entries, 2);
    streams_end(&s);
}

static const struct unit_case cases[] = {
    {"a change of mind is followed at once", a_change_of_mind_is_followed_at_once},
    {"many are decided anew in slices", many_are_decided_anew_in_slices},
    {"a new route to the source is followed within a second", a_new_route_to_the_source_is_followed_within_a_second},
    {"of equal routes the one is right by which it came", of_equal_routes_the_one_is_right_by_which_it_came},
    {"the floor above may choose the port", the_floor_above_may_choose_the_port},
    {"a stream is forgotten when it has been silent", a_stream_is_forgotten_when_it_has_been_silent},
    {"a live stream stays, wanted or not", a_live_stream_stays_wanted_or_not},
    {"new streams are limited by port", new_streams_are_limited_by_port},
    {"a flood of what nobody wants leaves room for what is wanted",
     a_flood_of_what_nobody_wants_leaves_room_for_what_is_wanted},
    {"unwanted streams have half of the table", unwanted_streams_have_half_of_the_table},
    {"a flood pushes out no live stream", a_flood_pushes_out_no_live_stream},
    {"a lower limit holds at once", a_lower_limit_holds_at_once},
    {"a flood of new streams leaves other punts alone", a_flood_of_new_streams_leaves_other_punts_alone},
    {"a number is given again only after a grace period", a_number_is_given_again_only_after_a_grace_period},
    {"a walk goes by group and source", a_walk_goes_by_group_and_source},
};
UNIT_MAIN("multicast table", cases)

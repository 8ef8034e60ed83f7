"""RIP with FRR's ripd: what either learns from the other, whatever both can be told to do."""

import signal
import socket
import time

import pytest

from tests.integration.packets import ip
from tests.integration.rip_lab import FAST, SLOW, Ladder, Watch, configuration, key, knows, learned, neighbour, paths, refused, response, says, switch, taught
from tests.lab.lab import wait_until
from tests.lab.peers import Bird, Frr

pytestmark = pytest.mark.one_build

# FRR tries the first key whose number is that of the message or higher, so that "other" has a lower one.
KEYS = "key chain right\n key 7\n  key-string swordfish\n!\nkey chain wrong\n key 7\n  key-string herring\n!\nkey chain other\n key 6\n  key-string swordfish\n!\n"


def frr_on(space, lines, rip="", more=""):
    """LINES: device to what is said of it."""
    text = KEYS + more
    for device, said in lines.items():
        text += f"interface {device}\n" + "".join(f" ip rip {line}\n" for line in said.split("; ") if line) + "!\n"
    text += "router rip\n version 2\n timers basic 5 30 20\n allow-ecmp\n"
    text += "".join(f" network {device}\n" for device in lines) + " redistribute connected\n" + rip
    return Frr(space, text)


def test_versions_and_keys(lab):
    good = {
        "version 1": ('send-version = "1"; receive-version = "1";', "send version 1; receive version 1"),
        "version 2": ('receive-version = "2";', ""),
        "v2-broadcast": ("v2-broadcast = true;", "v2-broadcast"),
        "both": ('send-version = "1 2";', "send version 1 2; receive version 1 2"),
        "text": (key("text"), "authentication mode text; authentication string swordfish"),
        "md5": (key("md5"), "authentication mode md5 auth-length rfc; authentication key-chain right"),
        "md5-20": (key("md5"), "authentication mode md5 auth-length old-ripd; authentication key-chain right"),
    }
    wrong = {
        "bad text": (key("text", "herring"), "authentication mode text; authentication string swordfish", "auth-password"),
        "bad md5": (key("md5"), "authentication mode md5; authentication key-chain wrong", "auth-digest"),
        "bad id": (key("md5"), "authentication mode md5; authentication key-chain other", "auth-no-key"),
        "no text": ("", "authentication mode text; authentication string swordfish", "auth-unexpected"),
        "no md5": ("", "authentication mode md5; authentication key-chain right", "auth-unexpected"),
        "sha": (key("sha256"), "authentication mode md5; authentication key-chain right", "auth-type"),
        "none": (key("md5"), "", "auth-missing"),
        "text for md5": (key("md5"), "authentication mode text; authentication string swordfish", "auth-type"),
        "1 for 2": ('receive-version = "2";', "send version 1; receive version 1", "version-off"),
    }
    ladder = Ladder(lab, {**good, **{name: rung[:2] for name, rung in wrong.items()}}, frr_on)
    ladder.agree(good)
    router, frr = ladder.router, ladder.peer
    for name in good:
        heard = neighbour(router, ladder.theirs(name))
        assert heard["version"] == 1 if name == "version 1" else heard["version"] in (1, 2) if name == "both" else 2, name
        # FRR asks for the table without authentication, whatever it has been told to use.
        assert heard["rejects"].keys() <= {"auth-missing"}, name
    # What FRR refused of these came before it was listening, about a second after its start.
    before = {name: frr.bad_packets(ladder.ours(name)) for name in good}
    for name, length in (("md5", 16), ("md5-20", 20)):
        sent = ladder.taps[name].expect(response(), 60)
        assert (sent.key, sent.said_length, sent.digest_length) == (7, length, 16)
    assert ladder.taps["text"].expect(response(), 60).password == "swordfish"
    assert {ladder.taps["both"].expect(response(lambda m: m.version == v), 60).dst for v in (1, 2)} == {f"{ladder.ours('both')[:-1]}255", "224.0.0.9"}

    for name, (_, _, reason) in wrong.items():
        wait_until(lambda: refused(router, ladder.theirs(name)).get(reason), 60, f"our refusal of {name}")
        assert neighbour(router, ladder.theirs(name))["version"] is None, name
        seen = frr.bad_packets(ladder.ours(name))
        wait_until(lambda: frr.bad_packets(ladder.ours(name)) > seen, 60, f"FRR's refusal of {name}")
    assert {name: frr.bad_packets(ladder.ours(name)) for name in good} == before
    ladder.agree(good)  # still

    mended = {"bad text": key("text"), "bad md5": key("md5", "herring"), "bad id": key("md5", number=6), "no text": key("text"),
              "no md5": key("md5"), "sha": key("md5"), "none": "", "text for md5": key("text"), "1 for 2": 'send-version = "1 2";'}
    router.reload(ladder.configuration(**mended))
    ladder.agree([*good, *mended])


def link(lab, groups="", rip=SLOW, more="", lines="", frr_rip="", timers="30 180 120", frr_more="", number=12):
    """r1 r0 - 10.0.NUMBER.0/24 - eth0 f2, with 10.255.0.1 and .2 on their loopbacks; answers ferryd and FRR."""
    r1, f2 = lab.namespace(f"r1-{number}"), lab.namespace(f"f2-{number}")
    lab.link(r1, "r0", f2, "eth0")
    f2.address("eth0", f"10.0.{number}.2/24")
    f2.address("lo", "10.255.0.2/32")
    frr = frr_on(f2, {"eth0": lines}, f" timers basic {timers}\n{frr_rip}", frr_more)
    router = lab.router(r1, configuration("r1", {"r0": (f"10.0.{number}.1/24", groups), "lo0": ("10.255.0.1/32", "")}, rip, more))
    return router, frr


def test_tags_next_hops_and_policy(lab):
    """With timers of minutes: what changes at once was told."""
    r1, f2, x = lab.namespace("r1"), lab.namespace("f2"), lab.namespace("x")
    switch(lab, {r1: ("r0", None), f2: ("eth0", "10.0.12.2/24")})
    lab.link(r1, "r1", x, "eth0")
    f2.address("lo", "10.255.0.2/32")
    for n in (81, 82, 83, 84, 86):
        f2.run("ip", "route", "add", "blackhole", f"10.{n}.0.0/16")
    f2.run("ip", "route", "add", "10.85.0.0/16", "via", "10.0.12.9")
    tap, frr_tap = r1.tap("r0"), f2.tap("eth0")
    lists = "".join(f"ip prefix-list n{n} permit 10.{n}.0.0/16\n" for n in range(81, 85))
    lists += "".join(f"ip prefix-list but{n} deny 10.{n}.0.0/16\nip prefix-list but{n} permit any\n" for n in (74, 84))
    lists += ("access-list n86 permit 10.86.0.0/16\nroute-map out permit 10\n match ip address prefix-list n81\n set tag 77\n set metric 3\n!\n"
              "route-map out permit 20\n match ip address prefix-list n82\n set ip next-hop 10.0.12.9\n!\n"
              "route-map out permit 30\n match ip address prefix-list n83\n set ip next-hop 192.0.2.9\n!\nroute-map out permit 40\n!\n")
    frr = Frr(f2, lists + "router rip\n network eth0\n redistribute kernel route-map out\n redistribute connected\n offset-list n86 out 4 eth0\n"
                          " distribute-list prefix but84 out eth0\n distribute-list prefix but74 in eth0\n")
    statics = {71: 'via = "10.0.12.9"', 72: 'type = "blackhole"', 73: 'via = "10.0.13.9"', 74: 'type = "blackhole"', 75: 'type = "blackhole"'}
    more = "static-routes = ( " + ", ".join(f'{{ prefix = "10.{n}.0.0/16"; {said}; }}' for n, said in statics.items()) + " );\n"
    more += 'prefix-lists = ( { name = "n75"; rules = ( { action = "permit"; prefix = "10.75.0.0/16"; } ); } );\n'
    offset = 'offset-lists = ( { direction = "out"; metric = 4; prefix-list = "n75"; } );'
    router = lab.router(r1, configuration("r1", {"r0": ("10.0.12.1/24", offset), "r1": ("10.0.13.1/24", None), "lo0": ("10.255.0.1/32", "")},
                                          'redistribute = ( { protocol = "static"; metric = 3; tag = 71; }, { protocol = "connected"; metric = 6; } );', more))

    here, other = ["10.0.12.1"], ["10.0.12.9"]
    taught(frr, {"10.71.0.0/16": (4, other, 71), "10.72.0.0/16": (4, here, 71), "10.73.0.0/16": (4, here, 71), "10.74.0.0/16": None,
                 "10.75.0.0/16": (8, here, 71), "10.0.13.0/24": (7, here, 0), "10.255.0.1/32": (2, here, 0), "0.0.0.0/0": None})
    knows(router, "10.86.0.0/16")
    by, third = "10.0.12.2", "10.0.12.9"
    for prefix, row in {"10.81.0.0/16": (4, by, 77), "10.82.0.0/16": (2, third, 0), "10.83.0.0/16": (2, by, 0), "10.85.0.0/16": (2, third, 0),
                        "10.86.0.0/16": (6, by, 0), "10.255.0.2/32": (2, by, 0)}.items():
        assert paths(router, prefix) == {by: row}, prefix
    assert paths(router, "10.84.0.0/16") == {}
    sent = tap.expect(says("10.83.0.0/16"), 60).entries  # the one that is off the subnet is on the wire
    assert sent["10.83.0.0/16"][1] == "192.0.2.9" and sent["10.82.0.0/16"][1] == third
    assert router.json("show ip rip interfaces")["r0"]["counters"]["nextHopIgnored"] > 0
    sent = frr_tap.expect(says("10.71.0.0/16"), 60).entries
    assert sent["10.71.0.0/16"] == (3, "10.0.12.9", 71) and sent["10.73.0.0/16"] == (3, "0.0.0.0", 71)

    # A default route, from either in turn.
    router.shell("configure terminal", "router rip", "default-information originate", "end")
    taught(frr, {"0.0.0.0/0": (2, here, 0)})
    router.shell("configure terminal", "router rip", "no default-information originate", "end")
    taught(frr, {"0.0.0.0/0": None})
    frr.configure("router rip", "default-information originate")
    knows(router, "0.0.0.0/0")
    # What may no longer come in or go out.
    router.shell("configure terminal", "ip prefix-list in deny 10.81.0.0/16", "ip prefix-list in permit any", "ip prefix-list out deny 10.72.0.0/16",
                 "ip prefix-list out permit any", "interface r0", "ip rip filter-in in", "ip rip filter-out out", "end")
    taught(frr, {"10.72.0.0/16": None, "10.73.0.0/16": (4, here, 71)})
    knows(router, "10.81.0.0/16", False)
    router.shell("configure terminal", "interface r0", "no ip rip filter-out", "end")
    taught(frr, {"10.72.0.0/16": (4, here, 71)})
    # Nothing is redistributed any more: also what leads by another router.
    router.shell("configure terminal", "router rip", "no redistribute static", "end")
    taught(frr, {f"10.{n}.0.0/16": None for n in statics} | {"10.0.13.0/24": (7, here, 0)})
    frr.configure("router rip", "no redistribute kernel", "no default-information originate")
    for prefix in ("10.82.0.0/16", "10.85.0.0/16", "10.86.0.0/16", "0.0.0.0/0"):
        knows(router, prefix, False)
    assert set(learned(router)) == {"10.255.0.2/32"}
    # Who falls silent says so.
    router.shell("configure terminal", "router rip", "passive-interface r0", "end")
    taught(frr, {"10.255.0.1/32": None, "10.0.13.0/24": None})
    assert set(learned(router)) == {"10.255.0.2/32"}
    router.shell("configure terminal", "router rip", "no passive-interface r0", "end")
    taught(frr, {"10.255.0.1/32": (2, here, 0)})


def test_goodbye_and_restart(lab):
    """Neither remembers its last sequence number, and both remember the other's."""
    rip = "timers: { update = 1; };"
    router, frr = link(lab, key("md5"), rip, lines="authentication mode md5 auth-length rfc; authentication key-chain right", timers="5 180 120")
    knows(router, "10.255.0.2/32")
    taught(frr, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})

    def says_something_new(number):
        """FRR answers no request that is signed; what is new there it tells at once."""
        frr.namespace.address("lo", f"10.255.1.{number}/32")
        knows(router, f"10.255.1.{number}/32")
    begin = time.monotonic()
    router.process.send_signal(signal.SIGTERM)
    taught(frr, {"10.255.0.1/32": None}, 30)
    print(f"goodbye in FRR's table after {(time.monotonic() - begin) * 1000:.0f} ms")
    assert frr.routes() == {}
    router.process.wait(20)
    router.stop()
    refusals = frr.bad_packets("10.0.12.1")
    router.start()
    taught(frr, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    says_something_new(1)
    # A new address shows that it is heard after it has died.
    router.kill()
    router.write(configuration("r1", {"r0": ("10.0.12.1/24", key("md5")), "lo0": ("10.255.0.3/32", "")}, rip))
    router.start()
    taught(frr, {"10.255.0.3/32": (2, ["10.0.12.1"], 0), "10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    says_something_new(2)
    assert frr.bad_packets("10.0.12.1") == refusals
    # FRR counts its messages, from 1 again when it is restarted, and says no goodbye: that could be a replay (RFC 4822 2.3.2 (6))
    # until its routes have timed out, or somebody says that they are not wanted any more.
    frr.kill()
    frr.start("ripd")
    wait_until(lambda: refused(router, "10.0.12.2").get("auth-sequence"), 60, "our refusal")
    assert learned(router) != {}
    router.shell("clear ip rip neighbor 10.0.12.2")
    says_something_new(3)
    taught(frr, {"10.255.0.3/32": (2, ["10.0.12.1"], 0)})


def test_keys_change_without_loss(lab):
    now = time.time()
    at = {n: time.gmtime(now + n) for n in (-60, 2, 4, 6, 9)}

    def for_ferryd(begin, end):
        return "..".join("" if n is None else time.strftime("%Y-%m-%d %H:%M:%S", at[n]) for n in (begin, end))

    def for_frr(begin, end):
        local = {n: time.localtime(now + n) for n in at}
        return " ".join("infinite" if n is None else time.strftime("%H:%M:%S %B %d %Y", local[n]) for n in (begin, end))
    chain = ('key-chains = ( { name = "k"; keys = ( '
             f'{{ id = 1; key = "old"; send = "{for_ferryd(None, 4)}"; accept = "{for_ferryd(None, 9)}"; }}, '
             f'{{ id = 2; key = "new"; send = "{for_ferryd(4, None)}"; accept = "{for_ferryd(2, None)}"; }} ); }} );')
    frr_chain = (f"key chain k\n key 1\n  key-string old\n  send-lifetime {for_frr(-60, 6)}\n  accept-lifetime {for_frr(-60, 9)}\n"
                 f" key 2\n  key-string new\n  send-lifetime {for_frr(6, None)}\n  accept-lifetime {for_frr(2, None)}\n!\n")
    router, frr = link(lab, 'authentication: { mode = "md5"; key-chain = "k"; };', "timers: { update = 1; timeout = 20; garbage = 10; };", chain,
                       "authentication mode md5 auth-length rfc; authentication key-chain k", timers="5 6 5", frr_more=frr_chain)
    taps = router.namespace.tap("r0"), frr.namespace.tap("eth0")
    knows(router, "10.255.0.2/32")
    wait_until(lambda: "10.255.0.1/32" in frr.routes(), 60, "FRR's route")
    watch, changes, refusals = Watch(frr.namespace), router.json("show ip rip status")["changes"], frr.bad_packets("10.0.12.1")
    for tap in taps:
        tap.expect(response(lambda m: m.key == 1), 60)
    for tap in taps:
        tap.expect(response(lambda m: m.key == 2), 60)
    wait_until(lambda: time.time() > now + 9, 60, "the end of the old key")
    heard = neighbour(router, "10.0.12.2")["responses"]
    wait_until(lambda: neighbour(router, "10.0.12.2")["responses"] > heard, 60, "an update with the new one alone")
    assert watch.changes("10.255.0.1/32") == [] and frr.bad_packets("10.0.12.1") == refusals
    assert router.json("show ip rip status")["changes"] == changes and refused(router, "10.0.12.2").keys() <= {"auth-missing"}


def test_neighbors_by_unicast(lab):
    """Both passive, so that they hear each other by unicast or not at all."""
    router, frr = link(lab, "passive = true;", 'neighbors = "10.0.12.2"; timers: { update = 1; };', frr_rip=" passive-interface eth0\n neighbor 10.0.12.1\n",
                       timers="5 30 20")
    tap, frr_tap = router.namespace.tap("r0"), frr.namespace.tap("eth0")
    knows(router, "10.255.0.2/32")
    taught(frr, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    for t, dst in ((frr_tap, "10.0.12.2"), (tap, "10.0.12.1")):
        assert t.expect(response(), 60).dst == dst
        assert t.expect(response(), 60).dst == dst
    assert neighbour(router, "10.0.12.2")["configured"]
    # No neighbor any more: it is told so. Without passive-interface it hears the group.
    router.shell("configure terminal", "router rip", "no neighbor 10.0.12.2", "end")
    taught(frr, {"10.255.0.1/32": None})
    router.shell("configure terminal", "router rip", "no passive-interface r0", "neighbor 10.0.12.2", "interface r0", "no ip rip split-horizon", "end")
    taught(frr, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    # The group and the neighbor are told the same: that the way to FRR's loopback is FRR.
    for dst in ("224.0.0.9", "10.0.12.2"):
        sent = frr_tap.expect(response(lambda m: m.dst == dst and m.entries.get("10.255.0.2/32", (16,))[0] < 16), 60)
        assert sent.entries["10.255.0.2/32"] == (2, "10.0.12.2", 0)
    assert "10.255.0.2/32" not in frr.table() and paths(router, "10.255.0.2/32") == {"10.0.12.2": (2, "10.0.12.2", 0)}


def test_split_horizon(lab):
    """On the wire both ways; a route that is lost does not come back from who had learned it."""
    router, frr = link(lab, rip="timers: { update = 1; };", timers="5 180 120")
    tap, frr_tap = router.namespace.tap("r0"), frr.namespace.tap("eth0")
    knows(router, "10.255.0.2/32")
    taught(frr, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    frr_tap.expect(says("10.255.0.2/32", 16, "0.0.0.0", 0), 60)
    router.shell("configure terminal", "interface r0", "ip rip split-horizon", "end")
    frr_tap.expect(response(lambda m: "10.255.0.1/32" in m.entries and "10.255.0.2/32" not in m.entries), 60)
    tap.expect(response(lambda m: "10.255.0.2/32" in m.entries and "10.255.0.1/32" not in m.entries), 60)  # FRR's default
    frr.configure("interface eth0", "ip rip split-horizon poisoned-reverse")
    tap.expect(says("10.255.0.1/32", 16, "10.0.12.1", 0), 60)
    knows(router, "10.255.0.2/32")
    router.shell("configure terminal", "interface r0", "no ip rip split-horizon", "end")
    frr_tap.expect(says("10.255.0.2/32", 2, "10.0.12.2", 0), 60)
    assert "10.255.0.2/32" not in frr.table()
    router.shell("configure terminal", "interface r0", "ip rip split-horizon poisoned-reverse", "end")
    frr_tap.expect(says("10.255.0.2/32", 16, "0.0.0.0", 0), 60)
    frr.namespace.run("ip", "address", "del", "10.255.0.2/32", "dev", "lo")
    knows(router, "10.255.0.2/32", False)
    assert "10.255.0.2/32" not in frr.table()
    router.shell("configure terminal", "interface lo0", "no ip address 10.255.0.1/32", "end")
    taught(frr, {"10.255.0.1/32": None})
    assert learned(router) == {}


def test_who_dies_is_forgotten(lab):
    md5 = "authentication mode md5 auth-length rfc; authentication key-chain right"
    brief = "timers: { update = 1; timeout = 9; garbage = 4; };"
    pairs = [link(lab, rip=FAST, timers="5 6 5"), link(lab, rip=brief, timers="5 30 20", number=13),
             link(lab, key("md5"), rip=brief, lines=md5, timers="5 30 20", number=14)]
    (router, frr), (router_2, frr_2), (router_3, frr_3) = pairs
    for n, (r, f) in enumerate(pairs, 12):
        knows(r, "10.255.0.2/32")
        wait_until(lambda: f.routes() == {"10.255.0.1/32": (2, [f"10.0.{n}.1"])}, 60, "FRR's table")
    wait_until(lambda: neighbour(router_3, "10.0.14.2")["responses"] > 1, 60, "a message that is not FRR's first")
    router.kill()
    frr_2.kill()
    frr_3.kill()
    frr_3.start("ripd")  # its sequence numbers are too low until its routes have timed out
    wait_until(lambda: frr.routes() == {}, 60, "FRR's forgetting")
    knows(router_2, "10.255.0.2/32", False)
    heard = neighbour(router_3, "10.0.14.2")["responses"]
    router.start()
    frr_2.start("ripd")
    wait_until(lambda: neighbour(router_3, "10.0.14.2")["responses"] > heard, 60, "our acceptance")
    for r, f in pairs:
        knows(r, "10.255.0.2/32")
        wait_until(lambda: f.routes(), 60, "FRR's table")


def test_equal_paths(lab):
    """r1 and r4 on one side, FRR and BIRD on the other, each linked to each: each has two ways to what is behind the others."""
    spaces = {name: lab.namespace(name) for name in ("r1", "r4", "f2", "b3")}
    ours, theirs = {"r1": 1, "r4": 4}, {"f2": 2, "b3": 3}
    for a, m in ours.items():
        for b, n in theirs.items():
            lab.link(spaces[a], b, spaces[b], a)
            spaces[b].address(a, f"10.0.{m}{n}.{n}/24")
    for b in theirs:
        spaces[b].address("lo", "10.255.0.8/32")
    frr = frr_on(spaces["f2"], {"r1": "", "r4": ""})
    bird = Bird(spaces["b3"], "router id 10.0.0.3;\nprotocol device {}\nprotocol direct { ipv4; interface \"lo\"; }\n"
                              "protocol kernel { ipv4 { export all; import none; }; merge paths on; }\n"
                              "protocol rip { ecmp on; ipv4 { import all; export all; }; interface \"r*\" { update time 1; timeout time 6; }; }\n")
    routers = {a: lab.router(spaces[a], configuration(a, {
        **{b: (f"10.0.{m}{n}.{m}/24", "") for b, n in theirs.items()}, "lo0": ("10.255.0.9/32", "")}, FAST + " ecmp = 4;"))
        for a, m in ours.items()}
    for a, m in ours.items():
        wait_until(lambda: learned(routers[a]).get("10.255.0.8/32") == (2, [f"10.0.{m}2.2", f"10.0.{m}3.3"]), 60, f"both paths at {a}")
    taught(frr, {"10.255.0.9/32": (2, ["10.0.12.1", "10.0.42.4"], 0)})
    taught(bird, {"10.255.0.9/32": (2, ["10.0.13.1", "10.0.43.4"], 0)})
    assert frr.routes()["10.255.0.9/32"] == (2, ["10.0.12.1", "10.0.42.4"])
    assert bird.namespace.run("ip", "route", "show", "10.255.0.9").count("nexthop via") == 2
    # What r1 forwards takes both.
    host = lab.namespace("h")
    lab.link(spaces["r1"], "hosts", host, "eth0")
    host.address("eth0", "10.0.1.2/24")
    host.route("default", "10.0.1.1")
    routers["r1"].shell("configure terminal", "interface hosts", "ip address 10.0.1.1/24", "end")
    taps = [spaces[b].tap("r1") for b in theirs]
    wait_until(lambda: "1 received" in host.ping("10.0.1.1", 1, check=False), 60, "the way to the router")
    sender = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        for port in range(9000, 9064):
            sender.sendto(b"which way", ("10.255.0.8", port))
    for tap in taps:
        assert tap.expect(ip(dst="10.255.0.8", proto=17), 60)

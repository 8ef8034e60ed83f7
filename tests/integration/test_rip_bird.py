"""RIP with BIRD: what either learns from the other, whatever both can be told to do."""

import re
import signal
import time

import pytest

from tests.integration.rip_lab import FAST, SLOW, Ladder, Watch, configuration, key, knows, learned, neighbour, paths, refused, response, says, switch, taught
from tests.lab.lab import wait_until
from tests.lab.peers import Bird

pytestmark = pytest.mark.one_build

BASE = ("router id 10.255.0.2;\nprotocol device { scan time 1; }\nprotocol direct { ipv4; interface \"lo\"; }\n"
        "protocol kernel { ipv4 { export all; import none; }; }\n")
# BIRD 2.0.12 takes the next hop of every route of version 1 for one that is not zero, unless it is told not to look.
V1 = "version 1; version only; check zero off;"
QUICK = "update time 1; timeout time 6; garbage time 4;"


def rip_of(lines, rip="", channel="import all; export all;", timers=QUICK):
    """LINES: device to what is said of it."""
    interfaces = "".join(f'  interface "{device}" {{ {timers} {said} }};\n' for device, said in lines.items())
    return f"protocol rip {{ ipv4 {{ {channel} }};\n{rip}{interfaces}}}\n"


def bird_of_one_each(space, lines):
    """An instance of RIP for each interface, named as it is: they do not share the limit of what is logged."""
    return Bird(space, BASE + "".join(rip_of({device: said}).replace("protocol rip", f"protocol rip {device}") for device, said in lines.items()))


def bird_on(space, lines, rip="", **options):
    return Bird(space, BASE + rip_of(lines, rip, **options))


def password(algorithm, secret="swordfish", number=7):
    return f'authentication cryptographic; password "{secret}" {{ id {number}; algorithm {algorithm}; }};'


def test_versions_and_keys(lab):
    text = 'authentication plaintext; password "swordfish";'
    good = {
        "version 1": ('send-version = "1"; receive-version = "1";', V1),
        "version 2": ('receive-version = "2";', "version 2; version only;"),
        "broadcast": ("v2-broadcast = true;", "mode broadcast;"),
        "2 for 1": ('send-version = "1"; receive-version = "1 2";', "version 2; check zero off;"),
        "both": ('send-version = "1 2";', "version 2; check zero off;"),
        "text": (key("text"), text),
        "md5": (key("md5"), password("keyed md5")),
        "sha1": (key("sha1"), password("hmac sha1")),
        "sha256": (key("sha256"), password("hmac sha256")),
        "sha384": (key("sha384"), password("hmac sha384")),
        "sha512": (key("sha512"), password("hmac sha512")),
    }
    ladder = Ladder(lab, good, bird_on)
    ladder.agree(good)
    router = ladder.router
    for name in good:
        heard = neighbour(router, ladder.theirs(name))
        assert heard["version"] == (1 if name == "version 1" else 2) and heard["badPackets"] == 0, name
    assert ladder.taps["version 1"].expect(response(), 60).dst == "10.0.1.255"
    assert ladder.taps["broadcast"].expect(response(), 60).dst == "10.0.3.255"
    for name, length in (("md5", 16), ("sha1", 20), ("sha256", 32), ("sha384", 48), ("sha512", 64)):
        sent = ladder.taps[name].expect(response(), 60)
        assert (sent.key, sent.digest_length) == (7, length), name



def test_wrong_keys(lab):
    text = 'authentication plaintext; password "swordfish";'
    rungs = {
        "text": (key("text", "herring"), text, "auth-password", key("text")),
        "md5": (key("md5", "herring"), password("keyed md5"), "auth-digest", key("md5")),
        "sha512": (key("sha512", "herring"), password("hmac sha512"), "auth-digest", key("sha512")),
        "id": (key("sha256", number=8), password("hmac sha256"), "auth-no-key", key("sha256")),
        "other sha": (key("sha256"), password("hmac sha1"), "auth-type", key("sha1")),
        "none of ours": ("", password("hmac sha256"), "auth-unexpected", key("sha256")),
        "none of theirs": (key("sha256"), "", "auth-missing", ""),
        "text for sha": (key("sha256"), text, "auth-type", key("text")),
        "2 for 1": ('receive-version = "2"; v2-broadcast = true;', V1, "version-off", 'send-version = "1";'),
    }
    ladder = Ladder(lab, {name: rung[:2] for name, rung in rungs.items()}, bird_of_one_each)
    router, bird = ladder.router, ladder.peer

    for name, (_, _, reason, _) in rungs.items():
        wait_until(lambda: refused(router, ladder.theirs(name)).get(reason), 60, f"our refusal of {name}")
        assert neighbour(router, ladder.theirs(name))["version"] is None, name
        wait_until(lambda: re.search(rf"(?:Authentication failed for|Bad packet from) {re.escape(ladder.ours(name))} ", bird.log()), 60,
                   f"BIRD's refusal of {name}")
    assert paths(router, "10.255.0.2/32") == {} and "10.255.0.1/32" not in bird.birdc("show route")

    router.reload(ladder.configuration(**{name: mended for name, (_, _, _, mended) in rungs.items()}))
    wait_until(lambda: set(paths(router, "10.255.0.2/32")) == {ladder.theirs(name) for name in rungs}, 60, "all paths")
    for name in rungs:
        wait_until(lambda: f"via {ladder.ours(name)} " in bird.birdc(f"show route 10.255.0.1/32 protocol eth{ladder.number[name]}"), 60,
                   f"BIRD's route by {name}")


SLOWLY = "update time 2; timeout time 180; garbage time 120;"


def link(lab, groups="", rip=SLOW, more="", said="", timers=SLOWLY, number=12):
    """r1 r0 - 10.0.NUMBER.0/24 - eth0 b2, with 10.255.0.1 and .2 on their loopbacks; answers ferryd and BIRD."""
    r1, b2 = lab.namespace(f"r1-{number}"), lab.namespace(f"b2-{number}")
    lab.link(r1, "r0", b2, "eth0")
    b2.address("eth0", f"10.0.{number}.2/24")
    b2.address("lo", "10.255.0.2/32")
    bird = bird_on(b2, {"eth0": said}, timers=timers)
    router = lab.router(r1, configuration("r1", {"r0": (f"10.0.{number}.1/24", groups), "lo0": ("10.255.0.1/32", "")}, rip, more))
    return router, bird


def test_tags_next_hops_and_policy(lab):
    """With timeouts of minutes: what changes at once was told."""
    r1, b2, x = lab.namespace("r1"), lab.namespace("b2"), lab.namespace("x")
    switch(lab, {r1: ("r0", None), b2: ("eth0", "10.0.12.2/24")})
    lab.link(r1, "r1", x, "eth0")
    b2.address("lo", "10.255.0.2/32")
    tap, bird_tap = r1.tap("r0"), b2.tap("eth0")

    def text(*statics):
        routes = {81: "blackhole", 82: "via 10.0.12.9", 83: 'via 192.0.2.9%eth0 onlink', 84: "blackhole"}
        lines = "".join(f"route 10.{n}.0.0/16 {routes[n]};" for n in statics if n) + ("route 0.0.0.0/0 blackhole;" if 0 in statics else "")
        return (BASE + f"protocol static {{ ipv4; {lines} }}\n"
                "filter some_out { if net = 10.84.0.0/16 then reject; if net = 10.81.0.0/16 then { rip_tag = 77; rip_metric = 3; } accept; }\n"
                + rip_of({"eth0": "metric 2;"}, "", "import where net != 10.74.0.0/16; export filter some_out;", SLOWLY))
    bird = Bird(b2, text(81, 82, 83, 84))
    statics = {71: 'via = "10.0.12.9"', 72: 'type = "blackhole"', 73: 'via = "10.0.13.9"', 74: 'type = "blackhole"', 75: 'type = "blackhole"'}
    more = "static-routes = ( " + ", ".join(f'{{ prefix = "10.{n}.0.0/16"; {said}; }}' for n, said in statics.items()) + " );\n"
    more += 'prefix-lists = ( { name = "n75"; rules = ( { action = "permit"; prefix = "10.75.0.0/16"; } ); } );\n'
    offset = 'offset-lists = ( { direction = "out"; metric = 4; prefix-list = "n75"; }, { direction = "in"; metric = 2; } );'
    router = lab.router(r1, configuration("r1", {"r0": ("10.0.12.1/24", offset), "r1": ("10.0.13.1/24", None), "lo0": ("10.255.0.1/32", "")},
                                          'redistribute = ( { protocol = "static"; metric = 3; tag = 71; }, { protocol = "connected"; metric = 6; } );', more))

    here, other = ["10.0.12.1"], ["10.0.12.9"]
    taught(bird, {"10.71.0.0/16": (5, other, 71), "10.72.0.0/16": (5, here, 71), "10.73.0.0/16": (5, here, 71), "10.74.0.0/16": None,
                  "10.75.0.0/16": (9, here, 71), "10.0.13.0/24": (8, here, 0), "10.255.0.1/32": (3, here, 0), "0.0.0.0/0": None})
    knows(router, "10.83.0.0/16")
    by, third = "10.0.12.2", "10.0.12.9"
    for prefix, row in {"10.81.0.0/16": (6, by, 77), "10.82.0.0/16": (4, third, 0), "10.83.0.0/16": (4, by, 0), "10.255.0.2/32": (4, by, 0)}.items():
        assert paths(router, prefix) == {by: row}, prefix
    assert paths(router, "10.84.0.0/16") == {}
    sent = tap.expect(says("10.83.0.0/16"), 60).entries  # the one that is off the subnet is on the wire
    assert sent["10.83.0.0/16"][1] == "192.0.2.9" and sent["10.82.0.0/16"][1] == third
    assert router.json("show ip rip interfaces")["r0"]["counters"]["nextHopIgnored"] > 0
    sent = bird_tap.expect(says("10.71.0.0/16"), 60).entries
    assert sent["10.71.0.0/16"] == (3, "10.0.12.9", 71) and sent["10.73.0.0/16"] == (3, "0.0.0.0", 71)

    # A default route, from either in turn.
    router.shell("configure terminal", "router rip", "default-information originate", "end")
    taught(bird, {"0.0.0.0/0": (3, here, 0)})
    router.shell("configure terminal", "router rip", "no default-information originate", "end")
    taught(bird, {"0.0.0.0/0": None})
    bird.configure(text(0, 81, 82, 83))
    knows(router, "0.0.0.0/0")
    # What may no longer come in or go out.
    router.shell("configure terminal", "ip prefix-list in deny 10.81.0.0/16", "ip prefix-list in permit any", "ip prefix-list out deny 10.72.0.0/16",
                 "ip prefix-list out permit any", "interface r0", "ip rip filter-in in", "ip rip filter-out out", "end")
    taught(bird, {"10.72.0.0/16": None, "10.73.0.0/16": (5, here, 71)})
    knows(router, "10.81.0.0/16", False)
    router.shell("configure terminal", "interface r0", "no ip rip filter-out", "end")
    taught(bird, {"10.72.0.0/16": (5, here, 71)})
    # Nothing is redistributed any more.
    router.shell("configure terminal", "router rip", "no redistribute static", "end")
    taught(bird, {f"10.{n}.0.0/16": None for n in statics} | {"10.0.13.0/24": (8, here, 0)})
    bird.configure(text())
    wait_until(lambda: set(learned(router)) == {"10.255.0.2/32"}, 60, "the end of BIRD's static routes")
    # Who falls silent says so.
    router.shell("configure terminal", "router rip", "passive-interface r0", "end")
    taught(bird, {"10.255.0.1/32": None, "10.0.13.0/24": None})
    assert set(learned(router)) == {"10.255.0.2/32"}
    router.shell("configure terminal", "router rip", "no passive-interface r0", "end")
    taught(bird, {"10.255.0.1/32": (3, here, 0)})


def test_goodbye_and_restart(lab):
    """Neither remembers its last sequence number, and both remember the other's."""
    rip = "timers: { update = 1; };"
    router, bird = link(lab, key("sha384"), rip, said=password("hmac sha384"))
    knows(router, "10.255.0.2/32")
    taught(bird, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    begin = time.monotonic()
    router.process.send_signal(signal.SIGTERM)
    taught(bird, {"10.255.0.1/32": None}, 30)
    print(f"goodbye in BIRD's table after {(time.monotonic() - begin) * 1000:.0f} ms")
    router.process.wait(20)
    router.stop()
    router.start()
    taught(bird, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    knows(router, "10.255.0.2/32")
    # A new address shows that it is heard after it has died.
    router.kill()
    router.write(configuration("r1", {"r0": ("10.0.12.1/24", key("sha384")), "lo0": ("10.255.0.3/32", "")}, rip))
    router.start()
    taught(bird, {"10.255.0.3/32": (2, ["10.0.12.1"], 0), "10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    knows(router, "10.255.0.2/32")
    assert "Authentication failed" not in bird.log()
    assert refused(router, "10.0.12.2") == {}
    # BIRD counts its messages, from 0 again when it is restarted: that could be a replay (RFC 4822 2.3.2 (6)) until its routes
    # have timed out, or somebody says that they are not wanted any more.
    wait_until(lambda: neighbour(router, "10.0.12.2")["responses"] > 3, 60, "messages enough")
    bird.kill()
    bird.namespace.address("lo", "10.255.0.4/32")
    bird.start()
    wait_until(lambda: refused(router, "10.0.12.2").get("auth-sequence"), 60, "our refusal")
    assert learned(router).keys() == {"10.255.0.2/32"}
    router.shell("clear ip rip neighbor 10.0.12.2")
    knows(router, "10.255.0.4/32")
    taught(bird, {"10.255.0.3/32": (2, ["10.0.12.1"], 0)})


def test_keys_change_without_loss(lab):
    """Another secret, number and algorithm."""
    now = time.time()

    def at(n, part=time.gmtime):
        return "" if n is None else time.strftime("%Y-%m-%d %H:%M:%S", part(now + n))

    def of_bird(n):
        return at(n, time.localtime)
    chain = ('key-chains = ( { name = "k"; keys = ( '
             f'{{ id = 1; algorithm = "sha256"; key = "old"; send = "..{at(3)}"; accept = "..{at(6)}"; }}, '
             f'{{ id = 2; algorithm = "sha512"; key = "new"; send = "{at(3)}.."; accept = "{at(2)}.."; }} ); }} );')
    passwords = (f'authentication cryptographic; passwords {{ password "old" {{ id 1; algorithm hmac sha256; generate to "{of_bird(4)}"; accept to "{of_bird(6)}"; }}; '
                 f'password "new" {{ id 2; algorithm hmac sha512; generate from "{of_bird(4)}"; accept from "{of_bird(2)}"; }}; }};')
    router, bird = link(lab, 'authentication: { mode = "sha256"; key-chain = "k"; };', "timers: { update = 1; timeout = 3; garbage = 4; };", chain,
                        passwords, "update time 1; timeout time 3; garbage time 4;")
    taps = router.namespace.tap("r0"), bird.namespace.tap("eth0")
    knows(router, "10.255.0.2/32")
    taught(bird, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    watch, changes = Watch(bird.namespace), router.json("show ip rip status")["changes"]
    for number, length in ((1, 32), (2, 64)):
        for tap in taps:
            assert tap.expect(response(lambda m: m.key == number), 60).digest_length == length
    wait_until(lambda: time.time() > now + 6, 60, "the end of the old key")
    heard = neighbour(router, "10.0.12.2")["responses"]
    wait_until(lambda: neighbour(router, "10.0.12.2")["responses"] > heard + 3, 60, "updates with the new one alone")
    assert watch.changes("10.255.0.1/32") == [] and "Authentication failed" not in bird.log()
    assert router.json("show ip rip status")["changes"] == changes and refused(router, "10.0.12.2") == {}


def test_neighbors_by_unicast(lab):
    """BIRD has no neighbors of its own, but can send what would be broadcast to one address."""
    router, bird = link(lab, "passive = true;", 'neighbors = "10.0.12.2"; timers: { update = 1; };', said="mode broadcast; address 10.0.12.1;")
    tap, bird_tap = router.namespace.tap("r0"), bird.namespace.tap("eth0")
    knows(router, "10.255.0.2/32")
    taught(bird, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    for t, dst in ((bird_tap, "10.0.12.2"), (tap, "10.0.12.1")):
        assert t.expect(response(), 60).dst == dst
        assert t.expect(response(), 60).dst == dst
    assert neighbour(router, "10.0.12.2")["configured"]
    router.shell("configure terminal", "router rip", "no neighbor 10.0.12.2", "end")
    taught(bird, {"10.255.0.1/32": None})  # it is told so


def test_split_horizon(lab):
    """On the wire both ways; a route that is lost does not come back from who had learned it."""
    router, bird = link(lab, rip="timers: { update = 1; };", said="split horizon on; poison reverse off;")
    tap, bird_tap = router.namespace.tap("r0"), bird.namespace.tap("eth0")
    knows(router, "10.255.0.2/32")
    taught(bird, {"10.255.0.1/32": (2, ["10.0.12.1"], 0)})
    bird_tap.expect(says("10.255.0.2/32", 16, "0.0.0.0", 0), 60)
    tap.expect(response(lambda m: "10.255.0.2/32" in m.entries and "10.255.0.1/32" not in m.entries), 60)
    router.shell("configure terminal", "interface r0", "ip rip split-horizon", "end")
    bird_tap.expect(response(lambda m: "10.255.0.1/32" in m.entries and "10.255.0.2/32" not in m.entries), 60)
    bird.configure(BASE + rip_of({"eth0": "split horizon on; poison reverse on;"}, timers=SLOWLY))
    tap.expect(response(lambda m: m.entries.get("10.255.0.1/32", (0,))[0] == 16), 60)
    knows(router, "10.255.0.2/32")
    router.shell("configure terminal", "interface r0", "no ip rip split-horizon", "end")
    bird_tap.expect(says("10.255.0.2/32", 2, "10.0.12.2", 0), 60)
    router.shell("configure terminal", "interface r0", "ip rip split-horizon poisoned-reverse", "end")
    bird_tap.expect(says("10.255.0.2/32", 16, "0.0.0.0", 0), 60)
    taught(bird, {"10.255.0.2/32": None})
    bird.namespace.run("ip", "address", "del", "10.255.0.2/32", "dev", "lo")
    knows(router, "10.255.0.2/32", False)
    assert "10.255.0.2/32" not in bird.table()
    router.shell("configure terminal", "interface lo0", "no ip address 10.255.0.1/32", "end")
    taught(bird, {"10.255.0.1/32": None})
    assert learned(router) == {}


def test_who_dies_is_forgotten(lab):
    pairs = [link(lab, rip=FAST, timers=QUICK, number=n) for n in (12, 13)]
    (router, bird), (router_2, bird_2) = pairs
    for n, (r, b) in enumerate(pairs, 12):
        knows(r, "10.255.0.2/32")
        taught(b, {"10.255.0.1/32": (2, [f"10.0.{n}.1"], 0)})
    router.kill()
    bird_2.kill()
    taught(bird, {"10.255.0.1/32": None})
    knows(router_2, "10.255.0.2/32", False)
    router.start()
    bird_2.start()
    for n, (r, b) in enumerate(pairs, 12):
        knows(r, "10.255.0.2/32")
        taught(b, {"10.255.0.1/32": (2, [f"10.0.{n}.1"], 0)})

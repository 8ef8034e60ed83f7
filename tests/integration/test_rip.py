"""RIP between ferryds, and with FRR's ripd and BIRD: what is learned, what is said goodbye to, who is believed."""

import time

import pytest

from tests.integration.debug import Debug
from tests.integration.packets import IP, UDP, Ether, Raw, icmp, ip, to_router
from tests.integration.rip_lab import FAST, SLOW, configuration, knows, learned, neighbour
from tests.lab.lab import wait_until
from tests.lab.peers import Bird, Frr


class Two:
    """r1 (lo0 10.255.0.1) r0 - 10.0.12.0/24 - r0 r2 (lo0 10.255.0.2)."""

    def __init__(self, lab, rip=SLOW, group="", group_2=None, more="", more_2=None):
        self.lab = lab
        self.spaces = lab.namespace("r1"), lab.namespace("r2")
        lab.link(self.spaces[0], "r0", self.spaces[1], "r0")
        self.r1 = lab.router(self.spaces[0], self.of(1, rip, group, more))
        self.r2 = lab.router(self.spaces[1], self.of(2, rip, group if group_2 is None else group_2, more if more_2 is None else more_2))

    @staticmethod
    def of(number, rip=SLOW, group="", more=""):
        return configuration(f"r{number}", {"r0": (f"10.0.12.{number}/24", group), "lo0": (f"10.255.0.{number}/32", "")}, rip, more)

    def agree(self):
        knows(self.r1, "10.255.0.2/32")
        knows(self.r2, "10.255.0.1/32")


def test_two_routers_learn_from_each_other_and_say_goodbye(lab):
    two = Two(lab)
    two.agree()
    assert learned(two.r1) == {"10.255.0.2/32": (2, ["10.0.12.2"])}
    assert learned(two.r2) == {"10.255.0.1/32": (2, ["10.0.12.1"])}
    row = next(r for r in two.r1.json("show ip rip")["routes"] if r["prefix"] == "10.255.0.2/32")
    assert row["type"] == "normal" and row["from"] == row["nextHop"] == "10.0.12.2" and row["interface"] == "r0"
    assert row["metric"] == 2 and 0 < row["timer"] <= 180
    text = two.r1.shell("show ip rip")
    assert "R(n)" in text and "C(i)" in text and "10.255.0.2/32" in text
    heard = neighbour(two.r1, "10.0.12.2")
    assert heard["version"] == 2 and heard["interface"] == "r0" and heard["badPackets"] == 0 and heard["routes"] == 1
    two.r2.stop()
    knows(two.r1, "10.255.0.2/32", False)  # with a timeout of three minutes, so it was told
    assert two.r1.json("show ip rip status")["unreachable"] == 1


def test_a_router_that_dies_is_forgotten_and_comes_back(lab):
    two = Two(lab, FAST)
    two.agree()
    two.r2.kill()
    knows(two.r1, "10.255.0.2/32", False)
    two.r1.wait_log("RIP on r0, neighbour 10.0.12.2: nothing was heard of it for [67] seconds, and its routes are lost")
    two.r2.start()
    two.agree()
    two.r1.wait_log("RIP on r0, neighbour 10.0.12.2: it is heard again")


def test_packets_leave_as_rfc_2453_has_them(lab):
    """To 224.0.0.9 and port 520 from port 520, TTL 1, internetwork control, from the interface's address."""
    r1, host = lab.namespace("r1"), lab.namespace("h")
    lab.link(r1, "r0", host, "eth0")
    tap = host.tap("eth0")
    router = lab.router(r1, configuration("r1", {"r0": ("10.0.12.1/24", "")}))
    sent = tap.expect(ip(dst="224.0.0.9"), 60)
    assert sent[Ether].dst == "01:00:5e:00:00:09" and sent[IP].src == "10.0.12.1"
    assert sent[IP].ttl == 1 and sent[IP].tos == 0xC0
    assert sent[UDP].sport == sent[UDP].dport == 520
    checksum = sent[UDP].chksum
    del sent[UDP].chksum
    assert Ether(bytes(sent))[UDP].chksum == checksum
    assert router.json("show ip traffic")["rip"]["outRequests"] > 0


def test_where_rip_is_off_its_packets_are_dropped_and_counted(make_pair):
    pair = make_pair()
    tap = pair.h1.tap("eth0")
    request = bytes([1, 2, 0, 0]) + bytes(19) + bytes([16])

    def drops():
        return pair.router.json("show drops r0")["r0"]["drops"].get("multicast", 0)
    before = drops()
    tap.send(Ether(src=pair.host_mac["r0"], dst="01:00:5e:00:00:09") / IP(src="10.0.1.2", dst="224.0.0.9", ttl=1) / UDP(sport=520, dport=520) / Raw(request))
    wait_until(lambda: drops() == before + 1, 30, "the drop")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.1.1") / UDP(sport=520, dport=520) / Raw(request)))
    assert tap.expect(icmp(3, 3), 30)[IP].src == "10.0.1.1"
    # Switched on, both are heard; the unicast one is answered to the port that asked.
    pair.router.shell("configure terminal", "router rip", "network r0", "default-information originate", "end")
    tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.1.1") / UDP(sport=1520, dport=520) / Raw(request)))
    answer = tap.expect(ip(dst="10.0.1.2", proto=17), 30)
    assert answer[UDP].dport == 1520 and answer[UDP].sport == 520 and answer[IP].ttl > 1
    for dst, mac in (("224.0.0.9", "01:00:5e:00:00:09"), ("10.0.1.255", "ff:ff:ff:ff:ff:ff"), ("255.255.255.255", "ff:ff:ff:ff:ff:ff")):
        heard = pair.router.json("show ip traffic")["rip"]["inRequests"]
        tap.send(Ether(src=pair.host_mac["r0"], dst=mac) / IP(src="10.0.1.2", dst=dst, ttl=1) / UDP(sport=520, dport=520) / Raw(request))
        wait_until(lambda: pair.router.json("show ip traffic")["rip"]["inRequests"] > heard, 30, f"the request to {dst}")
    pair.router.balance()


class Three:
    """r1 - 10.0.12.0/24 - r2 - 10.0.23.0/24 - r3, each with 10.255.0.N on lo0. r2's ports are r0 and r1."""

    def __init__(self, lab, rip=SLOW):
        self.spaces = [lab.namespace(f"r{n}") for n in (1, 2, 3)]
        lab.link(self.spaces[0], "r0", self.spaces[1], "r0")
        lab.link(self.spaces[1], "r1", self.spaces[2], "r0")
        self.r1 = lab.router(self.spaces[0], configuration("r1", {"r0": ("10.0.12.1/24", ""), "lo0": ("10.255.0.1/32", "")}, rip))
        self.r2 = lab.router(self.spaces[1], self.middle(rip))
        self.r3 = lab.router(self.spaces[2], configuration("r3", {"r0": ("10.0.23.3/24", ""), "lo0": ("10.255.0.3/32", "")}, rip))

    @staticmethod
    def middle(rip=SLOW, left="", right="", more=""):
        return configuration("r2", {"r0": ("10.0.12.2/24", left), "r1": ("10.0.23.2/24", right), "lo0": ("10.255.0.2/32", "")}, rip, more)

    def agree(self):
        wait_until(lambda: learned(self.r1) == {"10.0.23.0/24": (2, ["10.0.12.2"]), "10.255.0.2/32": (2, ["10.0.12.2"]),
                                                "10.255.0.3/32": (3, ["10.0.12.2"])}, 60, "r1's table")
        wait_until(lambda: set(learned(self.r3)) == {"10.0.12.0/24", "10.255.0.1/32", "10.255.0.2/32"}, 60, "r3's table")


def test_a_change_of_one_interface_leaves_the_routes_of_others_alone(lab):
    three = Three(lab)
    three.agree()

    def since(router, prefix):
        """When it was installed, by the clock of this test: it moves when the route is made anew."""
        hours, minutes, seconds = router.json("show ip route rip")[prefix][0]["uptime"].split(":")
        return time.monotonic() - (int(hours) * 3600 + int(minutes) * 60 + int(seconds))
    wait_until(lambda: time.monotonic() - since(three.r2, "10.255.0.1/32") > 3, 30, "a route of some age")
    before = since(three.r2, "10.255.0.1/32")
    # r1 of r2 leaves RIP: what was learned there goes, and r3 is told; what came by r0 stays as it is.
    three.r2.reload(three.middle(right="enabled = false;"))
    knows(three.r2, "10.255.0.3/32", False)
    knows(three.r1, "10.255.0.3/32", False)
    knows(three.r3, "10.255.0.1/32", False)
    assert abs(since(three.r2, "10.255.0.1/32") - before) < 2
    three.r2.reload(three.middle())
    three.agree()
    three.r2.reload(three.middle(right="metric-out = 3;"))
    wait_until(lambda: learned(three.r3).get("10.255.0.1/32", (0,))[0] == 6, 60, "the metric")
    assert abs(since(three.r2, "10.255.0.1/32") - before) < 2


def test_a_link_that_is_cut_and_one_that_is_mended(lab):
    three = Three(lab)
    three.agree()
    three.spaces[2].up("r0", False)
    knows(three.r1, "10.255.0.3/32", False)
    three.spaces[2].up("r0")
    three.agree()


def test_rip_is_switched_off_and_on(lab):
    two = Two(lab)
    two.agree()
    two.r2.shell("configure terminal", "no router rip", "end")
    knows(two.r1, "10.255.0.2/32", False)
    assert learned(two.r2) == {} and "RIP does not run" in two.r2.shell("show ip rip")
    assert two.r2.json("show ip rip") == {"routes": []}
    two.r2.shell("configure terminal", "router rip", "end")
    two.agree()
    # An interface that is no longer configured says goodbye as well.
    two.r2.shell("configure terminal", "no interface r0", "end")
    knows(two.r1, "10.255.0.2/32", False)


def test_passive_interfaces_listen_and_say_nothing(lab):
    two = Two(lab, FAST, group_2="passive = true;")
    knows(two.r2, "10.255.0.1/32")
    wait_until(lambda: two.r1.json("show ip rip interfaces")["r0"]["counters"]["outUpdates"] > 2, 60, "some updates")
    assert learned(two.r1) == {} and neighbour(two.r1, "10.0.12.2") is None
    # To neighbors it speaks all the same.
    two.r2.shell("configure terminal", "router rip", "neighbor 10.0.12.1", "end")
    knows(two.r1, "10.255.0.2/32")


@pytest.mark.parametrize("mode", ["text", "md5", "sha256"])
def test_authentication(lab, mode):
    right, wrong = (f'authentication: {{ mode = "{mode}"; key = "{key}"; }};' for key in ("swordfish", "herring"))
    two = Two(lab, FAST, right)
    two.agree()
    two.r2.reload(two.of(2, FAST, wrong))
    reason = "auth-password" if mode == "text" else "auth-digest"
    wait_until(lambda: neighbour(two.r1, "10.0.12.2")["rejects"].get(reason, 0) > 0, 60, "a refusal")
    knows(two.r1, "10.255.0.2/32", False)
    assert two.r1.wait_log("RIP on r0, neighbour 10.0.12.2: refused what 10.0.12.2 sent")
    two.r2.reload(two.of(2, FAST, ""))
    wait_until(lambda: neighbour(two.r1, "10.0.12.2")["rejects"].get("auth-missing", 0) > 0, 60, "a refusal")
    two.r2.reload(two.of(2, FAST, right))
    two.agree()
    assert "swordfish" not in two.r1.log() + two.r2.log() + two.r1.shell("show tech-support")
    assert "swordfish" in two.r1.shell("show running-config")


def test_keys_of_a_chain_change_without_loss(lab):
    def chain(*keys):
        return "key-chains = ( { name = \"k\"; keys = ( " + ", ".join(keys) + " ); } );"
    old_there = '{ id = 1; key = "hex:6f6c64"; }'  # the same
    old, new = '{ id = 1; key = "old"; }', '{ id = 2; key = "new"; algorithm = "sha512"; }'
    past, future = '{ id = 1; key = "old"; send = "..2020-01-01"; }', '{ id = 2; key = "new"; algorithm = "sha512"; send = "2100-01-01.."; }'
    group = 'authentication: { mode = "sha1"; key-chain = "k"; };'
    two = Two(lab, FAST, group, more=chain(old), more_2=chain(old_there))
    two.agree()
    changes = two.r1.json("show ip rip status")["changes"]
    for first, second in ((chain(old, future), chain(old, future)), (chain(past, new), chain(past, new)), (chain(new), chain(new))):
        two.r1.reload(two.of(1, FAST, group, first))
        heard = neighbour(two.r2, "10.0.12.1")["responses"]
        wait_until(lambda: neighbour(two.r2, "10.0.12.1")["responses"] > heard, 60, "an update with that key")
        two.r2.reload(two.of(2, FAST, group, second))
        heard = neighbour(two.r1, "10.0.12.2")["responses"]
        wait_until(lambda: neighbour(two.r1, "10.0.12.2")["responses"] > heard, 60, "an update with that key")
    assert two.r1.json("show ip rip status")["changes"] == changes


def test_routing_fails_rather_than_go_on_with_a_key_that_has_ended(lab):
    old = ('key-chains = ( { name = "k"; fail-secure = true; '
           'keys = ( { id = 1; key = "old"; send = "..2020-01-01"; accept = "..2020-01-01"; } ); } );')
    two = Two(lab, FAST, 'authentication: { mode = "sha1"; key-chain = "k"; };', more=old)
    for router in (two.r1, two.r2):
        assert router.wait_log("RIP on r0: key 1 expired at 2020-01-01 00:00:00 UTC and no other is valid: nothing is sent")
    wait_until(lambda: two.r1.json("show ip rip interfaces")["r0"]["counters"]["outFailed"] > 2, 60, "updates that may not be sent")
    assert learned(two.r1) == learned(two.r2) == {}
    for router in (two.r1, two.r2):
        router.shell("configure terminal", "key chain k", "no fail-secure", "end")
    two.agree()
    assert two.r1.wait_log("RIP on r0: key 1 expired at .*: it stays in use until one is configured")


def test_what_may_no_longer_be_sent_is_withdrawn(lab):
    two = Two(lab)
    two.agree()
    two.r2.shell("configure terminal", "ip prefix-list ours deny 10.255.0.2/32", "ip prefix-list ours permit any", "interface r0", "ip rip filter-out ours", "end")
    knows(two.r1, "10.255.0.2/32", False)
    two.r2.shell("configure terminal", "interface r0", "no ip rip filter-out", "end")
    two.agree()
    two.r2.shell("configure terminal", "ip route 10.77.0.0/16 blackhole", "router rip", "redistribute static metric 5 tag 7", "default-information originate", "end")
    knows(two.r1, "10.77.0.0/16")
    knows(two.r1, "0.0.0.0/0")
    assert learned(two.r1)["10.77.0.0/16"][0] == 6
    assert next(r for r in two.r1.json("show ip rip")["routes"] if r["prefix"] == "10.77.0.0/16")["tag"] == 7
    two.r2.shell("configure terminal", "router rip", "no redistribute static", "no default-information originate", "end")
    knows(two.r1, "10.77.0.0/16", False)
    knows(two.r1, "0.0.0.0/0", False)


def test_clearing_asks_again(lab):
    two = Two(lab)
    two.agree()
    requests = neighbour(two.r2, "10.0.12.1")["requests"]
    two.r1.shell("clear ip rip")
    two.agree()
    assert neighbour(two.r2, "10.0.12.1")["requests"] > requests
    two.r1.shell("clear ip rip neighbor 10.0.12.2")
    two.agree()
    assert "is no neighbor" in two.r1.shell("clear ip rip neighbor 10.0.12.99", check=False)
    two.r1.shell("clear ip rip counters")
    assert two.r1.json("show ip rip interfaces")["r0"]["counters"]["inResponses"] == 0


def test_debugging_tells_what_happens_to_whoever_asked(lab):
    two = Two(lab, FAST)
    two.agree()
    everything, elsewhere = Debug(two.r1, "debug rip interface r0"), Debug(two.r1, "debug rip interface lo0")
    group = Debug(two.r1, "debug rip packets prefix 224.0.0.0/4")
    packets, events, routes = (Debug(two.r1, f"debug rip {kind}") for kind in ("packets", "events", "routes prefix 10.255.0.2/32"))
    two.r2.kill()
    everything.until("rip r0 224.0.0.9: sent version 2 response, 2 entries, 44 bytes, no authentication\n")
    gone = "rip r0: 10.255.0.2/32 from 10.0.12.2 is gone: it timed out\nrip: 10.255.0.2/32 is unreachable now\n"
    routes.until(gone)
    two.r2.start()
    back = "rip r0: 10.255.0.2/32 is learned from 10.0.12.2 now, metric 2\n"
    assert "sent" not in routes.until(back)
    heard = packets.until("rip r0 10.0.12.2: received version 2 response, 2 entries, 44 bytes, no authentication\n")
    assert "timed out" not in heard
    heard = events.until("rip r0 10.0.12.2: the last of its routes timed out\n")
    assert "rip r0: regular update of version 2 begins\n" in heard and "sent" not in heard and "10.255.0.2" not in heard
    everything.until(back)
    assert "received" not in group.until("rip r0 224.0.0.9: sent ")
    elsewhere.client.setblocking(False)
    with pytest.raises(BlockingIOError):
        elsewhere.client.recv(4096)


def test_frr_is_a_neighbour(lab):
    r1, f2 = lab.namespace("r1"), lab.namespace("f2")
    lab.link(r1, "r0", f2, "eth0")
    f2.address("eth0", "10.0.12.2/24")
    f2.address("lo", "10.255.0.2/32")
    frr = Frr(f2, "key chain k\n key 1\n  key-string swordfish\ninterface eth0\n ip rip authentication mode md5 auth-length rfc\n"
                  " ip rip authentication key-chain k\nrouter rip\n version 2\n timers basic 5 30 20\n network eth0\n"
                  " redistribute connected\n")
    router = lab.router(r1, configuration("r1", {"r0": ("10.0.12.1/24", 'authentication: { mode = "md5"; key = "swordfish"; };'),
                                                 "lo0": ("10.255.0.1/32", "")}))
    knows(router, "10.255.0.2/32")
    wait_until(lambda: frr.routes() == {"10.255.0.1/32": (2, ["10.0.12.1"])}, 60, "FRR's table")
    f2.run("ip", "address", "del", "10.255.0.2/32", "dev", "lo")
    knows(router, "10.255.0.2/32", False)
    router.stop()
    wait_until(lambda: frr.routes() == {}, 20, "the goodbye at FRR")  # which would believe it for 30 seconds


def test_bird_is_a_neighbour(lab):
    r1, b2 = lab.namespace("r1"), lab.namespace("b2")
    lab.link(r1, "r0", b2, "eth0")
    b2.address("eth0", "10.0.12.2/24")
    b2.address("lo", "10.255.0.2/32")
    bird = Bird(b2, 'router id 10.255.0.2;\nprotocol device { scan time 1; }\nprotocol direct { ipv4; }\n'
                    'protocol kernel { ipv4 { export all; import none; }; }\nprotocol rip { ipv4 { import all; export all; };\n'
                    '  interface "eth0" { update time 10; timeout time 120; garbage time 60; authentication cryptographic;\n'
                    '    password "swordfish" { id 7; algorithm hmac sha256; }; }; }\n')
    router = lab.router(r1, configuration("r1", {
        "r0": ("10.0.12.1/24", 'authentication: { mode = "sha256"; key-id = 7; key = "swordfish"; };'), "lo0": ("10.255.0.1/32", "")}))
    knows(router, "10.255.0.2/32")
    wait_until(lambda: bird.routes().get("10.255.0.1/32") == (2, ["10.0.12.1"]), 60, "BIRD's table")
    router.stop()
    wait_until(lambda: "10.255.0.1/32" not in bird.routes(), 30, "the goodbye at BIRD")


def exchange(router, address):
    return (neighbour(router, address) or {"triggered": None})["triggered"]


def counted(router, port):
    return router.json("show ip rip interfaces")[port]["counters"]


def test_a_triggered_link_is_silent_unless_something_changes(lab):
    two = Two(lab, SLOW, "triggered = true;")
    two.agree()
    for router, address in ((two.r1, "10.0.12.2"), (two.r2, "10.0.12.1")):
        wait_until(lambda router=router, address=address: exchange(router, address)["state"] == "complete", 30, "the exchange")
        assert exchange(router, address)["asking"] is False
    assert next(r for r in two.r1.json("show ip rip")["routes"] if r["prefix"] == "10.255.0.2/32")["timer"] is None
    assert "triggered: complete" in two.r1.shell("show ip rip neighbors")
    assert "r0 is up, triggered" in two.r1.shell("show ip rip interfaces")
    assert two.r1.json("show ip rip interfaces")["r0"]["triggered"] is True and counted(two.r1, "r0")["outUpdates"] == 0
    before = counted(two.r1, "r0")
    two.r2.shell("configure terminal", "ip route 10.77.0.0/16 blackhole", "router rip", "redistribute static", "end")
    knows(two.r1, "10.77.0.0/16")
    after = counted(two.r1, "r0")
    assert after["inRoutes"] == before["inRoutes"] + 1 and after["outChanges"] == before["outChanges"]
    two.r2.stop()
    knows(two.r1, "10.255.0.2/32", False)  # it would never time out, so it was told
    two.r2.start()
    two.agree()
    two.r1.shell("configure terminal", "interface r0", "no ip rip triggered", "end")
    knows(two.r2, "10.255.0.1/32", False)
    wait_until(lambda: neighbour(two.r1, "10.0.12.2")["rejects"].get("triggered-off", 0) > 0, 60, "a refusal")
    assert "split-horizon" in two.r2.shell("configure terminal", "interface r0", "no ip rip split-horizon", "end", check=False)
    two.r2.shell("configure terminal", "interface r0", "no ip rip triggered", "end")
    two.agree()


@pytest.mark.parametrize("signed", [False, True], ids=["plain", "signed"])
def test_bird_is_a_peer_of_rfc_2091(lab, signed):
    r1, b2, h3 = (lab.namespace(name) for name in ("r1", "b2", "h3"))
    lab.link(r1, "r0", b2, "eth0")
    lab.link(r1, "r1", h3, "eth0")  # here there are updates, which count the time
    b2.address("eth0", "10.0.12.2/24")
    b2.address("lo", "10.255.0.2/32")
    keys = 'authentication cryptographic; password "swordfish" { id 7; algorithm hmac sha256; };' if signed else ""
    text = ('router id 10.255.0.2;\nprotocol device { scan time 1; }\nprotocol direct { ipv4; }\n'
            'protocol kernel { ipv4 { export all; import none; }; }\nprotocol rip { ipv4 { import all; export all; };\n'
            f'  interface "eth0" {{ update time 1; timeout time 6; garbage time 6; demand circuit yes; {keys} }}; }}\n')
    bird = Bird(b2, text)
    group = "triggered = true;" + (' authentication: { mode = "sha256"; key-id = 7; key = "swordfish"; };' if signed else "")
    router = lab.router(r1, configuration("r1", {"r0": ("10.0.12.1/24", group), "r1": ("10.0.13.1/24", ""), "lo0": ("10.255.0.1/32", "")}, FAST))

    def agree(yes=True):
        knows(router, "10.255.0.2/32", yes)
        wait_until(lambda: (bird.routes().get("10.255.0.1/32") == (2, ["10.0.12.1"])) == yes, 60, "BIRD's table")
    agree()
    wait_until(lambda: exchange(router, "10.0.12.2")["state"] == "complete", 30, "the exchange")
    if not signed:
        _quiet_and_cut(router, bird, b2, agree)
    # BIRD begins anew, and what it said before is not so any more.
    bird.process.kill()
    bird.process.wait()
    b2.run("ip", "address", "del", "10.255.0.2/32", "dev", "lo")
    b2.address("lo", "10.255.9.2/32")
    bird = Bird(b2, text)
    knows(router, "10.255.9.2/32")
    knows(router, "10.255.0.2/32", False)
    router.stop()
    wait_until(lambda: "10.255.0.1/32" not in bird.routes(), 30, "the goodbye at BIRD")


def _quiet_and_cut(router, bird, b2, agree):
    # Once all is said nothing is, for longer than a route lives with updates.

    def updates_pass(n):
        before = counted(router, "r1")["outUpdates"]
        wait_until(lambda: counted(router, "r1")["outUpdates"] >= before + n, 60, "time to pass")
    updates_pass(3)
    said = counted(router, "r0")
    updates_pass(8)
    assert counted(router, "r0") == said
    agree()
    # Changes are told both ways.
    b2.run("ip", "address", "del", "10.255.0.2/32", "dev", "lo")
    knows(router, "10.255.0.2/32", False)
    router.shell("configure terminal", "interface lo0", "no ip address 10.255.0.1/32", "end")
    wait_until(lambda: "10.255.0.1/32" not in bird.routes(), 60, "a withdrawal at BIRD")
    b2.address("lo", "10.255.0.2/32")
    router.shell("configure terminal", "interface lo0", "ip address 10.255.0.1/32", "end")
    agree()
    # A cut and its end.
    b2.up("eth0", False)
    agree(False)
    b2.up("eth0")
    agree()

"""A flood of RIP messages, valid and broken, into a router that forwards and has a neighbour."""

import os

from tests.integration.test_rip import FAST, configuration, knows, neighbour
from tests.lab.lab import tool, two_hosts, wait_until

RELEASE = os.environ.get("FERRYD_BUILD", "release") == "release"
RATE = 50000 if RELEASE else 4000  # a second
SINK = "10.0.2.9"  # nobody's address on h2's network: what arrives is counted and dropped


def test_a_flood_takes_nothing_from_a_neighbour_or_from_who_is_forwarded(lab):
    h1, r1, h2 = two_hosts(lab)
    n = lab.namespace("n")
    lab.link(n, "r0", r1, "r2")
    h2.run("nft", "-f", "-", stdin="table netdev t { chain c { type filter hook ingress device eth0 priority 0; udp dport 9 counter drop; }; }\n")
    router = lab.router(r1, configuration(
        "r1", {"r0": ("10.0.1.1/24", None), "r1": ("10.0.2.1/24", None), "r2": ("10.0.9.1/24", "")}, f"{FAST} table-limit = 5000;",
        f'static-arp = ( {{ interface = "r1"; address = "{SINK}"; mac = "{h2.mac("eth0")}"; }} );'))
    lab.router(n, configuration("n", {"r0": ("10.0.9.2/24", ""), "lo0": ("10.255.0.2/32", "")}))
    knows(router, "10.255.0.2/32")

    def age():
        """Seconds since its route was put in."""
        hours, minutes, seconds = router.json("show ip route 10.255.0.2/32")["10.255.0.2/32"][0]["uptime"].split(":")
        return int(hours) * 3600 + int(minutes) * 60 + int(seconds)

    def counters():
        return router.json("show ip rip interfaces")["r2"]["counters"]
    memory = router.resident_kb()
    flood = n.start(tool("rip_flood"), "r0", r1.mac("r2"), "10.0.9.1", str(RATE), "5", "ncatmporu")
    wait_until(lambda: counters()["inResponses"] > 1000, 30, "the flood")
    stream = h1.start(tool("blast"), "eth0", r1.mac("r0"), "10.0.1.2", SINK, "2000", "3")
    asked = 0
    while flood.poll() is None:
        assert neighbour(router, "10.0.9.2")["routes"] == 1
        asked += 1
    assert asked > 2  # the shell answered meanwhile
    sent = int(stream.communicate(timeout=30)[0].split()[0])
    wait_until(lambda: f"packets {sent} " in h2.run("nft", "list", "ruleset"), 20, f"all {sent} packets at h2")
    assert age() >= 5  # it was there all the time, and was not made anew
    # Each kind met its reason, and what was good was taken as far as there is room.
    rejects = counters()["rejects"]
    for reason in ("length", "source", "source-port", "auth-unexpected", "metric", "rate"):
        assert rejects.get(reason, 0) > 100, reason
    if RELEASE:
        assert rejects["table-full"] > 1000
        assert router.resident_kb() - memory < 16 << 10
    # Those who do not exist have not pushed it out, and it is heard again when they fall silent.
    heard = neighbour(router, "10.0.9.2")["responses"]
    wait_until(lambda: neighbour(router, "10.0.9.2")["responses"] > heard, 30, "another update")

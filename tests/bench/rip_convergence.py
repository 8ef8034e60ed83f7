"""make bench-rip: how long traffic stands still when a network of RIP routers changes, with ferryd, FRR and BIRD in turn.

Each turn builds the same rings of five routers of one make and sends numbered packets through each, one every 5 ms. Timers are the
shortest that all three take; all else is as each make has it by default. What happens to a ring:

    carrier   a link on the way goes down, with loss of carrier
    flap      it came back, and goes down again as soon as all tables are right
    cut       a link on the way is cut where both ends keep their carrier: only the time-out tells
    kill      a router on the way dies without a word; its links keep their carrier
    stop      a router on the way is stopped as its service would be
    back      and started again, so that the traffic moves back to it

Cut and kill happen a second after a regular update of the router beyond, so that the time-out has the same way to go each time. Where
FRR and BIRD die, forwarding by their kernels is ended with them, as ferryd's ends with it.

Figures are seconds without traffic, added up over the packets that were lost (RFC 6412 3.5). "tables" is the time after `carrier` until
every router of the ring has the table that the graph demands. ferryd's median may be no more than that of the better peer; 1.2 times
that where the figures of either spread as widely. Two packets or less are nothing.

"goodbye" is from the signal that ends a ferryd between FRR and BIRD until neither's kernel has routes by it; the bar is a second.

ROUNDS (7) sets the rounds; a round takes two minutes."""

import os
import socket
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.lab import Lab, require_root, wait_until  # noqa: E402
from tests.lab.rip_net import RipNet  # noqa: E402
from tests.lab.stream import Stream  # noqa: E402

ROUNDS = int(os.environ.get("ROUNDS") or "7")
INTERVAL = 0.005
UPDATE, TIMEOUT, GARBAGE = 5, 15, 10
MAKES = ("ferryd", "frr", "bird")
SETTLE = 11  # two times what a triggered update may hold back the next (RFC 2453 3.10.1), and one more


class Ring:
    """a - b - c - d - e - a, a host at a and one at its neighbour b, or at c beyond it; the shorter way is used."""

    def __init__(self, lab, make, name, to=1, cable=False):
        self.net = RipNet(lab, UPDATE, TIMEOUT, GARBAGE)
        nodes = [self.net.router(name + letter, make) for letter in "abcde"]
        self.a, self.b = nodes[:2]
        self.links = [self.net.link(one, other, cable and one is self.a)
                      for one, other in zip(nodes, nodes[1:] + nodes[:1])]
        self.hosts = [self.net.stub(node, node in (self.a, nodes[to])) for node in nodes]
        self.far = self.hosts[to]
        self.address = f"10.2.{to + 1}.2"

    def start(self):
        self.net.start()
        self.net.agree()
        self.stream = Stream(self.hosts[0], self.far, self.address, INTERVAL)
        self.stream.wait_flows()

    def outage(self, event, end=None):
        """Seconds without traffic from EVENT until END came true and it flows; and what END took."""
        first, began = self.stream.now(), time.monotonic()
        event()
        time.sleep(0.5)
        self.stream.wait_flows(60)
        took = 0.0
        if end is not None:
            end()
            took = time.monotonic() - began
            self.stream.wait_flows(60)
        return self.stream.lost_time(first), took

    def wait_update(self):
        """Until a second after a regular update from b was at a."""
        tap = self.a.namespace.tap(f"to-{self.b.name}")
        source = socket.inet_aton(self.b.address(f"to-{self.a.name}"))
        tap.expect(lambda f: f[12:14] == b"\x08\x00" and f[23] == 17 and f[26:30] == source and f[36:38] == b"\x02\x08" and f[42] == 2,
                   3 * UPDATE)
        time.sleep(1)


def carrier(ring):
    lost, tables = ring.outage(lambda: ring.net.lose_carrier(ring.links[0]), ring.net.agree)
    ring.net.lose_carrier(ring.links[0], False)
    ring.net.agree()
    again = ring.outage(lambda: ring.net.lose_carrier(ring.links[0]))[0]
    return {"carrier": lost, "tables": tables, "flap": again}


def cut(ring):
    ring.wait_update()
    return {"cut": ring.outage(lambda: ring.net.cut(ring.links[0]))[0]}


def kill(ring):
    ring.wait_update()

    def die():
        ring.b.namespace.sysctl("net.ipv4.ip_forward", 0)
        ring.net.kill(ring.b)
    lost = ring.outage(die)[0]
    if ring.b.kind == "ferryd":
        ring.net.lab.forget(ring.b.router)
    return {"kill": lost}


def stop(ring):
    stopped = ring.outage(lambda: ring.net.stop(ring.b), ring.net.agree)[0]
    back = ring.outage(lambda: ring.net.revive(ring.b), ring.net.agree)[0]
    return {"stop": stopped, "back": back}


def goodbye(lab):
    net = RipNet(lab, UPDATE, TIMEOUT, GARBAGE)
    frr, ferryd, bird = net.router("gf", "frr"), net.router("gr", "ferryd"), net.router("gb", "bird")
    net.link(frr, ferryd)
    net.link(ferryd, bird)
    net.stub(ferryd)
    net.start()
    net.agree()
    time.sleep(SETTLE)
    began = time.monotonic()
    net.stop(ferryd)
    wait_until(lambda: all("10.2.2.0/24" not in node.namespace.run("ip", "route") for node in (frr, bird)), 60, "the goodbye")
    return {"goodbye": time.monotonic() - began}


def turn(make):
    with Lab("ferry-c", build="release", lanes=1) as lab, ThreadPoolExecutor(5) as pool:
        rings = {carrier: Ring(lab, make, "1"), cut: Ring(lab, make, "2", cable=True), kill: Ring(lab, make, "3", to=2),
                 stop: Ring(lab, make, "4", to=2)}
        list(pool.map(Ring.start, rings.values()))
        time.sleep(SETTLE)
        work = [pool.submit(what, ring) for what, ring in rings.items()]
        if make == "ferryd":
            work.append(pool.submit(goodbye, lab))
        figures = {name: value for done in work for name, value in done.result().items()}
        for ring in rings.values():
            ring.stream.close()
        return figures


def text(values):
    return f"{statistics.median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def spread(values):
    middle = statistics.median(values)
    return (max(values) - min(values)) / middle if middle > 0 else 0


def main():
    require_root()
    figures = {}
    for number in range(ROUNDS):
        for make in MAKES:
            found = turn(make)
            for what, value in found.items():
                figures.setdefault((what, make), []).append(value)
            print(f"round {number + 1} of {ROUNDS}, {make}: " + ", ".join(f"{k} {v:.3f}" for k, v in found.items()), flush=True)
    print(f"\n{'seconds without traffic':24}" + "".join(f"{make:>24}" for make in MAKES) + f"{'ratio':>8}  bar")
    good = True
    for what in ("carrier", "tables", "flap", "cut", "kill", "stop", "back"):
        ours = figures[what, "ferryd"]
        better = min((figures[what, make] for make in MAKES[1:]), key=statistics.median)
        bar = 1.2 if max(spread(ours), spread(better)) >= 0.2 else 1.0
        middle, theirs = statistics.median(ours), statistics.median(better)
        held = middle <= max(theirs * bar, 2 * INTERVAL)
        good &= held
        ratio = f"{middle / theirs:.2f}" if theirs > 0 else "-"
        print(f"{what:24}" + "".join(f"{text(figures[what, make]):>24}" for make in MAKES) +
              f"{ratio:>8}  <= {bar:.1f} {'ok' if held else 'MISSED'}")
    held = statistics.median(figures["goodbye", "ferryd"]) <= 1
    print(f"{'goodbye':24}{text(figures['goodbye', 'ferryd']):>24}{'':56}  <= 1 s {'ok' if held else 'MISSED'}")
    return 0 if good and held else 1


if __name__ == "__main__":
    sys.exit(main())

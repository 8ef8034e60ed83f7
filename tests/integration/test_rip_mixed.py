"""RIP among ferryd, FRR and BIRD: after each change of the network every router, of whatever make, has the table that the graph
demands, and traffic between two hosts flows again."""

import os

import pytest

from tests.lab.rip_net import RipNet
from tests.lab.stream import Stream

# Two minutes of waiting for other people's timers: once in `make check`, where memory is watched.
pytestmark = pytest.mark.skipif(os.environ.get("FERRYD_BUILD") != "asan", reason="runs once, with FERRYD_BUILD=asan")

UPDATE, TIMEOUT, GARBAGE = 1, 9, 4  # FRR speaks every 3.75 to 6.25 seconds: its neighbours must not lose it meanwhile


class Mixed:
    """The routers r1, r2, ... of MAKES in a row, in a ring if RING. Each has a stub network; hosts are at those that ENDS says."""

    def __init__(self, lab, makes, ends, ring=False, cables=()):
        self.net = RipNet(lab, UPDATE, TIMEOUT, GARBAGE)
        self.routers = [self.net.router(f"r{i}", make) for i, make in enumerate(makes, 1)]
        pairs = list(zip(self.routers, self.routers[1:] + (self.routers[:1] if ring else [])))
        self.links = [self.net.link(a, b, i in cables) for i, (a, b) in enumerate(pairs)]
        hosts = [self.net.stub(router, router.number in ends) for router in self.routers]
        self.net.start()
        self.there, self.back = (Stream(hosts[a - 1], hosts[b - 1], f"10.2.{b}.2") for a, b in (ends, ends[::-1]))

    def settle(self, what, there=True, back=True):
        """Waits for the right tables, and for traffic THERE and BACK, or that it ended."""
        self.net.agree(60, f"the tables {what}")
        for stream, flows in ((self.there, there), (self.back, back)):
            if flows:
                stream.wait_flows(10, f"traffic {what}")
            else:
                stream.wait_stands(10, f"the end of traffic {what}")

    def close(self):
        self.there.close()
        self.back.close()


@pytest.fixture
def mixed(lab):
    made = []

    def make(*arguments, **options):
        made.append(Mixed(lab, *arguments, **options))
        return made[0]
    yield make
    for network in made:
        network.close()


def test_metrics_and_a_link_of_a_line(mixed):
    line = mixed(("ferryd", "frr", "ferryd", "bird", "ferryd"), (1, 5))
    r1, frr, r3, bird, _ = line.routers
    line.settle("at first")
    line.net.add_metric(r3, frr, 3)
    line.settle("after ferryd was given an offset list")
    line.net.add_metric(frr, r3, 4)
    line.settle("after FRR was given an offset list")
    line.net.add_metric(bird, r3, 2)
    line.settle("after BIRD was given a metric")
    line.net.add_metric(r3, frr, 6)
    line.net.add_metric(r1, frr, 6)
    line.settle("after two ferryds were given more")  # all the way is 15 now at r1
    line.net.add_metric(r1, frr, 7)
    line.settle("after it was one too many", there=False)
    for router, heard in ((r1, frr), (r3, frr), (frr, r3), (bird, r3)):
        line.net.add_metric(router, heard, 0)
    line.settle("after all that was taken back")
    line.net.lose_carrier(line.links[2])
    line.settle("after the link of ferryd and BIRD went down", False, False)
    line.net.lose_carrier(line.links[2], False)
    line.settle("after it came up again")


RING = ("ferryd", "frr", "ferryd", "bird", "ferryd", "bird")


def test_links_of_a_ring(mixed):
    ring = mixed(RING, (1, 3), ring=True, cables=(1,))
    ring.settle("at first")
    ring.net.lose_carrier(ring.links[0])
    ring.settle("after the link of ferryd and FRR went down")
    ring.net.lose_carrier(ring.links[0], False)
    ring.settle("after it came up again")
    ring.net.cut(ring.links[1])
    ring.settle("after the link of FRR and ferryd was cut in the middle")
    ring.net.cut(ring.links[1], False)
    ring.settle("after it was mended")
    ring.net.add_metric(ring.routers[0], ring.routers[1], 5)
    ring.settle("after ferryd was given an offset that leads round the other way")


def test_routers_of_a_ring(mixed):
    ring = mixed(RING, (1, 5), ring=True)
    ring.settle("at first")
    _, frr, r3, _, _, other = ring.routers
    assert (frr.kind, r3.kind, other.kind) == ("frr", "ferryd", "bird")
    ring.net.kill(other)  # on the way
    ring.settle("after BIRD was killed")
    ring.net.revive(other)
    ring.net.kill(frr)
    ring.settle("after FRR was killed and BIRD was there again")
    ring.net.revive(frr)
    ring.net.kill(r3)
    ring.settle("after ferryd was killed and FRR was there again")
    ring.net.revive(r3)
    ring.settle("after ferryd was there again")

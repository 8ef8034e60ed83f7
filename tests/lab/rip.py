"""make lab-rip: three ferryds that speak RIP in a triangle, FRR at one corner, two hosts; left up to play with.

CHECK=1 cuts a link, waits until the triangle has healed, and takes everything away. DOWN=1 takes away a lab that was left up.
LAB=name gives it another name, so that several can stand side by side."""

import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.demo import require, show  # noqa: E402
from tests.lab.lab import TOP, wait_until  # noqa: E402
from tests.lab.peers import Frr, require_frr  # noqa: E402
from tests.lab.standing import Standing  # noqa: E402

DRAWING = r"""
  h1 ──────── r1 ─────── 10.0.12.0/24 ─────── r2 ──────── h2
  10.1.0.2      \                           /      10.2.0.2
            10.0.13.0/24           10.0.23.0/24
                   \                     /
                    +─────── r3 ────────+
                              │
                         10.0.34.0/24
                              │
                           f4: FRR ──── 10.4.0.0/24
"""

TIMERS = "timers: { update = 5; timeout = 30; garbage = 20; };"  # short, so that one need not wait
FRR = "router rip\n version 2\n timers basic 5 30 20\n network eth0\n network stub0\n passive-interface stub0\n"


def configuration(name, ports):
    """PORTS: device to address; hosts do not speak RIP."""
    entries = [f'  {{ name = "{device}"; addresses = [ "{address}" ]; rip: {{ {"passive = true; " if device == "lan" else ""}}}; }}'
               for device, address in ports.items()]
    return f'hostname = "{name}";\n\ninterfaces = (\n' + ",\n".join(entries) + f"\n);\n\nrip: {{ {TIMERS} }};\n"


class Triangle:
    def __init__(self, lab):
        self.h1, self.h2, self.r1, self.r2, self.r3, self.f4 = (lab.namespace(n) for n in ("h1", "h2", "r1", "r2", "r3", "f4"))
        for a, a_device, b, b_device in ((self.h1, "eth0", self.r1, "lan"), (self.h2, "eth0", self.r2, "lan"),
                                         (self.r1, "to-r2", self.r2, "to-r1"), (self.r1, "to-r3", self.r3, "to-r1"),
                                         (self.r2, "to-r3", self.r3, "to-r2"), (self.r3, "to-f4", self.f4, "eth0")):
            lab.link(a, a_device, b, b_device)
        for host, net in ((self.h1, "10.1.0"), (self.h2, "10.2.0")):
            host.address("eth0", f"{net}.2/24")
            host.route("default", f"{net}.1")
        lab.link(self.f4, "stub0", self.f4, "stub1")  # not every kernel has dummy devices
        self.f4.address("stub0", "10.4.0.1/24")
        self.f4.address("eth0", "10.0.34.4/24")
        self.routers = [lab.router(space, configuration(space.short, ports)) for space, ports in (
            (self.r1, {"lan": "10.1.0.1/24", "to-r2": "10.0.12.1/24", "to-r3": "10.0.13.1/24"}),
            (self.r2, {"lan": "10.2.0.1/24", "to-r1": "10.0.12.2/24", "to-r3": "10.0.23.2/24"}),
            (self.r3, {"to-r1": "10.0.13.3/24", "to-r2": "10.0.23.3/24", "to-f4": "10.0.34.3/24"}))]
        self.frr = Frr(self.f4, FRR)

    def way(self):
        """The next hop from r1 to h2's network, as RIP has it; None: none."""
        entries = self.routers[0].json("show ip route rip").get("10.2.0.0/24", [])
        return next((entry["nexthops"][0]["ip"] for entry in entries if entry["selected"]), None)

    def wait_for_all(self):
        wait_until(lambda: self.way() == "10.0.12.2", 60, "r1's route to h2")
        for router in self.routers:
            wait_until(lambda r=router: {"10.1.0.0/24", "10.2.0.0/24", "10.4.0.0/24"} <= set(r.json("show ip route")), 60,
                       f"the routes of {router.namespace.short}")
        wait_until(lambda: {"10.1.0.0/24", "10.2.0.0/24"} <= set(self.frr.routes()), 60, "FRR's routes")

    def hops(self):
        text = self.h1.run("traceroute", "-n", "-N", "1", "-q", "1", "-w", "3", "10.2.0.2")
        return [row.split()[1] for row in text.splitlines()[1:]]

    def reaches(self):
        for address in ("10.2.0.2", "10.4.0.1"):
            wait_until(lambda a=address: " 0% packet loss" in self.h1.ping(a, 1, "-W", "1", check=False), 30, f"h1's ping of {address}")


def heal(net):
    """Cuts the link between r1 and r2, and mends it: packets go by r3 meanwhile."""
    require(net.hops() == ["10.1.0.1", "10.0.12.2", "10.2.0.2"], f"h1 does not reach h2 by r1 and r2: {net.hops()}")
    for up, what, hop, hops in ((False, "cut", "10.0.13.3", ["10.1.0.1", "10.0.13.3", "10.0.23.2", "10.2.0.2"]),
                                (True, "mended", "10.0.12.2", ["10.1.0.1", "10.0.12.2", "10.2.0.2"])):
        begun = time.monotonic()
        net.r1.up("to-r2", up)
        wait_until(lambda h=hop: net.way() == h, 60, f"r1's route by {hop}")
        net.reaches()
        healed, by = time.monotonic() - begun, net.hops()
        show(f"the link of r1 and r2 is {what}", f"healed after {healed:.1f} s: h1 to h2 by {' '.join(by)}")
        require(by == hops, f"the way is {by} instead of {hops}")
        print(net.routers[0].shell("show ip rip").rstrip())


def build(lab):
    net = Triangle(lab)
    net.wait_for_all()
    net.reaches()
    return net


def tell(lab, net, down):
    enter = f"sudo ip netns exec {lab.prefix}-"
    sockets = "\n".join(f"  shell of {r.namespace.short}           sudo {os.path.join(TOP, 'ferrysh')} -s {r.socket}" for r in net.routers)
    show("r1# show ip rip", net.routers[0].shell("show ip rip"))
    return f"""\
{sockets}
  shell of FRR          sudo vtysh --vty_socket {net.frr.folder} -d ripd     (or -d zebra)
  enter a host          {enter}h1 bash     (or {lab.prefix}-h2)
  configurations, logs  {lab.folder}
  take it down          {down}

Watch a ping, cut the link that it takes, and mend it again:
  {enter}h1 ping 10.2.0.2
  {enter}r1 ip link set to-r2 down
  {enter}r1 ip link set to-r2 up

See what the routers make of it:
  show ip rip               what is known, from whom, and how long for
  show ip rip neighbors     who speaks, and what was refused of theirs
  debug rip                 in a session of its own: every message and change (no debug rip ends it)
"""


if __name__ == "__main__":
    Standing("lab-rip", "riplab", DRAWING, build, heal, tell, require_frr).main()

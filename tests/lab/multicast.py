"""make lab-multicast: a stream like television by IP, a ferryd that is the querier, one that is an IGMP proxy behind it, and hosts
that come and go; left up to play with.

CHECK=1 lets hosts join and leave, looks at what comes to them, and takes everything away. DOWN=1 takes away a lab that was left
up. LAB=name gives it another name, so that several can stand side by side."""

import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.demo import require, show  # noqa: E402
from tests.lab.lab import TOP, wait_until  # noqa: E402
from tests.lab.standing import Standing  # noqa: E402
from tests.lab.video import PORT, Watcher  # noqa: E402

DRAWING = r"""
                                  h1                               h2
                               10.1.0.2                         10.2.0.2
                                  │                                │
  src ───── 10.9.0.0/24 ───── r1: querier ── 10.0.12.0/24 ── r2: IGMP proxy
  10.9.0.2                                                         │
  sends 239.1.1.1 and 239.1.1.2                                    h3
                                                                10.3.0.2
"""

GROUPS = ["239.1.1.1", "239.1.1.2"]
SOURCE = "10.9.0.2"
VIDEO = os.path.join(TOP, "tests", "lab", "video.py")
PYTHON = "/usr/bin/python3"

# Shorter than usual, so that one need not wait for what is otherwise forgotten after minutes.
IGMP = "igmp: { query-interval = 15; query-response-interval = 3.0; last-member-query-interval = 0.5; };"


def configuration(name, ports, route, upstream=None):
    """PORTS: device to address; nobody is asked upstream."""
    entries = [f'  {{ name = "{device}"; addresses = [ "{address}" ]; {"" if device == upstream else IGMP} }}'
               for device, address in ports.items()]
    multicast = f'upstream = "{upstream}"; ' if upstream else ""
    return (f'hostname = "{name}";\n\ninterfaces = (\n' + ",\n".join(entries) + "\n);\n\n"
            f'static-routes = ( {{ prefix = "{route[0]}"; via = "{route[1]}"; }} );\n\nmulticast: {{ {multicast}}};\n')


class Television:
    def __init__(self, lab):
        self.lab = lab
        self.src, self.h1, self.h2, self.h3, r1, r2 = (lab.namespace(n) for n in ("src", "h1", "h2", "h3", "r1", "r2"))
        self.hosts = (self.h1, self.h2, self.h3)
        lab.link(r1, "to-r2", r2, "to-r1")
        for host, router, address in ((self.src, r1, "10.9.0"), (self.h1, r1, "10.1.0"), (self.h2, r2, "10.2.0"), (self.h3, r2, "10.3.0")):
            lab.link(host, "eth0", router, f"to-{host.short}")
            host.address("eth0", f"{address}.2/24")
            host.route("default", f"{address}.1")
        self.r1 = lab.router(r1, configuration("r1", {"to-src": "10.9.0.1/24", "to-h1": "10.1.0.1/24", "to-r2": "10.0.12.1/24"},
                                               ("10.2.0.0/15", "10.0.12.2")))
        self.r2 = lab.router(r2, configuration("r2", {"to-r1": "10.0.12.2/24", "to-h2": "10.2.0.1/24", "to-h3": "10.3.0.1/24"},
                                               ("0.0.0.0/0", "10.0.12.1"), upstream="to-r1"))
        self.routers = (self.r1, self.r2)
        self.start(self.src, "send", ",".join(GROUPS), SOURCE)
        wait_until(lambda: self.stream(self.r1), 30, "r1's entry of the stream")

    def start(self, host, *arguments):
        with open(os.path.join(self.lab.folder, f"{host.short}.log"), "w", encoding="utf-8") as log:
            host.start(PYTHON, VIDEO, *arguments, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    @staticmethod
    def stream(router):
        """What a router knows of the first stream; None: it knows nothing."""
        return router.json("show ip mroute").get(GROUPS[0], {}).get(SOURCE)

    def goes_to(self, router):
        return set((self.stream(router) or {"oil": {}})["oil"])

    def wait_sent(self, packets):
        """Until r1 has had so many more."""
        goal = self.stream(self.r1)["packets"] + packets
        wait_until(lambda: self.stream(self.r1)["packets"] >= goal, 60, f"{packets} packets")


def watch(host):
    return Watcher(host.socket(socket.AF_INET, socket.SOCK_DGRAM), GROUPS[0])


def frames(tap):
    """How many of the stream came out on a wire until now."""
    return sum(1 for frame in tap.frames(0.05) if frame[12:14] == b"\x08\x00" and frame[23] == socket.IPPROTO_UDP and
               frame[30:34] == socket.inet_aton(GROUPS[0]) and frame[36:38] == PORT.to_bytes(2, "big"))


def see(what, watcher, packets):
    """That it gets so many more, each of them, in order."""
    goal = watcher.count + packets
    wait_until(lambda: watcher.read() >= 0 and watcher.count >= goal, 60, f"{packets} packets of the stream at {what}")
    show(what, watcher.says())
    require(watcher.lost == 0 and watcher.disordered == 0, f"{what}: {watcher.says()}")


def try_it(net):
    require(net.goes_to(net.r1) == set(), "the stream goes somewhere, and nobody listens")
    wires = {host.short: host.tap("eth0") for host in net.hosts}
    first = watch(net.h1)
    see("h1 has joined at r1", first, 200)
    require(net.stream(net.r2) is None, "r2 has the stream, and nobody behind it listens")
    second = watch(net.h2)
    see("h2 has joined at r2, the proxy", second, 200)
    require(net.goes_to(net.r1) == {"to-h1", "to-r2"} and net.goes_to(net.r2) == {"to-h2"}, "the stream goes elsewhere")
    print(net.r2.shell("show ip igmp groups detail").rstrip())
    print(net.r2.shell("show ip mroute").rstrip())
    second.socket.close()
    wait_until(lambda: net.goes_to(net.r2) == set() and net.goes_to(net.r1) == {"to-h1"}, 30, "the end of the stream behind h2's leave")
    frames(wires["h2"])
    net.wait_sent(200)
    came = frames(wires["h2"])
    show("h2 has left", f"{came} packets came to its wire meanwhile, and to h3's in all {frames(wires['h3'])}")
    require(came == 0, "the stream still comes to h2's wire")
    see("h1 has watched all the while", first, 10)
    require(frames(wires["h1"]) >= first.count, "h1 got more than came to its wire")
    first.socket.close()
    for router in net.routers:
        router.balance()


def tell(lab, net, down):
    for host in net.hosts:
        net.start(host, "zap", ",".join(GROUPS))
    wait_until(lambda: any(stream["oil"] for group in net.r1.json("show ip mroute").values() for stream in group.values()), 60,
               "somebody who watches")
    show("r1# show ip mroute", net.r1.shell("show ip mroute"))
    enter = f"sudo ip netns exec {lab.prefix}-"
    shell = f"sudo {os.path.join(TOP, 'ferrysh')}"
    sockets = "\n".join(f"  shell of {r.namespace.short}           {shell} -s {r.socket}" for r in net.routers)
    return f"""\
{sockets}
  enter a host          {enter}h1 bash     (or h2, h3, src)
  what hosts get        tail -f {lab.folder}/h*.log
  configurations, logs  {lab.folder}
  take it down          {down}

The hosts come and go every few seconds. Watch them from a router:
  show ip igmp groups detail   who listens to what, and how long that holds
  show ip mroute               where each stream goes, or why it goes nowhere
  debug igmp                   in a session of its own: every message and change (no debug igmp ends it)
  monitor                      packets and bytes of each interface, as they come

Watch the stream yourself, then that source's only; and let it come to h3's wire whoever listens:
  {enter}h3 {PYTHON} {VIDEO} watch {GROUPS[0]}
  {enter}h3 {PYTHON} {VIDEO} watch {GROUPS[0]} {SOURCE}
  {shell} -s {net.r2.socket} -c 'configure terminal' -c 'interface to-h3' -c 'ip igmp static-group {GROUPS[0]}'
"""


if __name__ == "__main__":
    Standing("lab-multicast", "mcastlab", DRAWING, Television, try_it, tell).main()

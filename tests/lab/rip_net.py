"""Networks of RIP routers of several makes: ferryd, FRR and BIRD behind one face, and the table that each must have.

    net = RipNet(lab, update=1, timeout=6, garbage=4)
    a, b = net.router("a", "ferryd"), net.router("b", "frr")
    net.link(a, b)
    net.stub(a)                        # a network of a's own
    host = net.stub(b, host=True)      # with a host in it
    net.start()
    net.agree()                        # every router has the table that the graph demands

What is done to the network is done by methods of RipNet, which keep the graph: it says at any time what tables are right.
The graph is the only source of that; routers are only asked for what they have.

Link number i is 10.1.i.0/24, with .1 and .2; the stub network of router number i is 10.2.i.0/24, with .1 and the host .2.
A router's device to the router b is to-b, and the one of its stub network is stub."""

from tests.lab.lab import wait_until
from tests.lab.peers import Bird, Frr

INFINITY = 16


class Link:
    """Two ports, in a cable if CABLE: a bridge of its own, so that it can be cut while both keep their carrier."""

    def __init__(self, net, number, a, b, cable):
        self.number = number
        self.prefix = f"10.1.{number}.0/24"
        self.ends = (a, b)
        self.carrier = True
        self.whole = True
        self.cable = None
        devices = (f"to-{b.name}", f"to-{a.name}")
        if cable:
            self.cable = net.lab.namespace(f"{a.name}-{b.name}")
            self.cable.run("ip", "link", "add", "name", "cable", "type", "bridge")
            self.cable.up("cable")
            for node, device in zip(self.ends, devices):
                net.lab.link(node.namespace, device, self.cable, node.name)
                self.cable.run("ip", "link", "set", node.name, "master", "cable")
        else:
            net.lab.link(a.namespace, devices[0], b.namespace, devices[1])
        a.devices[devices[0]] = f"10.1.{number}.1"
        b.devices[devices[1]] = f"10.1.{number}.2"
        a.links[devices[0]] = b.links[devices[1]] = self

    def other(self, node):
        return self.ends[1] if node is self.ends[0] else self.ends[0]


class Node:
    """A router. DEVICES maps its devices to their addresses, all with a length of 24."""

    kind = None

    def __init__(self, net, name, number):
        self.net = net
        self.name = name
        self.number = number
        self.namespace = net.lab.namespace(name)
        self.devices = {}
        self.links = {}
        self.metric_in = {}  # by device, beside the hop's own 1
        self.starts = 0
        self.alive = False

    def wait_started(self):
        pass

    def address(self, device):
        return self.devices[device]

    def give_addresses(self):
        for device, address in self.devices.items():
            self.namespace.address(device, f"{address}/24")


class Ferryd(Node):
    kind = "ferryd"

    def start(self):
        if self.starts > 0:
            self.router.start()
            return
        update, timeout, garbage = self.net.timers
        entries = ",\n  ".join(
            f'{{ name = "{device}"; addresses = "{address}/24"; rip: {{ passive = {"false" if device in self.links else "true"}; }}; }}'
            for device, address in self.devices.items())
        self.router = self.net.lab.router(
            self.namespace, f'hostname = "{self.name}";\ninterfaces = (\n  {entries}\n);\n'
                            f"rip: {{ timers: {{ update = {update}; timeout = {timeout}; garbage = {garbage}; }}; }};\n", wait=False)

    def wait_started(self):
        self.router.wait_ready(times=self.starts)

    def kill(self):
        self.router.kill()

    def stop(self):
        self.router.stop()

    def add_metric(self, device, metric, before):
        words = ([f"no ip rip offset-list in {before}"] if before else []) + ([f"ip rip offset-list in {metric}"] if metric else [])
        self.router.shell("configure terminal", f"interface {device}", *words, "end")

    def routes(self):
        routes = self.router.json("show ip route rip")
        return {prefix: (entries[0]["metric"], sorted(hop["ip"] for hop in entries[0]["nexthops"]))
                for prefix, entries in routes.items() if entries[0]["selected"]}


class FrrNode(Node):
    kind = "frr"

    def start(self):
        if self.starts > 0:
            self.frr.start_all()
            return
        self.give_addresses()
        update, timeout, garbage = self.net.timers
        networks = "".join(f" network {device}\n" + ("" if device in self.links else f" passive-interface {device}\n")
                           for device in self.devices)
        self.frr = Frr(self.namespace, f"router rip\n version 2\n timers basic {max(update, 5)} {timeout} "
                                       f"{max(garbage, 5)}\n{networks}")

    def kill(self):
        self.frr.kill_all()

    def stop(self):
        self.frr.stop()

    def add_metric(self, device, metric, before):
        # FRR's offset takes the place of the hop's own 1.
        no = "" if metric else "no "
        self.frr.vtysh("configure terminal", "access-list all permit any", "router rip",
                       f"{no}offset-list all in {1 + (metric or before)} {device}")

    def routes(self):
        return self.frr.routes()


class BirdNode(Node):
    kind = "bird"

    def configuration(self):
        update, timeout, garbage = self.net.timers
        interfaces = "".join(
            f'  interface "{device}" {{ metric {1 + self.metric_in.get(device, 0)}; update time {update}; timeout time {timeout}; '
            f"garbage time {garbage}; }};\n" for device in self.links)
        return (f"router id 10.255.0.{self.number};\nprotocol device {{ scan time 10; }}\n"
                "protocol direct { ipv4; check link yes; }\nprotocol kernel { ipv4 { export where source = RTS_RIP; import none; }; }\n"
                "protocol rip { ipv4 { import all; export where source = RTS_DEVICE || source = RTS_RIP; };\n" + interfaces + "}\n")

    def start(self):
        if self.starts > 0:
            self.bird.start()
            return
        self.give_addresses()
        self.bird = Bird(self.namespace, self.configuration())

    def kill(self):
        self.bird.kill()

    def stop(self):
        self.bird.stop()

    def add_metric(self, device, metric, before):
        self.bird.configure(self.configuration())

    def routes(self):
        return self.bird.routes()


KINDS = {kind.kind: kind for kind in (Ferryd, FrrNode, BirdNode)}


class RipNet:
    def __init__(self, lab, update, timeout, garbage):
        """Timers in seconds. FRR's begin at 5, which it takes where less is asked for: what hears it needs a timeout beyond 6.25."""
        self.lab = lab
        self.timers = (update, timeout, garbage)
        self.nodes = []
        self.links = []

    # ---- making it

    def router(self, name, kind):
        node = KINDS[kind](self, name, len(self.nodes) + 1)
        self.nodes.append(node)
        return node

    def link(self, a, b, cable=False):
        link = Link(self, len(self.links) + 1, a, b, cable)
        self.links.append(link)
        return link

    def stub(self, node, host=False):
        """A network of NODE's own; returns the host in it, if one is asked for."""
        there = self.lab.namespace(f"h{node.name}") if host else node.namespace
        self.lab.link(there, "eth0" if host else "nobody", node.namespace, "stub")
        node.devices["stub"] = f"10.2.{node.number}.1"
        if not host:
            return None
        there.address("eth0", f"10.2.{node.number}.2/24")
        there.route("default", f"10.2.{node.number}.1")
        return there

    def start(self):
        self._start(self.nodes)

    @staticmethod
    def _start(nodes):
        for node in nodes:
            node.start()
            node.starts += 1
        for node in nodes:
            node.wait_started()
            node.alive = True

    # ---- doing things to it

    def lose_carrier(self, link, lost=True):
        """The device at the first end is set down: the other end's has no carrier."""
        link.carrier = not lost
        device = next(name for name, of in link.ends[0].links.items() if of is link)
        link.ends[0].namespace.up(device, not lost)

    def cut(self, link, cut=True):
        """In the middle of its cable: both ends keep their carrier."""
        link.whole = not cut
        link.cable.run("ip", "link", "set", link.ends[0].name, *(("nomaster",) if cut else ("master", "cable")))

    def kill(self, node):
        node.kill()
        node.alive = False

    def stop(self, node):
        node.stop()
        node.alive = False

    def revive(self, node):
        """After kill() or stop()."""
        self._start([node])

    def add_metric(self, node, other, metric):
        """What NODE hears from its neighbour OTHER costs METRIC more than it did at the start."""
        device = f"to-{other.name}"
        before = node.metric_in.get(device, 0)
        node.metric_in[device] = metric
        node.add_metric(device, metric, before)

    # ---- what must come of it

    def connected(self, node):
        here = {link.prefix for link in node.links.values() if link.carrier}
        return here | ({f"10.2.{node.number}.0/24"} if "stub" in node.devices else set())

    def tables(self):
        """By router: prefix to (metric, set of next hops, any of which will do), by Bellman and Ford.

        A directly connected network is told of with metric 1, and every hop adds 1 and what the hearer adds (RFC 2453 3.9.2)."""
        alive = [node for node in self.nodes if node.alive]
        own = {node: self.connected(node) for node in alive}
        tables = {node: {} for node in alive}
        while True:
            after = {}
            for node in alive:
                table = after[node] = {}
                for device, link in node.links.items():
                    other = link.other(node)
                    if not (link.carrier and link.whole and other.alive):
                        continue
                    back = next(name for name, of in other.links.items() if of is link)
                    said = {prefix: 1 for prefix in own[other]}
                    said.update({prefix: metric for prefix, (metric, _) in tables[other].items()})
                    for prefix, metric in said.items():
                        metric += 1 + node.metric_in.get(device, 0)
                        if prefix in own[node] or metric >= INFINITY:
                            continue
                        best, hops = table.get(prefix, (INFINITY, set()))
                        if metric < best:
                            table[prefix] = (metric, {other.address(back)})
                        elif metric == best:
                            hops.add(other.address(back))
            if after == tables:
                return tables
            tables = after

    def difference(self):
        """The first router that has another table than the graph demands, and what it has; None when all agree."""
        for node, wanted in self.tables().items():
            has = node.routes()
            if {p: m for p, (m, _) in has.items()} != {p: m for p, (m, _) in wanted.items()}:
                return f"{node.name} ({node.kind}) has {has}, and should have {wanted}"
            for prefix, (_, hops) in has.items():
                if not hops or not set(hops) <= wanted[prefix][1]:
                    return f"{node.name} ({node.kind}) reaches {prefix} by {hops}, and should by {wanted[prefix][1]}"
        return None

    def agree(self, timeout=60.0, what="the tables"):
        last = []

        def agreed():
            last[:] = [self.difference()]
            return last[0] is None
        try:
            wait_until(agreed, timeout, what)
        except Exception as error:
            raise AssertionError(f"{what}: after {timeout} s, {last[0]}") from error

"""IGMP and multicast forwarding with real hosts: Linux joins, leaves and filters, and streams reach exactly those who listen."""

import socket
import struct
import time

import pytest

from tests.integration.debug import Debug
from tests.lab.lab import Lab, wait_until

GROUP, OTHER = "239.1.1.1", "239.2.2.2"
PORT = 5000
IP_ADD_SOURCE_MEMBERSHIP, IP_DROP_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, IP_UNBLOCK_SOURCE = 39, 40, 38, 37
IGMP_TO_IN = 3
IP_MSFILTER, EXCLUDE, INCLUDE = 41, 0, 1
FAST = "query-interval = 4; query-response-interval = 1.0; last-member-query-interval = 0.5;"


class Net:
    """r1 with a host on each of its ports: h1 (10.0.1.2) - r0, h2 (10.0.2.2) - r1, and so on; streams come from h1."""

    def __init__(self, lab, hosts=3, igmp=FAST, extra="", interface=""):
        self.lab = lab
        self.r1 = lab.namespace("r1")
        self.hosts = []
        entries = []
        for i in range(hosts):
            host = lab.namespace(f"h{i + 1}")
            lab.link(host, "eth0", self.r1, f"r{i}")
            host.address("eth0", f"10.0.{i + 1}.2/24")
            host.route("default", f"10.0.{i + 1}.1")
            self.hosts.append(host)
            entries.append(f'{{ name = "r{i}"; addresses = "10.0.{i + 1}.1/24"; igmp: {{ {igmp} }}; {interface} }}')
        self.router = lab.router(self.r1, 'hostname = "r1";\ninterfaces = (\n  ' + ",\n  ".join(entries) + f"\n);\nmulticast: {{ }};\n{extra}")

    def groups(self, port):
        found = self.router.json("show ip igmp groups detail").get(port, {"groups": []})["groups"]
        return {entry["group"]: entry for entry in found}

    def joined(self, port, group=GROUP, yes=True):
        wait_until(lambda: (group in self.groups(port)) == yes, 30, f"{group} {'on' if yes else 'gone from'} {port}")

    def stream(self, group=GROUP, source=None):
        routes = self.router.json("show ip mroute").get(group, {})
        return routes.get(source or "10.0.1.2")

    def igmp(self, port):
        return self.router.json("show ip igmp interfaces")[port]

    def configure(self, *lines):
        self.router.shell("configure terminal", *lines, "end")


class Listener:
    def __init__(self, host, address, group=GROUP, source=None, port=PORT):
        self.group, self.address = socket.inet_aton(group), socket.inet_aton(address)
        self.socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((group, port))
        self.socket.settimeout(5)
        if source is None:
            self.option(socket.IP_ADD_MEMBERSHIP)
        else:
            self.source_option(IP_ADD_SOURCE_MEMBERSHIP, source)

    def option(self, name):
        self.socket.setsockopt(socket.IPPROTO_IP, name, self.group + self.address)

    def source_option(self, name, source):
        self.socket.setsockopt(socket.IPPROTO_IP, name, self.group + self.address + socket.inet_aton(source))

    def leave(self):
        self.option(socket.IP_DROP_MEMBERSHIP)

    def next(self):
        return struct.unpack("!I", self.socket.recv(100)[:4])[0]

    def close(self):
        self.socket.close()

    def filter(self, mode, *sources):
        """IP_MSFILTER: MODE is INCLUDE or EXCLUDE; replaces what was asked for before, at once."""
        value = self.group + self.address + struct.pack("=II", mode, len(sources)) + b"".join(map(socket.inet_aton, sources))
        self.socket.setsockopt(socket.IPPROTO_IP, IP_MSFILTER, value)

    def drain(self):
        self.socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(struct.unpack("!I", self.socket.recv(100)[:4])[0])
        except BlockingIOError:
            pass
        self.socket.settimeout(5)
        return found


class Sender:
    def __init__(self, host, address="10.0.1.2", group=GROUP, ttl=8, port=PORT, interface=None):
        self.socket = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface or address))
        self.to = (group, port)
        self.number = 0

    def send(self, count=1):
        for _ in range(count):
            self.number += 1
            self.socket.sendto(struct.pack("!I", self.number) + bytes(60), self.to)
        return self.number


def multicast_seen(tap, group=GROUP):
    """How many frames of the group came out on a wire until now."""
    return sum(1 for frame in tap.frames(0.05) if frame[12:14] == b"\x08\x00" and frame[23] == 17 and frame[30:34] == socket.inet_aton(group))


@pytest.fixture
def net():
    with Lab("igmp") as lab:
        yield Net(lab)


def test_a_stream_reaches_those_who_joined_and_nobody_else(net):
    taps = [host.tap("eth0") for host in net.hosts]
    sender = Sender(net.hosts[0])
    sender.send(5)  # to nobody
    wait_until(lambda: net.stream(), 10, "the entry of a stream that nobody wants")
    assert net.stream()["oil"] == {} and "listen" in net.router.shell("show ip mroute")
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    assert net.groups("r1")[GROUP]["mode"] == "EXCLUDE" and net.groups("r1")[GROUP]["version"] == 3
    first = sender.send(100) - 99
    assert [listener.next() for _ in range(100)] == list(range(first, first + 100))  # the first one as well, in order
    assert list(net.stream()["oil"]) == ["r1"] and net.stream()["packets"] == 105
    assert multicast_seen(taps[2]) == 0
    second = Listener(net.hosts[2], "10.0.3.2")
    net.joined("r2")
    number = sender.send()
    assert listener.next() == number and second.next() == number
    listener.leave()
    net.joined("r1", yes=False)
    multicast_seen(taps[1])
    number = sender.send(10)
    assert [second.next() for _ in range(10)][-1] == number
    assert multicast_seen(taps[1]) == 0
    net.router.balance()


def test_messages_leave_as_rfc_9776_has_them(net):
    """TTL 1, internetwork control, whole, with router alert (4); a general query goes to all systems, a specific one to its group."""
    tap = net.hosts[1].tap("eth0")

    def query(to):
        return lambda f: f if f[12:14] == b"\x08\x00" and f[23] == 2 and f[30:34] == socket.inet_aton(to) and f[38] == 0x11 else False
    for to in ("224.0.0.1", GROUP):
        if to == GROUP:
            listener = Listener(net.hosts[1], "10.0.2.2")
            net.joined("r1")
            listener.leave()
        frame = tap.expect(query(to), 15)
        assert frame[:6] == b"\x01\x00\x5e" + socket.inet_aton(to)[1:] and frame[26:30] == socket.inet_aton("10.0.2.1")
        assert (frame[14], frame[15], frame[22]) == (0x46, 0xC0, 1) and frame[20] & 0x40 and frame[34:38] == b"\x94\x04\x00\x00"


def test_the_ttl_goes_down_and_one_is_not_forwarded(net):
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    tap = net.hosts[1].tap("eth0")
    Sender(net.hosts[0], ttl=8).send()
    frame = tap.expect(lambda f: f if f[12:14] == b"\x08\x00" and f[23] == 17 else False)
    assert frame[22] == 7 and frame[:6] == bytes.fromhex("01005e010101")
    assert frame[6:12] == bytes.fromhex(net.r1.mac("r1").replace(":", ""))
    listener.drain()
    Sender(net.hosts[0], ttl=1).send(3)
    number = Sender(net.hosts[0], ttl=2).send()
    assert listener.next() == number
    assert net.router.json("show drops r0")["r0"]["drops"]["multicast-ttl"] == 3


@pytest.mark.parametrize("version", [1, 2])
def test_hosts_of_older_versions(net, version):
    net.hosts[1].sysctl("net.ipv4.conf.eth0.force_igmp_version", version)
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    assert net.groups("r1")[GROUP]["version"] == version
    number = Sender(net.hosts[0]).send()
    assert listener.next() == number
    if version == 2:  # one of version 1 does not say that it leaves
        begun = time.monotonic()
        listener.leave()
        net.joined("r1", yes=False)
        # RFC 9776 8.8 to 8.10: the last member's interval of 0.5 s, twice, and not the 9 s of a member that says nothing.
        assert 0.9 < time.monotonic() - begun < 5
        assert net.igmp("r1")["counters"]["outGroupQueries"] == 2


def test_fast_leave_waits_for_the_last_host_of_a_wire():
    with Lab("igmp") as lab:
        net = Net(lab, hosts=2, igmp=FAST + "fast-leave = true;")
        wire = net.hosts[1]  # no host, but a switch that does not snoop
        wire.run("ip", "address", "flush", "dev", "eth0")
        wire.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        wire.run("ip", "link", "set", "eth0", "master", "br0")
        wire.up("br0")
        listeners = []
        for number in (11, 12):
            host = lab.namespace(f"w{number}")
            lab.link(host, "eth0", wire, f"p{number}")
            wire.run("ip", "link", "set", f"p{number}", "master", "br0")
            host.address("eth0", f"10.0.2.{number}/24")
            listeners.append(Listener(host, f"10.0.2.{number}"))
            stays = host
        leaver, stayer = listeners
        # Until its first queries had time to be answered, the router asks: it may not know all hosts.
        wait_until(lambda: net.groups("r1").get(GROUP, {}).get("hosts") == 2 and net.groups("r1")[GROUP]["tracked"], 30, "two known hosts")
        sender = Sender(net.hosts[0])
        tap = stays.tap("eth0")
        leaver.leave()
        for _ in range(100):
            number = sender.send()
            assert stayer.next() == number
            if net.groups("r1")[GROUP]["hosts"] == 1:
                break
        for _ in range(2):  # Linux says it twice, and each time somebody may have to be asked
            tap.expect(lambda f: f[26:30] == socket.inet_aton("10.0.2.11") and f[23] == 2 and f[38] == 0x22 and f[46] == IGMP_TO_IN)
        # The other one wants it still, so the wire is asked, and that one answers.
        wait_until(lambda: not net.groups("r1")[GROUP]["leaving"], 10, "its answer")
        counters = net.igmp("r1")["counters"]
        assert counters["outGroupQueries"] > 0 and counters["fastLeaves"] == 0
        number = sender.send()
        assert stayer.next() == number and net.groups("r1")[GROUP]["hosts"] == 1
        stayer.leave()
        net.joined("r1", yes=False)
        assert net.igmp("r1")["counters"]["fastLeaves"] == 1  # without a question
        wait_until(lambda: net.stream()["oil"] == {}, 10, "the end of the stream")


def test_sources_are_joined_and_blocked(net):
    net.hosts[0].address("eth0", "10.0.1.3/24")
    good, bad = Sender(net.hosts[0], "10.0.1.2"), Sender(net.hosts[0], "10.0.1.3")
    bad.number = 1000
    listener = Listener(net.hosts[1], "10.0.2.2", source="10.0.1.2")
    net.joined("r1")
    entry = net.groups("r1")[GROUP]
    assert entry["mode"] == "INCLUDE" and [(s["source"], s["forwarded"]) for s in entry["sources"]] == [("10.0.1.2", True)]
    tap = net.hosts[1].tap("eth0")
    bad.send(5)
    number = good.send()
    assert listener.next() == number
    assert multicast_seen(tap) == 1  # the others did not even come to the wire
    listener.close()
    net.joined("r1", yes=False)
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    listener.source_option(IP_BLOCK_SOURCE, "10.0.1.3")
    wait_until(lambda: any(s["source"] == "10.0.1.3" and not s["forwarded"] for s in net.groups("r1")[GROUP]["sources"]), 15, "the block")
    multicast_seen(tap)
    bad.send(5)
    number = good.send()
    assert listener.next() == number
    assert multicast_seen(tap) == 1
    listener.source_option(IP_UNBLOCK_SOURCE, "10.0.1.3")
    wait_until(lambda: not any(s["source"] == "10.0.1.3" and not s["forwarded"] for s in net.groups("r1")[GROUP]["sources"]), 15, "the unblock")
    number = bad.send()
    assert listener.next() == number


def test_a_host_changes_its_filter(net):
    net.hosts[0].address("eth0", "10.0.1.3/24")
    two, three = Sender(net.hosts[0], "10.0.1.2"), Sender(net.hosts[0], "10.0.1.3")
    three.number = 1000
    listener = Listener(net.hosts[1], "10.0.2.2", source="10.0.1.2")
    tap = net.hosts[1].tap("eth0")

    def passes(mode, forwarded):
        """Waits until the router forwards exactly that; the wire then has nothing else, and the host all of it."""
        entry = wait_until(lambda: net.groups("r1").get(GROUP, {}), 10, "the group")
        wait_until(lambda: net.groups("r1")[GROUP]["mode"] == mode and
                   {s["source"]: s["forwarded"] for s in net.groups("r1")[GROUP]["sources"]} == forwarded, 20, f"{mode} {forwarded} after {entry}")
        multicast_seen(tap)
        two.send(), three.send()
        seen = multicast_seen(tap)
        heard = listener.drain()
        assert seen == len(heard)
        return {"10.0.1.2" if number < 1000 else "10.0.1.3" for number in heard}

    assert passes("INCLUDE", {"10.0.1.2": True}) == {"10.0.1.2"}
    listener.filter(INCLUDE, "10.0.1.3")
    assert passes("INCLUDE", {"10.0.1.3": True}) == {"10.0.1.3"}
    listener.filter(EXCLUDE, "10.0.1.3")
    assert passes("EXCLUDE", {"10.0.1.3": False}) == {"10.0.1.2"}
    listener.filter(EXCLUDE)
    assert passes("EXCLUDE", {}) == {"10.0.1.2", "10.0.1.3"}
    listener.filter(INCLUDE, "10.0.1.2", "10.0.1.3")
    assert passes("INCLUDE", {"10.0.1.2": True, "10.0.1.3": True}) == {"10.0.1.2", "10.0.1.3"}


def test_ranges_of_single_sources_and_limits(net):
    net.configure("multicast ssm-range 239.9.0.0/16", "interface r1", "ip igmp group-limit 2")
    tap = net.hosts[1].tap("eth0")
    any_source = Listener(net.hosts[1], "10.0.2.2", group="239.9.0.1")
    wait_until(lambda: net.igmp("r1")["counters"]["rejects"].get("ssm"), 10, "the refusal of all sources")
    assert net.groups("r1") == {}
    any_source.close()
    one_source = Listener(net.hosts[1], "10.0.2.2", group="239.9.0.1", source="10.0.1.2")
    net.joined("r1", "239.9.0.1")
    Sender(net.hosts[0], group="239.9.0.1").send()
    assert one_source.next() == 1 and multicast_seen(tap, "239.9.0.1") == 1
    second = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    third = Listener(net.hosts[1], "10.0.2.2", group=OTHER)
    wait_until(lambda: net.igmp("r1")["counters"]["rejects"].get("group-limit"), 10, "the refusal of a third group")
    assert set(net.groups("r1")) == {"239.9.0.1", GROUP}
    net.router.wait_log("IGMP on r1.*10.0.2.2.*group-limit")
    net.configure("interface r1", "no ip igmp group-limit")
    net.joined("r1", OTHER)  # at its next report
    for listener in (one_source, second, third):
        listener.close()


def test_members_answer_after_a_clear_and_debug_tells():
    with Lab("igmp") as lab:
        net = Net(lab, igmp="query-response-interval = 0.5;")  # so rare a query does not come by itself
        with_debug = Debug(net.router, "debug igmp interface r1")
        listener = Listener(net.hosts[1], "10.0.2.2")
        other = Listener(net.hosts[2], "10.0.3.2")
        with_debug.until("igmp r1 10.0.2.2: received version 3 report")
        net.joined("r1"), net.joined("r2")
        assert "igmp r2" not in with_debug.text
        queries = net.igmp("r1")["counters"]["outGeneralQueries"] + net.igmp("r1")["counters"]["outGroupQueries"]
        since = with_debug.text
        net.router.shell("clear ip igmp groups r1")
        net.joined("r1")
        with_debug.until(lambda text: "received version 3 report" in text[len(since):])
        counters = net.igmp("r1")["counters"]
        assert counters["outGeneralQueries"] + counters["outGroupQueries"] > queries
        number = Sender(net.hosts[0]).send()
        assert listener.next() == number and other.next() == number


def test_a_host_that_dies_is_forgotten_in_time(net):
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    net.hosts[1].run("nft", "add table ip dead; add chain ip dead out { type filter hook output priority 0; policy drop; }")
    begun = time.monotonic()
    net.joined("r1", yes=False)
    # RFC 9776 8.4: robustness 2 times 4 s and 1 s; the last report may be up to a query interval old.
    assert 4 < time.monotonic() - begun < 12
    listener.close()


def test_static_groups_boundaries_and_thresholds():
    with Lab("igmp") as lab:
        net = Net(lab, igmp=FAST + f'static-groups = [ "{GROUP}", "{OTHER}" ];',
                  interface='multicast: { boundaries = "239.2.0.0/16"; ttl-threshold = 4; };')
        taps = [host.tap("eth0") for host in net.hosts]
        assert net.groups("r1")[GROUP]["static"] is True
        Sender(net.hosts[0], ttl=8).send(3)
        Sender(net.hosts[0], ttl=4).send(2)
        Sender(net.hosts[0], ttl=8, group=OTHER).send(3)
        wait_until(lambda: net.stream() and net.stream()["packets"] == 5, 10, "the stream")
        assert multicast_seen(taps[1]) == 3 and multicast_seen(taps[2]) == 3
        drops = net.router.json("show drops r0")["r0"]["drops"]
        assert drops["multicast-boundary"] == 3 and drops["multicast-ttl"] == 2
        net.router.shell("configure terminal", "interface r1", "no ip igmp static-group 239.1.1.1", "end")
        multicast_seen(taps[1]), multicast_seen(taps[2])
        Sender(net.hosts[0], ttl=8).send(3)
        assert wait_until(lambda: multicast_seen(taps[2]), 10, "the stream at h3") == 3
        assert multicast_seen(taps[1]) == 0
        net.router.balance()


def test_a_proxy_passes_membership_up_and_streams_both_ways():
    """source - top - middle - leaf - host: the routers below the first are proxies."""
    with Lab("igmp") as lab:
        source, host = lab.namespace("src"), lab.namespace("dst")
        spaces = [lab.namespace(name) for name in ("top", "middle", "leaf")]
        lab.link(source, "eth0", spaces[0], "u0")
        lab.link(spaces[0], "d0", spaces[1], "u0")
        lab.link(spaces[1], "d0", spaces[2], "u0")
        lab.link(host, "eth0", spaces[2], "d0")
        source.address("eth0", "10.1.0.2/24")
        source.route("default", "10.1.0.1")
        host.address("eth0", "10.4.0.2/24")
        host.route("default", "10.4.0.1")
        routers = []
        for i, space in enumerate(spaces):
            up = f'{{ name = "u0"; addresses = "10.{i + 1}.0.{1 if i == 0 else 2}/24"; {"" if i else "igmp: { };"} }}'
            down = f'{{ name = "d0"; addresses = "10.{i + 2}.0.1/24"; igmp: {{ {FAST} }}; }}'
            routes = [f'{{ prefix = "10.{n}.0.0/24"; via = "10.{i + 1}.0.1"; }}' for n in range(1, i + 1)]
            routes += [f'{{ prefix = "10.{n}.0.0/24"; via = "10.{i + 2}.0.2"; }}' for n in range(i + 3, 5)]
            routers.append(lab.router(space, f'hostname = "{space.short}";\ninterfaces = (\n  {up},\n  {down}\n);\n' +
                                      f'static-routes = ( {", ".join(routes)} );\n' +
                                      f'multicast: {{ {"upstream = " + chr(34) + "u0" + chr(34) + ";" if i else ""} }};\n'))
        listener = Listener(host, "10.4.0.2")
        wait_until(lambda: GROUP in str(routers[0].json("show ip igmp groups")), 30, "the membership at the top")
        sender = Sender(source, "10.1.0.2")
        first = sender.send(20) - 19
        assert [listener.next() for _ in range(20)] == list(range(first, first + 20))
        # The other way: what is sent at the leaf reaches a listener at the top.
        upper = Listener(source, "10.1.0.2", group=OTHER)
        wait_until(lambda: OTHER in str(routers[0].json("show ip igmp groups")), 30, "the listener at the top")
        Sender(host, "10.4.0.2", group=OTHER).send(3)
        assert upper.next() == 1
        listener.leave()
        wait_until(lambda: GROUP not in str(routers[0].json("show ip igmp groups")), 30, "the leave at the top")
        for router in routers:
            router.balance()

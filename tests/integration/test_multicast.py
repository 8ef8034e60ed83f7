"""Multicast forwarding with real hosts: which way a stream may come in, how long it is remembered, what does not fit, and the
programs that people send and listen with."""

import os
import socket

import pytest

from tests.integration.test_igmp import FAST, GROUP, OTHER, PORT, Listener, Net, Sender, multicast_seen
from tests.lab.lab import Lab, wait_until

IP_MTU_DISCOVER, IP_PMTUDISC_DONT, IP_PMTUDISC_DO = 10, 0, 2


@pytest.fixture
def net():
    with Lab("mcast") as lab:
        yield Net(lab)


def drops(net, port):
    return {why: count for why, count in net.router.json(f"show drops {port}")[port]["drops"].items() if count}


def test_link_local_groups_stay_on_their_wire(net):
    tap = net.hosts[1].tap("eth0")
    here = Listener(net.hosts[1], "10.0.2.2", group="224.0.0.77")  # Linux reports it, too
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    wait_until(lambda: net.igmp("r1")["counters"]["rejects"].get("link-local"), 10, "the refusal")
    Sender(net.hosts[0], group="224.0.0.77").send(5)
    number = Sender(net.hosts[0]).send()
    assert listener.next() == number
    assert here.drain() == [] and multicast_seen(tap, "224.0.0.77") == 0
    assert "224.0.0.77" not in net.router.json("show ip mroute") and "224.0.0.77" not in net.groups("r1")
    refused = net.router.shell("configure terminal", "interface r1", "ip igmp static-group 224.0.0.77", check=False)
    assert "224.0.0.77" in refused and "224.0.0.0/24" in refused
    net.router.balance()


def test_a_stream_by_a_wrong_interface_is_dropped(net):
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")
    number = Sender(net.hosts[0]).send()
    assert listener.next() == number
    net.hosts[2].run("ip", "address", "add", "10.0.1.2/32", "dev", "lo")
    Sender(net.hosts[2], "10.0.1.2", interface="10.0.3.2").send(5)
    wait_until(lambda: net.stream()["wrongInterface"] == 5, 10, "the packets by the wrong interface")
    assert drops(net, "r2")["multicast-port"] == 5
    assert net.stream()["packets"] == 1 and net.stream()["iif"] == "r0" and listener.drain() == []
    assert "5 by a wrong interface" in net.router.shell("show ip mroute")
    # Forgotten, it is learned again by its next packet.
    net.router.shell("clear ip mroute 239.1.1.1 10.0.1.2")
    assert net.stream() is None
    number = Sender(net.hosts[0]).send()
    assert listener.next() == 1 and net.stream()["packets"] == 1 and net.stream()["wrongInterface"] == 0
    net.router.balance()


def test_the_incoming_interface_follows_the_route_to_the_source(net):
    net.configure("ip route 10.9.0.0/24 10.0.1.2")
    senders = []
    for host, interface in ((net.hosts[0], "10.0.1.2"), (net.hosts[2], "10.0.3.2")):
        host.run("ip", "address", "add", "10.9.0.2/32", "dev", "lo")
        senders.append(Sender(host, "10.9.0.2", interface=interface))
    senders[1].number = 1000
    listener = Listener(net.hosts[1], "10.0.2.2")
    net.joined("r1")

    def heard():
        for sender in senders:
            sender.send()
        listener.socket.settimeout(5)
        return [listener.next()] + listener.drain()
    assert heard() == [1] and net.stream(source="10.9.0.2")["iif"] == "r0"
    net.configure("ip route 10.9.0.0/24 10.0.3.2", "no ip route 10.9.0.0/24 10.0.1.2")
    wait_until(lambda: net.stream(source="10.9.0.2")["iif"] == "r2", 10, "the new incoming interface")
    number = senders[1].number
    assert heard() == [number + 1]
    assert net.stream(source="10.9.0.2")["upstream"] == "10.0.3.2" and list(net.stream(source="10.9.0.2")["oil"]) == ["r1"]
    net.configure("no ip route 10.9.0.0/24 10.0.3.2")
    wait_until(lambda: net.stream(source="10.9.0.2")["iif"] is None, 10, "no way to the source")
    assert net.stream(source="10.9.0.2")["oil"] == {}
    net.router.balance()


def test_a_silent_stream_is_forgotten(net):
    net.configure("multicast idle-timeout 3")
    listener = Listener(net.hosts[1], "10.0.2.2")
    other = Listener(net.hosts[1], "10.0.2.2", group=OTHER)
    net.joined("r1"), net.joined("r1", OTHER)
    silent, live = Sender(net.hosts[0], group=OTHER), Sender(net.hosts[0])
    silent.send(), live.send()
    assert net.stream(OTHER)["packets"] == 1

    def gone():
        live.send()
        return net.stream(OTHER) is None
    wait_until(gone, 20, "the silent stream being forgotten")
    rate = net.stream()["rate"]
    assert rate["seconds"] >= 2 and 0 < rate["packets"] < live.number and rate["bits"] >= rate["packets"] * 92 * 8
    assert " bit/s over " in net.router.shell("show ip mroute").replace("kbit", "bit").replace("Mbit", "bit")
    sent = live.send()
    wait_until(lambda: net.stream()["packets"] == sent, 10, "all packets of the one that goes on")
    assert listener.next() == 1
    silent.send()
    assert [other.next(), other.next()] == [1, 2] and net.stream(OTHER)["packets"] == 1


def test_what_does_not_fit_is_fragmented_or_lost(net):
    for space, device in ((net.hosts[1], "eth0"), (net.r1, "r1")):
        space.run("ip", "link", "set", device, "mtu", "600")
    wait_until(lambda: net.router.json("show interfaces")["r1"]["mtu"] == 600, 10, "the MTU")
    near, far = Listener(net.hosts[1], "10.0.2.2"), Listener(net.hosts[2], "10.0.3.2")
    net.joined("r1"), net.joined("r2")
    tap, source = net.hosts[1].tap("eth0"), net.hosts[0].tap("eth0")
    sender = net.hosts[0].socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 8)
    sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("10.0.1.2"))
    text = bytes(range(256)) * 5
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT)
    sender.sendto(text, (GROUP, PORT))
    assert near.socket.recv(2000) == text and far.socket.recv(2000) == text
    assert multicast_seen(tap) == 3  # 1288 bytes of UDP by 576
    sender.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
    sender.sendto(text, (GROUP, PORT))
    assert far.socket.recv(2000) == text
    wait_until(lambda: net.stream()["lost"] == 1, 10, "the copy that did not leave")
    assert multicast_seen(tap) == 0 and near.drain() == []
    # RFC 1112 and RFC 1122 3.2.2: no ICMP error about a multicast datagram.
    assert [frame for frame in source.frames(0.05) if frame[12:14] == b"\x08\x00" and frame[23] == 1] == []
    net.router.balance()


def test_socat_and_smcroute():
    with Lab("mcast") as lab:
        net = Net(lab, igmp=FAST)
        socket_of = os.path.join(lab.folder, "smcroute.sock")
        net.hosts[2].start("smcrouted", "-n", "-N", "-f", "/dev/null", "-P", os.path.join(lab.folder, "smcroute.pid"), "-u", socket_of)
        wait_until(lambda: os.path.exists(socket_of), 10, "smcrouted's socket")
        net.hosts[2].run("smcroutectl", "-u", socket_of, "join", "eth0", GROUP)
        receiver = net.hosts[1].start("socat", "-u", f"UDP4-RECV:{PORT},reuseaddr,ip-add-membership={GROUP}:eth0", "STDOUT")
        net.joined("r1"), net.joined("r2")
        tap = net.hosts[2].tap("eth0")
        net.hosts[0].run("socat", "-u", "STDIN", f"UDP4-DATAGRAM:{GROUP}:{PORT},ip-multicast-ttl=8", stdin="by socat\n")
        assert receiver.stdout.readline() == "by socat\n"
        assert multicast_seen(tap) == 1
        net.hosts[2].run("smcroutectl", "-u", socket_of, "leave", "eth0", GROUP)
        net.joined("r2", yes=False)
        assert GROUP in net.groups("r1")
        receiver.kill()
        net.joined("r1", yes=False)

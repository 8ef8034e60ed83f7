"""The kernel stays out of the way, and nothing of ferryd is left in it."""

import re
import subprocess

import pytest

from tests.integration.packets import IP, UDP, Raw, ip, parse, to_router
from tests.lab.lab import TWO_HOSTS, LabError, two_hosts, wait_until


def copies(pair, count=20):
    """How often each of COUNT marked packets from h1 comes out at h2."""
    pair.h1.ping("10.0.2.2", 1)
    tap, out = pair.h1.tap("eth0"), pair.h2.tap("eth0")
    for i in range(count):
        tap.send(to_router(pair, "r0", IP(src="10.0.1.2", dst="10.0.2.2", id=1000 + i) / UDP(dport=9) / Raw(b"one")))
    seen = [parse(f)[IP].id for f in out.frames(1.0) if ip(dst="10.0.2.2")(f)]
    return [seen.count(1000 + i) for i in range(count)]


@pytest.mark.parametrize("forwarding", [0, 1])
def test_one_copy_whatever_the_kernels_forwarding(lab, forwarding):
    from tests.integration.conftest import Pair
    pair = None

    class Prepared(Pair):
        def __init__(self):  # pylint: disable=super-init-not-called
            self.lab = lab
            self.h1, self.r1, self.h2 = two_hosts(lab)
            self.r1.sysctl("net.ipv4.ip_forward", forwarding)
            # A kernel that could forward: it has a way to h2 by a third device's address.
            self.r1.run("ip", "route", "add", "10.0.2.0/24", "dev", "r1", check=False)
            self.router = lab.router(self.r1, TWO_HOSTS)
            self.mac = {port: self.r1.mac(port) for port in ("r0", "r1")}
            self.host_mac = {"r0": self.h1.mac("eth0"), "r1": self.h2.mac("eth0")}

    pair = Prepared()
    assert copies(pair) == [1] * 20
    assert "DUP" not in pair.h1.ping("10.0.2.2", 5)


def state(namespace):
    """Everything of the kernel's that ferryd might leave something in."""
    qdiscs = namespace.run("tc", "qdisc", "show")
    filters = "".join(namespace.run("tc", "filter", "show", "dev", d, "ingress", check=False) for d in ("r0", "r1"))
    links = re.sub(r"\d+sec|qlen \d+", "", namespace.run("ip", "-d", "link", "show"))
    rules = namespace.run("nft", "list", "ruleset", check=False)
    sysctls = namespace.run("sh", "-c", "cat /proc/sys/net/ipv4/conf/*/* /proc/sys/net/ipv6/conf/*/* 2>/dev/null | md5sum")
    rules4 = namespace.run("ip", "rule") + namespace.run("ip", "route", "show", "table", "all")
    return qdiscs, filters, links, rules, sysctls, rules4


def test_nothing_is_left_after_kill_9(lab):
    h1, r1, _ = two_hosts(lab)
    wait_until(lambda: "NO-CARRIER" not in r1.run("ip", "link"), what="the links")
    before = state(r1)
    router = lab.router(r1, TWO_HOSTS)
    h1.ping("10.0.2.2", 2)
    router.kill()
    lab.forget(router)
    wait_until(lambda: state(r1) == before, timeout=5, what="the kernel's state of before")
    # And one can start again at once on the same devices, over the stale socket.
    again = lab.router(r1, TWO_HOSTS)
    assert " 0% packet loss" in h1.ping("10.0.2.2", 2)
    assert again.json("show version")


def test_ipv6_on_the_same_port_goes_on_working(lab):
    h1, r1, _ = two_hosts(lab)
    for namespace, device, address in ((h1, "eth0", "fd00::2/64"), (r1, "r0", "fd00::1/64")):
        namespace.sysctl(f"net.ipv6.conf.{device}.disable_ipv6", 0)
        namespace.run("ip", "-6", "address", "add", address, "dev", device, "nodad")
    lab.router(r1, TWO_HOSTS)
    wait_until(lambda: " 0% packet loss" in h1.run("ping", "-6", "-c", "2", "-i", "0.1", "-W", "1", "fd00::1", check=False), what="IPv6 ping")
    assert " 0% packet loss" in h1.ping("10.0.2.2", 2)


def test_a_macvlan_on_the_same_port_goes_on_working(lab):
    h1, r1, _ = two_hosts(lab)
    side = lab.namespace("side")
    r1.run("ip", "link", "add", "mv0", "link", "r0", "type", "macvlan", "mode", "bridge")
    r1.run("ip", "link", "set", "mv0", "netns", side.name)
    side.address("mv0", "10.0.1.77/24")
    side.up("mv0")
    router = lab.router(r1, TWO_HOSTS)
    assert " 0% packet loss" in h1.ping("10.0.1.77", 3)
    assert " 0% packet loss" in side.ping("10.0.1.2", 3)
    assert " 0% packet loss" in h1.ping("10.0.2.2", 3)
    # One that comes later, too.
    r1.run("ip", "link", "add", "mv1", "link", "r1", "type", "macvlan", "mode", "bridge")
    r1.run("ip", "link", "set", "mv1", "netns", side.name)
    side.run("ip", "address", "flush", "dev", "mv0")
    side.address("mv1", "10.0.2.77/24")
    side.up("mv1")
    wait_until(lambda: " 0% packet loss" in side.run("ping", "-n", "-c", "2", "-i", "0.1", "-W", "1", "10.0.2.2", check=False), what="ping from the later macvlan")
    router.balance()


def refused(lab, namespace, configuration=TWO_HOSTS):
    """The log of a ferryd that has to refuse to start."""
    router = lab.router(namespace, configuration, wait=False)
    assert router.process.wait(20) == 1
    lab.forget(router)
    return router.log()


def test_kernel_addresses_on_an_interface_are_refused_with_the_cure(lab):
    _, r1, _ = two_hosts(lab)
    r1.address("r0", "10.0.1.1/24")
    r1.address("r0", "10.0.1.9/24")
    text = refused(lab, r1)
    assert "ip addr del 10.0.1.1/24 dev r0" in text and "ip addr del 10.0.1.9/24 dev r0" in text


def test_a_second_ferryd_on_a_device_is_refused(lab):
    _, r1, _ = two_hosts(lab)
    first = lab.router(r1, TWO_HOSTS)
    second = lab.router(r1, TWO_HOSTS, wait=False)
    assert second.process.wait(20) == 1
    lab.forget(second)
    assert str(first.process.pid) in second.log()
    assert first.json("show version")


def test_a_bridge_slave_and_a_device_without_ethernet_are_refused(lab):
    _, r1, _ = two_hosts(lab)
    r1.run("ip", "link", "add", "br0", "type", "bridge")
    r1.run("ip", "link", "set", "r0", "master", "br0")
    assert re.search(r"r0.*bridge", refused(lab, r1))
    r1.run("ip", "link", "set", "r0", "nomaster")
    r1.run("ip", "tuntap", "add", "tun9", "mode", "tun")
    text = refused(lab, r1, TWO_HOSTS.replace('"r1"; addresses', '"tun9"; addresses'))
    assert re.search(r"tun9.*Ethernet", text)


def test_a_kernel_address_that_comes_later_takes_the_interface_down_until_it_goes(pair):
    pair.h1.ping("10.0.2.2", 1)
    pair.r1.address("r1", "10.0.2.1/24")
    wait_until(lambda: pair.router.json("show interfaces")["r1"]["operationalStatus"] == "down", what="the interface going down")
    pair.router.wait_log(r"ip addr del 10\.0\.2\.1/24 dev r1")
    pair.r1.run("ip", "address", "del", "10.0.2.1/24", "dev", "r1")
    wait_until(lambda: pair.router.json("show interfaces")["r1"]["operationalStatus"] == "up", what="the interface coming back")
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 2)


def test_kernel_forwarding_without_the_shield_is_refused_with_the_cure(lab):
    """Where BPF is not allowed: ferryd is started without the capabilities that it needs."""
    _, r1, _ = two_hosts(lab)
    r1.sysctl("net.ipv4.conf.r0.forwarding", 1)
    r1.sysctl("net.ipv4.conf.r1.forwarding", 1)
    socket, config = f"{lab.folder}/x.sock", f"{lab.folder}/x.conf"
    with open(config, "w", encoding="utf-8") as file:
        file.write(TWO_HOSTS)
    # Of all that root may, only packet sockets and devices are left: bpf(2) then says EPERM.
    done = subprocess.run(
        r1.command("setpriv", "--bounding-set=-all,+net_raw,+net_admin", "--inh-caps=-all,+net_raw,+net_admin",
                   lab.ferryd, "-c", config, "-s", socket),
        capture_output=True, text=True, timeout=20, check=False)
    text = done.stdout + done.stderr
    if "ready" in text:
        raise LabError(text)
    assert done.returncode == 1
    assert "sysctl -w net.ipv4.conf.r0.forwarding=0" in text and "sysctl -w net.ipv4.conf.r1.forwarding=0" in text

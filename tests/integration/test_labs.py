"""Labs as people build them."""

import json
import os
import re
import signal
import subprocess

import pytest
from scapy.all import ICMP, IP, UDP, Ether, Raw

from tests.lab.lab import TOP, TWO_HOSTS, two_hosts, wait_until


def loss(text):
    return int(re.search(r"(\d+)% packet loss", text).group(1))


def test_a_kept_demo_routes_until_it_is_taken_down(lab):
    if lab.build != "release":
        pytest.skip("the demo runs the release build")
    done = subprocess.run(["/usr/bin/python3", "tests/lab/demo.py"], cwd=TOP, env={**os.environ, "KEEP": "1"},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    rows = dict(re.findall(r"^  (shell of the router|enter a host|take it down) +(.*)", done.stdout, re.MULTILINE))
    rows = {what: command.replace("sudo ", "") for what, command in rows.items()}
    try:
        host = rows["enter a host"].split(" bash")[0]
        assert " 0% packet loss" in subprocess.run(
            [*host.split(), "ping", "-c", "2", "-i", "0.1", "-W", "3", "10.0.2.2"], capture_output=True, text=True,
            check=False).stdout
        shell = [*rows["shell of the router"].split(), "-c", "show ip interface brief"]
        assert "10.0.1.1/24" in subprocess.run(shell, capture_output=True, text=True, check=True).stdout
    finally:
        down = subprocess.run(rows["take it down"], shell=True, capture_output=True, text=True, check=False)
    assert (down.returncode, down.stderr) == (0, "")
    folder, prefix = re.search(r"rm -r (\S+)", rows["take it down"]).group(1), re.search(r"del (\S+)-\$n", down.args).group(1)
    assert not os.path.exists(folder)
    assert prefix not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def run_lab(program, **environment):
    done = subprocess.run(["/usr/bin/python3", f"tests/lab/{program}"], cwd=TOP, env={**os.environ, **environment},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_the_rip_lab_heals_and_leaves_nothing_behind():
    name = f"heal{os.getpid()}"
    text = run_lab("rip.py", LAB=name, CHECK="1")
    assert "h1 to h2 by 10.1.0.1 10.0.13.3 10.0.23.2 10.2.0.2" in text and "It all worked" in text
    assert name not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def test_a_rip_lab_stays_up_until_it_is_taken_down(lab):
    if lab.build != "release":
        pytest.skip("the lab runs the release build")
    name = f"stay{os.getpid()}"
    text = run_lab("rip.py", LAB=name)
    try:
        commands = [row.strip().replace("sudo ", "").split("     (")[0] for row in text.splitlines()]
        shell = next(re.split(r"  +", row)[1] for row in commands if row.startswith("shell of r1"))
        assert "10.4.0.0/24" in subprocess.run([*shell.split(), "-c", "show ip rip"], capture_output=True, text=True, check=True).stdout
        frr = next(re.split(r"  +", row)[1] for row in commands if row.startswith("shell of FRR"))
        assert "10.1.0.0/24" in subprocess.run([*frr.split(), "-c", "show ip rip"], capture_output=True, text=True, check=True).stdout
        ping, cut, _ = (row.split() for row in commands if row.startswith("ip netns exec") and not row.endswith("bash"))
        assert loss(subprocess.run([*ping, "-c", "1", "-W", "3"], capture_output=True, text=True, check=False).stdout) == 0
        subprocess.run(cut, check=True)
        wait_until(lambda: loss(subprocess.run([*ping, "-c", "1", "-W", "1"], capture_output=True, text=True, check=False).stdout) == 0,
                   60, "a ping the other way round")
    finally:
        down = run_lab("rip.py", LAB=name, DOWN="1")
    assert f"sudo make lab-rip DOWN=1 LAB={name}" in text and "The lab is gone (6 namespaces)." in down
    assert name not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def test_the_multicast_lab_shows_a_stream_that_follows_its_hosts_and_leaves_nothing_behind():
    name = f"cast{os.getpid()}"
    text = run_lab("multicast.py", LAB=name, CHECK="1")
    assert "h2 has left\n0 packets came to its wire meanwhile, and to h3's in all 0" in text and "It all worked" in text
    assert name not in subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout


def test_shaping_on_a_port_is_obeyed_from_when_it_is_attached(pair):
    def shaped():
        for qdisc in json.loads(pair.r1.run("tc", "-s", "-j", "qdisc", "show", "dev", "r1")):
            if qdisc["kind"] == "tbf":
                return qdisc["packets"]
        return 0

    assert loss(pair.h1.ping("10.0.2.2", 1)) == 0
    pair.r1.run("tc", "qdisc", "add", "dev", "r1", "root", "tbf", "rate", "20mbit", "burst", "20kb", "latency", "50ms")
    wait_until(lambda: pair.h1.ping("10.0.2.2", 1) and shaped() > 0, what="the qdisc's first packet")
    before = shaped()
    assert loss(pair.h1.ping("10.0.2.2", 10)) == 0
    assert shaped() >= before + 10
    pair.r1.run("tc", "qdisc", "del", "dev", "r1", "root")
    assert loss(pair.h1.ping("10.0.2.2", 10)) == 0
    pair.router.balance()


def test_a_connection_outlives_a_port_that_goes_and_comes(pair):
    listener = pair.h2.socket()
    listener.settimeout(20)
    listener.bind(("10.0.2.2", 7))
    listener.listen()
    client = pair.h1.socket()
    client.settimeout(20)
    client.connect(("10.0.2.2", 7))
    server, _ = listener.accept()
    server.settimeout(20)
    with listener, client, server:
        for device in ("r0", "r1"):
            pair.r1.up(device, False)
            wait_until(lambda d=device: pair.router.json("show interfaces")[d]["operationalStatus"] == "down")
            client.sendall(b"x" * 50000)
            pair.r1.up(device, True)
            left = 50000
            while left > 0:
                came = server.recv(left)
                assert came
                left -= len(came)
    pair.router.balance()


def test_jumbo_frames_pass_whole(lab):
    h1, r1, h2 = two_hosts(lab, (9000, 9000))
    router = lab.router(r1, TWO_HOSTS)
    assert loss(h1.ping("10.0.2.2", 3, "-s", "8972", "-M", "do")) == 0
    assert "pmtu 9000" in h1.run("tracepath", "-n", "10.0.2.2")
    assert router.balance()["r0"]["drops"].keys() <= {"ttl-exceeded"}


def test_two_subnets_on_one_wire(lab):
    switch, r1, a, b = (lab.namespace(name) for name in ("sw", "r1", "a", "b"))
    switch.run("ip", "link", "add", "br0", "type", "bridge")
    switch.up("br0")
    for port, (space, device) in {"p0": (a, "eth0"), "p1": (b, "eth0"), "p2": (r1, "r0")}.items():
        lab.link(space, device, switch, port)
        switch.run("ip", "link", "set", port, "master", "br0")
    a.address("eth0", "10.0.1.2/24")
    a.route("default", "10.0.1.1")
    b.address("eth0", "10.0.11.2/24")
    b.route("default", "10.0.11.1")
    router = lab.router(r1, 'interfaces = ( { name = "r0"; addresses = [ "10.0.1.1/24", "10.0.11.1/24" ]; } );')
    text = a.ping("10.0.11.2", 3)
    assert loss(text) == 0 and "Redirect" not in text  # the subnets differ: the hosts can not reach each other directly
    for host, target, first in ((a, "10.0.11.2", "10.0.1.1"), (b, "10.0.1.2", "10.0.11.1")):
        text = host.run("traceroute", "-n", "-N", "1", "-q", "1", "-w", "3", target)
        assert [row.split()[1] for row in text.splitlines()[1:]] == [first, target]
    router.balance()


def test_as_the_first_process_of_a_pid_namespace_it_ends_when_asked(lab):
    h1, r1, _ = two_hosts(lab)
    config = os.path.join(lab.folder, "first.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(TWO_HOSTS)
    path = os.path.join(lab.folder, "first.sock")
    outer = r1.start("unshare", "--pid", "--fork", "--kill-child", lab.ferryd, "-c", config, "-s", path)
    wait_until(lambda: os.path.exists(path), 30, "ferryd's socket")
    wait_until(lambda: loss(h1.ping("10.0.2.2", 1, check=False)) == 0, what="a ping through the router")
    children = subprocess.run(["pgrep", "-P", str(outer.pid)], capture_output=True, text=True, check=True).stdout.split()
    os.kill(int(children[0]), signal.SIGTERM)
    text, _ = outer.communicate(timeout=20)
    assert outer.returncode == 0, text
    assert not os.path.exists(path)


ROUTES = {"10.51.0.0/16": "unreachable", "10.52.0.0/16": "prohibit"}

PROBES = {
    "no route": IP(src="10.0.1.2", dst="99.1.1.1", tos=0x28) / UDP() / Raw(b"z" * 900),
    "no route, from the second subnet": IP(src="10.0.11.2", dst="99.1.1.1") / UDP() / Raw(b"z" * 900),
    "unreachable": IP(src="10.0.1.2", dst="10.51.1.1") / UDP() / Raw(b"z" * 10),
    "prohibit": IP(src="10.0.1.2", dst="10.52.1.1") / UDP() / Raw(b"z" * 10),
    "ttl 1": IP(src="10.0.1.2", dst="10.0.2.2", ttl=1, tos=0x10) / UDP() / Raw(b"z" * 10),
    "ttl 1, from the second subnet": IP(src="10.0.11.2", dst="10.0.2.2", ttl=1) / ICMP() / Raw(b"z" * 900),
    "too big": IP(src="10.0.1.2", dst="10.0.2.2", flags="DF") / UDP() / Raw(b"z" * 1450),
    "too big with ttl 1": IP(src="10.0.1.2", dst="10.0.2.2", flags="DF", ttl=1) / UDP() / Raw(b"z" * 1450),
    "closed port": IP(src="10.0.1.2", dst="10.0.1.1") / UDP(dport=9999) / Raw(b"z" * 10),
    "unknown protocol": IP(src="10.0.1.2", dst="10.0.1.1", proto=200) / Raw(b"z" * 10),
    "echo": IP(src="10.0.1.2", dst="10.0.2.1", tos=0xb8, ttl=1) / ICMP() / Raw(b"abc"),
}


def answers(h1, mac):
    """What h1 hears after each probe."""
    def described(frame):
        packet = Ether(frame)
        if ICMP not in packet:
            return None
        ip, message = packet[IP], packet[ICMP]
        mtu = message.nexthopmtu if (message.type, message.code) == (3, 4) else 0
        return ip.src, ip.dst, ip.ttl, ip.tos, message.type, message.code, mtu, len(message.payload)

    tap, source = h1.tap("eth0"), h1.mac("eth0")
    heard = {}
    for name, probe in PROBES.items():
        tap.send(Ether(src=source, dst=mac) / probe)
        heard[name] = tap.expect(described)
    return heard


def test_icmp_is_what_the_kernel_would_say(lab):
    heard = {}
    for by in ("kernel", "ferryd"):
        h1, r1, h2 = (lab.namespace(f"{name}{by[0]}") for name in ("h1", "r1", "h2"))
        lab.link(h1, "eth0", r1, "r0")
        lab.link(h2, "eth0", r1, "r1", 1400)
        for address in ("10.0.1.2/24", "10.0.11.2/24"):
            h1.address("eth0", address)
        h2.address("eth0", "10.0.2.2/24")
        if by == "kernel":
            for device, address in (("r0", "10.0.1.1/24"), ("r0", "10.0.11.1/24"), ("r1", "10.0.2.1/24")):
                r1.address(device, address)
            for prefix, kind in ROUTES.items():
                r1.run("ip", "route", "add", kind, prefix)
            r1.sysctl("net.ipv4.ip_forward", 1)
            r1.sysctl("net.ipv4.icmp_ratelimit", 0)
        else:
            routes = ", ".join(f'{{ prefix = "{prefix}"; type = "{kind}"; }}' for prefix, kind in ROUTES.items())
            lab.router(r1, f"""
                interfaces = ( {{ name = "r0"; addresses = [ "10.0.1.1/24", "10.0.11.1/24" ]; }},
                               {{ name = "r1"; addresses = "10.0.2.1/24"; }} );
                static-routes = ( {routes} );
                icmp: {{ rate-limit = 0; }};""")
        wait_until(lambda h=h1: loss(h.ping("10.0.1.1", 1, check=False)) == 0, what="an answer of the router")
        heard[by] = answers(h1, r1.mac("r0"))
    assert heard["ferryd"] == heard["kernel"]

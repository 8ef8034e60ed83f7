"""trace packet: what is said of a packet is what happens to it."""

import json
import re
import subprocess

from tests.integration.debug import Debug
from tests.lab.lab import wait_until

CONFIGURATION = """
hostname = "r1";
interfaces = ( { name = "r0"; addresses = "10.0.1.1/24"; }, { name = "r1"; addresses = "10.0.2.1/24"; mtu = 1400; } );
static-routes = ( { prefix = "10.66.0.0/16"; type = "blackhole"; }, { prefix = "10.9.0.0/16"; via = [ "10.0.2.11", "10.0.2.12" ]; } );
static-arp = ( { interface = "r1"; address = "10.0.2.11"; mac = "02:00:00:00:00:11"; },
               { interface = "r1"; address = "10.0.2.12"; mac = "02:00:00:00:00:12"; } );
"""


class Trace:
    """A trace that is at work once this returns."""

    def __init__(self, pair, command):
        self.process = subprocess.Popen([pair.lab.ferrysh, "-s", pair.router.socket, "-c", command], stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, bufsize=0)
        pair.lab.processes.append(self.process)
        self.began = self.process.stdout.read(1)
        assert self.began, self.process.communicate()

    def result(self, timeout=60):
        out, err = self.process.communicate(timeout=timeout)
        assert self.process.returncode == 0 and err == b"", err
        return (self.began + out).decode()


def has_room(pair):
    """Can one more follow packets? Then one does."""
    process = subprocess.Popen([pair.lab.ferrysh, "-s", pair.router.socket, "-c", "trace packet"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    pair.lab.processes.append(process)
    return process.stdout.read(1) == b"f"


def step(packet, name):
    return [s for s in packet["steps"] if s["step"] == name][0]


def test_each_fate_of_a_packet_is_named(make_pair):
    pair = make_pair(CONFIGURATION)
    pair.h1.ping("10.0.2.2", 1)
    trace = Trace(pair, "trace packet count 7 filter icmp[icmptype] = icmp-echo and src host 10.0.1.2 json")
    before = pair.router.json("show drops")["r0"]["drops"]
    pair.h1.ping("10.0.2.2", 1)
    for address, options in (("10.0.2.99", ()), ("10.0.2.2", ("-t", "1")), ("10.0.2.2", ("-M", "do", "-s", "1450")),
                             ("10.66.0.1", ()), ("10.0.1.1", ()), ("10.9.1.1", ())):
        pair.h1.ping(address, 1, "-W", "1", *options, check=False)
    good, dead, ttl, big, hole, ours, ecmp = json.loads(trace.result())

    assert good["source"] == "10.0.1.2" and good["destination"] == "10.0.2.2" and good["interfaceName"] == "r0"
    assert good["end"] == "forwarded" and good["outInterfaceName"] == "r1"
    assert step(good, "route")["prefix"] == "10.0.2.0/24" and step(good, "next hop")["ip"] == "10.0.2.2"
    assert step(good, "neighbour")["state"] in ("reachable", "stale", "probe")
    assert pair.host_mac["r1"] in step(good, "neighbour")["text"] and pair.mac["r1"] in step(good, "rewritten")["text"]
    assert step(good, "rewritten")["ttl"] == 63 and step(good, "size")["mtu"] == 1400

    assert dead["end"] == "held" and step(dead, "neighbour")["state"] is None and step(dead, "punt")["reason"] == "resolve"
    assert ttl["end"] == "dropped" and ttl["reason"] == "ttl-exceeded"
    error = step(ttl, "ICMP error")
    assert (error["type"], error["code"], error["sent"]) == (11, 0, True) and "from 10.0.1.1" in error["text"]
    assert big["reason"] == "too-big" and step(big, "ICMP error")["type"] == 3 and step(big, "ICMP error")["code"] == 4
    assert hole["end"] == "dropped" and hole["reason"] == "blackhole" and step(hole, "route")["prefix"] == "10.66.0.0/16"
    assert ours["end"] == "delivered" and step(ours, "protocol")["text"] == "ICMP echo request: answered"
    assert ecmp["end"] == "forwarded" and step(ecmp, "next hop")["ip"] in ("10.0.2.11", "10.0.2.12")
    assert "of 2" in step(ecmp, "next hop")["text"]

    drops = pair.router.json("show drops")["r0"]["drops"]
    assert [drops[reason] - before[reason] for reason in ("ttl-exceeded", "too-big", "blackhole")] == [1, 1, 1]


def test_text_of_a_fragmented_packet_and_of_arp(make_pair):
    pair = make_pair(CONFIGURATION)
    pair.h1.ping("10.0.2.2", 1)
    trace = Trace(pair, "trace packet count 1 filter icmp[icmptype] = icmp-echo and dst host 10.0.2.2")
    arp = Trace(pair, "trace packet count 1 filter arp and dst host 10.0.1.1")
    pair.h1.run("ip", "route", "replace", "10.0.2.0/24", "via", "10.0.1.1", "mtu", "lock", "1500")
    pair.h1.ping("10.0.2.2", 1, "-M", "dont", "-s", "1450")
    text = trace.result()
    assert " 10.0.1.2 > 10.0.2.2 ICMP echo request 1, 1478 bytes, TTL 64\n" in text
    assert "  cut         into 2 fragments for MTU 1400\n  => forwarded out of r1\n1 packet followed\n" in text
    assert max(len(line) for line in text.splitlines()) <= 80
    pair.h1.run("ip", "neigh", "flush", "all")
    pair.h1.ping("10.0.1.1", 1)
    assert "10.0.1.1 is ours: answered" in arp.result()


def test_an_interrupt_ends_it_and_others_go_on(pair):
    first = Trace(pair, "trace packet filter dst host 10.0.2.2")
    second = Trace(pair, "trace packet count 1 filter dst host 10.0.1.2")
    first.process.send_signal(2)
    assert first.result().endswith("\n0 packets followed\n")
    pair.h1.ping("10.0.2.2", 1)
    assert "10.0.2.2 > 10.0.1.2" in second.result()


def test_no_more_than_four_follow_and_a_lost_one_makes_room(pair):
    traces = [Trace(pair, "trace packet") for _ in range(4)]
    refused = pair.router.shell("trace packet count 1", check=False)
    assert "4 sessions follow packets already" in refused
    traces[0].process.kill()
    traces[0].process.wait()
    wait_until(lambda: has_room(pair), what="room for one more")
    assert "names are not looked up" in pair.router.shell("trace packet filter host www.example.com", check=False)
    assert " 0% packet loss" in pair.h1.ping("10.0.2.2", 3)


def test_the_way_of_a_packet_that_is_not_sent(make_pair):
    pair = make_pair(CONFIGURATION)
    before = pair.router.json("show drops")
    [cut] = pair.router.json("trace packet from 10.0.1.2 to 10.9.0.1 size 3000 protocol udp port 53")
    assert cut["end"] == "forwarded" and cut["interfaceName"] == "r0" and step(cut, "cut")["pieces"] == 3
    [closed] = pair.router.json("trace packet from 10.0.1.2 to 10.0.2.1 protocol tcp port 22 ttl 1")
    assert closed["end"] == "delivered" and "reset" in step(closed, "protocol")["text"]
    [hole] = pair.router.json("trace packet from 192.0.2.1 to 10.66.1.1 in r1 df")
    assert hole["interfaceName"] == "r1" and hole["reason"] == "blackhole"
    [ours] = pair.router.json("trace packet from 10.0.1.1 to 10.0.2.2 in r1")
    assert ours["reason"] == "own-source"
    refused = pair.router.shell("trace packet from 192.0.2.1 to 10.0.2.2", check=False)
    assert "no route says where 192.0.2.1 is" in refused
    after = pair.router.json("show drops")
    assert [after[port]["balance"]["dropped"] for port in ("r0", "r1")] == [before[port]["balance"]["dropped"] for port in ("r0", "r1")]


def test_debugging_packets_is_a_line_each_by_interface_and_prefix(make_pair):
    pair = make_pair(CONFIGURATION)
    pair.h1.ping("10.0.2.2", 1)
    on_r1 = Debug(pair.router, "debug packet interface r1")
    hole = Debug(pair.router, "debug packet prefix 10.66.0.0/16")
    both = Debug(pair.router, "debug packet interface r0 prefix 10.0.2.0/24")
    pair.h1.ping("10.66.0.1", 1, "-W", "1", check=False)
    pair.h1.ping("10.0.2.2", 1, "-t", "1", "-W", "1", check=False)
    pair.h1.ping("10.0.2.2", 1)
    answer = "packet r1: 10.0.2.2 > 10.0.1.2 ICMP echo reply 1, 84 bytes, TTL 64: forwarded by r0 to 10.0.1.2\n"
    lines = both.until("forwarded by r1 to 10.0.2.2\n").splitlines()
    assert [re.sub(", DF", "", line) for line in lines[1:]] == [
        "packet r0: 10.0.1.2 > 10.0.2.2 ICMP echo request 1, 84 bytes, TTL 1: punted (ttl), dropped (ttl-exceeded)",
        "packet r0: 10.0.1.2 > 10.0.2.2 ICMP echo request 1, 84 bytes, TTL 64: forwarded by r1 to 10.0.2.2"]
    assert "packet r0: " not in on_r1.until(answer)
    assert re.fullmatch(r"debug packet .*\npacket r0: 10.0.1.2 > 10.66.0.1 ICMP .*: dropped \(blackhole\)\n",
                        hole.until("blackhole)\n"))
    pair.h1.ping("10.0.1.1", 1)
    hole.client.sendall(b"undebug packet\nshow debugging\n")
    assert "10.0.1.1" not in hole.until("nothing is debugged by this session\n")


def test_debugging_packets_counts_what_it_leaves_out(pair):
    pair.h1.ping("10.0.2.2", 1)
    debug = Debug(pair.router, "debug packet prefix 10.0.2.2/32")
    pair.h1.run("ping", "-n", "-q", "-c", "300", "-i", "0.002", "-W", "3", "10.0.2.2")

    def told(text):
        """Lines, those that were left out, and packets that were passed over: together, each packet once."""
        left_out = re.findall(r"^(?:packet: )?(\d+) (?:lines? w\w+ not told: there were too many|packets? came too fast to be looked at)$",
                              text, re.M)
        return len(re.findall("^packet r[01]: .* ICMP echo .*$", text, re.M)), sum(map(int, left_out))
    lines, left_out = told(debug.until(lambda text: sum(told(text)) >= 600))
    assert lines + left_out == 600 and lines >= 100 and left_out > 0


def test_debugging_packets_shares_one_watch_that_ends_with_its_sessions(pair):
    traces = [Trace(pair, "trace packet") for _ in range(3)]
    sessions = [Debug(pair.router, f"debug packet{condition}") for condition in ("", " interface r1")]
    assert "4 sessions follow packets already" in pair.router.shell("trace packet count 1", check=False)
    for debug in sessions:
        debug.client.close()
    wait_until(lambda: has_room(pair), what="room for one more")
    assert all(trace.process.poll() is None for trace in traces)

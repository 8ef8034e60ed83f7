"""Three ferryds in a row."""

import json

from tests.lab.lab import line, wait_until


def make(lab, mtu=None):
    h1, h2, spaces, configurations = line(lab, 3, mtu)
    routers = [lab.router(space, text) for space, text in zip(spaces, configurations)]
    return h1, h2, routers


def test_traceroute_names_each_hop(lab):
    h1, _, _ = make(lab)
    text = h1.run("traceroute", "-n", "-N", "1", "-q", "1", "-w", "3", "10.0.9.2")
    assert [row.split()[1] for row in text.splitlines()[1:]] == ["10.0.1.1", "10.0.100.2", "10.0.101.2", "10.0.9.2"]


def test_path_mtu_is_found_across_a_narrow_link(lab):
    h1, h2, routers = make(lab, mtu={1: 1280})
    assert "pmtu 1280" in h1.run("tracepath", "-n", "10.0.9.2")
    h2.start("iperf3", "-s", "-1")
    wait_until(lambda: ":5201" in h2.run("ss", "-ltn"), what="iperf3's server")
    result = json.loads(h1.run("iperf3", "-J", "-c", "10.0.9.2", "-t", "2"))
    assert result["end"]["sum_received"]["bytes"] > 3_000_000
    assert " 0% packet loss" in h1.ping("10.0.9.2", 3, "-s", "30000", "-M", "dont")
    for router in routers:
        router.balance()


def test_each_router_of_the_line_can_be_pinged(lab):
    h1, _, _ = make(lab)
    for address in ("10.0.1.1", "10.0.100.1", "10.0.100.2", "10.0.101.1", "10.0.101.2", "10.0.9.1"):
        assert " 0% packet loss" in h1.ping(address, 2)

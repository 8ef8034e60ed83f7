"""The process: what it says, what it leaves, how it starts beside another one."""

import os
import re

from tests.lab.lab import TWO_HOSTS, wait_until


def test_a_group_that_does_not_exist_is_a_warning(make_pair):
    pair = make_pair(TWO_HOSTS + 'cli: { group = "no-such-group"; };\n')
    assert re.search(r" warning: .*no-such-group", pair.router.log())


def test_the_core_keeps_its_turn_beside_busy_lanes(pair):
    """Lanes run at nice -20, and the core not so far behind that they starve it."""
    nice = {}
    for thread in os.listdir(f"/proc/{pair.router.process.pid}/task"):
        with open(f"/proc/{pair.router.process.pid}/task/{thread}/stat", encoding="ascii") as stat:
            name, fields = re.fullmatch(r"\d+ \((.*)\) (.*)\n", stat.read()).groups()
        nice[name] = int(fields.split()[16])
    assert nice["lane0"] == -20 and nice["ferryd"] == -10


def test_the_pid_file_of_a_running_ferryd_is_left_alone(lab):
    path = os.path.join(lab.folder, "pid")
    with open(path, "w", encoding="ascii") as stale:
        stale.write("1234567890\n")
    nothing = 'interfaces = ( );\n'
    first = lab.router(lab.namespace("a"), nothing, options=("-p", path))
    second = lab.router(lab.namespace("b"), nothing, options=("-p", path), wait=False)
    assert second.process.wait(20) == 1
    lab.forget(second)
    assert path in second.log() and f"pid {first.process.pid}" in second.log()
    with open(path, encoding="ascii") as file:
        assert file.read() == f"{first.process.pid}\n"
    first.stop()
    assert not os.path.exists(path)


def test_reloads_that_change_other_things_lose_nothing_of_a_stream(make_pair):
    """A segment that is missing makes those behind it wait at the receiver; a retransmission alone may be the hosts' haste."""
    other = TWO_HOSTS.replace("\n);", """,
  { name = "x0"; addresses = "10.9.9.1/24"; },
  { name = "lo0"; type = "loopback"; addresses = "10.255.0.1/32"; }
);
static-routes = ( { prefix = "10.50.0.0/16"; via = "10.0.2.9"; } );""")
    pair = make_pair()
    pair.r1.run("ip", "link", "add", "x0", "type", "veth", "peer", "name", "x1")
    pair.r1.up("x0")
    pair.r1.up("x1")
    forwarding = re.findall(r"\nforwarding:.*", open(pair.router.config, encoding="utf-8").read())
    pair.h2.start("iperf3", "-s", "-1")
    wait_until(lambda: "5201" in pair.h2.run("ss", "-tln"), what="the server")
    client = pair.h1.start("iperf3", "-c", "10.0.2.2", "-t", "600", "-b", "200M")

    def forwarded():
        return pair.router.json("show drops")["r0"]["balance"]["forwarded"]
    wait_until(lambda: forwarded() > 100, what="the stream")
    for reloads in range(1, 101):
        assert "was read and applied: " in pair.router.reload((other if reloads % 2 else TWO_HOSTS) + "".join(forwarding))
        if reloads % 25 == 0:
            before = forwarded()
            wait_until(lambda: forwarded() > before + 100, what="the stream")
    assert client.poll() is None
    client.terminate()
    client.wait(20)
    waited = pair.h2.run("nstat", "-asz", "TcpExtTCPOFOQueue").split()[-2]
    assert int(waited) == 0
    assert not any(port["drops"] for port in pair.router.balance().values())

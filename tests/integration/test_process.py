"""The process: what it says, what it leaves, how it starts beside another one."""

import os
import re

from tests.lab.lab import TWO_HOSTS


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

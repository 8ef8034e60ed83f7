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

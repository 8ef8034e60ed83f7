"""The process: what it says, what it leaves, how it starts beside another one."""

import re

from tests.lab.lab import TWO_HOSTS


def test_a_group_that_does_not_exist_is_a_warning(make_pair):
    pair = make_pair(TWO_HOSTS + 'cli: { group = "no-such-group"; };\n')
    assert re.search(r" warning: .*no-such-group", pair.router.log())

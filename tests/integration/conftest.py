"""Integration tests: real namespaces, real programs, ferryd between them. FERRYD_BUILD chooses the build (release, asan, tsan),
FERRYD_LANES the number of lanes."""

import logging
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
logging.getLogger("scapy").setLevel(logging.ERROR)

from tests.lab.lab import TWO_HOSTS, Lab, two_hosts  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "one_build: shows what is said on the wire, which is the same in every build, and takes its time: "
                                       "make check runs it in the first build only")


def pytest_collection_modifyitems(items):
    if os.geteuid() != 0:
        pytest.exit("The integration tests make network namespaces and need root: run them with sudo.", returncode=2)


@pytest.fixture
def lab():
    with Lab("ferry-t") as made:
        yield made


class Pair:
    """h1 - r1 (ferryd) - h2, all made and running; odd frames go in and out by taps."""

    def __init__(self, lab, configuration=TWO_HOSTS, mtu=(None, None), **options):
        self.lab = lab
        self.h1, self.r1, self.h2 = two_hosts(lab, mtu)
        self.router = lab.router(self.r1, configuration, **options)
        self.mac = {port: self.r1.mac(port) for port in ("r0", "r1")}
        self.host_mac = {"r0": self.h1.mac("eth0"), "r1": self.h2.mac("eth0")}


@pytest.fixture
def pair(lab):
    return Pair(lab)


@pytest.fixture
def make_pair(lab):
    return lambda configuration=TWO_HOSTS, **options: Pair(lab, configuration, **options)

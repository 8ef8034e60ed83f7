"""Scripts written for FRR read ferryd: both get the same addresses and routes, and their JSON is compared field by field."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile

import pytest

from tests.lab.lab import wait_until

ZEBRA, STATICD = "/usr/lib/frr/zebra", "/usr/lib/frr/staticd"
pytestmark = pytest.mark.skipif(not os.access(ZEBRA, os.X_OK), reason="Debian's frr is not installed")

# What FRR's entries, next hops and interfaces have beyond ours, and why ours do not.
ENTRY_BEYOND = {
    "prefixLen": "the prefix says it",
    "destSelected": "selected, of the prefix: the same in a router without a kernel table beneath",
    "vrfId": "there is one table", "vrfName": "there is one table", "table": "of the kernel",
    "internalStatus": "FRR's insides", "internalFlags": "FRR's insides", "internalNextHopNum": "FRR's insides",
    "internalNextHopActiveNum": "FRR's insides", "nexthopGroupId": "of the kernel", "installedNexthopGroupId": "of the kernel",
    "uptime": "ours is there too: it is time, and not compared",
}
HOP_BEYOND = {
    "flags": "FRR's insides", "afi": "all is IPv4", "interfaceIndex": "of the kernel; show interfaces has it",
    "weight": "equal-cost next hops weigh the same",
}
INTERFACE_BEYOND = {
    "linkDetection": "always on", "linkUps": "ours: changes", "linkDowns": "ours: changes", "lastLinkUp": "ours: lastChangeSeconds",
    "lastLinkDown": "ours: lastChangeSeconds", "vrfName": "there is one table", "mplsEnabled": "no MPLS", "linkDown": "of the kernel's routes",
    "linkDownV6": "no IPv6", "mcForwardingV4": "of the kernel", "mcForwardingV6": "no IPv6", "pseudoInterface": "none is",
    "metric": "RIP has its own", "speed": "of the device", "flags": "administrativeStatus and operationalStatus say it",
    "type": "all are Ethernet", "interfaceType": "of the device", "interfaceSlaveType": "of the device", "lacpBypass": "of bonds",
    "evpnMh": "no EVPN", "protodown": "of the device", "parentInterface": "of the device",
    "parentIfindex": "of the device",
}
ENTRY_FIELDS = ("prefix", "protocol", "selected", "installed", "distance", "metric")
HOP_FIELDS = ("ip", "interfaceName", "active", "fib", "directlyConnected", "unreachable", "blackhole", "reject", "recursive", "resolver")
INTERFACE_FIELDS = ("administrativeStatus", "operationalStatus", "index", "mtu", "hardwareAddress")

ADDRESSES = {"r0": ["10.0.1.1/24", "10.0.11.1/24"], "r1": ["10.0.2.1/24"], "r2": ["10.0.3.1/31"], "r3": ["10.0.4.1/24"]}
ROUTES = [  # prefix, where to, distance
    ("0.0.0.0/0", "10.0.1.2", 1),
    ("10.7.0.0/16", "r1", 1),
    ("10.9.0.0/16", "10.0.2.2", 1),
    ("10.10.0.0/16", "10.0.2.2 10.0.2.3 10.0.1.7", 1),
    ("10.11.0.0/16", "10.9.1.1", 1),  # recursive
    ("10.12.0.0/16", "10.0.2.2", 1),
    ("10.12.0.0/16", "10.0.1.2", 250),  # floats above it
    ("10.13.0.0/16", "10.10.1.1", 7),  # recursive by several
    ("10.13.7.0/24", "10.11.1.1", 1),  # twice recursive
    ("10.66.0.0/16", "blackhole", 1),
    ("10.67.0.0/16", "reject", 1),
    ("198.51.100.7/32", "10.0.2.9", 1),
]


def ferryd_configuration():
    interfaces = ",\n".join(
        f'  {{ name = "{name}"; addresses = {json.dumps(addresses)}; shutdown = {"true" if name == "r3" else "false"}; }}'
        for name, addresses in ADDRESSES.items())
    routes = []
    for prefix, to, distance in ROUTES:
        if to in ("blackhole", "reject"):
            way = f'type = "{"unreachable" if to == "reject" else to}"'
        else:
            way = f'interface = "{to}"' if to in ADDRESSES else f"via = {json.dumps(to.split())}"
        routes.append(f'  {{ prefix = "{prefix}"; {way}; distance = {distance}; }}')
    return f'hostname = "r1";\ninterfaces = (\n{interfaces}\n);\nstatic-routes = (\n' + ",\n".join(routes) + "\n);\n"


class Frr:
    """zebra and staticd in a namespace, apart from any that the machine runs."""

    def __init__(self, lab, namespace):
        self.folder = tempfile.mkdtemp(prefix="ferry-frr-")
        lab.leave_no(self.folder)
        zebra = "".join(
            f"interface {name}\n" + "".join(f" ip address {address}\n" for address in addresses) + (" shutdown\n" if name == "r3" else "")
            for name, addresses in ADDRESSES.items())
        static = "".join(f"ip route {prefix} {one} {distance}\n" for prefix, to, distance in ROUTES for one in to.split())
        for name, text in (("zebra.conf", zebra), ("staticd.conf", static)):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as file:
                file.write(text)
        owner = pwd.getpwnam("frr")
        for path in [self.folder] + [os.path.join(self.folder, name) for name in os.listdir(self.folder)]:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        self.start(namespace, ZEBRA)
        wait_until(lambda: os.path.exists(os.path.join(self.folder, "zserv.api")), 60, "zebra's socket")
        # staticd leaves out a route by an interface that zebra has not told it of yet, and does not come back to it
        wait_until(lambda: self.try_json("show interface").keys() >= ADDRESSES.keys(), 60, "zebra's interfaces")
        self.start(namespace, STATICD)

    def start(self, namespace, program):
        name = os.path.basename(program)
        namespace.start(program, "-f", f"{self.folder}/{name}.conf", "-i", f"{self.folder}/{name}.pid", "-z", f"{self.folder}/zserv.api",
                        "--vty_socket", self.folder, "-P", "0", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def try_json(self, command):
        """{} while it does not answer."""
        done = subprocess.run(["vtysh", "--vty_socket", self.folder, "-c", f"{command} json"], capture_output=True, text=True,
                              timeout=60, check=False)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {}


@pytest.fixture
def both(lab):
    """ferryd and FRR, each in a namespace of its own, with devices of the same names, indexes and addresses."""
    assert shutil.which("vtysh")
    hosts, r1, z1 = lab.namespace("h"), lab.namespace("r1"), lab.namespace("z1")
    for number, name in enumerate(ADDRESSES):
        for router, short in ((r1, "f"), (z1, "z")):
            lab.link(hosts, f"{short}{number}", router, name, 1400 if name == "r1" else None)
            router.run("ip", "link", "set", name, "address", f"02:00:00:00:01:0{number}")
        if name == "r2":
            hosts.up(f"f{number}", False)
            hosts.up(f"z{number}", False)
    router = lab.router(r1, ferryd_configuration())
    yield hosts, router, Frr(lab, z1)


def hop_of(entry, hop):
    """What is not true FRR leaves out, and ferryd says false, of some: who asks whether it is true gets the same. In the FIB is
    no next hop of an entry that is not installed; FRR's mark stays on one that was installed before a better one came."""
    return ", ".join(f"{field} {hop[field]}" for field in HOP_FIELDS
                     if hop.get(field) and (field != "fib" or entry.get("installed")))


def entry_of(entry, in_use):
    fields = {field: entry.get(field, False) for field in ENTRY_FIELDS}
    fields["nexthops"] = sorted(hop_of(entry, hop) for hop in entry["nexthops"] if hop.get("active") or not in_use)
    return fields


def table(routes, in_use):
    """By prefix, the entries by distance: FRR has the last that came first. Next hops of a group are in no order."""
    result = {}
    for prefix, entries in routes.items():
        entries = sorted((entry_of(entry, in_use) for entry in entries if entry.get("selected") or not in_use),
                         key=lambda entry: entry["distance"])
        if entries:
            result[prefix] = entries
    return result


def same(frr, router, command, in_use=False):
    def compare():
        theirs, ours = table(frr.try_json(command), in_use), table(router.json(command), in_use)
        compare.differ = {prefix: (theirs.get(prefix), ours.get(prefix)) for prefix in theirs.keys() | ours.keys()
                          if theirs.get(prefix) != ours.get(prefix)}
        return theirs and not compare.differ
    try:
        wait_until(compare, 60)
    except Exception as error:
        raise AssertionError(f"{command}, FRR's and ours: {json.dumps(compare.differ, indent=1)}") from error


def test_routes_are_as_frr_shows_them(both):
    hosts, router, frr = both
    same(frr, router, "show ip route")
    theirs, ours = frr.try_json("show ip route"), router.json("show ip route")
    assert list(theirs) == list(ours)  # in the same order
    assert {prefix for prefix, _, _ in ROUTES} <= ours.keys()
    for entries in theirs.values():
        for entry in entries:
            assert entry.keys() - set(ENTRY_FIELDS) - ENTRY_BEYOND.keys() == {"nexthops"}
            for hop in entry["nexthops"]:
                assert hop.keys() - set(HOP_FIELDS) <= HOP_BEYOND.keys()
    for command in ("show ip route static", "show ip route connected", "show ip route 10.9.1.1", "show ip route 10.13.7.0/24",
                    "show ip route 198.51.100.7", "show ip route 203.0.113.1"):
        same(frr, router, command)
    for command in ("show ip route rip", "show ip route 10.0.0.0/8"):
        assert frr.try_json(command) == router.json(command) == {}
    theirs, ours = frr.try_json("show ip route summary"), router.json("show ip route summary")
    assert {row["type"]: (row["rib"], row["fib"]) for row in theirs["routes"]} == {row["type"]: (row["rib"], row["fib"]) for row in ours["routes"]}
    assert (theirs["routesTotal"], theirs["routesTotalFib"]) == (ours["routesTotal"], ours["routesTotalFib"])


def test_routes_are_as_frr_shows_them_when_a_link_fails(both):
    """FRR's staticd keeps to itself what leads nowhere, routes and next hops; ferryd lists it as not selected or not active. What is
    in use is compared."""
    hosts, router, frr = both
    same(frr, router, "show ip route", in_use=True)
    for device in ("f1", "z1"):
        hosts.up(device, False)
    wait_until(lambda: "10.0.2.0/24" not in table(router.json("show ip route"), True), what="ferryd's loss of a network")
    wait_until(lambda: "10.0.2.0/24" not in table(frr.try_json("show ip route"), True), 60, "FRR's loss of a network")
    same(frr, router, "show ip route", in_use=True)
    assert table(router.json("show ip route"), True)["10.12.0.0/16"][0]["distance"] == 250


def test_interfaces_are_as_frr_shows_them(both):
    hosts, router, frr = both

    def compare():
        # FRR has the loopback of the kernel as well, which is no interface of ferryd's, and does not say that what is shut
        # down is down
        theirs, ours = frr.try_json("show interface"), router.json("show interfaces")
        compare.views = [{name: {**{"operationalStatus": "down"}, **{field: one[name][field] for field in INTERFACE_FIELDS if field in one[name]},
                                 "ipAddresses": sorted(address["address"] for address in one[name]["ipAddresses"])}
                          for name in ADDRESSES if name in one} for one in (theirs, ours)]
        return compare.views[0] == compare.views[1] and len(compare.views[0]) == len(ADDRESSES)
    try:
        wait_until(compare, 60)
    except Exception as error:
        raise AssertionError(f"FRR's and ours: {json.dumps(compare.views, indent=1)}") from error
    ours = compare.views[1]
    assert ours["r0"]["operationalStatus"] == "up" and ours["r2"]["operationalStatus"] == "down"
    assert ours["r3"]["administrativeStatus"] == "down" and ours["r1"]["mtu"] == 1400
    for one in frr.try_json("show interface").values():
        assert one.keys() - set(INTERFACE_FIELDS) - {"ipAddresses"} <= INTERFACE_BEYOND.keys()

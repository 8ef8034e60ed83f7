"""make demo: two hosts, a ferryd between them, and what one wants to see at once. KEEP=1 leaves the lab up."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
from tests.lab.lab import TOP, Lab, LabError, require_root, two_hosts, wait_until  # noqa: E402

DRAWING = """
     h1                       r1: ferryd                       h2
  10.0.1.2/24 ──────── 10.0.1.1/24   10.0.2.1/24 ──────── 10.0.2.2/24
     eth0                 r0             r1                   eth0
"""


def show(title, text):
    print(f"\n── {title}\n{text.rstrip()}", flush=True)


def require(condition, sentence):
    if not condition:
        raise LabError(sentence)


def main():
    require_root()
    keep = os.environ.get("KEEP", "0") not in ("", "0")
    with Lab("ferry-demo", ipv6=True, build="release", lanes=1) as lab:
        print(DRAWING)
        h1, r1, h2 = two_hosts(lab)
        with open(os.path.join(TOP, "etc", "demo.conf"), encoding="utf-8") as file:
            router = lab.router(r1, file.read())
        show("ferryd", router.log())

        text = h1.ping("10.0.2.2", 5)
        show("h1$ ping 10.0.2.2", text)
        require(" 0% packet loss" in text, "ping lost packets")

        text = h1.run("traceroute", "-n", "-q", "1", "-w", "2", "10.0.2.2")
        show("h1$ traceroute 10.0.2.2", text)
        hops = [words.split()[1] for words in text.splitlines()[1:]]
        require(hops == ["10.0.1.1", "10.0.2.2"], f"traceroute saw {hops} instead of the router and the host")

        h2.start("iperf3", "-s", "-1")
        wait_until(lambda: ":5201" in h2.run("ss", "-ltn"), what="iperf3's server")
        text = h1.run("iperf3", "-c", "10.0.2.2", "-t", "2", "-f", "m")
        show("h1$ iperf3 -c 10.0.2.2", text)
        require("receiver" in text, "iperf3 did not end well")

        for command in ("show ip route", "show interfaces", "show ip arp"):
            show(f"r1# {command}", router.shell(command))
        router.balance()
        require(router.json("show ip arp")["entries"], "the router knows no neighbour")

        if keep:
            lab.leave_up()
            show("The lab stays up", f"""\
  shell of the router   sudo {os.path.join(TOP, 'ferrysh')} -s {router.socket}
  enter a host          sudo ip netns exec {h1.name} bash     (or {h2.name})
  its log               {router.log_path}
  take it down          sudo kill {router.process.pid}; for n in h1 r1 h2; do sudo ip netns del {lab.prefix}-$n; done; sudo rm -r {lab.folder}
""")
    print("\nIt all worked." + ("" if keep else " Nothing is left behind."))


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"make demo failed: {error}")

"""A stream that looks like television by IP to the network, and hosts that watch it: by hand, or as parts of a lab.

    video.py send GROUP [SOURCE]      200 numbered packets a second of 1,316 bytes, as seven cells of MPEG-TS have
    video.py watch GROUP [SOURCE]     says each second what came; SOURCE: only what that host sends
    video.py zap GROUP [SOURCE]       watches some seconds, leaves for some seconds, and so on

GROUP may be several, with commas: all are sent, and zap takes one of them at a time."""

import random
import select
import socket
import struct
import sys
import time

PORT = 5004
SIZE = 1316
RATE = 200
TTL = 16
IP_ADD_SOURCE_MEMBERSHIP, SO_RCVBUFFORCE = 39, 33
ROOM = 16 << 20  # bytes that may wait to be read


class Sender:
    """Numbers the packets of each group from 1."""

    def __init__(self, sock, groups):
        self.socket, self.groups, self.number = sock, groups, 0
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, TTL)

    def send(self):
        self.number += 1
        for group in self.groups:
            self.socket.sendto(struct.pack("!I", self.number) + bytes(SIZE - 4), (group, PORT))

    def run(self):
        due = time.monotonic()
        while True:
            time.sleep(max(0.0, due - time.monotonic()))
            self.send()
            due = max(due + 1 / RATE, time.monotonic() - 0.1)  # what is late by more is left out


class Watcher:
    """What a host gets of GROUP since it joined. Closing the socket leaves."""

    def __init__(self, sock, group, source=None):
        self.socket = sock
        self.count = self.lost = self.disordered = 0
        self.last = None
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, ROOM)
        sock.bind((group, PORT))
        mine = socket.inet_aton(group) + socket.inet_aton("0.0.0.0")
        if source is None:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, mine)
        else:
            sock.setsockopt(socket.IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, mine + socket.inet_aton(source))

    def read(self, seconds=0.0):
        """Takes what is there, and what comes within SECONDS; returns how many packets that was."""
        until, before = time.monotonic() + seconds, self.count
        while select.select([self.socket], [], [], max(0.0, until - time.monotonic()))[0]:
            number = struct.unpack("!I", self.socket.recv(SIZE)[:4])[0]
            if self.last is not None:
                self.disordered += number <= self.last
                self.lost += max(0, number - self.last - 1)
            self.last = number
            self.count += 1
        return self.count - before

    def says(self):
        return f"{self.count} packets, {self.lost} lost, {self.disordered} out of order"


def udp():
    return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


def watch(group, source):
    watcher = Watcher(udp(), group, source)
    while True:
        came = watcher.read(1.0)
        say(f"{group}: {came} packets in this second, {watcher.says()} in all")


def zap(groups, source):
    while True:
        group = random.choice(groups)
        say(f"joins {group}")
        with udp() as sock:
            watcher = Watcher(sock, group, source)
            watcher.read(random.uniform(4, 10))
        say(f"leaves {group}: {watcher.says()}")
        time.sleep(random.uniform(2, 6))


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("send", "watch", "zap"):
        sys.exit(__doc__)
    groups, source = sys.argv[2].split(","), sys.argv[3] if len(sys.argv) == 4 else None
    if sys.argv[1] == "send":
        sock = udp()
        if source is not None:
            sock.bind((source, 0))
        Sender(sock, groups).run()
    elif sys.argv[1] == "watch":
        watch(groups[0], source)
    else:
        zap(groups, source)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass

"""Numbered UDP packets from one host to another, and what of them arrived."""

import socket
import struct
import threading
import time

from tests.lab.lab import wait_until

PORT = 7000
FLIGHT = 0.2  # seconds in which a packet has arrived, or does not any more


class Stream:
    """From SOURCE to ADDRESS in DESTINATION (namespaces), a packet every INTERVAL seconds, until close()."""

    def __init__(self, source, destination, address, interval=0.01):
        self.interval = interval
        self.sent_at = []
        self.arrived = set()
        self.ends = False
        self.there = destination.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.there.bind((address, PORT))
        self.there.settimeout(0.2)
        self.there.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.here = source.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.here.setblocking(False)
        self.address = address
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.receive, self.send)]
        for thread in self.threads:
            thread.start()

    def send(self):
        due = time.monotonic()
        while not self.ends:
            now = time.monotonic()
            if now < due:
                time.sleep(due - now)
            try:
                self.here.sendto(struct.pack("!I", len(self.sent_at)), (self.address, PORT))
            except OSError:
                pass  # nobody answers for the gateway: lost like any other
            self.sent_at.append(time.monotonic())
            due = max(due + self.interval, time.monotonic() - 10 * self.interval)

    def receive(self):
        while not self.ends:
            try:
                self.arrived.add(struct.unpack("!I", self.there.recv(16))[0])
            except OSError:
                continue

    def lost_time(self, since):
        """Seconds without traffic since the packet number SINCE: by the packets that were lost (RFC 6412 3.5)."""
        until = len(self.sent_at) - 1
        return sum(self.sent_at[n + 1] - self.sent_at[n] for n in range(since, until) if n not in self.arrived)

    def flows(self, seconds=0.3):
        """Whether all that was sent in the last SECONDS arrived, but for what is still under way."""
        now, n, looked = time.monotonic(), len(self.sent_at) - 1, 0
        while n >= 0 and self.sent_at[n] > now - FLIGHT - seconds:
            if self.sent_at[n] < now - FLIGHT:
                looked += 1
                if n not in self.arrived:
                    return False
            n -= 1
        return looked > 0

    def wait_flows(self, timeout=30.0, what="traffic"):
        wait_until(self.flows, timeout, what)

    def stands(self, seconds=0.3):
        """Whether nothing that was sent in the last SECONDS arrived."""
        since = time.monotonic() - seconds
        recent = [n for n in range(max(0, len(self.sent_at) - 1000), len(self.sent_at)) if self.sent_at[n] > since]
        return bool(recent) and not any(n in self.arrived for n in recent)

    def wait_stands(self, timeout=30.0, what="the end of traffic"):
        wait_until(self.stands, timeout, what)

    def now(self):
        """The number of the next packet."""
        return len(self.sent_at)

    def close(self):
        self.ends = True
        for thread in self.threads:
            thread.join()
        self.here.close()
        self.there.close()

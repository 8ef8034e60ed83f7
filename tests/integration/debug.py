"""A session that debugs."""

import socket
import time


class Debug:
    """At work once this returns; what was asked for stands first in its text."""

    def __init__(self, router, command):
        self.text = ""
        self.client = socket.socket(socket.AF_UNIX)
        self.client.settimeout(60)
        self.client.connect(router.socket)
        self.client.sendall(f"{command}\nshow debugging\n".encode())
        self.until("debug ")

    def until(self, what, timeout=60):
        """Goes on until a text was heard, or a condition holds of what was; returns all of that."""
        deadline = time.monotonic() + timeout
        while not (what(self.text) if callable(what) else what in self.text):
            assert time.monotonic() < deadline, f"{what} was not heard, but:\n{self.text}"
            self.text += self.client.recv(65536).decode()
        return self.text

"""A name server's process, with its files in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import dns.exception
import dns.message
import dns.query

HERE = "127.0.0.1"


class Daemon:
    """One server, until `stop`."""

    def __init__(self, command: Sequence[str], folder: Path, address: str, port: int) -> None:
        """Starts it, and waits until it answers. Raises AssertionError with its log when it does not."""
        self.address, self.port = address, port
        log = folder / "log"
        with log.open("w") as file:
            environment = {**os.environ, "HOME": str(folder)}
            self._process = subprocess.Popen(command, stdout=file, stderr=file, env=environment)
        deadline = time.monotonic() + 20
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise AssertionError(log.read_text()[-2000:])

    def _answers(self) -> bool:
        try:
            dns.query.udp(dns.message.make_query(".", "SOA"), self.address, timeout=0.2, port=self.port)
        except (dns.exception.Timeout, OSError):
            time.sleep(0.05)
            return False
        return True

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(20)

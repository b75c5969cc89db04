"""Postfix's side: questions over a socket that systemd holds, so that a restart refuses nobody."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Awaitable
from typing import Any, cast

from provisioner_quota import metrics, policy, verdicts
from provisioner_quota.service import Quota, Session

LOG = logging.getLogger("provisioner-quota")


class Connection(asyncio.Protocol):
    """One smtpd process. It waits for each answer before it asks again."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The peer of a Unix socket is a process whose id the log names too."""
        self._transport = cast(asyncio.Transport, transport)
        self.session = Session(peer := _peer(self._transport), f"{self._quota.host}:{peer}")
        # smtpd has one connection at a time: whatever comes on this one, the one before is over.
        if (before := self._quota.sessions.get(peer)) is not None:
            self._quota.gone(before)
        self._quota.sessions[peer] = self.session

    def connection_lost(self, exc: Exception | None) -> None:
        """The smtpd process has ended, or was silent for long."""
        self._quota.gone(self.session)

    def data_received(self, data: bytes) -> None:
        """Collect lines until the empty one."""
        self._buffer += data
        while (end := self._buffer.find(b"\n\n")) >= 0:
            text, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
            self._asked(text)
        if len(self._buffer) > policy.REQUEST_LIMIT:
            self._transport.abort()

    def _asked(self, text: bytes) -> None:
        begun = time.perf_counter()
        try:
            request = policy.parse(text)
            if request.state == policy.END_OF_MESSAGE:
                said = self._quota.at_once(request, self.session)
                if said is None:
                    self._quota.in_background(self._later(self._quota.ends(request, self.session), begun))
                    return
                action = said.action
            elif request.state != policy.RCPT:
                action = self._quota.begins(request, self.session)
            elif customer := self._quota.listed_by(request):
                self._quota.in_background(self._later(self._quota.recipient(request, customer), begun))
                return
            else:
                action = None
        except Exception:
            self._reply(_fault(), begun)
            return
        self._reply(action, begun)
        if action is None and request.state == policy.DATA:
            self._quota.expects(request, self.session)

    async def _later(self, work: Awaitable[str | None], begun: float) -> None:
        try:
            action = await work
        except Exception:
            action = _fault()
        self._reply(action, begun)

    def _reply(self, action: str | None, begun: float) -> None:
        self._transport.write(policy.answer(action) if action else policy.DUNNO)
        code = action.split(" ", 1)[0] if action else ""
        metrics.decisions(code if code.isdigit() else "ok").inc()
        metrics.SECONDS.observe(time.perf_counter() - begun)


def _fault() -> str:
    """What Postfix is told when a question can't be answered: it never goes without an answer."""
    LOG.exception("a question that can't be answered")
    return verdicts.UNKNOWN


def _peer(transport: asyncio.Transport) -> int:
    peer: Any = transport.get_extra_info("socket")
    if peer.family != socket.AF_UNIX:
        return id(transport)
    pid, _, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return int(pid)

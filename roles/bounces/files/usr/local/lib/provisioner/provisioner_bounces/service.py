"""What becomes of a message to a return path: the suppression list, then the list server, then 250."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from provisioner_store.store import StoreError
from provisioner_store.suppressions import Suppressions

from provisioner_bounces import reports
from provisioner_bounces.accounts import Account, Accounts
from provisioner_bounces.bounce_kinds import Kind, ReturnPath, return_path
from provisioner_bounces.forward import AwayError, Forwarder, RefusedError, marked

LOG = logging.getLogger("provisioner-bounces")
NOTE_MOST = 200
"""Characters that a list keeps of why."""

REASONS = {Kind.HARD: "bounce", Kind.COMPLAINT: "complaint"}
"""What puts an address on a suppression list at once, and as what."""

NOT_OURS = "550 5.1.1 no such return path"
LATER = "451 4.3.0 not now, try again"


@dataclass
class Bounces:
    """Answers Postfix (the hooks of aiosmtpd). Doing the same message twice is harmless."""

    accounts: Accounts
    suppressions: Suppressions
    forwarder: Forwarder
    domain: str
    now: Callable[[], float] = time.time

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a return path, one a message: LMTP wants an answer for each, Postfix gives one at a time."""
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        try:
            account = self._known(address)[1]
        except OSError as error:
            LOG.error("no tenants: %s", error)
            return LATER
        if account is None:
            return NOT_OURS
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Do all that a message calls for."""
        (address,) = envelope.rcpt_tos
        path, account = self._known(address)
        if path is None or account is None:  # it went with a tenant bundle since RCPT
            return NOT_OURS
        content = envelope.original_content or b""
        report, taken = await asyncio.to_thread(reports.read, content, path.recipient)
        LOG.info("%s to %s of %s: %s %s", path.list, path.recipient, path.account, report.kind, report.status)
        try:
            await self._suppress(account, path, report, taken.timestamp() if taken else self.now())
            if account.host is not None:
                message = marked(content, path, report.kind, report.status)
                await asyncio.to_thread(self.forwarder.send, account.host, address, message)
        except StoreError as error:
            LOG.warning("the store does not take %s: %s", path.recipient, error)
            return LATER
        except AwayError as error:
            LOG.warning("the list server %s does not take it now: %s", account.host, error)
            return LATER
        except RefusedError as error:
            LOG.error("the list server %s refuses it: %s", account.host, error)
            return f"554 5.0.0 the list server said: {error}"[:500]
        return "250 2.0.0 done"

    async def handle_exception(self, error: Exception) -> str:
        """What nobody thought of is looked at later, rather than lost."""
        LOG.exception("unexpected", exc_info=error)
        return LATER

    def _known(self, address: str) -> tuple[ReturnPath | None, Account | None]:
        """The return path, and whose it is; (…, None): nobody's. Raises OSError without tenants."""
        try:
            path = return_path(address, self.domain)
        except ValueError:
            return None, None
        account = self.accounts.get(path.account)
        return path, account if account is not None and account.owns(path.tag) else None

    async def _suppress(self, account: Account, path: ReturnPath, report: reports.Report, at: float) -> None:
        reason = REASONS.get(report.kind)
        if reason is None or path.recipient is None or not account.suppresses:
            return
        note = f"{report.status} {report.said}".strip()[:NOTE_MOST]
        # Not later than now, so that a clock that is wrong does not outlast a pardon.
        entry: list[Any] = [path.recipient, reason, int(min(at, self.now())), note]
        if await self.suppressions.add(account.customer, [entry]):
            LOG.info("%s is on the suppression list of %s: %s", path.recipient, account.customer, reason)

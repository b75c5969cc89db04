"""What Postfix is told of a message: whether it fits its customer's plan, counted over all frontends."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from provisioner_store.store import StoreError
from provisioner_store.suppressions import Suppressions

from provisioner_quota import metrics, policy, verdicts
from provisioner_quota.accounts import Account, Accounts
from provisioner_quota.counters import NO_LIMIT, Charge, Counters
from provisioner_quota.outage import Outage
from provisioner_quota.outcomes import Follower, Outcome
from provisioner_quota.windows import windows

T = TypeVar("T")
LOG = logging.getLogger("provisioner-quota")
FOLLOW = 0.2
"""Seconds between looks at Postfix's log."""

PAUSE = 0.001
"""Seconds from the answer that lets a text come until the store is asked: so smtpd goes on first."""


class Reservation(NamedTuple):
    """The store was asked to count a message whose text is still on its way. answer: what the store says."""

    charge: Charge
    answer: asyncio.Future[tuple[int, int, int]]


class Said(NamedTuple):
    """What Postfix is told: an action, or None."""

    action: str | None


def _has_answer(answer: asyncio.Future[tuple[int, int, int]]) -> bool:
    return answer.done() and not answer.cancelled() and answer.exception() is None


@dataclass
class Session:
    """One smtpd process's connection to us, and the login for which the store counts it as a connection.

    planned, reserved: the text that comes now will be counted, was counted; until we are asked about its end.
    """

    pid: int
    name: str
    login: str = ""
    planned: asyncio.TimerHandle | None = None
    reserved: Reservation | None = None

    def take(self) -> Reservation | None:
        """The reservation for the text that came, or did not come; there is none any more."""
        if self.planned is not None:
            self.planned.cancel()
        reserved, self.planned, self.reserved = self.reserved, None, None
        return reserved


@dataclass
class Quota:
    """Decides what Postfix is told.

    returning: instances whose reservation is being given back; the same message may come again meanwhile,
    over another connection too.
    """

    accounts: Accounts
    counters: Counters
    suppressions: Suppressions
    outage: Outage
    host: str
    contact: str
    now: Callable[[], float] = time.time
    sessions: dict[int, Session] = field(default_factory=dict)
    running: set[asyncio.Task[Any]] = field(default_factory=set)
    returning: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def begins(self, request: policy.Request, session: Session) -> str | None:
        """The action when a message's text begins; None lets it come."""
        self.drop(session)
        return self._account(request)[1]

    def expects(self, request: policy.Request, session: Session) -> None:
        """The answer that lets a text come is on its way: ask the store, to have its own at the text's end.

        Postfix gives both questions the same `instance` (SMTPD_POLICY_README).
        """
        account, refusal = self._account(request)
        if account is not None and refusal is None and not self.outage.away:
            loop = asyncio.get_running_loop()
            session.planned = loop.call_later(PAUSE, self._reserve, request, account, session)

    def _reserve(self, request: policy.Request, account: Account, session: Session) -> None:
        charge = self._charge(request, account, session)
        if charge.instance not in self.returning:
            session.reserved = self._reservation(charge, session)

    def listed_by(self, request: policy.Request) -> str | None:
        """The customer whose suppression list a recipient has to be looked for in; None: nobody's.

        What else is wrong is told when the text begins. Without a store nobody is held up: the list holds
        again as soon as it answers.
        """
        account, refusal = self._account(request)
        if account is None or refusal is not None or not account.suppresses or self.outage.away:
            return None
        return None if self.suppressions.has_none(account.customer) else account.customer

    async def recipient(self, request: policy.Request, customer: str) -> str | None:
        """The action for a recipient, by a customer's suppression list; None lets it stand."""
        try:
            entry = await self.suppressions.of(customer, request.recipient)
        except StoreError as error:
            self.outage.lost(error)
            return None
        return verdicts.suppressed(request.recipient, customer, entry) if entry else None

    def at_once(self, request: policy.Request, session: Session) -> Said | None:
        """What `ends` comes to, where the store has answered already; None: only that can tell."""
        reserved = session.reserved
        if reserved is None or not _has_answer(reserved.answer):
            return None
        account, refusal = self._account(request)
        if account is None or refusal is not None:
            return None
        charge = self._charge(request, account, session)
        if not reserved.charge.is_about(charge) or not self.outage.fits(charge):
            return None
        if charge.instance in self.returning:
            return None
        session.take()
        return Said(self._said(reserved.charge, reserved.answer.result(), request, account))

    async def ends(self, request: policy.Request, session: Session) -> str | None:
        """The action when a message's text has ended; None lets the message pass, and so does a note."""
        account, refusal = self._account(request)
        if account is None or refusal is not None:
            self.drop(session)
            return refusal
        return await self._count(self._charge(request, account, session), request, account, session)

    def _account(self, request: policy.Request) -> tuple[Account | None, str | None]:
        """Whose mail it is, and why it is refused whatever the counts are; neither for mail without login."""
        if not request.login:
            return None, None
        try:
            account = self.accounts.get(request.login)
        except (OSError, ValueError, KeyError, TypeError):
            LOG.exception("the tenant bundle can't be read")
            return None, verdicts.UNKNOWN
        if account is None:
            return None, verdicts.NO_ACCOUNT
        return account, verdicts.local(request, account, self.now(), self.contact)

    def _charge(self, request: policy.Request, account: Account, session: Session) -> Charge:
        now = self.now()
        found = windows(now, account.zone)
        names = ("recipients_per_day", "recipients_per_hour", "messages_per_minute", "connections")
        day, hour, minute, connections = (account.limit(name, now) or NO_LIMIT for name in names)
        return Charge(
            customer=account.counter,
            login=request.login,
            instance=f"{self.host}.{request.instance}",
            session=session.name,
            recipients=request.recipients,
            day=found.day,
            hour=found.hour,
            at=now,
            limits=(day, hour, minute, connections),
        )

    def _reservation(self, charge: Charge, session: Session) -> Reservation:
        session.login = charge.login  # counted or not: to leave what was never entered does no harm
        return Reservation(charge, self.in_background(self.counters.reserve(charge)))

    async def _count(
        self, charge: Charge, request: policy.Request, account: Account, session: Session
    ) -> str | None:
        if session.reserved is not None and not session.reserved.charge.is_about(charge):
            self.drop(session)
        if not self.outage.fits(charge):
            self.drop(session)
            return verdicts.UNKNOWN
        reserved = session.take()
        if (returning := self.returning.get(charge.instance)) is not None:
            await returning  # else what is given back could be what is counted now
        if reserved is None:
            if self.outage.away:
                return self.outage.accept(charge)
            reserved = self._reservation(charge, session)
        try:
            answer = await reserved.answer
        except StoreError as error:
            self.outage.lost(error)
            refusal = self.outage.accept(charge)
            if refusal is not None:
                self.outage.owe(charge.instance)
            return refusal
        return self._said(reserved.charge, answer, request, account)

    def _said(
        self, charge: Charge, answer: tuple[int, int, int], request: policy.Request, account: Account
    ) -> str | None:
        verdict, day, hour = answer
        self.outage.answered(charge, verdict, (day, hour))
        if verdict == verdicts.OK:
            return verdicts.passes(charge.instance)
        return verdicts.counted(verdict, account, request, (day, hour), self.now())

    def drop(self, session: Session) -> None:
        """The text for which a session has reserved does not come: give it back."""
        reserved = session.take()
        if reserved is not None:
            instance = reserved.charge.instance
            self.returning[instance] = task = self.in_background(self._give_back(reserved))
            task.add_done_callback(lambda _: self.returning.pop(instance, None))

    def in_background(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Let `work` run; the service waits for it before it stops."""
        task = asyncio.ensure_future(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task

    async def _give_back(self, reserved: Reservation) -> None:
        try:
            verdict, *_ = await reserved.answer
        except StoreError as error:
            self.outage.lost(error)
            self.outage.owe(reserved.charge.instance)  # the store may have counted it all the same
            return
        if verdict == verdicts.OK:
            await self._refund(reserved.charge.instance)

    async def _refund(self, instance: str) -> None:
        try:
            metrics.REFUNDS.inc(await self.counters.refund(instance))
        except StoreError as error:
            self.outage.lost(error)
            self.outage.owe(instance)

    async def follow(self, log: Follower) -> None:
        """Act on what Postfix's log tells of messages that were counted."""
        while True:
            await asyncio.sleep(FOLLOW)
            try:
                for outcome in log.outcomes():
                    await self.happened(outcome)
            except Exception:
                LOG.exception("Postfix's log can't be read")  # the next look goes on where this one ended

    async def happened(self, outcome: Outcome) -> None:
        """A message was refused after all: give its recipients back. A session ended: it counts no more."""
        if outcome.refused is not None:
            await self._refund(outcome.refused)
        elif session := self.sessions.get(outcome.pid):
            await self._left(session)

    def gone(self, session: Session) -> None:
        """An smtpd process asks here no more: it has ended, or was silent for long, or we end.

        One that still has its client counts again with the client's next message.
        """
        self.drop(session)
        if self.sessions.get(session.pid) is session:
            del self.sessions[session.pid]
        self.in_background(self._left(session))

    async def _left(self, session: Session) -> None:
        try:
            await self.left(session)
        except StoreError as error:
            self.outage.lost(error)

    async def left(self, session: Session) -> None:
        """The session serves its login no more."""
        self.drop(session)
        login, session.login = session.login, ""
        if login:
            await self.counters.leave(login, session.name)

"""What the service answers over HTTP: Dovecot's questions on logins, on the loopback address; and metrics.

Dovecot asks before it looks at a password (command=allow) and tells afterwards how it went (command=report),
as its manual has it under "auth policy". A login is never refused because the store does not answer.
"""

from __future__ import annotations

import logging
import time

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from provisioner_store.store import StoreError

from provisioner_quota import metrics
from provisioner_quota.accounts import Accounts
from provisioner_quota.bans import Bans
from provisioner_quota.outage import Outage

LOG = logging.getLogger("provisioner-quota")
ALLOW, REFUSE = {"status": 0, "msg": ""}, {"status": -1, "msg": "too many failed logins; try again later"}


def exposition() -> web.Application:
    """GET /metrics for Prometheus, and nothing else."""

    async def tell(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/metrics", tell)])
    return app


def application(bans: Bans, accounts: Accounts, outage: Outage) -> web.Application:
    """The metrics, and POST /login for Dovecot."""

    async def login(request: web.Request) -> web.Response:
        if outage.away:  # Dovecot need not wait for what is known
            return web.json_response(ALLOW)
        said = await request.json()
        name, source = str(said.get("login", "")), str(said.get("remote", ""))
        try:
            if request.query.get("command") != "report":
                refused = await bans.refused(name, source)
                metrics.LOGINS.labels("refused" if refused else "asked").inc()
                if refused and _exists(accounts, name):
                    await bans.note(name, source, time.time())
                return web.json_response(REFUSE if refused else ALLOW)
            # What was refused here before the password was looked at says nothing about the password.
            if said.get("success"):
                await bans.succeeded(name, source)
            elif not said.get("policy_reject"):
                metrics.LOGINS.labels("failed").inc()
                await bans.failed(name, source, time.time())
        except StoreError as error:
            LOG.warning("logins go unchecked: %s", error)
        return web.json_response(ALLOW)

    app = exposition()
    app.add_routes([web.post("/login", login)])
    return app


def _exists(accounts: Accounts, login: str) -> bool:
    """Whether it is an account; what a guesser makes up is nobody's to be told of."""
    try:
        return accounts.get(login) is not None
    except (OSError, ValueError, KeyError, TypeError):
        return False

"""`provisioner-dem VERB`: JSON on standard input where something is asked, JSON on standard output.

The exit code is 0, or 1 and the answer is {"error": …}; 2 where the verb is none.

As root, but for `bounced` and `posted`, which Postfix calls as the software's user with one message on
standard input; `addresses` Sympa calls too, when a list comes or goes.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from provisioner_dem import debian, locks, notes, outbox, returns, settings
from provisioner_dem.commands import run
from provisioner_dem.keeping import STATE, Keeper
from provisioner_dem.software import DemError, Newsletter, RolledBackError, Software

COMMAND = "/usr/local/sbin/provisioner-dem"
DECLARATIONS = STATE / "declarations.jsonl"
TRY_AGAIN = 75
"""sysexits.h's EX_TEMPFAIL: Postfix keeps the bounce and tries again."""

Question = Mapping[str, Any]


def adaptor(of: settings.Settings) -> Software:
    """The adaptor of what is installed."""
    if of.software == "phplist":
        from provisioner_dem.phplist import PhpList  # noqa: PLC0415 - a host has one of them

        return PhpList(of)
    from provisioner_dem.sympa import Sympa  # noqa: PLC0415

    return Sympa(of)


class Tool:
    """One method a verb; each returns what is printed."""

    def __init__(self, of: settings.Settings, software: Software) -> None:
        self.settings = of
        self.software = software
        self.keeper = Keeper(of, software)

    def status(self) -> Any:
        """What the host is, and how it does."""
        unfinished = notes.left(STATE)
        try:
            return self._status(unfinished)
        except (DemError, OSError) as error:
            raise DemError("; ".join((str(error), *unfinished))) from error

    def _status(self, unfinished: list[str]) -> dict[str, object]:
        lists = self.software.lists()
        return {
            "software": self.settings.software,
            "version": self.software.version(),
            "site": self.settings.site,
            "lists": [found.name for found in lists],
            "subscribers": sum(found.subscribers for found in lists),
            "queue": self.software.waiting() + outbox.waiting(),
            "certificate_days": debian.certificate_days(self.settings.certificate, time.time()),
            "backup_hours": self.keeper.hours(time.time()),
            "paused": outbox.paused(),
            "resumed": outbox.resumed(),
            "wrong": "; ".join(filter(None, (self.software.healthy(), *unfinished))),
        }

    def lists(self) -> Any:
        """Every list and how many are on it."""
        return [asdict(found) for found in self.software.lists()]

    def list_create(self, question: Question) -> Any:
        """A new list."""
        language = question.get("language") or self.settings.language
        discussion = question.get("kind") == "discussion"
        self.software.create_list(question["name"], question["subject"], language, discussion=discussion)
        return {"name": question["name"]}

    def subscribers(self, name: str) -> Any:
        """Who is on a list."""
        return [asdict(found) for found in self.software.subscribers(name)]

    def subscribe(self, question: Question) -> Any:
        """Import addresses that were not asked by this host: on somebody's word, which is kept."""
        declaration = str(question.get("declaration") or "").strip()
        emails = sorted({str(email).strip().lower() for email in question["emails"]})
        wrong = [email for email in emails if email.count("@") != 1 or any(map(str.isspace, email))]
        if not declaration:
            raise DemError(
                "addresses that did not confirm here need a declaration where their consent comes from"
            )
        if wrong:
            raise DemError(f"{wrong[0]!r} is no address")
        said = {
            "when": int(time.time()),
            "list": question["list"],
            "addresses": emails,
            "declaration": declaration,
        }
        DECLARATIONS.touch(mode=0o600)
        with DECLARATIONS.open("a") as file:
            file.write(json.dumps(said) + "\n")
        added = self.software.subscribe(question["list"], emails)
        return {"added": added, "there": len(emails) - added}

    def unsubscribe(self, question: Question) -> Any:
        """Take an address off a list."""
        return {"removed": self.software.unsubscribe(question["list"], question["email"])}

    def send(self, question: Question) -> Any:
        """Send a campaign."""
        newsletter = Newsletter(
            question["list"], question["subject"], question.get("text") or "", question.get("html") or ""
        )
        if not (newsletter.text or newsletter.html):
            raise DemError("a campaign needs a text, HTML, or both")
        self.software.send(newsletter)
        return {}

    def campaigns(self) -> Any:
        """The campaigns, the oldest first."""
        return [asdict(found) for found in self.software.campaigns()]

    def backup(self, file: str) -> Any:
        """Write a backup."""
        return self.keeper.backup(Path(file))

    def backup_daily(self) -> Any:
        """What the timer does; who may write where may have been changed at the site, too."""
        if self.settings.discussions:
            self.addresses()
        return self.keeper.daily()

    def restore(self, file: str) -> Any:
        """Put a backup in place of what is here."""
        answer = self.keeper.restore(Path(file))
        if self.settings.discussions:
            self.addresses()
        return answer

    def addresses(self, change: str = "", name: str = "", *_: str) -> Any:
        """Write which addresses may be written to, as the software's user, whose folder that is in.

        change, name: what Sympa says it is about to do with a list, `add` or `del`.
        """
        if os.geteuid() == 0:
            return json.loads(run([COMMAND, "addresses"], user=self.settings.software))
        from provisioner_dem import posts  # noqa: PLC0415 - what it needs is there with Sympa alone
        from provisioner_dem.sympa import Sympa  # noqa: PLC0415

        closed = {name} if change == "del" else set()
        known = posts.addresses(Sympa(self.settings), self.settings.domain, closed)
        return {"changed": posts.keep(known)}

    def upgrade(self, question: Question) -> Any:
        """Install a newer version."""
        change = self.keeper.upgrade(question.get("archive") or "", question.get("sha256") or "")
        return {"from": change.before, "to": change.after, "downtime_seconds": round(change.downtime, 1)}

    def pause(self, question: Question) -> Any:
        """Hold campaigns back."""
        print(f"campaigns are paused: {question.get('reason', '')}", file=sys.stderr)
        outbox.pause()
        return {}

    def resume(self, question: Question) -> Any:
        """Let campaigns go."""
        print(f"campaigns go on: {question.get('reason', '')}", file=sys.stderr)
        outbox.resume()
        return {}

    def administrator(self, question: Question) -> Any:
        """Set the administrator's password; the role asks this."""
        return {"changed": self.software.set_administrator(question["email"], question["password"])}


TOUCHING = ("list-create", "subscribe", "unsubscribe", "send", "administrator")
ASKING = (*TOUCHING, "upgrade", "pause", "resume")
NAMING = ("subscribers", "backup", "restore")
CALLED = "addresses"
PLAIN = ("status", "lists", "campaigns", CALLED, "backup-daily")
ALONE = (*ASKING, *PLAIN)


def bounced(of: settings.Settings, recipient: str, message: bytes) -> int:
    """Give one bounce to the list software; an exit code for Postfix."""
    bounce = returns.read(recipient, message, of.account, of.tag, of.bounce_domain)
    if bounce is None:
        print(f"{recipient}: no return path of one reader")
        return 0
    with locks.touching():
        done = adaptor(of).bounce(bounce, message)
    print(f"{bounce.kind} {bounce.recipient} {bounce.list}: {done}")
    return 0


def posted(of: settings.Settings, recipient: str, message: bytes) -> int:
    """Give one message from outside to Sympa; an exit code for Postfix."""
    from provisioner_dem import posts  # noqa: PLC0415 - what it needs is there with Sympa alone
    from provisioner_dem.sympa import Sympa  # noqa: PLC0415

    with locks.touching():
        print(f"{recipient}: {posts.post(Sympa(of), of, recipient, message)}")
    return 0


FROM_POSTFIX = {"bounced": bounced, "posted": posted}


def main(arguments: list[str]) -> int:
    """Do what the verb says."""
    verb, *rest = arguments or [""]
    if verb in FROM_POSTFIX and len(rest) == 1:
        try:
            return FROM_POSTFIX[verb](settings.load(), rest[0], sys.stdin.buffer.read())
        except Exception as error:  # whatever it is, the message stays in Postfix's queue
            print(f"{rest[0]}: {error!r}")
            return TRY_AGAIN
    known = verb in ALONE if not rest else (verb in NAMING and len(rest) == 1) or verb == CALLED
    if not known:
        verbs = ", ".join((*PLAIN, *ASKING, *(f"{name} NAME" for name in NAMING)))
        print(f"usage: provisioner-dem {verbs}", file=sys.stderr)
        return 2
    try:
        of = settings.load()
        method: Callable[..., Any] = getattr(Tool(of, adaptor(of)), verb.replace("-", "_"))
        told = [json.load(sys.stdin)] if verb in ASKING else rest
        with locks.touching() if verb in TOUCHING else nullcontext():
            answer = method(*told)
    except (DemError, OSError, KeyError, ValueError) as error:
        said = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        back = {"rolled_back": True} if isinstance(error, RolledBackError) else {}
        print(json.dumps({"error": said, **back}))
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

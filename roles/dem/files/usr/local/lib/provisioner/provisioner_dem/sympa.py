"""Sympa 6.2, through its command line, its queues and, for what it has no command for, its tables."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from provisioner_dem import campaigns, debian, letters, sympa_library
from provisioner_dem.campaigns import Campaign
from provisioner_dem.commands import run
from provisioner_dem.database import Store
from provisioner_dem.returns import Bounce
from provisioner_dem.settings import Settings
from provisioner_dem.software import Change, DemError, MailingList, Newsletter, Subscriber
from provisioner_dem.sympa_library import USER

LIBEXEC = Path("/usr/lib/sympa/bin")
DATA = Path("/var/lib/sympa/list_data")
SPOOLS = Path("/var/spool/sympa")
LANGUAGES = {"en": "en-US", "it": "it"}
ONE_CLICK = "provisioner-dem-oneclick.socket"
MANY = 100
"""Who writes to so many sends a campaign, on whatever list."""
COUNTED = frozenset({"hard", "soft", "full", "blocked"})

_DISCUSSION = re.compile(r"^send\s+discussion\s*$", re.MULTILINE)
_CLOSED = re.compile(r"^status\s+(family_)?closed\s*$", re.MULTILINE)
_LIST = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
_UPSTREAM = re.compile(r"\d+(?:\.\d+)+")


class Sympa:
    """The adaptor. Lists are of one domain, the customer's."""

    web = (ONE_CLICK, "wwsympa.socket", "wwsympa.service")
    services = (*web, "provisioner-dem-oneclick.service", "sympa.service", "sympa-bulk.service",
                "sympa-archived.service", "sympa-bounced.service", "sympa-task_manager.service")  # fmt: skip
    folders = (DATA, SPOOLS, Path("/var/lib/sympa/bounce"))

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database)

    def version(self) -> str:
        """What Debian's package says."""
        return debian.version("sympa")

    def lists(self) -> list[MailingList]:
        """A list is a folder with a configuration that is not closed."""
        rows = self.store.rows(
            "SELECT list_subscriber, COUNT(*) FROM subscriber_table WHERE robot_subscriber = %s GROUP BY 1",
            (self.settings.domain,),
        )
        counts = {name: int(count) for name, count in rows}
        configs = {file.parent.name: file.read_text() for file in sorted(DATA.glob("*/config"))}
        return [
            MailingList(name, counts.get(name, 0), bool(_DISCUSSION.search(text)))
            for name, text in configs.items()
            if not _CLOSED.search(text)
        ]

    def create_list(self, name: str, subject: str, language: str, *, discussion: bool = False) -> None:
        """Make a newsletter, to which only its owner at the site and this tool may write; or a discussion."""
        if discussion and not self.settings.discussions:
            raise DemError("there can be no discussion: dem_discussions is not set")
        if not _LIST.fullmatch(name):
            raise DemError(f"{name!r} is no name for a list: a-z, 0-9, - and _, at most 50")
        if (DATA / name).exists():
            raise DemError(f"there is a list {name}")
        people = "".join(
            f"<{role} multiple='1'><email>{escape(email)}</email></{role}>"
            for role, email in (
                ("owner", self.settings.admin),
                ("editor", self.settings.sender),
                ("editor", self.settings.admin),
            )
        )
        kind = "provisioner-discussion" if discussion else "provisioner"
        text = (
            f"<?xml version='1.0' encoding='UTF-8'?><list><listname>{name}</listname><type>{kind}</type>"
            f"<subject>{escape(subject)}</subject><topics>other</topics>"
            f"<lang>{LANGUAGES.get(language, 'en-US')}</lang>{people}</list>"
        )
        with tempfile.NamedTemporaryFile("w", suffix=".xml", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            Path(file.name).chmod(0o644)
            said = run(
                ["sympa", "create", f"--input-file={file.name}", self.settings.domain], user=USER, check=False
            )
        if not (DATA / name / "config").exists():
            raise DemError(f"Sympa made no list {name}: {said.strip()[-300:]}")

    def subscribers(self, name: str) -> list[Subscriber]:
        """Sympa has only who confirmed; the third number of its note of bounces counts them."""
        self._need(name)
        rows = self.store.rows(
            "SELECT user_subscriber, bounce_subscriber FROM subscriber_table"
            " WHERE list_subscriber = %s AND robot_subscriber = %s ORDER BY 1",
            (name, self.settings.domain),
        )
        return [Subscriber(email, True, _bounces(note)) for email, note in rows]

    def subscribe(self, name: str, emails: Sequence[str]) -> int:
        """Those who are there already stay as they are."""
        there = {subscriber.email for subscriber in self.subscribers(name)}
        new = sorted({email.lower() for email in emails} - there)
        if new:
            sympa_library.subscribe(name, self.settings.domain, new)
        return len(new)

    def unsubscribe(self, name: str, email: str) -> bool:
        """No letter goes to the address, nor to the owner."""
        if email.lower() not in {subscriber.email for subscriber in self.subscribers(name)}:
            return False
        run(["sympa", "del", "--quiet", self._address(name)], email.lower(), user=USER)
        return True

    def sign_off(self, name: str, email: str) -> None:
        """A reader leaves: as Sympa's own handler of it does, but for a letter. Runs as Sympa's user."""
        sympa_library.sign_off(name, self.settings.domain, email)

    def send(self, newsletter: Newsletter) -> None:
        """As if its editor had sent it to the list."""
        self._need(newsletter.list)
        address = self._address(newsletter.list)
        run([str(LIBEXEC / "queue"), address], letters.compose(self.settings, address, newsletter), user=USER)

    def campaigns(self) -> list[Campaign]:
        """By Postfix's log: it knows of those too that were written at the web site."""
        left = self.store.rows(
            "SELECT list_stat, date_stat FROM stat_table"
            " WHERE operation_stat = 'signoff' AND robot_stat = %s",
            (self.settings.domain,),
        )
        discussed = set(self.discussions())
        logged = campaigns.logged(campaigns.log_lines(), time.time())
        found = [each for each in logged if each.list not in discussed or each.recipients >= MANY]
        return campaigns.with_departures(found, ((name, float(at)) for name, at in left))

    def discussions(self) -> list[str]:
        """The lists that members write to."""
        return [found.name for found in self.lists() if found.discussion]

    def belongs(self, name: str, email: str) -> bool:
        """Whether somebody is subscribed to a list, or owns or edits it."""
        query = (
            "SELECT 1 FROM subscriber_table"
            " WHERE list_subscriber = %s AND robot_subscriber = %s AND user_subscriber = %s"
            " UNION SELECT 1 FROM admin_table WHERE list_admin = %s AND robot_admin = %s AND user_admin = %s"
        )
        return bool(self.store.rows(query, (name, self.settings.domain, email) * 2))

    def hand_over(self, address: str, message: bytes) -> None:
        """Give Sympa a message from outside. Runs as its user."""
        run([str(LIBEXEC / "queue"), address], message)

    def waiting(self) -> int:
        """Incoming messages count as one, those that are being distributed by recipient."""
        incoming = sum(1 for path in (SPOOLS / "msg").glob("*@*") if path.is_file())
        packets = (path for path in (SPOOLS / "bulk/pct").glob("*/*") if path.is_file())
        return incoming + sum(len(path.read_bytes().splitlines()) for path in packets)

    def bounce(self, bounce: Bounce, message: bytes) -> str:
        """A complaint unsubscribes at once; failures go to the bounce manager, in the form it reads."""
        if not (DATA / bounce.list / "config").exists():
            return "of no list"
        if bounce.kind == "complaint":
            return "unsubscribed" if self._complaint(bounce) else "not subscribed"
        if bounce.kind not in COUNTED:
            return "not counted"
        local, _, domain = bounce.recipient.partition("@")
        to = f"bounce+{local}==a=={domain}=={bounce.list}@{self.settings.domain}"
        report = letters.report(bounce, to, self.settings.site, message)
        run([str(LIBEXEC / "bouncequeue"), f"sympa@{self.settings.domain}"], report)
        return "counted"

    def _complaint(self, bounce: Bounce) -> bool:
        there = {subscriber.email for subscriber in self.subscribers(bounce.list)}
        if bounce.recipient in there:
            run(["sympa", "del", "--quiet", self._address(bounce.list)], bounce.recipient)
        return bounce.recipient in there

    def set_administrator(self, email: str, password: str) -> bool:
        """The listmaster's password for the web site."""
        return sympa_library.set_password(email, password)

    def administrator(self) -> str:
        """Sympa's own hash of the listmaster's."""
        rows = self.store.rows(
            "SELECT password_user FROM user_table WHERE email_user = %s", (self.settings.admin.lower(),)
        )
        return (rows[0][0] or "") if rows else ""

    def keep_administrator(self, kept: str) -> None:
        """The listmaster may be another than the database had."""
        self.store.change(
            (
                "INSERT INTO user_table (email_user, password_user) VALUES (%s, %s)"
                " ON DUPLICATE KEY UPDATE password_user = VALUES(password_user)",
                (self.settings.admin.lower(), kept),
            )
        )

    def migrate(self, before: str) -> None:
        """As the package's script does, which takes the version from a file that no backup has."""
        upstream = _UPSTREAM.match(before)
        if not upstream:
            raise DemError(f"{before!r} is no version of Sympa")
        run(["sympa", "upgrade", f"--from={upstream[0]}"], user=USER)

    def healthy(self) -> str:
        """Its health check looks at the configuration and the tables."""
        said = run(["sympa", "check"], user=USER, check=False)
        wrong = [line for line in said.splitlines() if "error" in line.lower()]
        if not debian.active(ONE_CLICK):
            wrong.append(f"{ONE_CLICK} does not run: nobody can unsubscribe by one click")
        return wrong[0] if wrong else debian.answers(f"https://{self.settings.site}/sympa", "sympa")

    def upgrade(self, archive: str, sha256: str, still: Callable[[], None]) -> Change:
        """From Debian's packages alone."""
        if archive or sha256:
            raise DemError("Sympa comes from Debian's packages: there is no archive to give")
        return debian.upgrade("sympa", self, still)

    def _address(self, name: str) -> str:
        return f"{name}@{self.settings.domain}"

    def _need(self, name: str) -> None:
        if not _LIST.fullmatch(name) or not (DATA / name / "config").exists():
            raise DemError(f"there is no list {name}")


def _bounces(note: str | None) -> int:
    # "first last count status", times in seconds since 1970
    words = (note or "").split()
    return int(words[2]) if len(words) > 2 and words[2].isdigit() else 0

"""phpList 3.6, through its command line, and through its tables for what that has no word for."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from provisioner_dem import debian, phplist_bounces, releases
from provisioner_dem.campaigns import Campaign, with_departures
from provisioner_dem.commands import run
from provisioner_dem.database import Store
from provisioner_dem.returns import Bounce
from provisioner_dem.settings import Settings
from provisioner_dem.software import Change, DemError, MailingList, Newsletter, NotBackError, Subscriber

ROOT = Path("/srv/phplist")
RELEASES, CURRENT, DATA = ROOT / "releases", ROOT / "current", ROOT / "data"
CONFIG = Path("/etc/phplist/config.php")
SERVED = ROOT / "archives/served"
USER = "phplist"
PATH = "list"
"""What stands for every list in return paths: phpList has one sender for all."""
WAITING = ("submitted", "inprocess", "suspended")
FPM = "php8.4-fpm.service"
QUEUE = "provisioner-dem-queue.timer"


class PhpList:
    """The adaptor. A list's name is phpList's own name of it."""

    services = (QUEUE, "provisioner-dem-queue.service", FPM)
    web = (FPM,)
    folders = (DATA,)

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.store = Store(settings.database)

    def version(self) -> str:
        """The release that the site is served from. Raises DemError when there is none."""
        if not CURRENT.is_symlink():
            raise DemError("phpList is not installed")
        return CURRENT.resolve().name

    def lists(self) -> list[MailingList]:
        """Subscribers who confirmed and are not on phpList's blacklist count."""
        rows = self.store.rows(
            "SELECT l.name, COUNT(u.id) FROM phplist_list l LEFT JOIN phplist_listuser lu ON lu.listid = l.id"
            " LEFT JOIN phplist_user_user u ON u.id = lu.userid AND u.confirmed = 1 AND u.blacklisted = 0"
            " GROUP BY l.id, l.name ORDER BY l.name"
        )
        return [MailingList(name, int(count)) for name, count in rows]

    def create_list(self, name: str, subject: str, language: str, *, discussion: bool = False) -> None:
        """An active list, and the public subscription page offers it."""
        if discussion:
            raise DemError("phpList has newsletters alone: nobody can write to its lists")
        if name in {found.name for found in self.lists()}:
            raise DemError(f"there is a list {name}")
        self.store.change(
            (
                "INSERT INTO phplist_list (name, description, entered, active, owner)"
                " VALUES (%s, %s, NOW(), 1, 1)",
                (name, subject),
            )
        )

    def subscribers(self, name: str) -> list[Subscriber]:
        """By address."""
        rows = self.store.rows(
            "SELECT u.email, u.confirmed = 1 AND u.blacklisted = 0, u.bouncecount FROM phplist_user_user u"
            " JOIN phplist_listuser lu ON lu.userid = u.id WHERE lu.listid = %s ORDER BY 1",
            (self._list(name),),
        )
        return [Subscriber(email, bool(confirmed), int(bounces)) for email, confirmed, bounces in rows]

    def subscribe(self, name: str, emails: Sequence[str]) -> int:
        """Confirmed at once. Who unsubscribed or complained stays on the blacklist, and gets nothing."""
        number, added = self._list(name), 0
        for email in sorted({email.lower() for email in emails}):
            self.store.change(
                (
                    "INSERT IGNORE INTO phplist_user_user (email, confirmed, blacklisted, entered, uniqid,"
                    " uuid, htmlemail, disabled) SELECT %s, 1,"
                    " EXISTS (SELECT 1 FROM phplist_user_blacklist WHERE email = %s),"
                    " NOW(), %s, UUID(), 1, 0 FROM DUAL WHERE NOT EXISTS"
                    " (SELECT 1 FROM phplist_user_user WHERE email = %s)",
                    (email, email, secrets.token_hex(16), email),
                )
            )
            added += self.store.change(
                (
                    "INSERT IGNORE INTO phplist_listuser (userid, listid, entered)"
                    " SELECT id, %s, NOW() FROM phplist_user_user WHERE email = %s",
                    (number, email),
                )
            )
        return added

    def unsubscribe(self, name: str, email: str) -> bool:
        """From this list alone."""
        return (
            self.store.change(
                (
                    "DELETE lu FROM phplist_listuser lu JOIN phplist_user_user u ON u.id = lu.userid"
                    " WHERE lu.listid = %s AND u.email = %s",
                    (self._list(name), email.lower()),
                )
            )
            > 0
        )

    def send(self, newsletter: Newsletter) -> None:
        """A campaign for phpList's own queue, which the timer works off; started at once."""
        number = self._list(newsletter.list)
        html = newsletter.html or f"<pre>{newsletter.text}</pre>"
        self.store.change(
            (
                "INSERT INTO phplist_message (uuid, subject, fromfield, tofield, replyto, message,"
                " textmessage, footer, entered, embargo, status, htmlformatted, sendformat, template, owner)"
                " VALUES (UUID(), %s, %s, '', '', %s, %s, '', NOW(), NOW(), 'draft', %s, %s, 0, 1)",
                (
                    newsletter.subject,
                    f"{self.settings.title} {self.settings.sender}",
                    html,
                    newsletter.text,
                    bool(newsletter.html),
                    "HTML" if newsletter.html else "text",
                ),
            )
        )
        found = self.store.rows(
            "SELECT MAX(id) FROM phplist_message WHERE subject = %s AND status = 'draft'",
            (newsletter.subject,),
        )
        message = int(found[0][0])
        self.store.change(
            (
                "INSERT INTO phplist_listmessage (messageid, listid, entered) VALUES (%s, %s, NOW())",
                (message, number),
            ),
            (
                "INSERT INTO phplist_messagedata (name, id, data) VALUES ('campaigntitle', %s, %s)",
                (message, newsletter.subject),
            ),
            ("UPDATE phplist_message SET status = 'submitted' WHERE id = %s", (message,)),
        )
        debian.services("start", "--no-block", "provisioner-dem-queue.service")

    def campaigns(self) -> list[Campaign]:
        """Those that phpList began to send. Who left did so from all lists: phpList's blacklist has them."""
        rows = self.store.rows(
            "SELECT m.id, COALESCE(MIN(l.name), ''), m.subject, UNIX_TIMESTAMP(m.sendstart),"
            " (SELECT COUNT(*) FROM phplist_usermessage um WHERE um.messageid = m.id AND um.status = 'sent')"
            " FROM phplist_message m LEFT JOIN phplist_listmessage lm ON lm.messageid = m.id"
            " LEFT JOIN phplist_list l ON l.id = lm.listid WHERE m.sendstart IS NOT NULL"
            " GROUP BY m.id, m.subject, m.sendstart ORDER BY m.sendstart"
        )
        found = [
            Campaign(str(number), name, PATH, subject, float(began), int(count))
            for number, name, subject, began, count in rows
        ]
        left = self.store.rows(
            "SELECT UNIX_TIMESTAMP(b.added) FROM phplist_user_blacklist b"
            " JOIN phplist_user_user u USING (email)"
            " WHERE NOT EXISTS (SELECT 1 FROM phplist_user_user_history h"
            " WHERE h.userid = u.id AND h.systeminfo = %s)",
            (phplist_bounces.MARK,),
        )
        return with_departures(found, (("", float(at)) for (at,) in left))

    def waiting(self) -> int:
        """Campaigns that phpList has not sent to everybody."""
        rows = self.store.rows("SELECT COUNT(*) FROM phplist_message WHERE status IN (%s, %s, %s)", WAITING)
        return int(rows[0][0])

    def bounce(self, bounce: Bounce, message: bytes) -> str:
        """Counted in phpList's own tables, as its reader of bounces counts."""
        return phplist_bounces.count(self.store, bounce, message)

    def set_administrator(self, email: str, password: str) -> bool:
        """Make the tables with phpList's own command where there are none; set the password of `admin`."""
        made = not self.store.rows("SHOW TABLES LIKE 'phplist_admin'")
        if made:
            names = {"ADMIN_NAME": self.settings.title, "ORGANISATION_NAME": self.settings.title}
            self.command("initialise", ADMIN_EMAIL=email, ADMIN_PASSWORD=password, **names)
        return phplist_bounces.configure(self.store, self.settings, password) or made

    def administrator(self) -> str:
        """phpList's own hash of it."""
        rows = self.store.rows("SELECT password FROM phplist_admin WHERE loginname = 'admin'")
        return (rows[0][0] or "") if rows else ""

    def keep_administrator(self, kept: str) -> None:
        """Of `admin`, whom every phpList has."""
        self.store.change(
            (
                "UPDATE phplist_admin SET password = %s, passwordchanged = NOW() WHERE loginname = 'admin'",
                (kept,),
            )
        )

    def migrate(self, before: str) -> None:
        """Its tables say which version they are of."""
        self.command("upgrade")

    def healthy(self) -> str:
        """Its tables have to be of the version that is served, and the subscription page has to be there."""
        rows = self.store.rows("SELECT value FROM phplist_config WHERE item = 'version'")
        if not rows:
            return "the database has no phpList in it"
        if rows[0][0] != self.version():
            return f"the database is of phpList {rows[0][0]}, the site of {self.version()}"
        return debian.answers(f"https://{self.settings.site}/lists/?p=subscribe", "subscribe")

    def upgrade(self, archive: str, sha256: str, still: Callable[[], None]) -> Change:
        """Lay the release beside the old, stand still, switch, migrate, look; else back."""
        if not archive or not sha256:
            raise DemError("phpList comes from an archive: name it and its SHA-256")
        with releases.fetched(archive) as file:
            release = releases.unpack(file, sha256, RELEASES)
        images = release / "public_html/uploadimages"
        if not images.is_symlink():
            images.symlink_to(DATA / "uploadimages")
        before = CURRENT.resolve().name if CURRENT.is_symlink() else ""
        if before in ("", release.name):
            _switch(release)
            SERVED.write_text(sha256)
            return Change(before, release.name, 0.0)
        begun = time.monotonic()
        try:
            still()
            _switch(release)
            self.command("upgrade")
            debian.begin_well(self)
            SERVED.write_text(sha256)
        except Exception as error:  # whatever it is
            try:
                _switch(RELEASES / before)
            except OSError as away:
                raise NotBackError(f"{error}; then {away}: phpList {release.name} is served") from error
            # A mended archive of the same version has to be laid out anew.
            shutil.rmtree(release, ignore_errors=True)
            raise
        return Change(before, release.name, time.monotonic() - begun)

    def command(self, page: str, **environment: str) -> str:
        """One page of phpList's command line, as its user; what is secret goes over the environment."""
        index = CURRENT.resolve() / "public_html/lists/admin/index.php"
        argv = ["runuser", f"--user={USER}", "--", "php", str(index), "-c", str(CONFIG), f"-p{page}"]
        return run(
            argv, environment={**os.environ, "HOSTNAME": self.settings.site, "USER": USER, **environment}
        )

    def _list(self, name: str) -> int:
        rows = self.store.rows("SELECT id FROM phplist_list WHERE name = %s", (name,))
        if not rows:
            raise DemError(f"there is no list {name}")
        return int(rows[0][0])


def _switch(release: Path) -> None:
    """Serve another release, from one moment to the next."""
    new = ROOT / ".current"
    new.unlink(missing_ok=True)
    new.symlink_to(release)
    new.replace(CURRENT)

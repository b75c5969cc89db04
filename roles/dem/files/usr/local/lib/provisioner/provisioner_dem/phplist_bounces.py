"""phpList's tables of bounces. Its own reader needs PHP's IMAP extension, which Debian 13 has no more.

What it does with a bounce that it knows reader and campaign of is done here (processbounces.php,
processBounceData), by the reader and the campaign that the fleet names: none is unidentified.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from provisioner_dem.returns import Bounce
from provisioner_dem.settings import Settings

if TYPE_CHECKING:
    from provisioner_dem.database import Store

COUNTED = frozenset({"hard", "soft", "full", "blocked"})
THRESHOLD = 5
"""Bounces in a row after which phpList takes a subscriber off: its $bounce_unsubscribe_threshold."""
_LATEST = (
    "SELECT MAX(b.bounce) FROM phplist_usermessage m"
    " LEFT JOIN phplist_user_message_bounce b ON b.user = m.userid AND b.message = m.messageid"
    " WHERE m.userid = %s AND m.status = 'sent'"
    " GROUP BY m.messageid, m.entered ORDER BY m.entered DESC, m.messageid DESC LIMIT %s"
)
"""The bounce of each of a reader's latest campaigns, the newest first; NULL where it was delivered."""
MARK = "provisioner-dem"
"""Says in phpList's history of a subscriber that a bounce or a complaint was the reason."""
_CAMPAIGN = re.compile(rb"^(?:X-MessageId|X-Message):\s*(\d+)", re.IGNORECASE | re.MULTILINE)


def count(store: Store, bounce: Bounce, message: bytes) -> str:
    """Count one bounce; a complaint is on the blacklist and off every list at once."""
    rows = store.rows("SELECT id FROM phplist_user_user WHERE email = %s", (bounce.recipient,))
    if not rows:
        return "of no subscriber"
    reader = int(rows[0][0])
    if bounce.kind == "complaint":
        _blacklist(store, reader, bounce.recipient, "complaint")
        return "unsubscribed"
    if bounce.kind not in COUNTED:
        return "not counted"
    found = _CAMPAIGN.search(message)
    campaign = int(found.group(1)) if found else 0
    if campaign and store.rows(
        "SELECT 1 FROM phplist_user_message_bounce WHERE user = %s AND message = %s", (reader, campaign)
    ):
        return "counted before"
    status = f"bounced list message {campaign}" if campaign else "bounced unidentified message"
    header = f"X-Provisioner-Bounce: kind={bounce.kind}; status={bounce.status}"
    text = message[:65_000].decode("utf-8", "replace")
    store.change(
        (
            "INSERT INTO phplist_bounce (date, header, data, status, comment) VALUES (NOW(), %s, %s, %s, %s)",
            (header, text, status, f"{reader} bouncecount increased"),
        ),
        (
            "INSERT INTO phplist_user_message_bounce (user, message, bounce, time)"
            " VALUES (%s, %s, LAST_INSERT_ID(), NOW())",
            (reader, campaign),
        ),
        ("UPDATE phplist_user_user SET bouncecount = bouncecount + 1 WHERE id = %s", (reader,)),
        ("UPDATE phplist_message SET bouncecount = bouncecount + 1 WHERE id = %s", (campaign,)),
    )  # fmt: skip
    # One that was delivered ends the row; a bounce of no campaign is in none (processbounces.php).
    latest = [came_back for (came_back,) in store.rows(_LATEST, (reader, THRESHOLD))]
    if len(latest) < THRESHOLD or None in latest:
        return "counted"
    reason = f"{THRESHOLD} bounces in a row, the last {bounce.kind} {bounce.status}"
    _blacklist(store, reader, bounce.recipient, reason)
    return "unsubscribed"


def _blacklist(store: Store, reader: int, email: str, reason: str) -> None:
    # As addUserToBlackListID and addEmailToBlackList (inc/userlib.php) do.
    store.change(
        ("UPDATE phplist_user_user SET blacklisted = 1 WHERE id = %s", (reader,)),
        ("INSERT IGNORE INTO phplist_user_blacklist (email, added) VALUES (%s, NOW())", (email,)),
        (
            "INSERT IGNORE INTO phplist_user_blacklist_data (email, name, data) VALUES (%s, 'reason', %s)",
            (email, reason),
        ),
        ("DELETE FROM phplist_listuser WHERE userid = %s", (reader,)),
        (
            "INSERT INTO phplist_user_user_history (ip, userid, date, summary, detail, systeminfo)"
            " VALUES ('', %s, NOW(), 'Added to blacklist', %s, %s)",
            (reader, f"Added to blacklist for reason {reason}", MARK),
        ),
    )


def configure(store: Store, settings: Settings, password: str) -> bool:
    """Set what the site is called, who writes, and the administrator's password; whether anything changed."""
    wanted = {
        "website": settings.site,
        "domain": settings.domain,
        "admin_address": settings.admin,
        "report_address": settings.admin,
        "message_from_address": settings.sender,
        "message_from_name": settings.title,
        "campaignfrom_default": f"{settings.title} {settings.sender}",
    }
    there: dict[str, str] = dict(store.rows("SELECT item, value FROM phplist_config"))
    changes = [item for item, value in wanted.items() if there.get(item) != value]
    store.change(
        *(
            ("REPLACE INTO phplist_config (item, value, editable) VALUES (%s, %s, 1)", (item, wanted[item]))
            for item in changes
        )
    )
    digest = hashlib.sha256(password.encode()).hexdigest()  # phpList's HASH_ALGO, see config.php
    changed = store.change(
        (
            "UPDATE phplist_admin SET password = %s, email = %s, passwordchanged = NOW()"
            " WHERE loginname = 'admin' AND (password <> %s OR email <> %s)",
            (digest, settings.admin, digest, settings.admin),
        )
    )
    return bool(changes) or changed > 0

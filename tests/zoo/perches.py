"""Egress addresses whose names are broken in each plausible way, and blocklists that have them."""

from __future__ import annotations

from tests.zoo.cage import Perch, Told


def ptr(name: str, status: str, seen: str, *names: str, **more: tuple[str, ...]) -> Perch:
    helpers = {key.replace("__", " "): value for key, value in more.items()}
    return Perch(name, (Told("ptr", status, seen),), {"{R} PTR": names, **helpers})


def listed(name: str, status: str, seen: str, *codes: str) -> Perch:
    return Perch(name, (Told("dnsbl", status, seen),), {"{L} A": codes, "{L} TXT": ("spam seen",)})


PERCHES = (
    Perch("sound"),
    Perch("sound-six", six=True),
    Perch(
        "sound-classless",
        changes={"{R} PTR": (), "{R} CNAME": ("42.0-63.{Z}.",), "42.0-63.{Z}. PTR": ("{H}.",)},
    ),
    ptr("ptr-none", "fail", "no PTR"),
    Perch("ptr-none-six", (Told("ptr", "fail", "no PTR"),), {"{R} PTR": ()}, six=True),
    ptr("ptr-wrong", "fail", "does not lead back", "mail.{Z}."),
    ptr("ptr-nowhere", "fail", "does not lead back", "nowhere.{Z}."),
    ptr("ptr-other", "fail", "in HELO", "other.{H}.", **{"other.{H}.__A": ("{A}",)}),
    ptr("ptr-several", "warn", "several names", "{H}.", "other.{H}.", **{"other.{H}.__A": ("{A}",)}),
    ptr("host-{O}", "fail", "looks like one of many", "{H}."),
    ptr("x{X}", "fail", "looks like one of many", "{H}."),
    ptr("dyn-7", "fail", "looks like one of many", "{H}."),
    ptr("adsl-pool", "fail", "looks like one of many", "{H}."),
    Perch(
        "helo-none",
        (Told("ptr", "fail", "does not lead back"), Told("helo", "fail", "no such")),
        {"{H}. A": ()},
    ),
    Perch(
        "helo-wrong",
        (Told("ptr", "fail", "does not lead back"), Told("helo", "fail", "192.0.2.77")),
        {"{H}. A": ("192.0.2.77",)},
    ),
    listed("bl-listed", "fail", "listed: 127.0.0.2", "127.0.0.2"),
    listed("bl-refused", "unknown", "refuses to say", "127.255.255.254"),
    listed("bl-parked", "unknown", "no answer of a blocklist", "192.0.2.80"),
)

"""Runs on a host, from standard input: prints as JSON how it is. Standard library only; changes nothing.

Arguments: the fleet's virtual address, then the units that have to be active.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")
CERTIFICATE = "/etc/provisioner/tls/host.crt"
DAY = 86400


def said(*command: str) -> str:
    """What a command prints; nothing when there is no such command."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def queues() -> dict[str, int]:
    """Messages in each of Postfix's queues; empty where it has none."""
    spool = Path("/var/spool/postfix")
    found = {}
    for name in QUEUES:
        if (spool / name).is_dir():
            found[name] = sum(len(files) for _, _, files in os.walk(spool / name))
    return found


def certificate_days() -> int | None:
    """Days until the fleet certificate ends."""
    text = said("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", CERTIFICATE)
    _, _, end = text.strip().partition("=")
    if not end:
        return None
    return int((time.mktime(time.strptime(end, "%Y-%m-%d %H:%M:%SZ")) - time.timezone - time.time()) // DAY)


def bundle() -> str | None:
    """The active tenant bundle's version."""
    link = Path("/var/lib/provisioner/tenants/current")
    return link.readlink().name if link.is_symlink() else None


def main() -> None:
    """Gather and print."""
    address, *units = sys.argv[1:]
    states = said("systemctl", "is-active", *units).split()
    usage = shutil.disk_usage("/")
    print(
        json.dumps(
            {
                "services": dict(zip(units, states, strict=True)),
                "queues": queues(),
                "certificate_days": certificate_days(),
                "disk": round(100 * (usage.total - usage.free) / usage.total),
                "bundle": bundle(),
                "holds_address": f" {address}/" in said("ip", "-o", "address"),
            }
        )
    )


main()

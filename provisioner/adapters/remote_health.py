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
CERTIFICATES = Path("/etc/provisioner/tls")
HOST = "host.crt"
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


def certificate_days(path: Path) -> int | None:
    """Days until a certificate ends, in a file of several the first: the server's own."""
    text = said("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", str(path))
    _, _, end = text.strip().partition("=")
    if not end:
        return None
    return int((time.mktime(time.strptime(end, "%Y-%m-%d %H:%M:%SZ")) - time.timezone - time.time()) // DAY)


def first_to_end() -> tuple[str, int | None]:
    """The certificate with the fewest days left, of all that are here; no days without the host's own."""
    files = (path for kind in ("*.crt", "*.pem") for path in sorted(CERTIFICATES.glob(kind)))
    found = {path.name: days for path in files if (days := certificate_days(path)) is not None}
    if HOST not in found:
        return HOST, None
    # The host's own before others that end the same day: they may hold the same certificate.
    return min(found.items(), key=lambda item: (item[1], item[0] != HOST))


def bundle() -> str | None:
    """The active tenant bundle's version."""
    link = Path("/var/lib/provisioner/tenants/current")
    return link.readlink().name if link.is_symlink() else None


def main() -> None:
    """Gather and print."""
    address, *units = sys.argv[1:]
    states = said("systemctl", "is-active", *units).split()
    certificate, days = first_to_end()
    usage = shutil.disk_usage("/")
    print(
        json.dumps(
            {
                "services": dict(zip(units, states, strict=True)),
                "queues": queues(),
                "certificate": certificate,
                "certificate_days": days,
                "disk": round(100 * (usage.total - usage.free) / usage.total),
                "bundle": bundle(),
                "holds_address": f" {address}/" in said("ip", "-o", "address"),
            }
        )
    )


main()

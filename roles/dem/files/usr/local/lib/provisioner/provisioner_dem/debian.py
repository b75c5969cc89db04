"""Debian's packages and services, as far as the list software needs them."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from provisioner_dem.commands import run
from provisioner_dem.software import Change, DemError, NotBackError, Software

APT = ("apt-get", "-q", "-y", "-o", "DPkg::Lock::Timeout=120", "-o", "Dpkg::Options::=--force-confold")
PACKAGES = Path("/var/lib/provisioner-dem/packages")
CERTIFICATE_DATE = "notAfter="


def version(package: str) -> str:
    """The version that is installed. Raises DemError when none is."""
    return run(["dpkg-query", "--show", "--showformat=${Version}", package])


def candidate(package: str) -> str:
    """The newest version in reach."""
    for line in run(["apt-cache", "policy", package]).splitlines():
        if line.strip().startswith("Candidate:"):
            return line.split()[-1]
    raise DemError(f"apt knows no package {package}")


def upgrade(package: str, software: Software, dump: Callable[[], None]) -> Change:
    """Install the newest package; when the site is not well afterwards, the old one.

    Everything is fetched before services stand still. dump: called once they do; the caller loads it again.
    """
    before = version(package)
    run([*APT, "update"])
    after = candidate(package)
    if after == before:
        return Change(before, before, 0.0)
    with TemporaryDirectory(prefix="dem-upgrade-") as folder:
        new = _fetched(package, after, Path(folder))
        old = _kept(package, before) or _fetched(package, before, Path(folder))
        run([*APT, "install", "--download-only", str(new)])
        begun, running = time.monotonic(), active(*software.services)
        services("stop", *software.services)
        try:
            dump()
            run([*APT, "install", str(new)])
            services("start", *running)
            wrong = software.healthy()
            if wrong:
                raise DemError(wrong)
        except DemError as error:
            services("stop", *software.services)
            run(["dpkg", "--install", "--force-downgrade", "--force-confold", str(old)], check=False)
            if version(package) != before:
                raise NotBackError(f"{error}; {package} {before} could not be installed again") from error
            raise
        downtime = time.monotonic() - begun
        shutil.copy(new, PACKAGES / f"{package}.deb")
    return Change(before, after, downtime)


def _fetched(package: str, wanted: str, folder: Path) -> Path:
    """One version of a package as a file."""
    place = folder / re.sub(r"[^0-9A-Za-z.]", "-", wanted)
    place.mkdir()
    place.chmod(0o755)
    run(["sh", "-c", f'cd "$1" && apt-get -q download "{package}=$2"', "sh", str(place), wanted])
    return next(place.glob("*.deb"))


def _kept(package: str, wanted: str) -> Path | None:
    """The package that is installed, kept by the role and by upgrades: mirrors have the newest alone."""
    file = PACKAGES / f"{package}.deb"
    if not file.exists() or run(["dpkg-deb", "--field", str(file), "Version"]).strip() != wanted:
        return None
    return file


def services(verb: str, *units: str) -> None:
    """Start, stop or restart units."""
    run(["systemctl", verb, *units])


def active(*units: str) -> list[str]:
    """Those of these units that run."""
    states = run(["systemctl", "is-active", *units], check=False).split()
    return [unit for unit, state in zip(units, states, strict=False) if state == "active"]


def answers(url: str, expected: str) -> str:
    """Ask this host's web server for a page; empty when it holds `expected`, else what is wrong."""
    parts = urlsplit(url)
    name = parts.hostname or ""
    context = ssl.create_default_context()
    context.check_hostname = False  # it is this host; whose certificate it shows, `status` tells
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", 443), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname=name) as connection,
        ):
            question = f"GET {parts.path or '/'}?{parts.query} HTTP/1.0\r\nHost: {name}\r\n\r\n"
            connection.sendall(question.encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    except OSError as error:
        return f"the web site does not answer: {error}"
    status = answer.partition(b"\r\n")[0].decode(errors="replace")
    if " 200 " not in status + " ":
        return f"the web site answers {status}"
    return "" if expected.lower().encode() in answer.lower() else f"the web site shows no {expected}"


def certificate_days(chain: Path, now: float) -> int | None:
    """Whole days until the certificate ends; None when there is none."""
    said = run(["openssl", "x509", "-noout", "-enddate", "-in", str(chain)], check=False).strip()
    if not said.startswith(CERTIFICATE_DATE):
        return None
    return int((ssl.cert_time_to_seconds(said.removeprefix(CERTIFICATE_DATE)) - now) // 86_400)

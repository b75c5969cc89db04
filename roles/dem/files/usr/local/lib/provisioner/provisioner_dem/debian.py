"""Debian's packages and services, as far as the list software needs them."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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


def newer(one: str, other: str) -> bool:
    """Whether a version is newer than another one."""
    script = 'if dpkg --compare-versions "$1" gt "$2"; then echo newer; fi'
    return bool(run(["sh", "-c", script, "sh", one, other]))


def upgrade(package: str, software: Software, still: Callable[[], None]) -> Change:
    """Install the newest package; when the site is not well afterwards, the old one.

    Everything is fetched before services stand still.
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
        # A full disk is noticed now, and not once all is done.
        kept = Path(shutil.copy(new, PACKAGES / f".{package}.deb"))
        daemons = [unit for unit in software.services if not unit.startswith("provisioner-")]
        begun = time.monotonic()
        still()
        try:
            with _asleep(daemons):
                run([*APT, "install", str(new)])
            begin_well(software)
            kept.rename(PACKAGES / f"{package}.deb")
        except Exception as error:  # whatever it is
            kept.unlink(missing_ok=True)
            run(["systemctl", "stop", *software.services], check=False)
            with _asleep(daemons):
                run(["dpkg", "--install", "--force-downgrade", "--force-confold", str(old)], check=False)
            if version(package) != before:
                raise NotBackError(f"{error}; {package} {before} could not be installed again") from error
            raise
    return Change(before, after, time.monotonic() - begun)


def begin_well(software: Software) -> None:
    """Start the web site, and nothing that sends. Raises DemError when it is not well."""
    services("start", *software.web)
    if wrong := software.healthy():
        raise DemError(wrong)


@contextmanager
def _asleep(units: Sequence[str]) -> Iterator[None]:
    """A package's script starts its daemons. Masked they stay down, whose database may be half done."""
    run(["systemctl", "mask", "--runtime", *units])
    try:
        yield
    finally:
        run(["systemctl", "unmask", "--runtime", *units], check=False)


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
    return _those("is-active", "active", units)


def to_start(*units: str) -> list[str]:
    """Those of these units that run. If none does, a change was cut off: those that start with the host."""
    if running := active(*units):
        return running
    run(["systemctl", "unmask", "--runtime", *units], check=False)
    return _those("is-enabled", "enabled", units)


def _those(verb: str, wanted: str, units: Sequence[str]) -> list[str]:
    states = run(["systemctl", verb, *units], check=False).split()
    return [unit for unit, state in zip(units, states, strict=False) if state == wanted]


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

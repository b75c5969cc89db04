"""A real Knot on this machine's loopback that is the authority over a world of the test's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from provisioner.core.names import is_within
from tests.dns_server import free_port
from tests.servers.daemon import HERE, Daemon

_CONFIG = """
server:
    listen: {here}@{port}
    rundir: {folder}
database:
    storage: {folder}
log:
  - target: stderr
    any: error
zone:
{zones}
"""
_ZONE = """\
  - domain: {zone}
    storage: {folder}
    file: {zone}
    semantic-checks: soft
"""
_HEAD = "$ORIGIN {zone}.\n$TTL 60\n@ SOA ns.example. root.example. 1 60 60 600 60\n@ NS ns.example.\n"
_TOPS = ("example", "arpa")


class Knot(Daemon):
    """The zones `example` and `arpa` with everything below them, until `stop`."""

    def __init__(
        self, folder: Path, records: Iterable[tuple[str, str, str]], below: Mapping[str, str] | None = None
    ) -> None:
        """`records`: name, type, and value in zone file form; `below`: whole zones by name."""
        port, every = free_port(), [("ns.example", "A", HERE), *records]
        for zone in _TOPS:
            lines = [f"{name}. {kind} {value}\n" for name, kind, value in every if is_within(name, zone)]
            (folder / zone).write_text(_HEAD.format(zone=zone) + "".join(lines))
        for zone, text in (below or {}).items():
            (folder / zone).write_text(text)
        zones = "".join(_ZONE.format(zone=zone, folder=folder) for zone in (*_TOPS, *(below or ())))
        (folder / "knot.conf").write_text(_CONFIG.format(here=HERE, port=port, folder=folder, zones=zones))
        super().__init__(["/usr/sbin/knotd", "-c", str(folder / "knot.conf")], folder, HERE, port)

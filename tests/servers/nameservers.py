"""Real name servers on this machine's loopback: BIND and Knot, each a process with a zone of its own."""

from __future__ import annotations

from pathlib import Path

from tests.servers.daemon import Daemon

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="
OTHER = "b3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXItb3RoZXI="
ZONE = "dkim.operator.example"
FOREIGN = "closed.example"
KINDS = ("bind", "knot")
_ZONE = (
    "$ORIGIN {zone}.\n$TTL 5\n@ SOA ns.{zone}. hostmaster.{zone}. 1 60 60 600 5\n@ NS ns\nns A {address}\n"
)
_KEYS = {"provisioner": SECRET, "stranger": OTHER}
_BIND = """
options {{ directory "{folder}"; listen-on port {port} {{ {address}; }}; listen-on-v6 {{ none; }};
  pid-file none; recursion no; dnssec-validation no; session-keyfile "{folder}/session.key"; }};
controls {{ }};
{keys}
zone "{zone}" {{ type primary; file "zone"; allow-update {{ key provisioner; }}; }};
zone "{foreign}" {{ type primary; file "foreign"; }};
"""
_KNOT = """
server:
    listen: {address}@{port}
    rundir: {folder}
database:
    storage: {folder}
log:
  - target: stderr
    any: error
key:
{keys}
acl:
  - id: updates
    key: provisioner
    action: update
zone:
  - domain: {zone}
    storage: {folder}
    file: zone
    acl: updates
  - domain: {foreign}
    storage: {folder}
    file: foreign
"""


class NameServer(Daemon):
    """One server, until `stop`."""

    def __init__(
        self,
        kind: str,
        folder: Path,
        address: str,
        port: int,
        foreign: str = FOREIGN,
        more: str = "",
        included: str = "",
        zone: str = ZONE,
    ) -> None:
        """`foreign`: the zone that takes no updates; `more`: lines of both zones besides SOA and NS.

        included: what `$INCLUDE` brings into `zone`, which takes updates.
        """
        (folder / "keys").write_text(included)
        for name, origin in {"zone": zone, "foreign": foreign}.items():
            include = f"$INCLUDE {folder}/keys\n" if included and name == "zone" else ""
            (folder / name).write_text(_ZONE.format(zone=origin, address=address) + more + include)
        facts = {"folder": folder, "port": port, "address": address, "zone": zone, "foreign": foreign}
        if kind == "bind":
            keys = [f'key "{n}" {{ algorithm hmac-sha256; secret "{s}"; }};' for n, s in _KEYS.items()]
            (folder / "named.conf").write_text(_BIND.format(keys="\n".join(keys), **facts))
            command = ["/usr/sbin/named", "-g", "-c", str(folder / "named.conf"), "-n", "1"]
        else:
            keys = [f"  - id: {n}\n    algorithm: hmac-sha256\n    secret: {s}" for n, s in _KEYS.items()]
            (folder / "knot.conf").write_text(_KNOT.format(keys="\n".join(keys), **facts))
            command = ["/usr/sbin/knotd", "-c", str(folder / "knot.conf")]
        super().__init__(command, folder, address, port)

"""A real Unbound on this machine's loopback: a resolver over a world of the test's own, silent at will."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from tests.dns_server import free_port
from tests.servers.daemon import HERE, Daemon

ROOT_ZONE = "$TTL 60\n. SOA ns.test. root.test. 1 60 60 600 60\n. NS ns.test."
_CONFIG = """
server:
    interface: {here}@{port}
    directory: "{folder}"
    chroot: ""
    username: ""
    pidfile: ""
    use-syslog: no
    do-not-query-localhost: no
    logfile: ""
    do-ip6: no
    num-threads: 1
    module-config: "iterator"
    unblock-lan-zones: yes
{lines}
auth-zone:
    name: "."
    zonefile: "{folder}/zone"
    for-downstream: no
    fallback-enabled: no
remote-control:
    control-enable: no
"""
_STUB = """
stub-zone:
    name: "{zone}"
    stub-addr: {at}
"""


class Unbound(Daemon):
    """A resolver over all of DNS, until `stop`."""

    def __init__(
        self,
        folder: Path,
        zone: Iterable[str],
        lines: Iterable[str] = (),
        *,
        address: str = HERE,
        port: int | None = None,
        stubs: Mapping[str, str] | None = None,
    ) -> None:
        """`zone`: the whole of DNS as lines of one zone file; `lines`: more of the server's configuration.

        stubs: by zone, the address of the server that has it instead, at the same port.
        """
        port = port or free_port()
        (folder / "zone").write_text("\n".join([ROOT_ZONE, *zone, ""]))
        text = "\n".join(f"    {line}" for line in lines)
        config = folder / "unbound.conf"
        served = "".join(_STUB.format(zone=zone, at=f"{at}@{port}") for zone, at in (stubs or {}).items())
        config.write_text(_CONFIG.format(here=address, port=port, folder=folder, lines=text) + served)
        super().__init__(["/usr/sbin/unbound", "-d", "-c", str(config)], folder, address, port)

"""The lab's network: a bridge with no way out, guarded once more on this machine.

Property 7: no mail can leave the lab. The network is internal (no route, no NAT), and a packet filter on this
machine drops whatever arrives from the lab's bridge but packages from the mirror and answers to connections
from this machine: nothing is forwarded, and this machine's own port 25 is out of reach too.
"""

from __future__ import annotations

import json
from pathlib import Path

from provisioner.adapters.lab import definition
from provisioner.adapters.lab.commands import LabError, run
from provisioner.adapters.lab.layout import MIRROR_PORT, Lab, hardware_address
from provisioner.adapters.lab.substrate import Substrate

_GUARD = """
table inet {table}
delete table inet {table}
table inet {table} {{
  chain forward {{
    type filter hook forward priority -10; policy accept;
    iifname "{bridge}" oifname != "{bridge}" counter drop
    oifname "{bridge}" iifname != "{bridge}" counter drop
  }}
  chain input {{
    type filter hook input priority -10; policy accept;
    iifname "{bridge}" ct state established,related accept
    iifname "{bridge}" ip daddr {gateway} tcp dport {mirror} accept
    iifname "{bridge}" icmp type echo-request accept
    iifname "{bridge}" counter drop
  }}
}}
"""


def create(lab: Lab, inventory: Path, substrate: Substrate) -> None:
    """Make the network unless it is there.

    Raises: LabError when a network of that name has another range, or the range is in use on this machine.
    """
    if substrate.podman("network", "exists", lab.name, check=False).returncode == 0:
        found = json.loads(substrate.podman("network", "inspect", lab.name).stdout)[0]
        subnets = [subnet["subnet"] for subnet in found["subnets"]]
        if subnets != [str(lab.network)]:
            raise LabError(
                f"The network {lab.name} exists with {', '.join(subnets)}, not {lab.network}.",
                hint="'provisioner lab down' removes it.",
            )
        return
    routes = run(["ip", "-json", "route", "show", "root", str(lab.network)], check=False).stdout
    if routes.strip() not in (b"", b"[]", b"[ ]"):
        files = ", ".join(definition.naming(inventory, lab.network))
        raise LabError(
            f"This machine already has a route within {lab.network}.",
            hint=f"Choose another network; change it in {files}.",
        )
    substrate.podman("network", "create", "--internal", "--disable-dns", f"--subnet={lab.network}", lab.name)


def open_gateway(lab: Lab, substrate: Substrate) -> None:
    """Give this machine its address on the bridge and load the guard. Needs one running host."""
    bridge = _bridge(lab, substrate)
    # A bridge without an address of its own takes the lowest of its ports', and changes it when that machine
    # goes: for a minute the others would send to nobody.
    run(["ip", "link", "set", "dev", bridge, "address", hardware_address(lab.gateway)])
    run(["ip", "address", "replace", f"{lab.gateway}/{lab.network.prefixlen}", "dev", bridge])
    rules = _GUARD.format(table=_table(lab), bridge=bridge, gateway=lab.gateway, mirror=MIRROR_PORT)
    run(["nft", "-f", "-"], stdin=rules.encode())


def obstacle(lab: Lab, substrate: Substrate, root: Path = Path("/")) -> str:
    """Why machines may not reach each other, although they are on one bridge; empty when nothing says so.

    Docker and ufw have packets dropped that this machine would forward, and with br_netfilter those are
    packets within a bridge, too.
    """
    bridged = root / "proc/sys/net/bridge/bridge-nf-call-iptables"
    if not bridged.exists() or bridged.read_text().strip() != "1":
        return ""
    bridge = _bridge(lab, substrate)
    allow = f"FORWARD -i {bridge} -o {bridge} -j ACCEPT"
    rules = run(["iptables", "-S", "FORWARD"], check=False).stdout.decode().splitlines()
    if "-P FORWARD DROP" not in rules or f"-A {allow}" in rules:
        return ""
    return (
        "This machine drops what it forwards, which may be all that the lab's machines say to each other "
        f"(Docker, ufw). If they don't reach each other: iptables -I {allow}"
    )


def remove(lab: Lab, substrate: Substrate) -> None:
    """Take the network and its guard away; fine when they are gone."""
    substrate.podman("network", "rm", "--force", lab.name, check=False)
    run(["nft", "delete", "table", "inet", _table(lab)], check=False)


def _table(lab: Lab) -> str:
    return lab.name.replace("-", "_")


def _bridge(lab: Lab, substrate: Substrate) -> str:
    found = json.loads(substrate.podman("network", "inspect", lab.name).stdout)
    return str(found[0]["network_interface"])

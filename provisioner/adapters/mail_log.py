"""Read what hosts' mail logs say of one message, over SSH."""

from __future__ import annotations

from collections.abc import Sequence

from provisioner.adapters.ssh import Ssh, on_each
from provisioner.core.fleet import Host

LOG = "/var/log/mail.log"


def lines_about(hosts: Sequence[Host], queue_id: str) -> dict[str, list[str]]:
    """Log lines of the processes that saw message `queue_id`, by host; hosts without any left out.

    A delivery's line names the message, the line with its TLS protocol only the process; so both are fetched.
    """
    # awk reads the log once: it remembers each process's last TLS line and prints it with the message's.
    program = (
        "match($0, /[^ ]+\\[[0-9]+\\]: /) {p = substr($0, RSTART, RLENGTH)} "
        "/TLS connection (established|reused) to/ {tls[p] = $0; next} "
        "index($0, id) {if (p in tls) print tls[p]; print}"
    )

    def read(ssh: Ssh) -> list[str]:
        return ssh.run(["sudo", "awk", "-v", f"id={queue_id}", program, LOG]).text.splitlines()

    return {outcome.host.name: outcome.value for outcome in on_each(hosts, read) if outcome.value}

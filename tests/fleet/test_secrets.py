"""Secrets are in no argument list, no log, and no file that others can read."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

from tests.fleet.fleet import LAB, Account, Fleet

PASSWORD_FILES = ("secrets.yml", ".key", "id_ed25519", ".vault-password")


class Watch:
    """Collects the argument lists of every process on this machine, and so of every host in the lab."""

    def __enter__(self) -> Watch:
        self.seen: set[bytes] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _look(self) -> None:
        while not self._over.is_set():
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:
                    continue


def test_no_secret_in_an_argument_list(fleet: Fleet, sender: Account) -> None:
    vault = (LAB / ".vault-password").read_bytes().strip()
    with Watch() as watch:
        account = fleet.add_customer("secretive", "hooli.example", sends=True)
        fleet.done("send-test", "--customer", "secretive", "--to", "secret@gmail.test")
        fleet.done("deploy", "--limit", "fe1")
        fleet.done("customer", "remove", "secretive", "--yes")
    assert len(watch.seen) > 50
    for secret in (account.password.encode(), vault, b"PRIVATE KEY"):
        assert not [line for line in watch.seen if secret in line]
    assert sender.password.encode() not in b"".join(watch.seen)


def test_no_secret_in_a_log(fleet: Fleet, sender: Account) -> None:
    with fleet.session(sender):
        pass
    look = 'read -r secret; ! { journalctl -o cat --no-pager; cat /var/log/mail.log; } | grep -qF "$secret"'
    for name in ("fe1", "fe2", "be1", "be2", "lb1"):
        for secret in (sender.password.encode(), b"BEGIN PRIVATE KEY"):
            assert fleet.on(name, "sh", "-c", look, stdin=secret + b"\n").ok, name


def test_no_private_key_that_others_can_read_on_a_host(fleet: Fleet) -> None:
    find = (
        "find /etc /var/lib /var/spool /tmp /home /opt /usr/local -xdev -type f -perm -o=r"
        " -exec grep -lE 'BEGIN (EC |RSA |OPENSSH )?PRIVATE KEY' {} + || true"
    )
    for host in fleet.inventory.hosts:
        assert fleet.shell(host.name, find) == "", host.name
    readable = fleet.shell("be1", "find /var/lib/provisioner/keys -type f -perm /o=rwx | wc -l")
    assert readable.strip() == "0"


def test_the_signer_alone_reads_signing_keys(fleet: Fleet, sender: Account) -> None:
    keys = "/var/lib/provisioner/keys"
    for user in ("provisioner-bounces", "postfix", "nobody"):
        assert fleet.shell("be1", f"runuser -u {user} -- cat {keys}/*.pem 2>/dev/null | wc -c").strip() == "0"
    assert (
        fleet.shell("be1", f"stat -c %a:%U:%G {keys}/*.pem | sort -u").strip() == "640:root:provisioner-keys"
    )
    assert (
        fleet.shell("be1", "getent group provisioner-keys").strip().endswith(":")
    )  # by its unit, nobody else


def test_what_is_secret_in_the_inventory_is_encrypted_or_closed(fleet: Fleet) -> None:
    for path in LAB.rglob("*"):
        if path.is_file() and path.name.endswith(PASSWORD_FILES):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    for path in [*(LAB / "secrets").rglob("*.key"), LAB / "group_vars/all/secrets.yml"]:
        assert path.read_bytes().startswith(b"$ANSIBLE_VAULT;"), path
    for path in (LAB / "keys").glob("*.yml"):
        assert b"PRIVATE KEY" not in path.read_bytes(), path

"""phpList's archives: fetched by the host itself; a backup of an older release is good for a newer one."""

from __future__ import annotations

import json
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.list_server.conftest import ARCHIVE, OLDER, ListServer, archive, options

READERS = [{"email": f"{name}@gmail.test", "confirmed": True, "bounces": 0} for name in ("anna", "bruno")]
LIST = "news"
SHOP = """
import functools, http.server, ssl
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory="/srv/archives")
server = http.server.ThreadingHTTPServer(("", 443), handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/etc/provisioner/tls/host.crt", "/etc/provisioner/tls/host.key")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""
"""Serves with a certificate of the fleet's authority, which hosts know, and trust for nothing on the web."""


def ask(fleet: Fleet, server: ListServer, verb: str, question: object = None) -> Any:
    answer = fleet.on(
        server.told["host"], "provisioner-dem", *verb.split(), stdin=json.dumps(question).encode()
    )
    assert answer.ok, answer.text
    return json.loads(answer.text)


def tables(dump: str) -> set[str]:
    """How each table is made, by a dump of a database."""
    found = re.findall(r"^CREATE TABLE .*?;$", dump, re.DOTALL | re.MULTILINE)
    return {re.sub(r" AUTO_INCREMENT=\d+", "", each) for each in found}


def tables_of(fleet: Fleet, server: ListServer) -> set[str]:
    return tables(fleet.shell(server.told["host"], "mariadb-dump --no-data phplist"))


@pytest.fixture(scope="module")
def backup(fleet: Fleet, phplist: ListServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the server as it was made, with two readers."""
    emails = [each["email"] for each in READERS]
    ask(fleet, phplist, "subscribe", {"list": LIST, "emails": emails, "declaration": "paper forms"})
    folder = tmp_path_factory.mktemp("backup")
    kept = json.loads(fleet.done("dem", "backup", phplist.customer, "--to", str(folder), "--json"))
    return Path(kept["place"])


@pytest.fixture(scope="module")
def shop(fleet: Fleet) -> Iterator[tuple[str, ...]]:
    """Where the world has the archive, as the command line is told."""
    file, host = archive(ARCHIVE), fleet.inventory.group("world")[0]
    fleet.shell(host.name, "mkdir -p /srv/archives && nft add rule inet filter input tcp dport 443 accept")
    for name, content in (("phplist.tgz", file.read_bytes()), ("../shop.py", SHOP.encode())):
        assert fleet.on(host.name, "dd", "status=none", f"of=/srv/archives/{name}", stdin=content).ok
    fleet.shell(host.name, "systemd-run --quiet --collect --unit=shop python3 /srv/shop.py")
    yield options(file, f"https://{fleet.inventory.fqdn(host)}/phplist.tgz")
    fleet.shell(host.name, "systemctl stop shop; systemctl reload nftables; rm -r /srv/archives /srv/shop.py")


def test_who_is_not_trusted_serves_no_archive(
    fleet: Fleet, phplist: ListServer, backup: Path, shop: tuple[str, ...]
) -> None:
    before = ask(fleet, phplist, "status")
    result = fleet.cli("dem", "upgrade", phplist.customer, *shop, "--no-check")
    assert result.returncode == 1
    assert f"{shop[1]} can't be fetched" in result.stderr
    assert "certificate verify failed" in result.stderr
    assert ask(fleet, phplist, "status") == before


def test_the_host_fetches_the_archive(
    fleet: Fleet, phplist: ListServer, backup: Path, shop: tuple[str, ...]
) -> None:
    host = phplist.told["host"]
    trusted = "/usr/local/share/ca-certificates/fleet.crt"
    fleet.shell(host, f"cp /etc/provisioner/tls/ca.crt {trusted} && update-ca-certificates")
    told = json.loads(fleet.done("dem", "upgrade", phplist.customer, *shop, "--no-check", "--json"))
    (done,) = told["upgraded"]
    status = ask(fleet, phplist, "status")
    assert (done["error"], status["version"], status["wrong"]) == ("", done["now"], "")
    assert (done["before"] != done["now"]) == (OLDER in os.environ)
    # A deployment has the URL from the inventory now, and fetches what is not there.
    kept = f"/srv/phplist/archives/{shop[-1]}"
    fleet.shell(host, f"rm -f {kept}")
    fleet.done("dem", "create", phplist.customer, "--site", phplist.site, *shop, "--no-check")
    assert fleet.shell(host, f"sha256sum {kept}").startswith(shop[-1])
    assert ask(fleet, phplist, "status") == status


def test_a_backup_of_an_older_release_is_migrated(fleet: Fleet, phplist: ListServer, backup: Path) -> None:
    archive(OLDER)
    with tarfile.open(backup) as tar:
        manifest, dump = (tar.extractfile(name) for name in ("manifest.json", "database.sql"))
        assert manifest is not None
        assert dump is not None
        older, their_tables = json.load(manifest)["version"], tables(dump.read().decode())
    version, our_tables = ask(fleet, phplist, "status")["version"], tables_of(fleet, phplist)
    assert version != older
    assert their_tables - our_tables
    ask(fleet, phplist, "unsubscribe", {"list": LIST, "email": READERS[0]["email"]})
    told = json.loads(fleet.done("dem", "restore", phplist.customer, str(backup), "--yes", "--json"))
    status = ask(fleet, phplist, "status")
    assert (told["version"], status["version"], status["wrong"]) == (version, version, "")
    assert ask(fleet, phplist, f"subscribers {LIST}") == READERS
    assert tables_of(fleet, phplist) == our_tables

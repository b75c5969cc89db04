"""A list server's gate: a real nginx on this machine's loopback with the role's configuration.

Without TLS, and with other paths; what stands behind it says what it was told.
"""

from __future__ import annotations

import http.client
import json
import os
import pwd
import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import jinja2
from ruamel.yaml import YAML

from tests.dns_server import free_port
from tests.servers import fastcgi
from tests.servers.daemon import HERE, Daemon

ROLE = Path(__file__).parents[2] / "roles/dem"
SITE = "news.acme.example"
FORM = "application/x-www-form-urlencoded"
_SETTINGS = {"dem_customer": "acme", "dem_site": SITE, "fleet_message_size_limit": 26_214_400}
_TEMPORARY = "".join(
    f"{kind}_temp_path {{folder}}/{kind}; " for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
)


@dataclass(frozen=True)
class Answer:
    """What came back; `params` and `body` are what the application was told, when it was asked."""

    status: int
    text: str
    asked: bool
    params: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def button(self) -> bool:
        """Whether it is the gate's page that asks first."""
        return self.status == 200 and "<button>" in self.text


class Gate(Daemon):
    """In front of one kind of software, until `stop`."""

    def __init__(self, folder: Path, software: str) -> None:
        self.folder, self.software = folder, software
        (folder / "public_html/lists/admin").mkdir(parents=True)
        self._behind = [
            fastcgi.serve(folder / name, handler)
            for name, handler in (
                ("wwsympa.socket", fastcgi.Told),
                ("phplist.sock", fastcgi.Told),
                ("provisioner-dem-oneclick.sock", fastcgi.OneClick),
            )
        ]
        self._sources: Iterator[str] = (f"127.1.{number // 250}.{number % 250 + 1}" for number in count())
        port = free_port()
        _write(folder, software, port)
        command = ["/usr/sbin/nginx", "-e", "stderr", "-g", "daemon off;", "-c", str(folder / "nginx.conf")]
        super().__init__(command, folder, HERE, port)

    def _answers(self) -> bool:
        try:
            socket.create_connection((self.address, self.port), timeout=0.2).close()
        except OSError:
            time.sleep(0.02)
            return False
        return True

    def stop(self) -> None:
        super().stop()
        for server in self._behind:
            server.shutdown()
            server.server_close()

    def a_source(self) -> str:
        """An address that nobody has asked from."""
        return next(self._sources)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        *,
        kind: str = FORM,
        source: str = "",
        chunked: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, its target as it stands; from an address of its own, or from `source`."""
        connection = http.client.HTTPConnection(
            self.address, self.port, timeout=30, source_address=(source or self.a_source(), 0)
        )
        headers = {"Host": SITE, **({"Content-Type": kind} if body is not None else {}), **(more or {})}
        try:
            connection.request(
                method, target, iter([body or b""]) if chunked else body, headers, encode_chunked=chunked
            )
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        asked = answer.headers.get_content_type() == "application/json"
        told: dict[str, Any] = json.loads(text) if asked and text else {"params": {}, "body": ""}
        return Answer(answer.status, text, asked, told["params"], told["body"], dict(answer.headers))

    def log(self) -> str:
        """What the access log has."""
        return (self.folder / "access.log").read_text()

    def declarations(self, source: str, many: int) -> list[str]:
        """What an address declared and imported, once it is so much: the log is written after the answer."""
        deadline = time.monotonic() + 5
        while True:
            text = (self.folder / "provisioner-declarations.log").read_text()
            lines = [line for line in text.splitlines() if f" {source} " in line]
            if len(lines) >= many or time.monotonic() > deadline:
                return lines
            time.sleep(0.01)


def _write(folder: Path, software: str, port: int) -> None:
    environment = jinja2.Environment(  # noqa: S701 - no HTML but the pages, whose words are the role's
        loader=jinja2.FileSystemLoader(ROLE / "templates"),
        trim_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    settings = {**_read("defaults/main.yml"), **_read("vars/main.yml"), **_SETTINGS, "dem_software": software}

    def render(template: str, **more: Any) -> str:
        return environment.get_template(template).render({**settings, **more})

    files = {
        "nginx.conf": "etc/nginx/nginx.conf.j2",
        "site": f"etc/nginx/sites-enabled/{software}.j2",
        **{
            name: f"etc/nginx/{name}.j2"
            for name in ("provisioner-dem.conf", "provisioner-dem.params", "provisioner-dem-php.params")
        },
    }
    for name, template in files.items():
        (folder / name).write_text(_moved(render(template), folder, port))
    (folder / "pages").mkdir()
    for page, languages in _read("vars/gate.yml")["__dem_gate"].items():
        for language, words in languages.items():
            text = render("usr/share/provisioner-dem/page.html.j2", page=page, language=language, **words)
            (folder / "pages" / f"{page}.{language}.html").write_text(text)


def _read(name: str) -> dict[str, Any]:
    return dict(YAML(typ="safe").load(ROLE / name))


def _moved(text: str, folder: Path, port: int) -> str:
    """The same without TLS, on a port and in a folder of the test's own."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    changes = (
        (r"user www-data;", f"user {user};"),
        (r"worker_processes auto;", "worker_processes 1;"),
        (r"http \{", f"http {{ {_TEMPORARY.format(folder=folder)}"),
        (r"listen 80 default_server;", f"listen unix:{folder}/plain.sock;"),
        (r"listen 443 ssl( default_server)?;", rf"listen {HERE}:{port}\1;"),
        (r"http2 on;|ssl_\w+ [^;]*;", ""),
        (r"/etc/nginx/sites-enabled/\*", f"{folder}/site"),
        (r"/etc/nginx/(?=provisioner-dem)|/run/(sympa/|php/)?|/var/log/(nginx/)?", f"{folder}/"),
        (r"/usr/share/provisioner-dem/", f"{folder}/pages/"),
        (r"/srv/phplist/current/", f"{folder}/"),
    )
    for pattern, replacement in changes:
        text = re.sub(pattern, replacement, text)
    return text

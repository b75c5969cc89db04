"""A web server with a certificate, for as long as a test needs it."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from provisioner.adapters import pki


@contextmanager
def served_over_tls(
    folder: Path, name: str, handler: type[BaseHTTPRequestHandler]
) -> Iterator[tuple[Path, int]]:
    """Serve a site on the loopback address; the authority that its certificate is from, and the port."""
    authority = pki.make_authority("test", datetime.now(UTC))
    pair = pki.issue(authority, (name,), datetime.now(UTC))
    (folder / "ca.crt").write_bytes(authority.certificate)
    (folder / "site.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "site.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield folder / "ca.crt", server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()

"""A small authoritative DNS server in this process: zones in memory, updates with TSIG, and failures."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.update

Name = dns.name.Name


@dataclass
class Dns:
    """What the server knows. `fail`: names whose questions end with this code, or in silence with None."""

    key: dns.tsig.Key | None = None
    zones: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    fail: dict[str, dns.rcode.Rcode | None] = field(default_factory=dict)
    data: dict[tuple[Name, int], dns.rrset.RRset] = field(default_factory=dict)
    updates: int = 0
    drop_updates: bool = False
    port: int = 0

    def zone(self, name: str, *servers: str) -> None:
        """Make a zone with its SOA and NS records."""
        self.zones.add(name)
        self.add(name, "SOA", f"ns1.{name}. hostmaster.{name}. 1 60 60 60 5")
        self.add(name, "NS", *(f"{server}." for server in servers or (f"ns1.{name}",)))
        if not servers:
            self.add(f"ns1.{name}", "A", "127.0.0.1")

    def add(self, name: str, kind: str, *values: str, ttl: int = 5) -> None:
        """Set a name's records, in zone file form."""
        rrset = dns.rrset.from_text(name + ".", ttl, "IN", kind, *values)
        self.data[(rrset.name, rrset.rdtype)] = rrset

    def values(self, name: str, kind: str) -> list[str]:
        """A name's records, in zone file form."""
        rrset = self.data.get((dns.name.from_text(name), dns.rdatatype.from_text(kind)))
        return sorted(item.to_text() for item in rrset) if rrset else []

    def answer(self, wire: bytes) -> bytes | None:
        """The response to a request; None: silence."""
        keyring = {self.key.name: self.key} if self.key else None
        try:
            request = dns.message.from_wire(wire, keyring=keyring)
        except (dns.tsig.BadSignature, dns.message.UnknownTSIGKey):
            return _refusal(wire)
        if isinstance(request, dns.update.UpdateMessage):
            return self._update(request)
        return self._query(request)

    def _zone_of(self, name: Name) -> Name | None:
        candidates = [dns.name.from_text(zone) for zone in self.zones]
        return max((zone for zone in candidates if name.is_subdomain(zone)), key=len, default=None)

    def _query(self, request: dns.message.Message) -> bytes | None:
        question = request.question[0]
        name, kind = question.name, question.rdtype
        response = dns.message.make_response(request)
        failure = self.fail.get(name.to_text(omit_final_dot=True), dns.rcode.NOERROR)
        if failure is None:
            return None
        zone = self._zone_of(name)
        if failure != dns.rcode.NOERROR or zone is None:
            response.set_rcode(failure or dns.rcode.REFUSED)
            return response.to_wire(max_size=65_535)
        response.flags |= dns.flags.AA
        alias = self.data.get((name, dns.rdatatype.CNAME))
        while alias is not None and kind != dns.rdatatype.CNAME:
            response.answer.append(alias)
            name = alias[0].target
            alias = self.data.get((name, dns.rdatatype.CNAME))
        found = self.data.get((name, kind))
        if found is not None:
            response.answer.append(found)
        else:
            if not any(owner.is_subdomain(name) for owner, _ in self.data):
                response.set_rcode(dns.rcode.NXDOMAIN)
            response.authority.append(self.data[(zone, dns.rdatatype.SOA)])
        return response.to_wire(max_size=65_535)

    def _update(self, request: dns.update.UpdateMessage) -> bytes:
        response = dns.message.make_response(request)
        zone = request.zone[0].name.to_text(omit_final_dot=True)
        self.updates += 1
        if not request.had_tsig or zone not in self.zones or zone in self.closed:
            response.set_rcode(dns.rcode.REFUSED)
        elif not self.drop_updates:
            for change in request.update:
                self._change(change)
        return response.to_wire(max_size=65_535)

    def _change(self, change: dns.rrset.RRset) -> None:
        owner = (change.name, change.rdtype)
        if change.deleting == dns.rdataclass.ANY:
            self.data.pop(owner, None)
        else:
            present = self.data.get(owner)
            added = dns.rrset.from_rdata_list(change.name, change.ttl, [*(present or []), *change])
            self.data[owner] = added


def _refusal(wire: bytes) -> bytes:
    """NOTAUTH without a signature, as servers answer to a key that they do not know (RFC 8945 5.2)."""
    header = bytearray(wire[:12])
    header[2] |= 0x80
    header[3] = (header[3] & 0xF0) | dns.rcode.NOTAUTH
    header[4:12] = bytes(8)
    return bytes(header)


class _Udp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        wire, sock = self.request
        response = self.server.dns.answer(wire)  # type: ignore[attr-defined]
        if response is not None:
            if len(response) > 1232:
                response = response[:2] + bytes([response[2] | 0x02]) + response[3:4] + bytes(8)
            sock.sendto(response, self.client_address)


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while len(header := self.rfile.read(2)) == 2:
            response = self.server.dns.answer(self.rfile.read(struct.unpack("!H", header)[0]))  # type: ignore[attr-defined]
            if response is None:
                return
            self.wfile.write(struct.pack("!H", len(response)) + response)


class _TcpServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Answering = Callable[[bytes], bytes]
"""What a scripted server makes of a question, as both stand on the wire; b"" is silence."""


@contextmanager
def scripted(address: str, port: int, answering: Answering) -> Iterator[None]:
    """A server on UDP alone that answers as it is told."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, sock = self.request
            if response := answering(wire):
                sock.sendto(response, self.client_address)

    with socketserver.ThreadingUDPServer((address, port), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        server.shutdown()


@contextmanager
def serving(dns_data: Dns) -> Iterator[Dns]:
    """Serve on a free port of this machine, UDP and TCP, while the context lasts; `port` says which."""
    tcp = _TcpServer(("127.0.0.1", 0), _Tcp)
    dns_data.port = tcp.server_address[1]
    udp = socketserver.ThreadingUDPServer(("127.0.0.1", dns_data.port), _Udp)
    servers: list[Any] = [tcp, udp]
    for server in servers:
        server.dns = dns_data
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield dns_data
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def free_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""Builds the zoo and its DNS: a fleet with animals as customers and perches as backends; and the stables."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import ip_address
from pathlib import PurePath

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provisioner.core.customers import Customer
from provisioner.core.dkim import DkimKey
from provisioner.core.findings import Finding, Status
from provisioner.core.fleet import Address, FleetSettings, Host, Inventory
from provisioner.core.records import customer_records, fleet_records
from provisioner.core.zone_files import quoted
from tests.samples import HASH
from tests.zoo.animals import ANIMALS
from tests.zoo.cage import Animal, Changes, Perch, Stable, Told
from tests.zoo.perches import PERCHES
from tests.zoo.stables import STABLES

ZONE, ELSEWHERE = "zoo.example", "menagerie.example"
REVERSE = ("0.77.10.in-addr.arpa", "7.7.0.0.8.b.d.0.1.0.0.2.ip6.arpa")
BLOCKLIST = f"bl.{ZONE}"
FIRST, DOORS = 200, 150
"""Last part of the first egress address, and of the first that a stable's mail is submitted to."""

Dns = dict[tuple[str, str], tuple[str, ...]]
"""(name, type) → values in zone file form."""


def rsa_public(bits: int) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


@dataclass(frozen=True)
class Home:
    """A perch with its address and names."""

    perch: Perch
    host: str
    address: Address

    @property
    def fqdn(self) -> str:
        return f"{self.host}.op.{ZONE}"


def home(number: int, perch: Perch) -> Home:
    four = f"10.77.0.{FIRST + number}"
    address = ip_address(f"2001:db8:77::{number:x}" if perch.six else four)
    parts = [int(part) for part in four.split(".")]
    name = perch.name.replace("{O}", four.replace(".", "-"))
    return Home(perch, name.replace("{X}", "".join(f"{part:02x}" for part in parts)), address)


class Zoo:
    """The fleet and its DNS."""

    def __init__(self) -> None:
        self._public = {2048: rsa_public(2048), 1024: rsa_public(1024)}
        self.homes = [home(number, perch) for number, perch in enumerate(PERCHES)]

    @cached_property
    def inventory(self) -> Inventory:
        hosts = [
            Host(each.host, each.address, frozenset({"backends"}), (each.address,)) for each in self.homes
        ]
        return Inventory(
            PurePath("zoo"),
            FleetSettings(
                name="zoo",
                domain=f"op.{ZONE}",
                submission_name=f"smtp.op.{ZONE}",
                virtual_address=ip_address("10.77.0.199"),
                bounce_domain=f"bounce.op.{ZONE}",
                spf_name=f"_spf.op.{ZONE}",
                dkim_zone=f"dkim.op.{ZONE}",
                postmaster=f"hostmaster@{ZONE}",
                blocklists=(BLOCKLIST,),
            ),
            tuple(hosts),
            tuple(self._customer(animal) for animal in ANIMALS),
            tuple(key for animal in ANIMALS for key in self._keys(animal)),
        )

    def _customer(self, animal: Animal) -> Customer:
        domain = domain_of(animal)
        account = {"login": f"{animal.name}-1", "password_hash": HASH}
        return Customer.model_validate(
            {
                "name": animal.name,
                "contact": f"postmaster@{domain}",
                "domains": [domain],
                "accounts": [account],
                "subdomains": animal.subdomains,
            }
        )

    def _keys(self, animal: Animal) -> Iterator[DkimKey]:
        ed25519 = base64.b64encode(bytes(range(32))).decode()
        for algorithm, public in (("rsa", self._public[animal.strength]), ("ed25519", ed25519)):
            yield DkimKey.model_validate(
                {
                    "domain": domain_of(animal),
                    "selector": "s1" if algorithm == "rsa" else "e1",
                    "algorithm": algorithm,
                    "slot": 1,
                    "state": "active",
                    "created": datetime(2026, 1, 1, tzinfo=UTC),
                    "public": public,
                }
            )

    @cached_property
    def dns(self) -> Dns:
        """Everything, as it is broken."""
        found: Dns = {
            (f"mail.{ZONE}", "A"): ("192.0.2.5",),
            (f"_dmarc.{ELSEWHERE}", "TXT"): (quoted(f"v=DMARC1; p=reject; rua=mailto:x@{ELSEWHERE}"),),
        }
        records = [*fleet_records(self.inventory)]
        for customer in self.inventory.customers:
            (domain,) = customer.domains
            keys = self.inventory.keys_of(domain)
            records += customer_records(self.inventory.settings, customer, domain, keys)
            found[(domain, "MX")] = (f"10 mail.{ZONE}.",)
        for barn in BARNS:
            records += fleet_records(barn.inventory)
            found[(f"keys.{barn.inventory.settings.dkim_zone}", "TXT")] = (quoted("none yet"),)
        for record in records:
            owner = (record.name, record.type)
            value = quoted(record.value) if record.type == "TXT" else record.value
            dot = "." if record.type in {"CNAME", "MX", "PTR"} else ""
            found[owner] = (*found.get(owner, ()), value + dot)
        for animal in ANIMALS:
            _change(found, animal.changes, domain_of(animal), self._words(animal))
        for barn in BARNS:
            _change(found, barn.stable.changes, barn.zone, barn.words)
        for each in self.homes:
            _change(found, each.perch.changes, each.fqdn, _words(each))
        return found

    def _words(self, animal: Animal) -> dict[str, str]:
        key = f"v=DKIM1; k=rsa; p={self._public[animal.strength]}"
        return {
            "{D}": domain_of(animal),
            "{I}": f"include:_spf.op.{ZONE}",
            "{RSA}": key,
            "{RSA:255}": key[:255],
            "{RSA:escaped}": key.replace(";", "\\;"),
            "{RSA:k=ed25519}": key.replace("k=rsa", "k=ed25519"),
        }

    def amiss(self, animal: Animal, findings: Sequence[Finding]) -> list[str]:
        """What is wrong with the findings about an animal."""
        return amiss(animal.told, findings, self._words(animal))

    def amiss_at(self, each: Home, findings: Sequence[Finding]) -> list[str]:
        """What is wrong with those of the fleet's findings that are about a perch."""
        about = {str(each.address), each.fqdn}
        ours = [finding for finding in findings if not about.isdisjoint(finding.subject.split())]
        return amiss(each.perch.told, ours, _words(each))


def domain_of(animal: Animal) -> str:
    return f"{animal.name}.{ELSEWHERE if animal.parent == '{E}' else ZONE}"


@dataclass(frozen=True)
class Barn:
    """A stable with its addresses and names: a fleet of one backend, and one address to submit to."""

    stable: Stable
    address: Address
    door: Address

    @property
    def zone(self) -> str:
        return f"{self.stable.name}.fleets.{ZONE}"

    @cached_property
    def inventory(self) -> Inventory:
        zone = self.zone
        settings = FleetSettings(
            name=self.stable.name,
            domain=zone,
            submission_name=f"smtp.{zone}",
            virtual_address=self.door,
            bounce_domain=f"bounce.{zone}",
            spf_name=f"_spf.{zone}",
            dkim_zone=f"dkim.{zone}",
            postmaster=f"hostmaster@{ZONE}",
            tls_reports=f"tls@{ZONE}",
            mta_sts="testing",
        )
        backend = Host("be1", self.address, frozenset({"backends"}), (self.address,))
        return Inventory(PurePath(self.stable.name), settings, (backend,), (), ())

    @property
    def words(self) -> dict[str, str]:
        return {"{F}": self.zone, "{A}": str(self.address), "{SPF}": f"ip4:{self.address}"}

    def amiss(self, findings: Sequence[Finding]) -> list[str]:
        """What is wrong with the findings about this fleet."""
        return amiss(self.stable.told, findings, self.words)


BARNS = tuple(
    Barn(stable, *(ip_address(f"10.77.0.{first + number}") for first in (FIRST + len(PERCHES), DOORS)))
    for number, stable in enumerate(STABLES)
)


def _words(each: Home) -> dict[str, str]:
    reverse = each.address.reverse_pointer
    listed = reverse.rsplit(".", 2)[0]
    return {"{H}": each.fqdn, "{R}": f"{reverse}.", "{A}": str(each.address), "{L}": f"{listed}.{BLOCKLIST}."}


def _change(dns: Dns, changes: Changes, origin: str, words: dict[str, str]) -> None:
    for key, values in changes.items():
        name, kind = _filled(key, words).split()
        owner = origin if name == "@" else name[:-1] if name.endswith(".") else f"{name}.{origin}"
        filled = tuple(_filled(value, words) for value in values)
        if kind == "TXT":
            filled = tuple(value if value.startswith('"') else quoted(value) for value in filled)
        dns[(owner.lower(), kind)] = filled
        if not filled:
            del dns[(owner.lower(), kind)]


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in {**words, "{Z}": ZONE, "{E}": ELSEWHERE}.items():
        text = text.replace(word, value)
    return text


def amiss(told: Sequence[Told], findings: Sequence[Finding], words: dict[str, str]) -> list[str]:
    """What is wrong with the findings: those wanted and not there, and alarms that nobody wanted."""
    missing = [
        f"not found: {each}"
        for each in told
        if not any(
            (finding.id, finding.status.value) == (each.id, each.status)
            and _filled(each.seen, words) in finding.seen
            for finding in findings
        )
    ]
    wanted = {(each.id, each.status) for each in told}
    false = [
        f"false alarm: {finding}"
        for finding in findings
        if finding.status is not Status.PASS and (finding.id, finding.status.value) not in wanted
    ]
    return missing + false

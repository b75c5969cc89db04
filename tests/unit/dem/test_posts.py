"""Who wrote what comes to a discussion, and what becomes of it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import dkim
import dns.resolver
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from provisioner_dem import posts
from provisioner_dem.posts import (
    Author,
    UnansweredError,
    Verdict,
    Wanted,
    addresses,
    author,
    keep,
    marked,
    post,
    txt,
    verdict,
)
from provisioner_dem.software import DemError

from tests.unit.dem.test_letters import SETTINGS

TEAM = "team@acme.example"
NOW = 1_900_000_000.0
MESSAGE = (
    b"From: Anna <anna@mail.gmail.test>\nTo: Team <Team@acme.example>\nSubject: Hello\n"
    b"Date: %b\n\nHello\n" % formatdate(NOW).encode()
)


@dataclass
class Signer:
    """Signs as any domain, and answers for its key there."""

    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))
    asked: list[str] = field(default_factory=list)

    def sign(self, domain: str, message: bytes = MESSAGE, **more: Any) -> bytes:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return (
            bytes(dkim.sign(message, b"s1", domain.encode(), pem, **more)).replace(b"\r\n", b"\n") + message
        )

    def lookup(self, name: bytes, timeout: int = 5) -> bytes:
        self.asked.append(name.decode())
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(spki)


SIGNER = Signer()


REQUEST = MESSAGE.replace(b"mail.gmail", b"evil").replace(b"Team@", b"team-request@")


@dataclass
class Lists:
    """List software with one discussion and one newsletter."""

    members: frozenset[str] = frozenset({"anna@mail.gmail.test"})
    got: list[tuple[str, bytes]] = field(default_factory=list)

    def discussions(self) -> list[str]:
        return ["team"]

    def belongs(self, name: str, email: str) -> bool:
        return name == "team" and email in self.members

    def hand_over(self, address: str, message: bytes) -> None:
        self.got.append((address, message))


@pytest.mark.parametrize("signer", ["mail.gmail.test", "gmail.test", "MAIL.gmail.test"])
def test_a_signature_of_the_authors_domain_vouches(signer: str) -> None:
    assert author(SIGNER.sign(signer), TEAM, SIGNER.lookup) == Author("anna@mail.gmail.test", vouched=True)


@pytest.mark.parametrize("signer", ["evil.test", "other.mail.gmail.test", "il.gmail.test", "test"])
def test_no_other_domain_vouches_or_is_even_asked(signer: str) -> None:
    signing = Signer(SIGNER.key)
    assert not author(signing.sign(signer), TEAM, signing.lookup).vouched
    assert signing.asked == []


def vouched(raw: bytes, now: float = NOW) -> bool:
    return author(raw, TEAM, SIGNER.lookup, now).vouched


def test_nobody_vouches_for_what_was_changed_or_could_be() -> None:
    signed = SIGNER.sign("gmail.test")
    assert not vouched(signed.replace(b"\n\nHello", b"\n\nHell"))
    assert not vouched(SIGNER.sign("gmail.test", length=True) + b"and more")
    assert not vouched(b"Subject: another\n" + signed)
    assert not vouched(SIGNER.sign("gmail.test", include_headers=[b"from", b"to"]))
    # dkimpy makes no signature without From:, but takes it.
    wanted = Wanted("gmail.test", {"to"}, recent=True)
    assert wanted.by({b"d": b"gmail.test", b"h": b"From : Subject:to"})
    assert not wanted.by({b"d": b"gmail.test", b"h": b"subject:to"})


def test_nonsense_is_no_signature() -> None:
    signed = SIGNER.sign("gmail.test")
    for bad in (b"d", b"v=1; d=gmail.test", signed.partition(b"\n")[0].replace(b"bh=", b"bh=A===")):
        assert not vouched(b"DKIM-Signature: " + bad.removeprefix(b"DKIM-Signature: ") + b"\n" + MESSAGE)
        assert vouched(b"DKIM-Signature: " + bad.removeprefix(b"DKIM-Signature: ") + b"\n" + signed)
    long = re.sub(rb"s=s1", b"s=" + b"a" * 64, signed)
    assert not author(long, TEAM, txt).vouched


def test_what_was_signed_for_others_is_not_for_the_list() -> None:
    to_others = MESSAGE.replace(b"Team <Team@acme.example>", b"bob@gmail.test")
    assert not vouched(SIGNER.sign("gmail.test", to_others))
    copied = to_others.replace(b"Subject", b"Cc: team@acme.example\nSubject")
    assert vouched(SIGNER.sign("gmail.test", copied))
    without = SIGNER.sign("gmail.test", copied, include_headers=[b"from", b"to", b"subject"])
    assert not vouched(without)


def test_who_signs_no_recipients_has_to_have_written_just_now() -> None:
    as_microsoft = SIGNER.sign("gmail.test", include_headers=[b"from", b"date", b"subject"])
    assert [vouched(as_microsoft, NOW + late) for late in (0, 3000, 4000)] == [True, True, False]
    undated = SIGNER.sign("gmail.test", include_headers=[b"from", b"subject"])
    assert not vouched(undated)


@pytest.mark.parametrize(
    "fields",
    [
        b"From: anna@gmail.test\nFrom: eva@evil.test\n",
        b"From: anna@gmail.test, eva@evil.test\n",
        b"",
        b"From: x\n",
    ],
)
def test_an_author_is_exactly_one(fields: bytes) -> None:
    raw = fields + b"Subject: x\n\nHello\n"
    assert author(raw, TEAM, SIGNER.lookup) == Author("", vouched=False)


@pytest.mark.parametrize("error", [dns.resolver.LifetimeTimeout, dns.resolver.NoNameservers])
def test_a_name_server_that_does_not_answer_says_nothing(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def silent(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(dns.resolver, "resolve", silent)
    with pytest.raises(UnansweredError):
        author(SIGNER.sign("gmail.test"), TEAM)


def test_only_who_can_be_known_gets_an_answer() -> None:
    there, unknown = Author("anna@gmail.test", vouched=True), Author("anna@gmail.test", vouched=False)
    assert [verdict(each, member=member) for member in (True, False) for each in (there, unknown)] == [
        Verdict.MEMBER,
        Verdict.DOUBT,
        Verdict.STRANGER,
        None,
    ]


def test_nobody_outside_can_say_who_wrote() -> None:
    forged = b"Return-Path: <a@b.test>\nX-Provisioner-author: member\nA: b\n x-provisioner-AUTHOR\n" + MESSAGE
    unknown = Author("anna@mail.gmail.test", vouched=False)
    lines = marked(forged, unknown, Verdict.DOUBT).split(b"\n")
    # Sympa answers to the first return path: what it has to say is not for whoever stands in From:.
    assert lines[:2] == [b"Return-Path: <>", b"X-Provisioner-Author: doubt"]
    assert sum(b"x-provisioner-author" in line.lower() for line in lines) == 1
    said = b"Subject: x\n\nX-Provisioner-Author: in the text it may stand\n"
    assert marked(said, unknown).endswith(said)
    known = unknown._replace(vouched=True)
    assert marked(said, known) == b"Return-Path: <anna@mail.gmail.test>\n" + said


@pytest.mark.parametrize(
    ("to", "raw", "mark"),
    [
        ("team", SIGNER.sign("gmail.test"), b"member"),
        ("team", MESSAGE, b"doubt"),
        ("team", SIGNER.sign("evil.test", MESSAGE.replace(b"mail.gmail", b"evil")), b"stranger"),
        ("team", MESSAGE.replace(b"anna", b"eva"), None),
        ("team-request", SIGNER.sign("evil.test", REQUEST), b""),
        ("team-request", MESSAGE, None),
        # Whoever writes From: its editor could send to all of its readers.
        ("news", SIGNER.sign("gmail.test"), None),
        ("news-request", SIGNER.sign("gmail.test"), None),
    ],
)
def test_what_becomes_of_it(to: str, raw: bytes, mark: bytes | None) -> None:
    lists = Lists()
    said = post(lists, SETTINGS, f"{to}@acme.example", raw, SIGNER.lookup)
    if mark is None:
        assert lists.got == []
        assert said.startswith("dropped")
        return
    ((address, message),) = lists.got
    assert address == f"{to}@acme.example"
    assert message.startswith(b"Return-Path: <")
    assert message.endswith(raw)
    assert message.count(b"X-Provisioner-Author: " + mark) == (1 if mark else 0)


def test_mail_to_an_office_goes_to_who_looks_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[list[str], bytes]] = []
    monkeypatch.setattr(posts, "run", lambda argv, told: ran.append((argv, told)))
    post(Lists(), SETTINGS, "abuse@acme.example", MESSAGE, SIGNER.lookup)
    ((argv, told),) = ran
    assert argv[-1] == SETTINGS.admin
    assert b"Subject: Mail to abuse@acme.example" in told


def test_the_addresses_are_written_when_they_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def postmap(argv: list[str]) -> None:
        made.append(Path(argv[1].removeprefix("cdb:")).read_text())
        if len(made) == 1:
            raise DemError("no space left")
        Path(f"{argv[1].removeprefix('cdb:')}.cdb").touch()

    monkeypatch.setattr(posts, "run", postmap)
    known = addresses(Lists(), "acme.example")
    assert [each.partition("@")[0] for each in known] == ["abuse", "postmaster", "team", "team-request"]
    assert addresses(Lists(), "acme.example", {"team"}) == known[:2]
    file = tmp_path / "addresses"
    with pytest.raises(DemError):
        keep(known, file)
    assert [keep(known, file), keep(known, file), keep(known[:2], file)] == [True, False, True]
    assert file.read_text() == "abuse@acme.example OK\npostmaster@acme.example OK\n"
    assert made[-1] == file.read_text()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["addresses", "addresses.cdb"]

"""Who wrote what comes to a discussion, and what becomes of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from provisioner_dem import posts
from provisioner_dem.posts import Author, Verdict, addresses, author, keep, marked, post, verdict

from tests.unit.dem.test_letters import SETTINGS

MESSAGE = b"From: Anna <anna@mail.gmail.test>\nTo: team@acme.example\nSubject: Hello\n\nHello\n"


@dataclass
class Signer:
    """Signs as any domain, and answers for its key there."""

    key: RSAPrivateKey = field(default_factory=lambda: generate_private_key(65537, 2048))
    asked: list[str] = field(default_factory=list)

    def sign(self, domain: str, message: bytes = MESSAGE, **more: bool) -> bytes:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return (
            bytes(dkim.sign(message, b"s1", domain.encode(), pem, **more)).replace(b"\r\n", b"\n") + message
        )

    def lookup(self, name: bytes, timeout: int = 5) -> bytes:
        self.asked.append(name.decode())
        spki = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return b"v=DKIM1; k=rsa; p=" + base64.b64encode(spki)


SIGNER = Signer()


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
    assert author(SIGNER.sign(signer), SIGNER.lookup) == Author("anna@mail.gmail.test", vouched=True)


@pytest.mark.parametrize("signer", ["evil.test", "other.mail.gmail.test", "il.gmail.test", "test"])
def test_no_other_domain_vouches_or_is_even_asked(signer: str) -> None:
    signing = Signer(SIGNER.key)
    assert not author(signing.sign(signer), signing.lookup).vouched
    assert signing.asked == []


def test_nobody_vouches_for_what_was_changed_or_could_be() -> None:
    signed = SIGNER.sign("gmail.test")
    assert not author(signed.replace(b"\n\nHello", b"\n\nHell"), SIGNER.lookup).vouched
    assert not author(SIGNER.sign("gmail.test", length=True) + b"and more", SIGNER.lookup).vouched
    assert not author(b"DKIM-Signature: d\n" + MESSAGE, SIGNER.lookup).vouched
    assert author(b"DKIM-Signature: v=1; d=gmail.test\n" + signed, SIGNER.lookup).vouched


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
    assert author(fields + b"Subject: x\n\nHello\n", SIGNER.lookup) == Author("", vouched=False)


def test_a_name_server_that_does_not_answer_says_nothing() -> None:
    def silent(name: bytes, timeout: int = 5) -> bytes:
        raise TimeoutError(f"{name!r} {timeout}")

    with pytest.raises(TimeoutError):
        author(SIGNER.sign("gmail.test"), silent)


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
    lines = marked(forged, Verdict.DOUBT).split(b"\n")
    assert lines[:2] == [b"Return-Path: <a@b.test>", b"X-Provisioner-Author: doubt"]
    assert sum(b"x-provisioner-author" in line.lower() for line in lines) == 1
    assert marked(MESSAGE, Verdict.MEMBER) == b"X-Provisioner-Author: member\n" + MESSAGE
    said = b"Subject: x\n\nX-Provisioner-Author: in the text it may stand\n"
    assert marked(said, Verdict.MEMBER).endswith(said)


@pytest.mark.parametrize(
    ("to", "raw", "mark"),
    [
        ("team", SIGNER.sign("gmail.test"), b"member"),
        ("team", MESSAGE, b"doubt"),
        ("team", SIGNER.sign("evil.test", MESSAGE.replace(b"mail.gmail", b"evil")), b"stranger"),
        ("team", MESSAGE.replace(b"anna", b"eva"), None),
        ("team-request", SIGNER.sign("evil.test", MESSAGE.replace(b"mail.gmail", b"evil")), b""),
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
    assert message == (marked(raw, Verdict(mark.decode())) if mark else raw)


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
        made.append(argv[1])
        Path(f"{argv[1].removeprefix('cdb:')}.cdb").touch()

    monkeypatch.setattr(posts, "run", postmap)
    known = addresses(Lists(), "acme.example")
    assert [each.partition("@")[0] for each in known] == ["abuse", "postmaster", "team", "team-request"]
    assert addresses(Lists(), "acme.example", {"team"}) == known[:2]
    file = tmp_path / "addresses"
    assert [keep(known, file), keep(known, file), keep(known[:2], file)] == [True, False, True]
    assert file.read_text() == "abuse@acme.example OK\npostmaster@acme.example OK\n"
    assert made == [f"cdb:{file}"] * 2
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []

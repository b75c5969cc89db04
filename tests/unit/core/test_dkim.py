from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from provisioner.core.dkim import (
    Algorithm,
    DkimKey,
    DkimRecord,
    DkimRecordError,
    KeyState,
    parse_record,
    rsa_bits,
)

RAW = bytes(range(32))
PUBLIC = base64.b64encode(RAW).decode()
WORD = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
WORDS = st.lists(WORD, max_size=3).map(tuple)


def key(**changes: object) -> DkimKey:
    facts: dict[str, object] = {
        "domain": "acme.example",
        "selector": "e1",
        "algorithm": "ed25519",
        "slot": 1,
        "state": "generated",
        "created": datetime(2025, 1, 2, tzinfo=UTC),
        "public": PUBLIC,
    }
    return DkimKey.model_validate(facts | changes)


def test_a_key_has_the_id_of_its_public_bytes() -> None:
    assert key().id == hashlib.sha256(RAW).hexdigest()
    assert key().record.render() == f"v=DKIM1; k=ed25519; p={PUBLIC}"
    assert key().state is KeyState.GENERATED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"public": base64.b64encode(RAW[:31]).decode()}, "31 bytes"),
        ({"public": "not base64!"}, "not base64"),
        ({"algorithm": "rsa"}, "not an RSA key"),
        ({"algorithm": "dsa"}, "Input should be"),
        ({"selector": "a.b"}, "String should match"),
        ({"slot": 4}, "less than"),
        ({"state": "sleeping"}, "Input should be"),
        ({"colour": "red"}, "Extra inputs"),
    ],
)
def test_a_key_that_is_none_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        key(**changes)


def test_the_length_of_an_rsa_key() -> None:
    public = rsa.generate_private_key(65537, 2048).public_key()
    data = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert rsa_bits(data) == 2048
    assert rsa_bits(RAW) is None
    assert key(algorithm="rsa", public=base64.b64encode(data).decode()).algorithm is Algorithm.RSA


@given(
    st.builds(
        DkimRecord,
        public=st.binary(max_size=300).map(lambda data: base64.b64encode(data).decode()),
        key_type=st.sampled_from(["rsa", "ed25519"]),
        hashes=WORDS,
        services=WORDS,
        flags=WORDS,
        notes=st.from_regex(r"([a-z0-9]{1,8}( [a-z0-9]{1,8})?)?", fullmatch=True),
    )
)
def test_a_record_survives_being_written_and_read(record: DkimRecord) -> None:
    assert parse_record(record.render()) == record


def test_white_space_and_unknown_tags_do_no_harm() -> None:
    record = parse_record(" v=DKIM1 ;\tk = rsa; x_new=1; t= y : s ; p= QUJD\r\n REVG ;")
    assert record == DkimRecord(public="QUJDREVG", flags=("y", "s"))
    assert record.testing


def test_an_empty_key_is_a_revoked_one() -> None:
    assert parse_record("v=DKIM1; p=").public == ""


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "v=DKIM1",
        "p=QUJD; v=DKIM1",
        "v=DKIM2; p=QUJD",
        "v=DKIM1; p=QUJD; p=QUJD",
        "v=DKIM1; p=Q!",
        "hello",
    ],
)
def test_what_is_no_key_record(bad: str) -> None:
    with pytest.raises(DkimRecordError):
        parse_record(bad)


@given(st.text(max_size=100))
def test_any_text_is_a_record_or_refused(text: str) -> None:
    try:
        parse_record(text)
    except DkimRecordError:
        return

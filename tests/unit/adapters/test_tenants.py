from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provisioner.adapters import dkim_keys, tenants
from provisioner.core.dkim import Algorithm


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        found = {}
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
        return found


def test_a_packed_bundle_says_what_is_in_it_and_brings_only_what_is_not_there() -> None:
    files = {"domains": b"d\n", "passwd": b"p\n"}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    members = unpacked(
        tenants.pack("v1", files, {"passwd": hashes["passwd"], "domains": "other"}, {"new": b"pem"})
    )
    assert json.loads(members.pop("manifest.json")) == {"version": "v1", "files": hashes}
    assert members == {"domains": b"d\n", "keys/new": b"pem"}


def test_the_same_bundle_packs_to_the_same_bytes() -> None:
    files = {"a": b"1", "b": b"2"}
    assert tenants.pack("v", files, {}, {"x": b"1"}) == tenants.pack("v", dict(files), {}, {"x": b"1"})


def test_rsa_goes_to_the_signer_as_pem_and_ed25519_as_its_seed() -> None:
    rsa = dkim_keys.generate(Algorithm.RSA)[1]
    assert tenants.as_signer_reads(rsa) == rsa
    pem = dkim_keys.generate(Algorithm.ED25519)[1]
    seed = base64.b64decode(tenants.as_signer_reads(pem))
    again = Ed25519PrivateKey.from_private_bytes(seed)
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    assert again.private_bytes(*form) == pem

"""What this host signs with: for domains on standard input (JSON list; an empty one is all), as JSON:

{"signs": {domain: {selector: key id}}, "holds": {key id: fingerprint}}. A fingerprint is made from the key
that lies there: hex SHA-256 of its public half, as DNS carries it; of what is no key, what is wrong with it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

ROOT = Path("/var/lib/provisioner")


def fingerprint(content: bytes) -> str:
    """Of a private key as the signer reads it: PEM for RSA, base64 of the seed for Ed25519."""
    try:
        if content.startswith(b"-----BEGIN"):
            # The numbers were checked where the key was made; here it would take milliseconds a key.
            rsa = load_pem_private_key(content, None, unsafe_skip_rsa_key_validation=True)
            if not isinstance(rsa, RSAPrivateKey):
                return "no RSA key"
            public = rsa.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        else:
            seed = Ed25519PrivateKey.from_private_bytes(base64.b64decode(content, validate=True))
            public = seed.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    except ValueError as error:
        return f"no key: {error}"
    return hashlib.sha256(public).hexdigest()


def main() -> None:
    """Print what is there."""
    wanted = set(json.load(sys.stdin))
    signs, ids = {}, set()
    for line in (ROOT / "tenants/current/domains").read_text().splitlines():
        domain, _, text = line.partition(" ")
        if not wanted or domain in wanted:
            facts = json.loads(text)
            signs[domain] = {each["selector"]: each["key"] for each in facts["keys"]}
            ids |= {each["key"] for each in (*facts["keys"], *facts.get("held", ()))}
    files = {key: ROOT / "keys" / f"{key}.pem" for key in ids}
    holds = {key: fingerprint(file.read_bytes()) for key, file in files.items() if file.exists()}
    print(json.dumps({"signs": signs, "holds": holds}))


if __name__ == "__main__":
    main()

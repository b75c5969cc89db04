"""What this host signs with: for domains on standard input (JSON list; an empty one is all), as JSON:

{"signs": {domain: {selector: key id}}, "holds": {key id: fingerprint}, "stray": [key id]}. A fingerprint is
made from the key that lies there: hex SHA-256 of its public half, as DNS carries it; of what is no key, what
is wrong with it. Stray are files of keys that no domain here has, whichever domains were asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

ROOT = Path("/var/lib/provisioner")
KEY = re.compile(r'"key":\s*"([0-9a-f]{64})"')


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
    text = (ROOT / "tenants/current/domains").read_text()
    for line in text.splitlines():
        domain, _, said = line.partition(" ")
        if not wanted or domain in wanted:
            facts = json.loads(said)
            signs[domain] = {each["selector"]: each["key"] for each in facts["keys"]}
            ids |= {each["key"] for each in (*facts["keys"], *facts.get("held", ()))}
    files = {key: ROOT / "keys" / f"{key}.pem" for key in ids}
    holds = {key: fingerprint(file.read_bytes()) for key, file in files.items() if file.exists()}
    stray = sorted({file.stem for file in (ROOT / "keys").glob("*.pem")} - set(KEY.findall(text)))
    print(json.dumps({"signs": signs, "holds": holds, "stray": stray}))


if __name__ == "__main__":
    main()

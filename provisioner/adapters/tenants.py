"""Carry the tenant bundle to the hosts: over SSH, to all at once, switched on each when it is there whole.

The other end is `/usr/local/sbin/provisioner-tenants` from the role `tenants`; its text describes the format.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from provisioner.adapters.ssh import EndedError, Result, Ssh, on_each
from provisioner.core.bundle import Bundle
from provisioner.core.fleet import Host
from provisioner.core.tenants import HostResult, TenantState

_COMMAND = ("sudo", "/usr/local/sbin/provisioner-tenants")
_UNKNOWN_VERB = 2

KeyLoader = Callable[[str], bytes]
"""Gives the private key (PEM) for a key id. Called only for keys that a host does not hold yet."""


class TenantError(Exception):
    """A host refused the bundle, or has no role `tenants` yet."""


def state(ssh: Ssh) -> TenantState:
    """What a host has active. Raises SshError; TenantError when the host can't say."""
    result = ssh.run([*_COMMAND, "status"])
    if not result.ok:
        raise _refusal(result)
    return _state(result.stdout)


def push(compiled: Callable[[], Bundle], hosts: Sequence[Host], load_key: KeyLoader) -> list[HostResult]:
    """Make a bundle the active one on every host that can be reached; one result a host, in their order.

    compiled: gives the bundle; hosts are called before it is asked for. A host that has it holds all the
    signing keys that it names, and none besides. Safe to run again: a host that has it is left as it is.
    """

    def one(ssh: Ssh) -> HostResult:
        begun = time.monotonic()
        try:
            with ssh.talk([*_COMMAND, "serve"]) as ask:
                found, bundle = _state(ask(b"")), compiled()
                if not _has(found, bundle):
                    files = bundle.backend if "backends" in ssh.host.groups else bundle.frontend
                    found = _apply(ask, bundle, files, found, load_key)
        except EndedError as ended:
            raise _refusal(ended.result) from ended
        return HostResult(ssh.host.name, ok=True, version=found.version, seconds=time.monotonic() - begun)

    return _on_each(hosts, one)


def look(compiled: Callable[[], Bundle], hosts: Sequence[Host], _: KeyLoader) -> list[HostResult]:
    """Whether a bundle is the active one on every host: what `push` says, of hosts that nobody changes."""

    def one(ssh: Ssh) -> HostResult:
        found, bundle = state(ssh), compiled()
        if not _has(found, bundle):
            raise TenantError("it does not have what the inventory says; a run with --apply brings it")
        return HostResult(ssh.host.name, ok=True, version=found.version)

    return _on_each(hosts, one)


def _has(found: TenantState, bundle: Bundle) -> bool:
    return found.version == bundle.version and not found.missing_keys and not found.stray_keys


def _on_each(hosts: Sequence[Host], one: Callable[[Ssh], HostResult]) -> list[HostResult]:
    def willing(ssh: Ssh) -> HostResult:
        try:
            return one(ssh)
        except TenantError as error:
            return HostResult(ssh.host.name, ok=False, message=str(error))

    results = []
    for outcome in on_each(hosts, willing):
        failed = HostResult(
            outcome.host.name, ok=False, message=outcome.error.reason if outcome.error else ""
        )
        results.append(outcome.value or failed)
    return results


def _apply(
    ask: Callable[[bytes], bytes],
    bundle: Bundle,
    files: Mapping[str, bytes],
    found: TenantState,
    load_key: KeyLoader,
) -> TenantState:
    """Send what the host lacks: files that changed; then keys, if it asks for some."""
    keys: dict[str, bytes] = {}
    for _ in range(2):
        packed = pack(bundle.version, files, found.files, keys)
        said = _state(ask(b"%d\n" % len(packed) + packed))
        if not said.missing_keys:
            return said
        keys = {key: as_signer_reads(load_key(key)) for key in sorted(said.missing_keys & bundle.keys)}
    raise TenantError(f"the host still lacks {len(said.missing_keys)} signing keys")


def as_signer_reads(pem: bytes) -> bytes:
    """A private key (PEM) in the form that rspamd takes: PEM for RSA, base64 of the seed for Ed25519."""
    # Its numbers were checked when it came into the inventory; to do it again takes ten milliseconds a key.
    key = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    return base64.b64encode(key.private_bytes_raw()) if isinstance(key, Ed25519PrivateKey) else pem


def pack(
    version: str, files: Mapping[str, bytes], there: Mapping[str, str], keys: Mapping[str, bytes]
) -> bytes:
    """The bundle as a tar for one host: manifest, files that are not `there` (name → SHA-256) yet, `keys`."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    members = {
        "manifest.json": json.dumps({"version": version, "files": hashes}, sort_keys=True).encode(),
        **{name: content for name, content in files.items() if there.get(name) != hashes[name]},
        **{f"keys/{key}": pem for key, pem in keys.items()},
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _state(answer: bytes) -> TenantState:
    try:
        said = json.loads(answer)
        lacking, stray = (frozenset(said[name]) for name in ("missing_keys", "stray_keys"))
        return TenantState(said["version"], said["previous"], said["files"], lacking, stray)
    except (ValueError, KeyError, TypeError) as error:
        raise TenantError(
            f"the host's answer makes no sense: {answer.decode(errors='replace')[:80]!r}"
        ) from error


def _refusal(result: Result) -> TenantError:
    if "command not found" in result.complaint or result.status == _UNKNOWN_VERB:
        return TenantError("its role 'tenants' is missing or older than this; run 'provisioner deploy'")
    return TenantError(result.complaint)

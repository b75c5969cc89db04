"""Why a host cannot be reached over SSH, in words, and what to do about it."""

from __future__ import annotations

import paramiko

from provisioner.core.fleet import Connection, Host

SSH_PORT = 22


def why(host: Host, error: Exception, said: str = "") -> tuple[str, str]:
    """The reason and a hint for what went wrong; said: the last word of the proxy on the way there."""
    connection = host.connection
    known = connection.known_hosts or "~/.ssh/known_hosts"
    elsewhere = connection.port != SSH_PORT
    if isinstance(error, paramiko.BadHostKeyException):
        name = f"'[{host.address}]:{connection.port}'" if elsewhere else str(host.address)
        hint = f"If it was reinstalled: ssh-keygen -f {known} -R {name}, then add its new key"
        return "its host key is not the one known", hint
    if isinstance(error, paramiko.AuthenticationException):
        return _refused(connection, error)
    if isinstance(error, FileNotFoundError):
        hint = "Check ansible_ssh_private_key_file and ansible_ssh_common_args"
        return f"{error.filename} is missing on this machine", hint
    if "not found in known_hosts" in str(error):
        port = f"-p {connection.port} " if elsewhere else ""
        hint = f"Compare its key with the console's, then: ssh-keyscan {port}{host.address} >> {known}"
        return "its host key is not known", hint
    if isinstance(error, TimeoutError):
        return "no answer over SSH in time", ""
    reason = said or getattr(error, "strerror", None) or str(error) or "connection lost"
    return f"no SSH: {reason}", ""


def _refused(connection: Connection, error: paramiko.AuthenticationException) -> tuple[str, str]:
    if isinstance(error, paramiko.PasswordRequiredException):
        hint = f"Give it to an agent: ssh-add {connection.private_key or ''}".rstrip()
        return "our key has a passphrase, and no agent holds it", hint
    user = connection.user or "the local user's name"
    hint = "Check ansible_user and ansible_ssh_private_key_file, and the host's authorized_keys"
    return f"it does not let {user} in with our key", hint

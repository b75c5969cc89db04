"""What to do about the failures that hosts have most often."""

from __future__ import annotations

import re

_TABLE: tuple[tuple[str, str], ...] = (
    (
        r"host key verification failed|remote host identification has changed",
        "Its SSH host key is not the one known: compare it on the host's console, then correct known_hosts.",
    ),
    (
        r"permission denied \([a-z,-]*publickey",
        "It does not let our key in: check ansible_user and the key, and authorized_keys on the host.",
    ),
    (
        r"no route to host|timed out|connection refused|could not resolve hostname|data could not be sent"
        r"|failed to connect to the host",
        "Is it switched on and in the network? Then run again: what is missing is completed.",
    ),
    (
        r"could not get lock|dpkg frontend|unable to (acquire|lock).*(apt|dpkg)|(apt|dpkg).*\block\b",
        "Another package manager is at work there (automatic updates?). Run again in a few minutes.",
    ),
    (r"no space left|disk quota exceeded", "Its disk is full: free some space there, then run again."),
    (
        r"read-only file system",
        "A file system there is read-only, mostly after a disk error: see 'dmesg' on it.",
    ),
    (
        r"missing sudo password|a password is required|not in the sudoers|sudo: command not found",
        "The login user must be allowed to use sudo without a password.",
    ),
    (
        r"unable to fetch|failed to fetch|failed to update apt cache|temporary failure resolving",
        "It cannot reach its package mirror: check its network, DNS and /etc/apt/sources.list*.",
    ),
    (
        r"no package matching|unable to locate package",
        "It is not Debian 13, or its package sources lack 'main'.",
    ),
    (
        r"python3?: (command )?not found|python3?: no such file|interpreter.*(not found|was not found)",
        "Ansible needs Python there: apt-get install python3.",
    ),
    (
        r"decryption failed|vault (password|secret)",
        "The vault password is not the one the secrets were made with.",
    ),
    (
        r"would be invalid",
        "The service itself refuses that configuration: correct what it speaks of. No file was replaced.",
    ),
    (r"is undefined|has no attribute", "A variable is missing: see the role's README for its variables."),
    (
        r"job for .* failed|failed to (re)?start|control process exited|unable to (re)?start service",
        "The service does not start: 'systemctl status' and 'journalctl -xe' on the host say why.",
    ),
    (
        r"hidden, because",
        "Run 'journalctl -xe' on the host; the task's own words stay hidden to protect secrets.",
    ),
    (
        r"permission denied|operation not permitted",
        "It refuses root's work: check sudo, and what confines the host.",
    ),
)
_PATTERNS = tuple((re.compile(pattern, re.IGNORECASE | re.DOTALL), advice) for pattern, advice in _TABLE)


def advise(message: str) -> str:
    """What to do about a failure with this message; empty when the message says it all."""
    return next((advice for pattern, advice in _PATTERNS if pattern.search(message)), "")

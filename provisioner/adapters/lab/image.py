"""The images of the lab: a Debian that boots systemd and answers SSH, as a VM template would.

The base is built from Debian's own packages alone with mmdebstrap, because a container registry is not
always in reach; it is kept in the cache outside the tree, under a name that changes with the recipe.
Machines get this day's package lists besides.
"""

from __future__ import annotations

import hashlib
import os
from datetime import date
from pathlib import Path

from provisioner.adapters.cache import cache_dir
from provisioner.adapters.lab.commands import LabError, run
from provisioner.adapters.lab.layout import MIRROR, SUITE
from provisioner.adapters.lab.substrate import Substrate

DEBIAN = os.environ.get("PROVISIONER_MIRROR", "http://deb.debian.org").rstrip("/")
"""Where packages come from: a server with /debian and /debian-security."""

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "sudo",
    "python3",
    "python3-apt",
    "iproute2",
    "nftables",
    "ca-certificates",
    # As in Debian's own cloud images.
    "logrotate",
    "systemd-timesyncd",
    "unattended-upgrades",
)

# What cloud-init or a VM template does: a user that may use sudo and has no password. Units that only make
# sense on hardware are masked; dpkg need not sync a disk whose host can be rebuilt in seconds,
# nor unpack manuals for nobody.
_CUSTOMIZE = """
chroot "$1" useradd --create-home --shell /bin/bash deploy
install -d -m 0700 "$1/home/deploy/.ssh" && chroot "$1" chown deploy:deploy /home/deploy/.ssh
echo 'deploy ALL=(ALL) NOPASSWD: ALL' > "$1/etc/sudoers.d/deploy" && chmod 0440 "$1/etc/sudoers.d/deploy"
echo 'Acquire::Languages "none";' > "$1/etc/apt/apt.conf.d/99lab"
printf '%s\\n' force-unsafe-io 'path-exclude /usr/share/man/*' 'path-exclude /usr/share/locale/*' \
  > "$1/etc/dpkg/dpkg.cfg.d/lab"
rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/apt/sources.list "$1"/etc/machine-id
touch "$1/etc/machine-id"
ln -sf /dev/null "$1/etc/systemd/system/getty@.service"
ln -sf /dev/null "$1/etc/systemd/system/console-getty.service"
ln -sf /dev/null "$1/etc/systemd/system/apt-daily.timer"
ln -sf /dev/null "$1/etc/systemd/system/apt-daily-upgrade.timer"
""".strip()


def _recipe(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


BASE = f"localhost/provisioner-base:{_recipe(SUITE, *PACKAGES, _CUSTOMIZE)}"
MIRROR_IMAGE = f"localhost/provisioner-mirror:{BASE.rpartition(':')[2]}"
MACHINE = "localhost/provisioner-machine"


def sources(mirror: str) -> str:
    """apt's sources.list for packages from `mirror`, a base URL."""
    return (
        f"deb {mirror}/debian {SUITE} main\n"
        f"deb {mirror}/debian {SUITE}-updates main\n"
        f"deb {mirror}/debian-security {SUITE}-security main\n"
    )


# apt names a list after the place that it came from.
_LISTS = f"""
printf %s "$UPSTREAM" > /etc/apt/sources.list && apt-get update -q
cd /var/lib/apt/lists
for file in *_debian*_dists_*; do mv "$file" "{MIRROR.partition("//")[2]}_debian${{file##*_debian}}"; done
printf %s "$SOURCES" > /etc/apt/sources.list && apt-cache gencaches
"""


def build_base(substrate: Substrate) -> bool:
    """Make the base image unless podman has it; True when made. Takes some 30 s and 75 MB of download."""
    if substrate.podman("image", "exists", BASE, check=False).returncode == 0:
        return False
    archive = cache_dir() / "images" / f"{BASE.rpartition(':')[2]}.tar"
    if not archive.exists():
        _bootstrap(archive)
    substrate.podman("import", "--quiet", str(archive), BASE)
    return True


def build_mirror(substrate: Substrate) -> bool:
    """Make the image of the package mirror (nginx on the base) unless podman has it; True when made."""
    if substrate.podman("image", "exists", MIRROR_IMAGE, check=False).returncode == 0:
        return False
    install = (
        f"echo 'deb {DEBIAN}/debian {SUITE} main' > /etc/apt/sources.list && apt-get update -q "
        "&& apt-get install -qy --no-install-recommends nginx-light && apt-get clean"
    )
    _commit(substrate, MIRROR_IMAGE, install)
    return True


def machine(substrate: Substrate) -> str:
    """The image of machines: the base with this day's package lists, made when it is not there.

    Without a mirror in reach it is the base itself: machines then ask the lab's own, which keeps old lists.
    """
    name = f"{MACHINE}:{BASE.rpartition(':')[2]}-{date.today():%Y%m%d}"
    if substrate.podman("image", "exists", name, check=False).returncode == 0:
        return name
    before = substrate.podman("images", "--quiet", f"--filter=reference={MACHINE}").stdout.decode().split()
    try:
        _commit(substrate, name, _LISTS, UPSTREAM=sources(DEBIAN), SOURCES=sources(MIRROR))
    except LabError:
        return BASE
    for old in before:  # one that a machine still needs stays
        substrate.podman("image", "rm", old, check=False)
    return name


def _commit(substrate: Substrate, image: str, script: str, **environment: str) -> None:
    """Make an image: the base, after a shell script that may reach the network. Raises: LabError."""
    name = f"provisioner-build-{os.getpid()}"
    options = [f"--env={key}={value}" for key, value in environment.items()] + substrate.run_options
    try:
        substrate.podman("run", "--name", name, "--network=host", *options, BASE, "sh", "-ec", script)
        substrate.podman("commit", "--quiet", name, image)
    finally:
        substrate.podman("rm", "--force", "--ignore", name, check=False)


def _bootstrap(archive: Path) -> None:
    archive.parent.mkdir(parents=True, exist_ok=True)
    unfinished = archive.with_suffix(f".{os.getpid()}.tar")
    try:
        run(
            [
                "mmdebstrap",
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                f"--customize-hook={_CUSTOMIZE}",
                SUITE,
                str(unfinished),
                f"{DEBIAN}/debian",
            ]
        )
        unfinished.rename(archive)
    finally:
        unfinished.unlink(missing_ok=True)

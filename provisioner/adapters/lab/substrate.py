"""How podman has to be called on this very machine, found by looking.

An ordinary machine (unified cgroup v2, all capabilities) runs podman as it is. A small VM may mount cgroup v1
and v2 side by side, which no OCI runtime accepts, and may lack CAP_SYS_RESOURCE: resource limits can't then
be raised. For the first, one private mount namespace that lasts sees cgroup2 at /sys/fs/cgroup, and every
podman call enters it; the machine's own mounts stay as they are. For the second, runc with limits within the
caller's own. Both were measured to boot systemd in a container within three seconds. Where AppArmor is on, as
on any Debian, podman would confine machines to a profile that forbids what systemd does for units.
"""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from provisioner.adapters.lab.commands import run
from provisioner.adapters.lab.sharing import one_at_a_time

CAP_SYS_RESOURCE = 24  # linux/capability.h
NAMESPACE = Path("/run/provisioner/lab-namespace")
MOUNT = NAMESPACE / "mnt"
CGROUP = "/sys/fs/cgroup/provisioner-lab"
WATCHERS = Path("/proc/sys/fs/inotify/max_user_instances")
WATCHERS_NEEDED = 1024
"""A machine's systemd, D-Bus and daemons take five of them, all as one user's; Linux allows 128."""

_ENTER = f'echo $$ > {CGROUP}/cgroup.procs && exec podman "$@"'
_PREPARE = f"mount -t cgroup2 none /sys/fs/cgroup && mkdir -p {CGROUP}"


@dataclass(frozen=True)
class Substrate:
    """What this machine allows: whether cgroups are unified, limits can be raised, and AppArmor watches."""

    unified_cgroups: bool
    can_raise_limits: bool
    apparmor: bool = False

    @classmethod
    def detect(cls, root: Path = Path("/")) -> Substrate:
        """Look at the machine whose files are below `root`, and say how podman must be called there."""
        unified = (root / "sys/fs/cgroup/cgroup.controllers").exists()
        status = (root / "proc/self/status").read_text()
        bounding = next(line.split()[1] for line in status.splitlines() if line.startswith("CapBnd"))
        apparmor = root / "sys/module/apparmor/parameters/enabled"
        return cls(
            unified,
            bool(int(bounding, 16) >> CAP_SYS_RESOURCE & 1),
            apparmor.exists() and apparmor.read_text().strip() == "Y",
        )

    @property
    def description(self) -> str:
        """One line for people."""
        how = "podman as it is" if self.unified_cgroups else "podman in a mount namespace with cgroup2"
        return how if self.can_raise_limits else f"{how}, runc within this machine's limits"

    def prepare(self) -> None:
        """Make what podman calls need; does nothing when it is there already."""
        _raise(WATCHERS, WATCHERS_NEEDED)
        if self.unified_cgroups or self._namespace_works():
            return
        with one_at_a_time():
            if not self._namespace_works():
                self._make_namespace()

    def _make_namespace(self) -> None:
        run(["mkdir", "-p", str(NAMESPACE)])
        if not _is_mounted(NAMESPACE):
            run(["mount", "--bind", str(NAMESPACE), str(NAMESPACE)])
        run(["mount", "--make-private", str(NAMESPACE)])
        run(["touch", str(MOUNT)])
        run(["unshare", f"--mount={MOUNT}", "--propagation", "private", "sh", "-c", _PREPARE])

    def dismantle(self) -> None:
        """Undo `prepare`; for when no lab is left."""
        if self.unified_cgroups or not NAMESPACE.exists():
            return
        with one_at_a_time():
            self._remove_namespace()

    def _remove_namespace(self) -> None:
        inside = ["nsenter", f"--mount={MOUNT}", "find", CGROUP, "-depth", "-type", "d", "-delete"]
        run(inside, check=False)
        for mount in (MOUNT, NAMESPACE):
            if _is_mounted(mount):
                run(["umount", str(mount)])
        run(["rm", "-rf", str(NAMESPACE)])

    def podman(
        self, *arguments: str, check: bool = True, stdin: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run podman with `arguments`; output captured. Raises LabError when it fails and `check` is set."""
        return run(self.argv(arguments), check=check, stdin=stdin)

    def argv(self, arguments: Sequence[str]) -> list[str]:
        """The command line for podman with `arguments`, without the sudo in front."""
        runtime = [] if self.can_raise_limits else ["--runtime=runc"]
        if self.unified_cgroups:
            return ["podman", *runtime, *arguments]
        return ["nsenter", f"--mount={MOUNT}", "sh", "-c", _ENTER, "podman", *runtime, *arguments]

    @property
    def run_options(self) -> list[str]:
        """What `podman create` needs besides on this machine."""
        options = [] if self.unified_cgroups else ["--pids-limit=0"]
        if not self.can_raise_limits:
            for name, kind in (("nofile", resource.RLIMIT_NOFILE), ("nproc", resource.RLIMIT_NPROC)):
                limit = _within(resource.getrlimit(kind)[1])
                options.append(f"--ulimit={name}={limit}:{limit}")
        return options

    @property
    def machine_options(self) -> list[str]:
        """What `podman create` needs besides for a machine that runs systemd.

        podman's own AppArmor profile denies every mount, whatever the capabilities: each unit with a sandbox
        would end with 226/NAMESPACE.
        """
        return [*self.run_options, *(["--security-opt=apparmor=unconfined"] if self.apparmor else [])]

    def _namespace_works(self) -> bool:
        if not _is_mounted(MOUNT):
            return False
        seen = run(["nsenter", f"--mount={MOUNT}", "stat", "-f", "-c", "%T", CGROUP], check=False)
        return seen.stdout.strip() == b"cgroup2fs"


def _within(hard: int) -> int:
    """A limit that may be set without CAP_SYS_RESOURCE: below `hard`, and no more than a host needs."""
    needed = 20_000
    return needed if hard == resource.RLIM_INFINITY else min(needed, hard)


def _raise(setting: Path, needed: int) -> None:
    """Raise a setting of the kernel until the next boot. Where that is forbidden, it has to do as it is."""
    if setting.exists() and int(setting.read_text()) < needed:
        run(["sh", "-c", 'echo "$1" > "$2"', "sh", str(needed), str(setting)], check=False)


def _is_mounted(path: Path) -> bool:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return any(line.split()[4] == str(path) for line in lines)

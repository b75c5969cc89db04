"""Postfix's queue on this host: how much waits, and campaigns that are held back."""

from __future__ import annotations

import json
import time
from pathlib import Path

from provisioner_dem.commands import run

PAUSED = Path("/etc/postfix/paused")
RESUMED = Path("/var/lib/provisioner-dem/resumed")
"""Its time is when somebody last let campaigns go."""
_MARK = "List-Unsubscribe-Post:"
"""What a campaign's messages have, and confirmations and other letters have not."""
_RULE = f"/^{_MARK}/  HOLD campaigns are paused\n"


def waiting() -> int:
    """How many messages wait in Postfix's queue, held ones too."""
    return len(_queue())


def paused() -> bool:
    """Whether campaigns are held back."""
    return PAUSED.exists() and PAUSED.stat().st_size > 0


def resumed() -> float:
    """When somebody last let campaigns go, in seconds since 1970; 0: never."""
    return RESUMED.stat().st_mtime if RESUMED.exists() else 0.0


def pause() -> None:
    """Hold campaigns back: what comes from now on, and what waits already."""
    PAUSED.write_text(_RULE)
    run(["postfix", "reload"])
    waiting_now = [entry["queue_id"] for entry in _queue() if entry["queue_name"] != "hold"]
    held = [name for name in waiting_now if _MARK in run(["postcat", "-h", "-q", name], check=False)]
    if held:
        run(["postsuper", "-h", "-"], "\n".join(held) + "\n", check=False)


def resume() -> None:
    """Let them go; those that began before are somebody's responsibility from now on."""
    RESUMED.parent.mkdir(mode=0o700, exist_ok=True)
    RESUMED.write_text(f"{time.time():.0f}\n")
    PAUSED.write_text("")
    run(["postfix", "reload"])
    if any(entry["queue_name"] == "hold" for entry in _queue()):
        run(["postsuper", "-H", "ALL"])
        run(["postqueue", "-f"])


def _queue() -> list[dict[str, str]]:
    return [json.loads(line) for line in run(["postqueue", "-j"]).splitlines() if line.strip()]

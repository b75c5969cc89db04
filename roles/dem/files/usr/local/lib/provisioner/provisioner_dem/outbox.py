"""Postfix's queue on this host: how much waits, and campaigns that are held back."""

from __future__ import annotations

import json
from pathlib import Path

from provisioner_dem.commands import run

PAUSED = Path("/etc/postfix/paused")
_MARK = "List-Unsubscribe-Post:"
"""What a campaign's messages have, and confirmations and other letters have not."""
_RULE = f"/^{_MARK}/  HOLD campaigns are paused\n"


def waiting() -> int:
    """How many messages wait in Postfix's queue, held ones too."""
    return len(_queue())


def paused() -> bool:
    """Whether campaigns are held back."""
    return PAUSED.exists() and PAUSED.stat().st_size > 0


def pause() -> None:
    """Hold campaigns back: what comes from now on, and what waits already."""
    PAUSED.write_text(_RULE)
    run(["postfix", "reload"])
    waiting_now = [entry["queue_id"] for entry in _queue() if entry["queue_name"] != "hold"]
    held = [name for name in waiting_now if _MARK in run(["postcat", "-h", "-q", name], check=False)]
    if held:
        run(["postsuper", "-h", "-"], "\n".join(held) + "\n", check=False)


def resume() -> None:
    """Let them go."""
    PAUSED.write_text("")
    run(["postfix", "reload"])
    if any(entry["queue_name"] == "hold" for entry in _queue()):
        run(["postsuper", "-H", "ALL"])
        run(["postqueue", "-f"])


def _queue() -> list[dict[str, str]]:
    return [json.loads(line) for line in run(["postqueue", "-j"]).splitlines() if line.strip()]

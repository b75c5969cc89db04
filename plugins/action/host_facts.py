"""Controller's half of `host_facts`."""

from __future__ import annotations

from ansible.plugins.loader import action_loader


class ActionModule(action_loader.get("one_call", class_only=True)):  # type: ignore[misc]
    """See one_call.py."""

"""Controller's half of `services_running`."""

from __future__ import annotations

from ansible.plugins.loader import action_loader


class ActionModule(action_loader.get("one_call", class_only=True)):  # type: ignore[misc]
    """See one_call.py."""

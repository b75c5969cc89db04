"""Controller's half of `config_files`: render every file here, hand all of them over in one call."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.loader import action_loader, lookup_loader

DEFAULTS = {"owner": "root", "group": "root", "mode": "0644", "validate": "", "in_place": False}


class ActionModule(action_loader.get("one_call", class_only=True)):  # type: ignore[misc]
    """Fill in `content` from the role's `templates/<dest>.j2` where a file brings none of its own."""

    def arguments(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """Return every file with its content, and the handlers that a change calls for."""
        files = self._task.args.get("files")
        if not isinstance(files, list):
            raise AnsibleActionFail("config_files needs a list 'files'")
        complete = [self._complete(dict(file), task_vars) for file in files]
        return {"files": complete, "handlers": list(self._task.notify or [])}

    def _complete(self, file: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if unknown := file.keys() - DEFAULTS.keys() - {"dest", "content"}:
            raise AnsibleActionFail(f"config_files knows no {', '.join(sorted(unknown))}")
        if file.get("content") is None:
            source = self._find_needle("templates", f"{file['dest'].lstrip('/')}.j2")
            template = lookup_loader.get("template", loader=self._loader, templar=self._templar)
            file["content"] = template.run([source], variables=task_vars)[0]
        return DEFAULTS | file

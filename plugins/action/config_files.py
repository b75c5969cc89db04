"""Action half of `config_files`: render every file on the controller, hand all of them over in one call."""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader


class ActionModule(ActionBase):
    """Fill in `content` from the role's `templates/<dest>.j2` where a file brings none of its own."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result: changed, the paths written, and diffs when asked for."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        files = self._task.args.get("files")
        if not isinstance(files, list):
            raise AnsibleActionFail("config_files needs a list 'files'")
        rendered = [self._with_content(dict(file), task_vars or {}) for file in files]
        arguments = {**self._task.args, "files": rendered, "handlers": list(self._task.notify or [])}
        result.update(
            self._execute_module(module_name="config_files", module_args=arguments, task_vars=task_vars)
        )
        return result

    def _with_content(self, file: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        if file.get("content") is None:
            source = self._find_needle("templates", f"{file['dest'].lstrip('/')}.j2")
            template = lookup_loader.get("template", loader=self._loader, templar=self._templar)
            file["content"] = template.run([source], variables=task_vars)[0]
        return file

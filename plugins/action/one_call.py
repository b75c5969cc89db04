"""Runs one of our modules in one cheap call: its source and arguments over the connection's standard input.

Ansible wraps a module together with its own library, which every call has to compile anew: four fifths of the
time of a call that finds nothing to do. Our modules need Python's library alone. Each has

    main(arguments: dict, check_mode: bool, diff: bool) -> dict

and raises SystemExit with a message when it cannot do its work. The actions are named as the modules are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

MODULES = Path(__file__).parent.parent / "modules"
RESULT = "one-call-result:"

# Another exception's traceback goes to standard error.
_CALL = """
import json as _json
try:
    _result = main(**_json.loads({arguments!r}))
except SystemExit as _failure:
    _result = {{"failed": True, "msg": str(_failure)}}
print("\\n{mark}" + _json.dumps(_result))
"""


class ActionModule(ActionBase):  # type: ignore[misc]
    """Hand the task's arguments to the module of the same name."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what the module does."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        result.update(self._called(self.arguments(task_vars or {}), task_vars or {}))
        return result

    def arguments(self, task_vars: dict[str, Any]) -> dict[str, Any]:
        """What the module gets; `task_vars` are the host's variables."""
        del task_vars
        return dict(self._task.args)

    def _called(self, arguments: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        play = self._play_context
        call = {"arguments": arguments, "check_mode": play.check_mode, "diff": play.diff}
        source = (MODULES / f"{self._task.action.rpartition('.')[2]}.py").read_text(encoding="utf-8")
        program = source + _CALL.format(arguments=json.dumps(call, default=str), mark=RESULT)
        python = task_vars.get("ansible_python_interpreter") or "/usr/bin/python3"
        answer = self._low_level_execute_command(f"{python} -", in_data=program.encode())
        _, found, told = answer["stdout"].rpartition(RESULT)
        if found:
            return dict(json.loads(told))
        trouble = answer["stderr"].strip()
        message = trouble.splitlines()[-1] if trouble else f"nothing came back (exit code {answer['rc']})"
        return {"failed": True, "msg": message, "rc": answer["rc"], "module_stderr": trouble}

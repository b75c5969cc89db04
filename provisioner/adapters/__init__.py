"""The only places that touch network, disk or other processes."""

import sys

# paramiko imports it where it is installed, for conditions in an ssh_config, which nobody reads here. That
# takes a third of the time in which a command starts.
sys.modules.setdefault("invoke", None)  # type: ignore[arg-type]

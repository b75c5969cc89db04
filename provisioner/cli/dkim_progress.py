"""Shows a rotation at work: each step as a line, or for many domains how many took which."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from provisioner.cli import output
from provisioner.cli.dkim_status import told
from provisioner.core.key_slots import Wait
from provisioner.workflows.rotation import Transition


class Teller:
    """Told of each transition. each: print it; else only how many. quiet: print nothing."""

    def __init__(self, *, quiet: bool, each: bool) -> None:
        self.done: list[Transition] = []
        self.each = each
        self._quiet = quiet
        self._told: set[str] = set()
        self._live = output.console(stderr=True)

    def __call__(self, transition: Transition) -> None:
        """Show one transition."""
        self.done.append(transition)
        if self.each and not self._quiet:
            seen = f" ({transition.seen})" if transition.seen else ""
            output.say(f"{transition.subject}: {transition.action.value}{seen}")

    def summary(self) -> None:
        """For many domains, what was done."""
        if self._quiet or self.each:
            if not self.done and not self._quiet:
                output.say("Nothing was due.")
            return
        counts = Counter(each.action.value for each in self.done)
        output.table(("Step", "Domains"), [(action, str(count)) for action, count in counts.items()])

    @contextmanager
    def waiting(self, waits: Sequence[Wait]) -> Iterator[None]:
        """Show what is waited for, while it is: a live line on a terminal, each reason once in a pipe."""
        reasons = list(dict.fromkeys(told(wait) for wait in waits))
        text = f"Waiting: {'; '.join(reasons[:3])}" if reasons else "Waiting"
        if self._live.is_terminal:
            with self._live.status(text):
                yield
            return
        if not self._quiet and text not in self._told:
            self._told.add(text)
            output.note(text)
        yield

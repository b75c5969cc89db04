"""What a benchmark says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """A measured value beside a peer's or a limit, in one unit; `goal` in words."""

    what: str
    value: float
    peer: str
    other: float
    unit: str
    goal: str = ""

    def __str__(self) -> str:
        ratio = self.value / self.other if self.other else float("nan")
        goal = f"  (goal {self.goal})" if self.goal else ""
        return (
            f"{self.what}: {self.value:.4g} {self.unit}; {self.peer}: {self.other:.4g} {self.unit}; "
            f"ratio {ratio:.3g}{goal}"
        )

"""Run the benchmarks, all or those named, against the running lab, and print their ratios."""

from __future__ import annotations

import sys
from collections.abc import Callable

from benchmarks import (
    customer_add,
    deploy,
    dkim,
    list_server,
    quota,
    readiness,
    scale,
    suppression,
    throughput,
)
from benchmarks.report import Ratio

ALL: dict[str, Callable[[], list[Ratio]]] = {
    "throughput": throughput.run,
    "deploy": deploy.run,
    "customer-add": customer_add.run,
    "quota": quota.run,
    "scale": scale.run,
    "dkim": dkim.run,
    "readiness": readiness.run,
    "suppression": suppression.run,
    "list-server": list_server.run,
}


def main(names: list[str]) -> int:
    unknown = set(names) - ALL.keys()
    if unknown:
        print(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}", file=sys.stderr)
        return 2
    ratios = [ratio for name in names or ALL for ratio in ALL[name]()]
    print()
    for ratio in ratios:
        print(ratio)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

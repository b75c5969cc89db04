"""Pools of addresses that plans' mail leaves from: what has to agree between backends and plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from provisioner.core.documents import KeyPath, Problem
from provisioner.core.fleet import Host
from provisioner.core.plans import Plan

DEFAULT = "default"
"""The pool of plans that name none: each backend's first egress address."""


def problems(
    hosts: Sequence[Host],
    plans: Mapping[str, Plan],
    place: Callable[[str], tuple[str, KeyPath]],
    plans_file: str | None,
) -> Iterator[Problem]:
    """What is wrong with the pools.

    place: where a host stands, by its name. plans_file: None when the plans are those that are shipped.
    Where no backend names a pool there is one, and all mail leaves by it whatever plans say.
    """
    backends = [host for host in hosts if "backends" in host.groups]
    everywhere = {name for host in backends for name, _ in host.egress_pools}
    for host in backends:
        own = dict(host.egress_pools)
        if DEFAULT in own:
            hint = "It is the first of egress_addresses"
            yield Problem(*place(host.name), f"host {host.name!r} names the pool {DEFAULT!r} itself", hint)
        for name in sorted(everywhere - own.keys()):
            # Any backend may get a message: a part of the pool's mail would leave from elsewhere.
            yield Problem(*place(host.name), f"host {host.name!r} lacks the pool {name!r}, which others have")
        for name, address in host.egress_pools:
            if address not in host.egress_addresses:
                hint = "SPF and PTR records are made for those"
                message = f"host {host.name!r}: {address} of pool {name!r} is none of its egress_addresses"
                yield Problem(*place(host.name), message, hint)
    if everywhere and plans_file is not None:
        known = everywhere | {DEFAULT}
        for plan in plans.values():
            if plan.egress_pool not in known:
                hint = f"Pools: {', '.join(sorted(known))}"
                message = f"no backend has the pool {plan.egress_pool!r}"
                yield Problem(plans_file, (plan.name, "egress_pool"), message, hint)

"""The complete RFC 7208 test suite of openspf, asked of a real server; see data/README.md for its source."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisioner.adapters.dns_wire import Wire
from provisioner.adapters.resolver import OneServer
from provisioner.core.spf import SpfVerdict, evaluate
from tests.servers.daemon import HERE
from tests.servers.unbound import Unbound

SUITE = Path(__file__).parent / "data/rfc7208-tests.openspf"
SCENARIOS = {each["description"]: each for each in yaml.safe_load_all(SUITE.read_text())}
CASES = [(scenario, name) for scenario, each in SCENARIOS.items() for name in each["tests"]]
Serve = Callable[[str], int]


def records(items: list[Any]) -> Iterator[str]:
    """A name's records as a zone file has them. SPF stands for a TXT that is not there: the suite's rule."""
    pairs = [pair for item in items if item != "TIMEOUT" for pair in item.items() if pair[1] != "TIMEOUT"]
    own = any(kind == "TXT" for kind, _ in pairs)
    for kind, value in pairs:
        if kind == "SPF" and not own:
            yield f"TXT {rdata('TXT', value)}"
        elif kind != "SPF" and value != "NONE":
            yield f"{kind} {rdata(kind, value)}"


def is_silent(items: list[Any]) -> bool:
    return any(item == "TIMEOUT" or "TIMEOUT" in item.values() for item in items)


def world(zonedata: dict[str, list[Any]]) -> tuple[list[str], list[str]]:
    """A scenario as Unbound's zone and lines. A TIMEOUT is silence about all else of the name."""
    zone, lines = [], []
    for name, items in zonedata.items():
        if is_silent(items):
            lines.append(f'local-zone: "{dotted(name)}" deny')
            lines += [f"local-data: '{dotted(name)} 60 IN {record}'" for record in records(items)]
        else:
            if any(is_silent(above) and name.endswith(f".{at}") for at, above in zonedata.items()):
                lines.append(f'local-zone: "{dotted(name)}" transparent')
            zone += [f"{dotted(name)} {record}" for record in records(items)]
    return zone, lines


def rdata(kind: str, value: Any) -> str:
    if kind == "TXT":
        strings = value or [""] if isinstance(value, list) else [value]
        parts = [text[at : at + 200] for text in strings for at in range(0, max(1, len(text)), 200)]
        return " ".join(f'"{escaped(part)}"' for part in parts)
    if kind == "MX":
        return f"{value[0]} {dotted(value[1])}"
    return str(value) if kind in {"A", "AAAA"} else dotted(value)


def escaped(text: str) -> str:
    """As in a zone file; the apostrophe, too, which ends a line's value in Unbound's configuration."""
    return "".join(c if " " <= c <= "~" and c not in "\\\"'" else f"\\{ord(c):03}" for c in text)


def dotted(name: str) -> str:
    return name.rstrip(".").replace(" ", "\\032") + "."


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    running: list[Unbound] = []

    @cache
    def start(scenario: str) -> int:
        server = Unbound(tmp_path_factory.mktemp("unbound"), *world(SCENARIOS[scenario]["zonedata"]))
        running.append(server)
        return server.port

    yield start
    for server in running:
        server.stop()


@pytest.mark.parametrize(("scenario", "name"), CASES)
def test_case(serve: Serve, scenario: str, name: str) -> None:
    case = SCENARIOS[scenario]["tests"][name]
    sender, helo = case["mailfrom"], case["helo"]
    domain = sender.rpartition("@")[2] if sender else helo
    wire = Wire(port=serve(scenario), timeout=0.3)

    async def verdict() -> SpfVerdict:
        ask = OneServer(HERE, wire).ask
        return await evaluate(ask, domain, ip_address(case["host"]), sender or f"postmaster@{helo}", helo)

    found = asyncio.run(verdict())
    wanted = case["result"] if isinstance(case["result"], list) else [case["result"]]
    assert found.result.value in wanted, found
    if "explanation" in case:
        assert found.explanation == case["explanation"].replace("DEFAULT", ""), found

"""What checks say, in Italian: nothing is missing from the table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from provisioner.core.phrases import Phrases

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "templates/readiness/it.yml"
SPEAKING = (
    *sorted((ROOT / "provisioner/core/checks").glob("*.py")),
    *(
        ROOT / "provisioner" / name
        for name in (
            "core/answers.py",
            "core/dmarc.py",
            "core/spf/evaluation.py",
            "core/spf/macros.py",
            "core/spf/terms.py",
            "core/inbound_tls.py",
            "workflows/readiness.py",
            "adapters/dnssec.py",
            "adapters/tls_probe.py",
            "adapters/links.py",
        )
    ),
)
"""Where findings get their words from."""

NO_SENTENCES = re.compile(
    r"v=|version: |mode: \{0\}$|max_age: |mx: |provisioner |\{0\}: redirect=|POST |\W+$|, |the fleet$"
)
"""Records, commands, and what stands between sentences."""


def words() -> dict[str, str]:
    table: dict[str, str] = yaml.safe_load(TABLE.read_text())
    return table


def sentences(file: Path) -> Iterator[str]:
    """Every text with a blank in it that is no documentation; holes of f-strings as {0}, {1} …"""
    tree = ast.parse(file.read_text())
    aside = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    aside |= {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node and not isinstance(part, ast.JoinedStr)
    }
    for node in ast.walk(tree):
        if id(node) in aside:
            continue
        text = _text(node)
        if re.search(r"[a-z]+ [a-z(]|[a-z]+: ", text) and not NO_SENTENCES.match(text.strip()):
            yield text.strip()


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        holes = iter(range(10))
        return "".join(
            part.value
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
            else f"{{{next(holes)}}}"
            for part in node.values
        )
    return ""


@pytest.mark.parametrize("file", SPEAKING, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_sentence_has_its_italian(file: Path) -> None:
    known, phrases = words(), Phrases(words())
    filled = {text: re.sub(r"\{(\d)\}", r"x\1x", text) for text in sentences(file)}
    missing = [text for text in filled if text not in known and phrases.say(filled[text]) == filled[text]]
    assert not missing, f"put these into {TABLE.relative_to(ROOT)}: {missing}"


def test_holes_are_the_same_in_both_languages() -> None:
    for english, italian in words().items():
        assert set(re.findall(r"\{\d\}", english)) == set(re.findall(r"\{\d\}", italian)), english


@pytest.mark.parametrize(
    ("english", "italian"),
    [
        ("no such name", "il nome non esiste"),
        ("a.example → no such name", "a.example → il nome non esiste"),
        (
            "fail for 192.0.2.1, 192.0.2.2: -all in the record of a.example",
            "fail per 192.0.2.1, 192.0.2.2: -all nel record di a.example",
        ),
        ("pass for 192.0.2.1 with 2 of 10 lookups", "pass per 192.0.2.1, con 2 interrogazioni su 10"),
        ("MX a.example; MX b.example has no address", "MX a.example; MX b.example non ha indirizzo"),
        ('Publish: a.example TXT "v=spf1 -all"', 'Pubblicare: a.example TXT "v=spf1 -all"'),
        (
            'Correct the record. Publish instead: a.example TXT "v=spf1 {x} -all"',
            'Correggere il record. Pubblicare invece: a.example TXT "v=spf1 {x} -all"',
        ),
        ("v=spf1 include:_spf.example ~all", "v=spf1 include:_spf.example ~all"),
        ("v=DMARC1; p=reject", "v=DMARC1; p=reject"),
    ],
)
def test_sentences_are_said_whole(english: str, italian: str) -> None:
    assert Phrases(words()).say(english) == italian

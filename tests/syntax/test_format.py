"""Formatting: the one form of each construct, and that nothing is lost on the way to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tileops_spec.check.document import KEYS
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.text import SourceText
from tileops_spec.syntax.format import Unfaithful, format_spec, formatter
from tileops_spec.syntax.format.layout import ORDER

CASES = Path(__file__).parent.parent / "cases" / "format"
_CASE = re.compile(r"^## (?P<title>.+?)\n.*?```before\n(?P<before>.*?)```\n```after\n(?P<after>.*?)```", re.M | re.S)


def _cases():
    for path in sorted(CASES.glob("*.md")):
        for found in _CASE.finditer(path.read_text(encoding="utf-8")):
            before = found["before"].replace("⏎", "\r")
            yield pytest.param(before, found["after"], id=f"{path.stem}: {found['title']}")


def formatted(text: str) -> str:
    sink = Sink()
    result = format_spec(SourceText("x.yaml", text), sink)
    assert result is not None, sink.diagnostics
    return result


@pytest.mark.parametrize(("before", "after"), list(_cases()))
def test_cases(before: str, after: str) -> None:
    assert formatted(before) == after
    assert formatted(after) == after


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("op: [", ["TS002"]),
        ("", ["TS002"]),
        ("op: a\nop: b\n", ["TS004"]),
        ("- a\n", ["TS006"]),
        ("where: [a ==, b !]\ninputs: {x: T}\n", ["TS101", "TS101", "TS101"]),
        ("math: |\n  y[m] = \n  z[m] = x[m] +\n", ["TS101", "TS101"]),
        ('inputs: {x: "T[M\\x2c N]"}\n', ["TS006"]),
        ("math: >\n  y[m] = x[m]\n", ["TS006"]),
    ],
)
def test_what_does_not_parse_is_reported(text: str, codes: list[str]) -> None:
    sink = Sink()
    assert format_spec(SourceText("x.yaml", text), sink) is None
    assert [found.code for found in sink.diagnostics] == codes


@pytest.mark.parametrize(
    "wrong",
    ["op: probe\nwhere: [K > 2]  # why\n", "op: probe\nwhere: [K > 1]\n", "op: [\n", "where: [K > 1]  # why\n"],
    ids=["another tree", "a lost comment", "no YAML", "a lost key"],
)
def test_a_wrong_result_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formatter, "write_document", lambda source, body: wrong)
    with pytest.raises(Unfaithful):
        format_spec(SourceText("x.yaml", "op: probe\nwhere: [K > 1]  # why\n"), Sink())


def test_the_order_of_keys_is_that_of_the_checker() -> None:
    assert ORDER == KEYS


@pytest.mark.parametrize(
    "text",
    [
        f"math: |\n  y = {'(' * 3000}a + b{')' * 3000}\n",
        f"math: |\n  y = {'f(a + b, ' * 90}{'x' * 200}{')' * 90}\n",
        f"math: |\n  y = f({', '.join(['g(a + b)'] * 190)})\n",
        f"workloads: [{', '.join(['{name: a, M: 1}'] * 256)}]\n",
        "# c\n" * 3000 + "op: a\n",
        "a: " + "[" * 18 + "]" * 18 + "\n",
    ],
    ids=["parentheses", "nested calls", "arguments", "workloads", "comments", "brackets"],
)
def test_large_and_deep_specs(text: str) -> None:
    result = formatted(text)
    assert formatted(result) == result

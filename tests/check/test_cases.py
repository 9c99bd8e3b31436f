"""Runs the Markdown cases of tests/cases/check: a spec in a `yaml` block, then the findings it must give.

A line of a `findings` block reads `CODE line:column text`, where `text` stands in the message or the help. A block that
holds `none` says that the spec is clean.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.codes import CODES
from tileops_spec.diagnostics.diagnostic import Sink

CASES = Path(__file__).parent.parent / "cases" / "check"
_CASE = re.compile(r"^## (?P<title>.+?)\n.*?```yaml\n(?P<spec>.*?)```.*?```findings\n(?P<findings>.*?)```", re.M | re.S)
BASE = {
    "op": "op: probe",
    "summary": "summary: A probe.",
    "inputs": "inputs: {A: 'f32[M, K]', x: 'f32[M]'}",
    "outputs": "outputs: {y: 'f32[M]'}",
    "math": "math: |\n  y[m] = x[m] + sum[k](A[m, k])",
}
LOADED = ("files", "language")
"""The files of cases about loading; the others are about `lint`, which runs its passes over what has loaded."""


def _cases():
    for path in sorted(CASES.glob("*.md")):
        for found in _CASE.finditer(path.read_text(encoding="utf-8")):
            check = load_spec if path.stem in LOADED else lint_spec
            yield pytest.param(check, found["spec"], found["findings"], id=f"{path.stem}: {found['title']}")


def _completed(text: str) -> str:
    """The case's spec; a case that starts with `...` is completed below by the keys that it leaves out."""
    if not text.startswith("...\n"):
        return text
    given = set(re.findall(r"^(\w+):", text, re.M))
    return "#\n" + text[4:] + "\n".join(line for key, line in BASE.items() if key not in given) + "\n"


@pytest.mark.parametrize(("check", "spec", "findings"), list(_cases()))
def test_findings(check: Callable, spec: str, findings: str, write_spec) -> None:
    sink = Sink()
    loaded = check(write_spec(_completed(spec)), sink)
    found = []
    for diagnostic in sink.sorted():
        at = sink.sources[diagnostic.span.path].position(diagnostic.span.start)
        found.append((diagnostic.code, f"{at.line}:{at.column}", f"{diagnostic.message}; {diagnostic.help}"))
    expected = [line.split(" ", 2) for line in findings.strip().splitlines() if line != "none"]
    assert [(code, place) for code, place, _ in found] == [(code, place) for code, place, _ in expected], found
    for (_, _, said), (_, _, text) in zip(found, expected, strict=True):
        assert text in said
    assert (loaded is None) == sink.failed


def test_every_language_code_has_a_case() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in CASES.glob("*.md"))
    elsewhere = {
        "TS001",
        "TS116",
        "TS118",
        "TS119",
        "TS120",
    }  # need more than the checker: see tests/deliver, tests/hardware
    missing = [code for code in CODES if code < "TS2" and code not in text and code not in elsewhere]
    assert not missing

"""Every code has its page; the lists on the pages are the registries', and the messages are what tospec says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.codes import CODES
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.render import render_findings
from tileops_spec.hardware import TARGETS
from tileops_spec.hardware.features import FEATURES
from tileops_spec.ir.dtypes import DTYPES
from tileops_spec.ir.functions import AXISWISE, ELEMENTWISE, REDUCTIONS

SECTIONS = [["Example", f"Why it is {severity}", "What to do"] for severity in ("an error", "a warning")]
BY_LINT = [code for code in CODES if "TS002" <= code < "TS2" and code != "TS007"]
"""What `tospec lint` finds in one file; the rest takes torch, time, a tree or a machine, and TS007 a hundred others."""
WHOLE = ("TS005", "TS132")
"""Codes about keys that are not there: their examples are whole files."""
_EXAMPLE = re.compile(r"```yaml\n(?P<spec>.*?)```\n```text\n(?P<said>.*?)\n```", re.S)
BASE = {
    "op": "op: probe",
    "summary": "summary: A probe.",
    "inputs": "inputs: {A: 'f32[M, K]', x: 'f32[M]'}",
    "outputs": "outputs: {y: 'f32[M]'}",
    "math": "math: |\n  y[m] = x[m] + sum[k](A[m, k])",
}
"""The keys that an example leaves out stand below it."""


def _page(root: Path, code: str) -> str:
    return (root / "docs" / "rules" / f"{code}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CODES)
def test_page(root: Path, code: str) -> None:
    page = _page(root, code)
    title, meaning, *_ = page.split("\n\n")
    assert title == f"# {code} {CODES[code].name}"
    assert meaning.endswith(".")
    assert re.findall(r"^## (.*)$", page, re.M) in SECTIONS
    assert all(text.strip() for text in re.split(r"^## .*$", page, flags=re.M))
    assert 12 <= page.count("\n") <= 36


def test_no_page_without_a_code(root: Path) -> None:
    assert {path.stem for path in (root / "docs" / "rules").glob("*.md")} == set(CODES)


@pytest.mark.parametrize("code", BY_LINT)
def test_examples_say_what_lint_says(root: Path, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _EXAMPLE.search(_page(root, code))
    given = set(re.findall(r"^(\w+):", found["spec"], re.M)) if code not in WHOLE else set(BASE)
    spec = found["spec"] + "".join(f"{line}\n" for key, line in BASE.items() if key not in given)
    monkeypatch.chdir(tmp_path)
    Path("probe.yaml").write_text(spec, encoding="utf-8")
    sink = Sink()
    lint_spec(Path("probe.yaml"), sink)
    assert render_findings(sink, "full") == found["said"]
    assert {finding.code for finding in sink.diagnostics} == {code}
    assert f"## Why it is {'an error' if sink.failed else 'a warning'}" in _page(root, code)


@pytest.mark.parametrize("code", [code for code in CODES if code not in BY_LINT and code != "TS902"])
def test_other_examples_show_the_finding(root: Path, code: str) -> None:
    assert re.search(rf"\n```text\n(error|warning)\[{code}\]: ", _page(root, code))


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("TS104", {*DTYPES}),
        ("TS106", {*ELEMENTWISE, *REDUCTIONS, *AXISWISE}),
        ("TS118", {*TARGETS, *FEATURES}),
    ],
)
def test_lists_are_complete(root: Path, code: str, words: set[str]) -> None:
    advice = _page(root, code).split("## What to do")[1]
    listed = re.findall(r"[\w-]+", " ".join(part for part in re.findall(r"(?:are|:) ([^.]*)\.", advice)))
    code_words = set(re.findall(r"`[^`]*`", advice))
    assert words <= set(listed), words - set(listed)
    extra = {word for word in listed if word not in words and not any(word in each for each in code_words)}
    assert extra <= {"and"}, extra

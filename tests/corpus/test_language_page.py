"""docs/language.md: every complete spec on the page is clean and agrees with its reference; its tables are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tileops_spec.check import load_spec
from tileops_spec.check.document import KEYS
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.render import render_findings
from tileops_spec.ir.dtypes import DTYPES
from tileops_spec.ir.functions import AXISWISE, CONSTANTS, ELEMENTWISE, PROPERTIES, REDUCTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
SPECS = re.findall(r"```yaml\n(op: (\w+)\n.*?)```", PAGE, re.S)
ROWS = re.findall(r"^\| `(.+?)` \| (\w+), (\w+) \| (\w+) \|$", PAGE, re.M)


@pytest.mark.parametrize(("text", "name"), SPECS, ids=[name for _, name in SPECS])
def test_a_spec_of_the_page(text: str, name: str, write_spec) -> None:
    from tileops_spec.analysis.cases import draw_cases
    from tileops_spec.analysis.reference import check_references

    sink = Sink()
    spec = lint_spec(write_spec(text, name), sink)
    assert not sink.diagnostics, render_findings(sink, "full")
    assert spec is not None
    assert spec.references
    check_references(spec, sink, cases=draw_cases(spec, count=10, seed=0, work=2e5))
    assert not sink.diagnostics, render_findings(sink, "full")


@pytest.mark.parametrize(("expression", "left", "right", "dtype"), ROWS)
def test_a_row_of_promotion(expression: str, left: str, right: str, dtype: str, write_spec) -> None:
    text = (
        "op: probe\nsummary: A probe.\n"
        f'inputs: {{a: "{left}[]", b: "{right}[]"}}\noutputs: {{y: "{dtype}[]"}}\n'
        f"math: |\n  z = {expression}\n  y = z\n"
    )
    sink = Sink()
    spec = load_spec(write_spec(text), sink)
    assert spec is not None, render_findings(sink, "full")
    assert spec.math[0].dtype == dtype


def test_the_page_names_everything() -> None:
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", PAGE))))
    language = {
        *KEYS,
        *DTYPES,
        *ELEMENTWISE,
        *REDUCTIONS,
        *AXISWISE,
        *PROPERTIES,
        *CONSTANTS,
        "pad",
        "segment",
        "present",
    }
    assert language <= words
    assert len(SPECS) >= 7
    assert len(ROWS) >= 20

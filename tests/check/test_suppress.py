"""Suppression comments: where they are seen, what they govern, what is left of them."""

from __future__ import annotations

import pytest

from tileops_spec.check.suppress import read_suppressions, report_unused, suppress
from tileops_spec.deliver.lint import lint_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.diagnostics.fix import apply_edits
from tileops_spec.diagnostics.text import SourceText

SPEC = """\
op: probe
summary: A probe.
params: {a: f32 = 1}
inputs: {x: "f32[M]"}
outputs: {y: "f32[M]"}
math: |
  y[m] = x[m]
"""


def _read(text: str) -> tuple[list, Sink]:
    sink = Sink()
    return read_suppressions(sink.add_source(SourceText("x", text)), sink), sink


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1  # tospec: ignore[TS121] why", 1),
        ("# tospec: ignore[TS121] why\na: 1", 2),
        ("  # tospec: ignore[TS121] why\n\n  # a remark\r\n  a: 1", 4),
        ("# tospec: ignore[TS121] why\n# tospec: ignore[TS122] why\na: 1", 3),
        ("#tospec:ignore[ TS121 ]: why", 0),  # nothing stands below it
        ("a: 'b'  # tospec: ignore[TS121] it's why", 1),
        ("a: it's b  # tospec: ignore[TS121] it's why", 1),
        ("a: 'it''s' # tospec: ignore[TS121] why", 1),
        ("math: |\n  y = x # first # tospec: ignore[TS121] why", 2),
    ],
)
def test_which_line_a_comment_governs(text: str, line: int) -> None:
    suppressions, sink = _read(text)
    assert suppressions[0].line == line
    assert list(suppressions[0].codes) == ["TS121"]
    assert not sink.diagnostics


@pytest.mark.parametrize(
    "text",
    [
        "a: '# tospec: ignore[TS121] why'",
        'a: "b # tospec: ignore[TS121] why"',
        "a: [1, 'it''s # tospec: ignore[TS121] why']",
        "# tospec derives the rest",
        "a: tospec: b",
    ],
)
def test_what_is_no_comment_to_tospec(text: str) -> None:
    suppressions, sink = _read(text)
    assert not suppressions
    assert not sink.diagnostics


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("ignore[TS121]", "no reason"),
        ("ignore[TS121] --", "no reason"),
        ("ignore", "is no suppression"),
        ("ignore TS121 why", "is no suppression"),
        ("ignored[TS121] why", "is no suppression"),
        ("ignore[TS12] why", "there is no code `TS12`"),
        ("ignore[unused-name] why", "there is no code `unused-name`"),
        ("ignore[TS127] why", "TS127 cannot be suppressed"),
        ("ignore[ ] why", "names no code"),
    ],
)
def test_bad_suppressions_suppress_nothing(comment: str, said: str, write_spec) -> None:
    sink = Sink()
    lint_spec(write_spec(SPEC.replace("f32 = 1}", f"f32 = 1}}  # tospec: {comment}")), sink)
    assert [found.code for found in sink.sorted()] == ["TS121", "TS127"]
    assert said in sink.errors[0].message


def test_the_good_codes_of_a_bad_list_hold(write_spec) -> None:
    sink = Sink()
    lint_spec(write_spec(SPEC.replace("f32 = 1}", "f32 = 1}  # tospec: ignore[TS121, TS1] why")), sink)
    assert [found.code for found in sink.diagnostics] == ["TS127"]


def test_a_suppressed_error_does_not_refuse_the_spec(write_spec) -> None:
    sink = Sink()
    text = SPEC.replace("x[m]\n", "x[m] * a\n").replace("f32 = 1}", "u8 = 300}  # tospec: ignore[TS136] why")
    assert lint_spec(write_spec(text), sink) is not None
    assert not sink.diagnostics


def test_what_keeps_a_spec_from_loading_cannot_be_suppressed(write_spec) -> None:
    """And whether the comments of such a spec are used is not known."""
    sink = Sink()
    text = SPEC.replace("x[m]\n", "z[m]  # tospec: ignore[TS102] why\n")
    assert lint_spec(write_spec(text), sink) is None
    assert [found.code for found in sink.diagnostics] == ["TS102"]


def test_only_findings_that_begin_on_the_line(write_spec) -> None:
    text = SPEC.replace("y[m] = x[m]", "b[m] =\n    x[m]  # tospec: ignore[TS121] on a line of its own\n  y[m] = x[m]")
    sink = Sink()
    lint_spec(write_spec(text), sink)
    assert [found.code for found in sink.sorted()] == ["TS121", "TS121", "TS128"]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a: 1  # tospec: ignore[TS121] why\nb: 2\n", "a: 1\nb: 2\n"),
        ("a: 1\r\n  # tospec: ignore[TS121] why\r\nb: 2", "a: 1\r\nb: 2"),
        ("a: 1\n# tospec: ignore[TS121] why", "a: 1\n"),
        ("a: 1  # tospec: ignore[TS121, TS116] why", "a: 1  # tospec: ignore[TS116] why"),
        ("a: 1  # tospec: ignore[TS116 , TS121] why", "a: 1  # tospec: ignore[TS116] why"),
        ("a: 1  # tospec: ignore[TS122,TS116,TS121] why", "a: 1  # tospec: ignore[TS116] why"),
    ],
)
def test_unused_suppressions_can_be_removed(text: str, left: str) -> None:
    suppressions, sink = _read(text)
    source = sink.sources["x"]
    sink.warning("TS116", "a finding at the beginning", source.span(0, 1))
    assert len(suppress(sink, suppressions)) == ("TS116" in text)
    report_unused(source, suppressions, sink)
    fixes = [found.fix for found in sink.diagnostics if found.code == "TS128"]
    assert all(fix.safe for fix in fixes)
    assert apply_edits(text, [edit for fix in fixes for edit in fix.edits]) == left

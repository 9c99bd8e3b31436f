"""Where statements begin and end."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.diagnostics.text import SourceText
from tileops_spec.syntax.lines import split_statements

BOUNDED = settings(max_examples=200, deadline=None, derandomize=True)
BREAKS = st.sampled_from(["\n", "\r\n", "\r"])


def _split(text: str, before: str = "", after: str = "") -> list[str]:
    source = SourceText("x.yaml", before + text + after)
    spans = split_statements(source, source.span(len(before), len(before) + len(text)))
    return [source.text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("block", "statements"),
    [
        ("", []),
        ("  # nothing\n\n", []),
        ("  y = 1\n  z = 2\n", ["y = 1", "z = 2"]),
        ("  y = 1\n    + 2\n  z = 3", ["y = 1\n    + 2", "z = 3"]),
        ("  y = (1 +\n  2)\n  z = 3", ["y = (1 +\n  2)", "z = 3"]),
        ("  y[m,\n  n] = 1\n  z = 3", ["y[m,\n  n] = 1", "z = 3"]),
        ("  y = (1\n  z = 3", ["y = (1", "z = 3"]),  # a bracket left open does not swallow what follows
        ("  y = (a\n  == 3)", ["y = (a\n  == 3)"]),  # a comparison is no assignment
        ("  y = 1)\n    + 2\n  z = 3", ["y = 1)\n    + 2", "z = 3"]),
        ("    y = 1\n  z = 2\n      + 3", ["y = 1", "z = 2\n      + 3"]),
        ("  y = 1 # (\n  z = 2 # ]", ["y = 1", "z = 2"]),
        ("\ty = 1\n\t\t+ 2\n\tz = 3", ["y = 1\n\t\t+ 2", "z = 3"]),
        ("  s += 1\n  s[m] += (2", ["s += 1", "s[m] += (2"]),
    ],
)
def test_blocks(block: str, statements: list[str]) -> None:
    assert _split(block) == statements
    assert _split(block, "math: |\n", "hardware: {}\n") == statements


LINE = st.from_regex(r"[a-z](\[[a-z]\])? \+?= [a-z0-9+*()\[\]= ]{0,12}[a-z]", fullmatch=True)


@st.composite
def _blocks(draw) -> list[tuple[str, list[str]]]:
    """Statements as (first line, lines that go on); brackets may be unbalanced."""
    more = st.lists(st.from_regex(r"[+*] [a-z(\[)\]]{1,6}", fullmatch=True), max_size=2)
    return draw(st.lists(st.tuples(LINE, more), max_size=5))


def _text(block, indent: int, line_break: str, comments: bool) -> str:
    lines = []
    for first, more in block:
        lines += ["" if comments else "# why", " " * indent + first + "  # ([" * comments]
        lines += [" " * (indent + 2) + line for line in more]
    return line_break.join(lines)


@BOUNDED
@given(block=_blocks(), indent=st.integers(0, 6), line_break=BREAKS, comments=st.booleans())
def test_indentation_tells_statements_apart(block, indent: int, line_break: str, comments: bool) -> None:
    found = _split(_text(block, indent, line_break, comments))
    without_comments = [re.sub(r"#[^\r\n]*", "", statement) for statement in found]
    assert [statement.split() for statement in without_comments] == [
        " ".join((first, *more)).split() for first, more in block
    ]


@BOUNDED
@given(text=st.text(alphabet="ab=+([])# \t\n\r", max_size=60), start=st.integers(0, 60), end=st.integers(0, 60))
def test_spans_are_ordered_inside_and_trimmed(text: str, start: int, end: int) -> None:
    source = SourceText("x.yaml", text)
    span = source.span(min(start, len(text)), max(min(start, len(text)), min(end, len(text))))
    position = span.start
    for found in split_statements(source, span):
        assert position <= found.start < found.end <= span.end
        assert not text[position : found.start].strip() or "#" in text[position : found.start]
        assert text[found.start : found.end] == text[found.start : found.end].strip()
        position = found.end
    assert not re.sub(r"#[^\r\n]*", "", text[position : span.end]).strip()

"""Positions: every offset of a text has one, and one only."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tileops_spec.diagnostics.text import Position, SourceText, Span

TEXTS = st.text(alphabet="ab\t 漢𝒜é\u0301\x0b\x0c\x85\u2028\n\r", max_size=40)
BOUNDED = settings(max_examples=300, deadline=None, derandomize=True)


@BOUNDED
@given(text=TEXTS)
def test_every_offset_round_trips_to_the_text_of_its_line(text: str) -> None:
    source = SourceText("x", text)
    for offset, char in enumerate(text):
        at = source.position(offset)
        assert source.line_starts[at.line - 1] + at.column - 1 == offset
        line = source.line(at.line)
        assert char in "\r\n" or line[at.column - 1] == char
        assert char not in "\r\n" or at.column > len(line)


@BOUNDED
@given(text=TEXTS)
def test_lines_are_the_text_without_its_breaks(text: str) -> None:
    source = SourceText("x", text)
    lines = [source.line(number) for number in range(1, len(source.line_starts) + 1)]
    assert lines == re.split("\r\n|\r|\n", text)
    assert not re.search("[\r\n]", "".join(lines))


@BOUNDED
@given(text=TEXTS, first=st.integers(0, 40), second=st.integers(0, 40))
def test_positions_are_ordered_as_offsets_are(text: str, first: int, second: int) -> None:
    source = SourceText("x", text)
    one, other = (source.position(offset) for offset in sorted((first, second)))
    assert (one.line, one.column) <= (other.line, other.column)


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [
        ("", 0, 1, 1),
        ("", 9, 1, 1),
        ("ab", -3, 1, 1),
        ("ab", 2, 1, 3),
        ("ab\n", 3, 2, 1),
        ("ab\n", 99, 2, 1),
        ("a\r\nb", 1, 1, 2),
        ("a\r\nb", 2, 1, 3),  # between the two characters of one break
        ("a\r\nb", 3, 2, 1),
        ("a\rb", 2, 2, 1),
        ("a\n\rb", 2, 2, 1),
        ("a\n\rb", 3, 3, 1),
        ("a\u2028b", 2, 1, 3),  # Unicode's other separators break no lines: editors and YAML 1.2 agree
        ("𝒜b", 1, 1, 2),  # columns count characters
    ],
)
def test_edges(text: str, offset: int, line: int, column: int) -> None:
    assert SourceText("x", text).position(offset) == Position(line, column)


@pytest.mark.parametrize("number", [-1, 0, 3, 99])
def test_lines_that_are_not_there(number: int) -> None:
    assert SourceText("x", "a\nb").line(number) == ""


def test_spans_join() -> None:
    assert Span("x", 3, 5).to(Span("x", 1, 4)) == Span("x", 1, 5)

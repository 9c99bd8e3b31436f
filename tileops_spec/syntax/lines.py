"""Where one statement of a `math` block ends and the next begins."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..diagnostics.text import SourceText, Span

_OPEN, _CLOSE = "([", ")]"
_CODE = re.compile(r"[^#\r\n]*")
_BREAK = re.compile(r"\r\n|\r|\n")
_ASSIGNMENT = re.compile(r"\w+\s*(\[[^\]]*\])?\s*\+?=(?!=)")


def split_statements(source: SourceText, span: Span) -> Iterator[Span]:
    """One span a statement.

    A line that is indented more than the statement's first line goes on with it, and so does one inside open brackets;
    every other line begins a new statement. Splitting before parsing lets one bad statement leave the others readable:
    a line that looks like an assignment begins a statement even where a bracket above was left open.
    """
    start = end = indent = depth = 0
    for line_start, code in _code_lines(source.text, span):
        column = source.position(line_start).column
        if end and column <= indent and (depth <= 0 or _ASSIGNMENT.match(code)):
            yield source.span(start, end)
            end = 0
        if not end:
            start, indent, depth = line_start, column, 0
        end = line_start + len(code)
        depth += sum(code.count(char) for char in _OPEN) - sum(code.count(char) for char in _CLOSE)
    if end:
        yield source.span(start, end)


def _code_lines(text: str, span: Span) -> Iterator[tuple[int, str]]:
    """(offset, code) of each line that holds code, without leading space, comment and trailing space."""
    position = span.start
    while position < span.end:
        code = _CODE.match(text, position, span.end).group()  # type: ignore[union-attr]
        stripped = code.strip()
        if stripped:
            yield position + len(code) - len(code.lstrip()), stripped
        line_break = _BREAK.search(text, position, span.end)
        position = line_break.end() if line_break else span.end

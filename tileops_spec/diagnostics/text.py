"""Text with positions: what a diagnostic points into."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of character offsets `[start, end)` in the file at `path`."""

    path: str
    start: int
    end: int

    def to(self, other: Span) -> Span:
        """The smallest span that covers both."""
        return Span(self.path, min(self.start, other.start), max(self.end, other.end))


@dataclass(frozen=True, slots=True)
class Position:
    """A place for people: `line` and `column` both count from 1."""

    line: int
    column: int


@dataclass(frozen=True)
class SourceText:
    """The text of one file, with its line starts."""

    path: str
    text: str
    line_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        lengths = (len(line) for line in self.text.splitlines(keepends=True))
        object.__setattr__(self, "line_starts", tuple(accumulate(lengths, initial=0)))

    def position(self, offset: int) -> Position:
        """The line and column of a character offset; offsets past the end give the end."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.line_starts, offset)
        if line > 1 and self.line_starts[line - 1] == len(self.text) == offset:
            line -= 1  # the end of the file belongs to its last line
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of line `number` (from 1), without its line break; "" past the end."""
        if not 1 <= number < len(self.line_starts):
            return ""
        return self.text[self.line_starts[number - 1] : self.line_starts[number]].rstrip("\r\n")

    def span(self, start: int, end: int) -> Span:
        return Span(self.path, start, end)

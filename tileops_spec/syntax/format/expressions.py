"""Strings of the language: tokens, the space between them, and where long lines break."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ..parse import ENTRIES
from ..tables import load_tables
from .layout import STEP, WIDTH

_OPEN, _CLOSE = ("(", "["), (")", "]")
_WORDS = ("or", "and", "not")
_PREFIXES = ("-", "+", "~", "*")
_LOOSENESS = {
    operator: rank
    for rank, operators in enumerate(
        ("or", "and", "== != < <= > >=", "|", "&", "<< >>", "+ -", "* / // %"),
        start=1,
    )
    for operator in operators.split()
}
"""Binary operators at which a line may break, the loosest first; a comma is looser than all."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A token. `gap` is the space before it, within a line; `looseness` says that a line may begin with it."""

    text: str
    gap: str
    looseness: int | None


@dataclass(frozen=True, slots=True)
class Line:
    """A line as its author broke it; one without pieces is a comment that stands alone."""

    pieces: tuple[Piece, ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of one line as written, and the comment after them."""

    texts: tuple[str, ...]
    comment: str = ""


def read_tokens(text: str, start: int, end: int) -> Tokens:
    """The tokens on a line, which must consist of tokens."""
    tables = load_tables(ENTRIES)
    code, mark, comment = text[start:end].partition("#")
    code = code.strip()
    texts, position = [], 0
    while position < len(code):
        found = tables.token.match(code, position)
        assert found is not None, f"no token: {code[position:]}"
        if found.lastgroup not in tables.ignored:
            texts.append(found.group())
        position = found.end()
    return Tokens(tuple(texts), (mark + comment).rstrip(" \t"))


def spaced(rows: Iterable[Tokens]) -> list[Line]:
    """The lines of one string or statement, with the space that belongs between their tokens."""
    lines = []
    before: str | None = None
    glued = False
    for row in rows:
        pieces = []
        for text in _without_last_comma(row.texts):
            prefix = text in _PREFIXES and not _ends_operand(before)
            pieces.append(Piece(text, "" if glued else _gap(before, text), _looseness(before, text, prefix)))
            before, glued = text, prefix
        lines.append(Line(tuple(pieces), row.comment))
    return lines


def _without_last_comma(texts: Sequence[str]) -> Iterator[str]:
    """A comma says nothing before a bracket that closes on the same line."""
    for text, after in zip(texts, (*texts[1:], ""), strict=False):
        if not (text == "," and after in _CLOSE):
            yield text


def _ends_operand(token: str | None) -> bool:
    return token is not None and token not in _WORDS and (token[-1].isalnum() or token[-1] in "_.)]")


def _gap(before: str | None, text: str) -> str:
    if before is None or before in _OPEN or text == "," or text in _CLOSE:
        return ""
    return "" if text in _OPEN and _ends_operand(before) else " "


def _looseness(before: str | None, text: str, prefix: bool) -> int | None:
    if before == ",":
        return None if text in _CLOSE else 0
    return None if prefix else _LOOSENESS.get(text)


def text_of(pieces: Sequence[Piece]) -> str:
    """The pieces on one line."""
    return "".join(piece.gap + piece.text for piece in pieces)[len(pieces[0].gap) :]


def joined(lines: Sequence[Line]) -> str | None:
    """All on one line; None where a comment stands among them."""
    if any(line.comment for line in lines):
        return None
    rows = [Tokens(tuple(piece.text for line in lines for piece in line.pieces))]
    return text_of(spaced(rows)[0].pieces)


@dataclass
class Layout:
    """Lays lines out, the first at column `first`.

    A line inside brackets begins a step beyond the line that opens them, or with it where it begins by closing them;
    one outside of brackets begins a step beyond `indent`. None but the first begins before `least`. Breaks stay where
    the author made them; a line that is too long is broken further, unless `pinned`.
    """

    first: int
    indent: int
    least: int
    pinned: bool = False

    def __post_init__(self) -> None:
        self.open: list[tuple[str, int]] = []  # brackets, with the column of the line that opens them
        self.begun = False

    def lines(self, lines: Iterable[Line]) -> Iterator[str]:
        """The lines with their indentation and comments."""
        for line in lines:
            if not line.pieces:
                yield " " * self.column(()) + line.comment
                continue
            for pieces in [line.pieces] if self.pinned or line.comment else self.broken(line.pieces):
                column = self.column(pieces)
                comment = f"  {line.comment}" if line.comment else ""
                yield " " * column + text_of(pieces) + comment
                self.pass_over(pieces, column if self.begun else self.indent)

    def column(self, pieces: Sequence[Piece]) -> int:
        """Where the line of these pieces begins."""
        if not self.begun:
            return self.first
        closing = next((at for at, piece in enumerate(pieces) if piece.text not in _CLOSE), len(pieces))
        if closing and len(self.open) >= closing:
            return max(self.least, self.open[-closing][1])
        return max(self.least, STEP + (self.open[-1][1] if self.open else self.indent))

    def pass_over(self, pieces: Sequence[Piece], column: int) -> None:
        """Remember the brackets that a line opens and closes."""
        self.begun = True
        for piece in pieces:
            if piece.text in _OPEN:
                self.open.append((piece.text, column))
            elif piece.text in _CLOSE and self.open:
                self.open.pop()

    def broken(self, pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
        """The pieces as lines: one where they fit or cannot be parted, else parts of as many as fit.

        Parts are what the outermost, loosest operators make; one that is too long is broken itself. Each line must have
        been passed over before the next is asked for.
        """
        places = list(self.places(pieces)) if len(text_of(pieces)) > self.room(pieces) else []
        if not places:
            yield pieces
            return
        outermost = min(key for key, _ in places)
        cuts = deque([*(at for key, at in places if key == outermost), len(pieces)])
        start = 0
        while cuts:
            room = self.room(pieces[start : cuts[0]])
            end = cuts.popleft()
            width = len(text_of(pieces[start:end]))
            while cuts and (width := width + _width(pieces[end : cuts[0]])) <= room:
                end = cuts.popleft()
            yield from self.broken(pieces[start:end])
            start = end

    def room(self, pieces: Sequence[Piece]) -> int:
        return WIDTH - self.column(pieces)

    def places(self, pieces: Sequence[Piece]) -> Iterator[tuple[tuple[int, int], int]]:
        """Where a line may break, each with how far out that is: less is further. Indices are kept together."""
        brackets = [bracket for bracket, _ in self.open]
        squares = brackets.count("[")
        for at, piece in enumerate(pieces):
            if piece.text in _CLOSE and brackets:
                squares -= brackets.pop() == "["
            if at and piece.looseness is not None and not squares:
                yield (len(brackets), piece.looseness), at
            if piece.text in _OPEN:
                squares += piece.text == "["
                brackets.append(piece.text)


def _width(pieces: Sequence[Piece]) -> int:
    return sum(len(piece.gap) + len(piece.text) for piece in pieces)

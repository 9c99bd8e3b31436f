"""A spec file as entries, each with the comments that belong to it.

YAML's events leave comments out. They stand in the text between the scalars, where nothing else holds a `#`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...diagnostics.text import SourceText
from ...source.yaml_tree import Mapping, Node, Scalar, Sequence
from .layout import Role, is_suppression, role_of

BLANK = ""
"""A blank line, among lines of comments."""

_COMMENT = re.compile(r"#[^\r\n]*")
_HEADER = re.compile(r"(?:^|[\s:-])[|>][-+\d]*\s*(?:#.*)?\Z")
_BEGINS_LINE = re.compile(r"""[ \t?"'\[{,-]*""")


@dataclass
class Entry:
    """A key with its value, or a place in a list (`key` is None then, `name` "").

    `above` are the comments and blank lines above it, `beside` the comments at the ends of its lines.
    """

    key: Scalar | None
    name: str
    node: Node
    role: Role
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    body: Body | None = None

    @property
    def pinned(self) -> bool:
        """Whether a suppression speaks of the entry's line."""
        return any(map(is_suppression, (*self.above, *self.beside)))


@dataclass
class Body:
    """A mapping or a list; `below` are the comments and blank lines after its last entry.

    `column` is where its entries begin, where it is in block style; `flow` says that it stands in brackets.
    """

    mapping: bool
    flow: bool
    column: int
    entries: list[Entry] = field(default_factory=list)
    below: list[str] = field(default_factory=list)

    @property
    def commented(self) -> bool:
        """Whether a comment stands inside."""
        return any(self.below) or any(
            any(each.above) or each.beside or (each.body is not None and each.body.commented) for each in self.entries
        )


@dataclass(frozen=True, slots=True)
class _Comment:
    """`before` is what stands before it on its line; `lines` are its text, under a blank line where one is above."""

    text: str
    column: int
    alone: bool
    before: str
    lines: tuple[str, ...]


def read_body(source: SourceText, root: Mapping) -> Body:
    """The entries of the whole file."""
    return _Reader(source).document(root)


def is_quoted(text: str, scalar: Scalar) -> bool:
    """Whether a scalar stands in quotes."""
    before, after = text[max(0, scalar.span.start - 1) : scalar.span.start], text[scalar.span.end : scalar.span.end + 1]
    return isinstance(scalar.value, str) and before in ("'", '"') and before == after


def is_block(source: SourceText, scalar: Scalar) -> bool:
    """Whether a value is a block scalar, `|` or `>`: no other text is empty, or begins where its line does."""
    if not isinstance(scalar.value, str) or is_quoted(source.text, scalar):
        return False
    start = source.position(scalar.span.start)
    return scalar.value == "" or (start.column == 1 and _HEADER.search(source.line(start.line - 1)) is not None)


class _Reader:
    """Walks the tree in the order of the text.

    `cursor` is where the last node ended, `last` its entry. `closed` are the block collections that ended there,
    innermost first, and `pending` comments between a key and the first entry of its value.
    """

    def __init__(self, source: SourceText) -> None:
        self.source, self.text = source, source.text
        self.cursor = 0
        self.last: Entry | None = None
        self.closed: list[Body] = []
        self.pending: list[str] = []

    def document(self, root: Mapping) -> Body:
        body = self.body(root, (), None, inner=False)
        self.distribute(len(self.text), -1, body.below)
        return body

    def body(self, node: Mapping | Sequence, path: tuple[str, ...], owner: Entry | None, *, inner: bool) -> Body:
        """The entries of a collection; `inner` is true inside brackets."""
        start, end = node.span.start, node.span.end
        bracketed = self.text[start : start + 1] in ("{", "[")
        body = Body(isinstance(node, Mapping), inner or bracketed, self.column(start))
        if bracketed:
            self.cursor, self.last = start + 1, owner
        for key, name, child in _children(node):
            body.entries.append(self.entry(key, child, (*path, name), body))
        if bracketed:
            self.distribute(end - 1, -1, body.below)
            self.cursor, self.last = end, owner
        elif not inner:
            self.closed.append(body)
        return body

    def entry(self, key: Scalar | None, node: Node, path: tuple[str, ...], parent: Body) -> Entry:
        entry = Entry(key, path[-1], node, role_of(path))
        start = key.span.start if key else node.span.start
        entry.above, self.pending = self.pending, []
        self.distribute(start, parent.column, entry.above)
        if self.is_below_blank(start) and _BEGINS_LINE.fullmatch(self.text, self.line_start(start), start):
            entry.above.append(BLANK)
        if key:
            self.leave(key, entry)
            self.between(entry)
        if isinstance(node, Scalar):
            self.leave(node, entry)
        else:
            entry.body = self.body(node, path, entry, inner=parent.flow)
        return entry

    def leave(self, scalar: Scalar, entry: Entry) -> None:
        self.cursor = max(self.cursor, scalar.span.end + is_quoted(self.text, scalar))
        self.last = entry

    def between(self, entry: Entry) -> None:
        """The comments between a key and its value."""
        start = entry.node.span.start
        in_block = not isinstance(entry.node, Scalar) and self.text[start : start + 1] not in ("{", "[")
        for comment in self.comments(start):
            if not comment.alone:
                entry.beside.append(comment.text)
            elif in_block:
                self.pending += comment.lines
            else:
                entry.above.append(comment.text)

    def distribute(self, end: int, column: int, above: list[str]) -> None:
        """Give each comment before `end` to what it belongs to; `above` takes those of what follows, at `column`."""
        for comment in self.comments(end):
            if comment.alone:
                home = self.home(comment, column)
                (above if home is None else home).extend(comment.lines)
            elif self.last is None or comment.before.endswith(("-", "?")):  # `- # what follows`
                above.append(comment.text)
            else:
                self.last.beside.append(comment.text)
        self.closed = []

    def home(self, comment: _Comment, column: int) -> list[str] | None:
        """The lines below the block that a comment is indented like; None where it is not indented beyond `column`."""
        if comment.column <= column:
            self.closed = []
        while self.closed and self.closed[0].column > comment.column:
            del self.closed[0]
        return self.closed[0].below if self.closed else None

    def comments(self, end: int) -> Iterator[_Comment]:
        """The comments between the cursor and `end`, where the cursor goes."""
        start, self.cursor = self.cursor, max(self.cursor, end)
        for found in _COMMENT.finditer(self.text, start, self.cursor):
            at, line_start = found.start(), self.line_start(found.start())
            before = self.text[max(start, line_start) : at].strip(" \t")
            alone = not before and line_start >= start
            text = found.group().rstrip(" \t")
            lines = (BLANK, text) if self.is_below_blank(at) else (text,)
            yield _Comment(text, at - line_start, alone, before, lines)

    def column(self, offset: int) -> int:
        return offset - self.line_start(offset)

    def line_start(self, offset: int) -> int:
        return self.source.line_starts[self.source.position(offset).line - 1]

    def is_below_blank(self, offset: int) -> bool:
        """Whether the line above that of `offset` is blank."""
        number = self.source.position(offset).line
        return number > 1 and not self.source.line(number - 1).strip(" \t")


def _children(node: Mapping | Sequence) -> Iterator[tuple[Scalar | None, str, Node]]:
    if isinstance(node, Sequence):
        yield from ((None, "", child) for child in node.items)
    else:
        yield from ((key, name, child) for name, (key, child) in node.entries.items())

"""Entries as YAML text."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...diagnostics.text import SourceText
from ...source.plain import plain_value
from ...source.yaml_tree import Scalar
from .comments import BLANK, Body, Entry, is_block
from .expressions import Layout, Line, joined, read_tokens, spaced
from .layout import STEP, WIDTH, in_order
from .meaning import is_string
from .scalars import LINE_BREAK, folded, indented, is_plain, literal, one_line, wrapped
from .statements import format_math, line_ranges


@dataclass
class _Value:
    """What stands behind a key or a dash: the rest of the line, and further lines.

    A comment goes to the end of the first line where that is a `header`, else of the last.
    """

    first: str
    rest: list[str] = field(default_factory=list)
    header: bool = False


def write_document(source: SourceText, body: Body) -> str:
    """The text of a whole file, its keys in order."""
    head = _take_head(body)
    by_name = {entry.name: entry for entry in body.entries}
    body.entries = [by_name[name] for name in in_order(list(by_name))]
    above, lines = _Writer(source).body(body, 0)
    if not body.entries:
        lines = [*lines, "{}"]  # no text at all would be no mapping
    return "".join(f"{line}\n" for line in (*head, *above, *lines))


def _take_head(body: Body) -> list[str]:
    """The comments that a blank line parts from the first key, and those for editors: they stay at the top."""
    above = body.entries[0].above if body.entries else []
    while above and above[0] == BLANK:
        del above[0]
    size = above.index(BLANK) + 1 if BLANK in above else sum(map(_is_for_editors, above[:1]))
    head, above[:size] = above[:size], []
    return head


def _is_for_editors(comment: str) -> bool:
    """Whether a comment names the file's schema; it works on the first line alone."""
    return comment.removeprefix("#").lstrip().startswith("yaml-language-server:")


class _Writer:
    def __init__(self, source: SourceText) -> None:
        self.source, self.text = source, source.text

    def body(self, body: Body, indent: int) -> tuple[list[str], list[str]]:
        """The comments above the first entry, without indentation, and the lines from there on."""
        first: list[str] = []
        lines: list[str] = []
        for number, entry in enumerate(body.entries):
            above, own = self.entry(entry, indent)
            if number:
                lines += indented(above, indent)
            else:
                first = above[next((at for at, line in enumerate(above) if line), len(above)) :]
            lines += own
        return first, lines + indented(body.below, indent)

    def entry(self, entry: Entry, indent: int) -> tuple[list[str], list[str]]:
        """The comments above an entry, and its lines."""
        head = " " * indent + (f"{_name(entry, flow=False)}:" if entry.key else "-")
        body = entry.body
        value = self.scalar(entry, indent, len(head) + 1) if body is None else self.on_one_line(entry, body, len(head))
        if value is None and body is not None:
            return self.block(entry, body, head, indent)
        assert value is not None
        *earlier, comment = entry.beside or [""]
        lines = [f"{head} {value.first}".rstrip(" "), *value.rest]
        at = 0 if value.header else -1
        lines[at] += f"  {comment}" if comment else ""
        emptied = [] if body is None else body.below
        return _with_comments(entry.above, [*emptied, *earlier]), lines

    def on_one_line(self, entry: Entry, body: Body, column: int) -> _Value | None:
        """A collection in brackets; None where it stands in block style, holds comments, or does not fit."""
        if not body.entries:
            return _Value("{}" if body.mapping else "[]")
        if not body.flow or body.commented or self.holds_comment(entry):
            return None
        text = self.in_brackets(body)
        return _Value(text) if entry.pinned or column + 1 + len(text) <= WIDTH else None

    def block(self, entry: Entry, body: Body, head: str, indent: int) -> tuple[list[str], list[str]]:
        """A collection with an entry to a line."""
        first, lines = self.body(body, indent + STEP)
        if entry.key is None:
            lines[0] = f"{head} {lines[0][indent + STEP :]}"
            return _with_comments(entry.above, [*entry.beside, *first]), lines
        *earlier, comment = entry.beside or [""]
        head += f"  {comment}" if comment else ""
        return _with_comments(entry.above, earlier), [head, *indented(first, indent + STEP), *lines]

    def in_brackets(self, body: Body) -> str:
        parts = (self.inside_brackets(entry) for entry in body.entries)
        return f"{{{', '.join(parts)}}}" if body.mapping else f"[{', '.join(parts)}]"

    def inside_brackets(self, entry: Entry) -> str:
        value = self.short(entry) if entry.body is None else self.in_brackets(entry.body)
        return f"{_name(entry, flow=True)}: {value}" if entry.key else value

    def short(self, entry: Entry) -> str:
        """A scalar inside brackets, on one line."""
        node = _scalar(entry)
        if self.is_string(entry):
            return _quoted_string(joined(self.lines(node)) or "", flow=True)
        if not isinstance(node.value, str):
            return self.written(node) or "null"
        return one_line(node.value.strip() if entry.role == "python" else node.value, flow=True)

    def holds_comment(self, entry: Entry) -> bool:
        """Whether a comment stands inside a string of the language."""
        if entry.body is not None:
            return any(map(self.holds_comment, entry.body.entries))
        return self.is_string(entry) and joined(self.lines(_scalar(entry))) is None

    def scalar(self, entry: Entry, indent: int, column: int) -> _Value:
        """A scalar in block style, whose text begins at a column."""
        node = _scalar(entry)
        if self.is_string(entry):
            is_block_of_statements = entry.role == "math" and (is_block(self.source, node) or not entry.pinned)
            return self.statements(node, indent) if is_block_of_statements else self.string(entry, indent, column)
        if not isinstance(node.value, str):
            return _Value(self.written(node))
        if entry.role == "prose":
            return self.prose(entry, node.value.strip(), indent, column)
        if entry.role == "python":
            return self.python(node.value.strip(), node, indent, column)
        return self.data(node, indent, column)

    def is_string(self, entry: Entry) -> bool:
        return is_string(_scalar(entry), entry.role)

    def statements(self, node: Scalar, indent: int) -> _Value:
        return _Value("|", format_math(self.source, node.span, indent + STEP), header=True)

    def string(self, entry: Entry, indent: int, column: int) -> _Value:
        """A string of the language: on one line where it fits, else as its author broke it, and further.

        Comments inside it need a block. Statements that stand behind their key with a suppression stay there.
        """
        lines = self.lines(_scalar(entry))
        text = joined(lines)
        base = indent + STEP
        if text is None:
            return _Value("|", list(Layout(base, base, base).lines(lines)), header=True)
        if entry.pinned or column + len(text) <= WIDTH:
            return _Value(_quoted_string(text, flow=False))
        base = indent if entry.key else base
        first, *rest = Layout(column, base, base + STEP).lines(lines)
        return _Value(first[column:], rest)

    def lines(self, node: Scalar) -> list[Line]:
        rows = [read_tokens(self.text, *place) for place in line_ranges(self.text, node.span)]
        return spaced(row for row in rows if row.texts or row.comment)

    def prose(self, entry: Entry, value: str, indent: int, column: int) -> _Value:
        """A sentence: over several lines where it does not fit on one."""
        text = one_line(value, flow=False)
        if "\n" in value:
            return _block(literal(f"{value}\n", indent + STEP)) or _Value(text)
        if entry.pinned or column + len(text) <= WIDTH:
            return _Value(text)
        return _block(folded(value, wrapped(value, WIDTH - indent - STEP), indent + STEP)) or _Value(text)

    def python(self, value: str, node: Scalar, indent: int, column: int) -> _Value:
        """Python: the lines as they are."""
        text = one_line(value, flow=False)
        fits = column + len(text) <= WIDTH
        if "\n" in value or (is_block(self.source, node) and not node.folded and not (fits and text == value)):
            return _block(literal(f"{value}\n", indent + STEP)) or _Value(text)
        return _Value(text) if fits else self.unfolded(node, value, indent) or _Value(text)

    def data(self, node: Scalar, indent: int, column: int) -> _Value:
        """Text that is neither of the language nor a sentence."""
        assert isinstance(node.value, str)
        text = one_line(node.value, flow=False)
        if "\n" in node.value:
            return _block(literal(node.value, indent + STEP)) or _Value(text)
        return _Value(text) if column + len(text) <= WIDTH else self.unfolded(node, node.value, indent) or _Value(text)

    def unfolded(self, node: Scalar, value: str, indent: int) -> _Value | None:
        """A long text over several lines as its author broke it; None where it stands on one."""
        lines = [line.strip() for line in LINE_BREAK.split(self.written(node)) if line.strip()]
        return _block(folded(value, lines, indent + STEP)) if len(lines) > 1 else None

    def written(self, node: Scalar) -> str:
        return self.text[node.span.start : node.span.end]


def _scalar(entry: Entry) -> Scalar:
    assert isinstance(entry.node, Scalar)
    return entry.node


def _name(entry: Entry, *, flow: bool) -> str:
    return entry.name if is_plain(entry.name, flow=flow) else one_line(entry.name, flow=flow)


def _quoted_string(text: str, *, flow: bool) -> str:
    """A string of the language, in quotes where YAML would not read it, or read nothing."""
    return text if is_plain(text, flow=flow) and plain_value(text) is not None else f'"{text}"'


def _block(block: tuple[str, list[str]] | None) -> _Value | None:
    return None if block is None else _Value(*block, header=True)


def _with_comments(above: list[str], comments: list[str]) -> list[str]:
    """Further comments below those above an entry."""
    return [*above, *(comment for comment in comments if comment)]

"""YAML as a tree of nodes that know their place in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..diagnostics.diagnostic import Label, Sink
from ..diagnostics.text import SourceText, Span
from .plain import plain_value
from .shield import shield

if TYPE_CHECKING:
    from yaml import Event

MAX_DEPTH = 20
"""Collections inside collections; a spec has three, and what recurses over the tree needs a limit."""

MOST_ENTRIES = 256
"""Of a mapping or a list: no spec comes near, and every pass may compare them with each other."""

_BREAK = re.compile(r"\r\n|\r|\n")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf. `span` covers its content as written, without quotes or block header.

    `verbatim` is false where YAML changes more than white space of what is written (escapes in quotes): positions
    inside it mean nothing then. `folded` says that its line breaks became spaces, as they do outside of `|` blocks.
    """

    value: str | int | float | bool | None
    span: Span
    verbatim: bool = True
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Mapping:
    entries: dict[str, tuple[Scalar, Node]]
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    span: Span


Node = Scalar | Mapping | Sequence


class _Refused(Exception):
    """YAML that specs do not use: message, help, and the place."""

    def __init__(self, message: str, advice: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message, self.advice, self.start, self.end = message, advice, start, end


def parse_yaml(source: SourceText, sink: Sink) -> Node | None:
    """The file as a tree; TS002 where it is not YAML, TS004 for each key that stands twice in one mapping."""
    from yaml import YAMLError

    control = _UNPRINTABLE.search(source.text)
    if control:
        message = f"invalid YAML: special characters are not allowed (U+{ord(control.group()):04X})"
        sink.error("TS002", message, source.span(*control.span()), help="take the character out")
        return None
    reader = _Reader(source, sink)
    try:
        return reader.document()
    except YAMLError as error:
        found = reader.explain(error)
    except _Refused as refused:
        found = refused
    sink.error("TS002", found.message, source.span(found.start, found.end), help=found.advice)
    return None


_ANCHOR = ("anchors and aliases are not used in specs", "write the value out")
_TAG = ("tags are not used in specs", "leave the tag out, or quote a value that begins with `!`")
_REFUSED = {"&": _ANCHOR, "*": _ANCHOR, "!": _TAG}
_DIRECTIVE = ("directives are not used in specs", "specs are YAML 1.2: leave the line out")
_TOO_DEEP = ("the YAML is nested too deeply", "a spec nests three levels deep")
_TOO_MANY = (f"a mapping or list has more than {MOST_ENTRIES} entries", "split the op into several")
_EMPTY = ("the file is empty", "start one with `op:` and `summary:`")
_MORE = ("invalid YAML: expected one document, but found another document", "leave out the line `---`")
_HALF = ("an escape names half of a UTF-16 pair", "write the character itself")
_PROPERTY = re.compile(r"\S+")
_SURROGATE = re.compile(r"u[dD][89a-fA-F]")


class _Reader:
    """Builds the tree from libyaml's events, which come one by one: deep nesting ends it before anything recurses.

    libyaml reads YAML 1.1: what differs is the business of `plain` (which words are numbers) and `shield` (which
    characters break lines).
    """

    def __init__(self, source: SourceText, sink: Sink) -> None:
        from yaml import events
        from yaml.cyaml import CParser

        self.source, self.sink, self.text = source, sink, source.text
        shielded = shield(source.text)
        self.restored = shielded.restored
        self.next = CParser(shielded.text).get_event
        self.events = events
        # libyaml ends the last line even where the file does not
        self.starts = (*source.line_starts, len(source.text))

    def document(self) -> Node:
        """The tree of the one document."""
        self.next()
        opening = self.next()
        if isinstance(opening, self.events.StreamEndEvent):
            raise _Refused(*_EMPTY, 0, 0)
        start, end = self.offsets(opening)
        if self.text.startswith("%", start):
            raise _Refused(*_DIRECTIVE, start, end)
        root = self.node(self.next(), 0)
        self.next()
        after = self.next()
        if not isinstance(after, self.events.StreamEndEvent):
            raise _Refused(*_MORE, *self.offsets(after))
        return root

    def offsets(self, event: Event) -> tuple[int, int]:
        """Where an event stands. Lines and columns are right everywhere; libyaml's indices miscount `\\r\\n`."""
        start, end = event.start_mark, event.end_mark
        return self.starts[start.line] + start.column, self.starts[end.line] + end.column

    def node(self, event: Event, depth: int) -> Node:
        start, end = self.offsets(event)
        if start < end and self.text[start] in _REFUSED:
            raise self.refused_property(start)
        if isinstance(event, self.events.ScalarEvent):
            return self.scalar(event, start, end)
        if depth == MAX_DEPTH:
            raise _Refused(*_TOO_DEEP, start, end)
        if isinstance(event, self.events.MappingStartEvent):
            return self.mapping(start, depth + 1)
        return self.sequence(start, depth + 1)

    def refused_property(self, start: int) -> _Refused:
        """For the anchor, alias or tag at an offset."""
        written = _PROPERTY.match(self.text, start)
        return _Refused(*_REFUSED[self.text[start]], start, written.end() if written else start + 1)

    def sequence(self, start: int, depth: int) -> Sequence:
        items = []
        while not isinstance(event := self.next(), self.events.SequenceEndEvent):
            items.append(self.node(event, depth))
            self.count(len(items), event)
        return Sequence(tuple(items), self.source.span(start, self.offsets(event)[1]))

    def mapping(self, start: int, depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        number = 0
        while not isinstance(event := self.next(), self.events.MappingEndEvent):
            number += 1
            self.count(number, event)
            key, value = self.node(event, depth), self.node(self.next(), depth)
            if not isinstance(key, Scalar):
                self.sink.error("TS002", "a key must be a plain word", key.span)
                continue
            name = self.restored(event.value)  # as written: `1`, `true` and `null` are words here
            if name in entries:
                first = Label(span=entries[name][0].span, text="first given here")
                self.sink.error("TS004", f"key `{name}` is given twice", key.span, labels=(first,), help="keep one")
                continue
            entries[name] = (key, value)
        return Mapping(entries, self.source.span(start, self.offsets(event)[1]))

    def count(self, number: int, event: Event) -> None:
        """Refuse the entry that is one too many."""
        if number > MOST_ENTRIES:
            raise _Refused(*_TOO_MANY, *self.offsets(event))

    def scalar(self, event: Event, start: int, end: int) -> Scalar:
        style = event.style
        if style in ("|", ">"):
            header = _BREAK.search(self.text, start, end)
            start = header.end() if header else end
        elif style:
            start, end = start + 1, end - 1
        written, value = self.text[start:end], self.restored(event.value)
        return Scalar(
            value if style else plain_value(value),
            Span(self.source.path, start, end),
            verbatim=written == value or written.split() == value.split(),
            folded=style == ">" or (style != "|" and _BREAK.search(written.strip()) is not None),
        )

    def explain(self, error: Any) -> _Refused:
        """libyaml's error in words of ours, at the place it names."""
        problem, context = error.problem, error.context
        end = self.mark(error.problem_mark)
        start = end if error.context_mark is None else self.mark(error.context_mark)
        if self.source.line(self.source.position(start).line).startswith("%"):
            return _Refused(*_DIRECTIVE, start, end)
        if self.text[start : start + 1] in _REFUSED:
            return self.refused_property(start)
        if "Unicode" in problem and _SURROGATE.match(self.text, end - 1):
            return _Refused(*_HALF, start, end)
        message = f"invalid YAML: {problem}" + (f" ({context})" if context else "")
        return _Refused(message, _advice(problem), end, min(end + 1, len(self.text)))

    def mark(self, mark: Any) -> int:
        return self.starts[mark.line] + mark.column


def _advice(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "quote a value that holds `: `"
    if "cannot start any token" in problem:
        return "YAML indents with spaces, and a value that starts with @, ` or a tab is quoted"
    return "check the indentation, and quote values that hold `: `, ` #`, `{` or `[`"

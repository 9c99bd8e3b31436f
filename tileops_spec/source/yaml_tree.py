"""YAML as a tree of nodes that know their place in the file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..diagnostics.diagnostic import Label, Sink
from ..diagnostics.text import SourceText, Span

if TYPE_CHECKING:
    from ruamel.yaml import nodes

MAX_DEPTH = 20
"""Collections inside collections; a spec has three, and what recurses over the tree needs a limit."""

_BREAK = re.compile(r"\r\n|\r|\n")


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


def parse_yaml(source: SourceText, sink: Sink) -> Node | None:
    """The file as a tree; TS002 where it is not YAML, TS004 for each key that stands twice in one mapping."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        if not _is_plain_yaml(source, sink):
            return None
        root = YAML(typ="safe", pure=True).compose(source.text)
    except (YAMLError, ValueError, OverflowError) as error:  # the last two: escapes of no character
        _report(error, source, sink)
        return None
    if root is None:
        sink.error("TS002", "the file is empty", source.span(0, 0), help="start one with `op:` and `summary:`")
        return None
    return _Builder(source, sink).build(root)


def _is_plain_yaml(source: SourceText, sink: Sink) -> bool:
    """Whether the file keeps to the YAML of specs; TS002 at the first anchor, alias, tag, directive or deep nesting.

    It reads tokens, so that deep nesting is found before anything recurses over it.
    """
    from ruamel.yaml import YAML

    depth = 0
    for token in YAML(typ="safe", pure=True).scan(source.text):
        kind = type(token).__name__
        depth += kind.startswith(_COLLECTIONS) * (kind.endswith("StartToken") - kind.endswith("EndToken"))
        refused = _TOO_DEEP if depth > MAX_DEPTH else _REFUSED.get(kind)
        if refused:
            message, help_text = refused
            span = source.span(token.start_mark.index, token.end_mark.index)
            sink.error("TS002", message, span, help=help_text)
            return False
    return True


_COLLECTIONS = ("Block", "Flow")
_TOO_DEEP = ("the YAML is nested too deeply", "a spec nests three levels deep")
_REFUSED = {
    "AnchorToken": ("anchors and aliases are not used in specs", "write the value out"),
    "AliasToken": ("anchors and aliases are not used in specs", "write the value out"),
    "TagToken": ("tags are not used in specs", "leave the tag out, or quote a value that begins with `!`"),
    "DirectiveToken": ("directives are not used in specs", "specs are YAML 1.2: leave the line out"),
}


def _report(error: Any, source: SourceText, sink: Sink) -> None:
    """Turn ruamel's error into TS002 at the place it names."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    offset = mark.index if mark is not None else getattr(error, "position", 0)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "this is not YAML"
    context = getattr(error, "context", None)
    message = f"invalid YAML: {problem}" + (f" ({context})" if context else "")
    sink.error("TS002", message, source.span(offset, min(offset + 1, len(source.text))), help=_advice(problem))


def _advice(problem: str) -> str:
    if "mapping values are not allowed" in problem:
        return "quote a value that holds `: `"
    if "cannot start any token" in problem:
        return "YAML indents with spaces, and a value that starts with @, ` or a tab is quoted"
    return "check the indentation, and quote values that hold `: `, ` #`, `{` or `[`"


@dataclass(frozen=True, slots=True)
class _Builder:
    source: SourceText
    sink: Sink

    def build(self, node: nodes.Node) -> Node:
        from ruamel.yaml import nodes

        span = self.source.span(node.start_mark.index, node.end_mark.index)
        if isinstance(node, nodes.MappingNode):
            return self._mapping(node, span)
        if isinstance(node, nodes.SequenceNode):
            return Sequence(tuple(self.build(item) for item in node.value), span)
        return self._scalar(node)

    def _mapping(self, node: nodes.MappingNode, span: Span) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key_node, value_node in node.value:
            key = self.build(key_node)
            if not isinstance(key, Scalar):
                self.sink.error("TS002", "a key must be a plain word", key.span)
                continue
            name = str(key_node.value)  # as written: `1`, `true` and `null` are words here
            if name in entries:
                first = Label(span=entries[name][0].span, text="first given here")
                self.sink.error("TS004", f"key `{name}` is given twice", key.span, labels=(first,), help="keep one")
                continue
            entries[name] = (key, self.build(value_node))
        return Mapping(entries, span)

    def _scalar(self, node: nodes.ScalarNode) -> Scalar:
        start, end = node.start_mark.index, node.end_mark.index
        if node.style in ("|", ">"):
            header = _BREAK.search(self.source.text, start, end)
            start = header.end() if header else end
        elif node.style in ("'", '"'):
            start, end = start + 1, end - 1
        written = self.source.text[start:end]
        self._refuse_surrogates(node)
        return Scalar(
            _plain_value(node) if node.style is None else node.value,
            self.source.span(start, end),
            verbatim=written.split() == node.value.split(),
            folded=node.style == ">" or (node.style != "|" and _BREAK.search(written.strip()) is not None),
        )

    def _refuse_surrogates(self, node: nodes.ScalarNode) -> None:
        """TS002 for an escape of half a character, which no file can hold."""
        if any("\ud800" <= char <= "\udfff" for char in node.value):
            span = self.source.span(node.start_mark.index, node.end_mark.index)
            self.sink.error("TS002", "an escape names half of a UTF-16 pair", span, help="write the character itself")


def _plain_value(node: nodes.ScalarNode) -> str | int | float | bool | None:
    """The value of an unquoted scalar under YAML 1.2's core schema."""
    kind = node.tag.rsplit(":", 1)[-1]
    try:
        if kind == "int":
            return int(node.value.replace("_", ""), 0)
        if kind == "float":
            return float(node.value.replace("_", ""))
    except ValueError:
        return str(node.value)
    if kind == "bool":
        return str(node.value).lower() == "true"
    return None if kind == "null" else str(node.value)

"""YAML as a tree of nodes that know their place in the file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..diagnostics.diagnostic import Label, Sink
from ..diagnostics.text import SourceText, Span

if TYPE_CHECKING:
    from ruamel.yaml import nodes


@dataclass(frozen=True, slots=True)
class Scalar:
    """A leaf. `span` covers its content as written, without quotes or block header.

    `verbatim` is false where YAML changes what is written (escapes in quotes): positions inside it mean nothing then.
    """

    value: str | int | float | bool | None
    span: Span
    verbatim: bool = True


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
        root = YAML(typ="safe", pure=True).compose(source.text)
    except YAMLError as error:
        _report(error, source, sink)
        return None
    except RecursionError:
        sink.error("TS002", "the YAML is nested too deeply", source.span(0, 0), help="a spec nests three levels deep")
        return None
    if root is None:
        sink.error("TS002", "the file is empty", source.span(0, 0), help="start one with `op:` and `summary:`")
        return None
    builder = _Builder(source, sink)
    tree = builder.build(root)
    return None if builder.has_aliases else tree


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


@dataclass
class _Builder:
    source: SourceText
    sink: Sink

    def __post_init__(self) -> None:
        self.seen: set[int] = set()
        self.has_aliases = False

    def build(self, node: nodes.Node) -> Node:
        from ruamel.yaml import nodes

        span = self.source.span(node.start_mark.index, node.end_mark.index)
        if id(node) in self.seen:
            self.has_aliases = True
            self.sink.error("TS002", "anchors and aliases are not used in specs", span, help="write the value out")
            return Scalar(None, span)
        self.seen.add(id(node))
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
            name = str(key.value)
            if name in entries:
                first = Label(span=entries[name][0].span, text="first given here")
                self.sink.error("TS004", f"key `{name}` is given twice", key.span, labels=(first,), help="keep one")
                continue
            entries[name] = (key, self.build(value_node))
        return Mapping(entries, span)

    def _scalar(self, node: nodes.ScalarNode) -> Scalar:
        start, end = node.start_mark.index, node.end_mark.index
        if node.style in ("|", ">"):
            break_at = self.source.text.find("\n", start, end)
            return Scalar(node.value, self.source.span(break_at + 1 if break_at >= 0 else end, end), node.style == "|")
        if node.style in ("'", '"'):
            span = self.source.span(start + 1, end - 1)
            written = self.source.text[start + 1 : end - 1]
            return Scalar(node.value, span, written == node.value)
        return Scalar(_plain_value(node), self.source.span(start, end))


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

"""What a spec says, apart from how it is written: formatting must leave it as it is."""

from __future__ import annotations

from typing import Any

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import SourceText
from ...source.yaml_tree import Mapping, Node, Scalar
from ..parse import parse_math, parse_string
from .comments import Body, Entry, read_body
from .expressions import read_tokens
from .layout import Role, role_of
from .statements import line_ranges


def meaning_of(source: SourceText, root: Mapping, sink: Sink) -> Any:
    """The keys with their values, and all comments in no order, for they move with their keys.

    A value of the language is its syntax tree; what does not parse goes to the sink, and there is no meaning then.
    """
    values = {name: _value(source, node, (name,), sink) for name, (_, node) in root.entries.items()}
    return None if sink.diagnostics else (values, sorted(_comments(source, read_body(source, root))))


def _value(source: SourceText, node: Node, path: tuple[str, ...], sink: Sink) -> Any:
    if isinstance(node, Mapping):
        return [(name, _value(source, value, (*path, name), sink)) for name, (_, value) in node.entries.items()]
    if not isinstance(node, Scalar):
        return tuple(_value(source, item, (*path, ""), sink) for item in node.items)
    return _scalar(source, node, role_of(path), sink)


def _scalar(source: SourceText, node: Scalar, role: Role, sink: Sink) -> Any:
    if not is_string(node, role):
        is_text = role in ("prose", "python") and isinstance(node.value, str)
        return node.value.strip() if is_text else (type(node.value), repr(node.value))  # type: ignore[union-attr]
    if not node.verbatim:
        help_text = "write it without backslashes or doubled quotes"
        return sink.error("TS006", "a string of the language holds an escape", node.span, help=help_text)
    if role != "math":
        return parse_string(role, source, node.span, sink)  # type: ignore[arg-type]
    if node.folded:
        help_text = "write `math: |` and indent the statements below it"
        return sink.error("TS006", "`math` is a literal block", node.span, help=help_text)
    return parse_math(source, node.span, sink)[0]


def is_string(node: Scalar, role: Role) -> bool:
    """Whether a scalar is of the language, as what is written and not as YAML reads it."""
    if role == "math":
        return isinstance(node.value, str) and bool(node.value.strip())
    return role not in ("data", "prose", "python") and node.value is not None


def _comments(source: SourceText, body: Body) -> list[str]:
    found = list(filter(None, body.below))
    for entry in body.entries:
        found += filter(None, (*entry.above, *entry.beside))
        found += _comments_in(source, entry) if entry.body is None else _comments(source, entry.body)
    return found


def _comments_in(source: SourceText, entry: Entry) -> list[str]:
    """The comments inside a scalar of the language."""
    node = entry.node
    if not isinstance(node, Scalar) or not is_string(node, entry.role):
        return []
    rows = (read_tokens(source.text, *place) for place in line_ranges(source.text, node.span))
    return [row.comment for row in rows if row.comment]

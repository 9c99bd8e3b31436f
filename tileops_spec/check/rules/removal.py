"""Edits that take an entry or a statement out of a spec file."""

from __future__ import annotations

import re
from functools import lru_cache

from ...diagnostics.diagnostic import Sink
from ...diagnostics.fix import Edit
from ...diagnostics.text import SourceText, Span
from ...source.yaml_tree import Mapping, Node, Scalar, Sequence, parse_yaml

_BREAK = re.compile(r"\r\n|\r|\n|\Z")


def remove_entry(source: SourceText, section: str, name: str) -> tuple[Edit, ...]:
    """The edits that remove `name` from the mapping under `section`, and its values from the workloads.

    The whole section goes where the entry is its only one. Empty where the file does not have that form.
    """
    root = _root(source)
    entry = root.entries.get(section) if isinstance(root, Mapping) else None
    if entry is None or not isinstance(entry[1], Mapping) or name not in entry[1].entries:
        return ()
    assert isinstance(root, Mapping)
    place = _entry(source, entry[1], name) if len(entry[1].entries) > 1 else _entry(source, root, section)
    return ((place, ""), *_from_workloads(source, root, name))


@lru_cache(maxsize=1)
def _root(source: SourceText) -> Node | None:
    """The file that was asked about last: many names of it may be unused."""
    return parse_yaml(source, Sink())


def remove_lines(source: SourceText, span: Span) -> tuple[Edit, ...]:
    """The edit that removes the lines on which `span` lies; nothing where something else stands on its first."""
    start = source.line_starts[source.position(span.start).line - 1]
    if source.text[start : span.start].strip():
        return ()
    return ((source.span(start, _line_end(source, span.end)), ""),)


def _from_workloads(source: SourceText, root: Mapping, name: str) -> tuple[Edit, ...]:
    rows = root.entries.get("workloads")
    items = rows[1].items if rows and isinstance(rows[1], Sequence) else ()
    return tuple((_entry(source, row, name), "") for row in items if isinstance(row, Mapping) and name in row.entries)


def _entry(source: SourceText, mapping: Mapping, name: str) -> Span:
    """An entry with what separates it from its neighbours: its lines in a block, up to a comma in a flow."""
    names = list(mapping.entries)
    at = names.index(name)
    key, value = mapping.entries[name]
    start, end = _key_start(source, key), _end(source, value)
    if not source.text.startswith("{", mapping.span.start):
        line = source.line_starts[source.position(start).line - 1]
        return source.span(line if not source.text[line:start].strip() else start, _line_end(source, end))
    if at + 1 < len(names):
        return source.span(start, _key_start(source, mapping.entries[names[at + 1]][0]))
    if at > 0:
        return source.span(_end(source, mapping.entries[names[at - 1]][1]), end)
    return source.span(start, end)


def _key_start(source: SourceText, key: Scalar) -> int:
    """Where a key begins, its quote included."""
    start = key.span.start
    return start - 1 if start and source.text[start - 1] in "\"'" else start


def _end(source: SourceText, node: Node) -> int:
    """Where a value ends, its quote or bracket included."""
    if isinstance(node, Scalar):
        quoted = source.text[node.span.start - 1] in "\"'" and source.text[node.span.end :][:1] in ("'", '"')
        return node.span.end + 1 if quoted else node.span.end
    if source.text[node.span.start] in "{[":
        return node.span.end
    nodes = [value for _, value in node.entries.values()] if isinstance(node, Mapping) else node.items
    return _end(source, nodes[-1])


def _line_end(source: SourceText, offset: int) -> int:
    """The offset behind the line break that ends the line of `offset`."""
    found = _BREAK.search(source.text, offset)
    return found.end() if found else len(source.text)

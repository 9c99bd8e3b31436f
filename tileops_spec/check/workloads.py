"""Workloads: a value for every dim, by name; whether `where` holds is seen when they are bound."""

from __future__ import annotations

from ..ir.spec import Workload
from ..source.yaml_tree import Mapping, Node, Scalar, Sequence
from .document import Document
from .scope import Scope
from .suggest import did_you_mean

_LIMIT = 2**63
_FORM = "a workload is written `{name: llama3-8b, M: 4096, N: 6144, K: 4096}`"


def read_workloads(document: Document, scope: Scope) -> tuple[Workload, ...]:
    """TS116 for a dim without a value, a name that is no dim or param, a value of the wrong kind."""
    nodes = document.sequence("workloads", _FORM)
    found = [workload for node in nodes if (workload := _read(node, document, scope)) is not None]
    names = [workload.name for workload in found]
    for position, workload in enumerate(found):
        if workload.name in names[:position]:
            scope.sink.error("TS105", f"two workloads are named `{workload.name}`", workload.span, help="rename one")
    return tuple(found)


def _read(node: Node, document: Document, scope: Scope) -> Workload | None:
    if not isinstance(node, Mapping):
        document.wrong(node, "a workload is a mapping", _FORM)
        return None
    entries = dict(node.entries)
    name = entries.pop("name", None)
    if name is None or not isinstance(name[1], Scalar):
        scope.sink.error("TS116", "this workload has no name", node.span, help=_FORM)
        return None
    _missing_dims(entries, node, scope)
    values = tuple((key, _value(key, entry, scope)) for key, entry in entries.items())
    kept = tuple((key, value) for key, value in values if value is not None)
    return Workload(name=str(name[1].value), values=kept, span=node.span)


def _missing_dims(entries: dict, node: Mapping, scope: Scope) -> None:
    missing = [dim for dim in scope.dims if dim not in entries]
    if missing:
        message = f"this workload has no value for {', '.join(missing)}"
        scope.sink.error("TS116", message, node.span, help="give every dim a value")


def _value(key: str, entry: tuple[Scalar, Node], scope: Scope) -> int | float | bool | tuple[int, ...] | None:
    place, node = entry
    if key not in scope.dims and key not in scope.params:
        known = (*scope.dims, *scope.params)
        help_text = did_you_mean(key, known, f"the dims and params are {', '.join(known)}")
        scope.sink.error("TS116", f"`{key}` is neither a dim nor a param", place.span, help=help_text)
        return None
    if key in scope.params:
        return _number(key, node, scope)
    if scope.dims[key].spread:
        return _extents(key, node, scope)
    value = _number(key, node, scope)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        scope.sink.error("TS116", f"`{key}` is an extent: a whole number from 1", node.span, help=None)
        return None
    return value


def _number(key: str, node: Node, scope: Scope) -> int | float | bool | None:
    if isinstance(node, Scalar) and isinstance(node.value, int | float):
        if isinstance(node.value, int) and not -_LIMIT <= node.value < _LIMIT:
            scope.sink.error("TS116", f"`{key}` does not fit in 64 bits", node.span, help=None)
            return None
        return node.value
    scope.sink.error("TS116", f"`{key}` takes a number", node.span, help=_FORM)
    return None


def _extents(key: str, node: Node, scope: Scope) -> tuple[int, ...] | None:
    """The leading axes that stand for a group: a list of extents, or one extent."""
    items = node.items if isinstance(node, Sequence) else (node,)
    values = tuple(item.value for item in items if isinstance(item, Scalar))
    if len(values) == len(items) and all(type(value) is int and 0 < value < _LIMIT for value in values):
        return values  # type: ignore[return-value]
    scope.sink.error("TS116", f"`{key}` stands for axes: give a list such as `[8, 2048]`", node.span, help=None)
    return None

"""Which definitions recur, together with which others, and along which axis of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..ir.nodes import Access, Expr, IndexRef
from ..ir.spec import Definition, Spec
from ..ir.walk import walk


@dataclass(frozen=True, slots=True)
class RecurrentGroup:
    """Definitions that are computed step by step, in the order of the statements; `axes` are their axes of steps."""

    definitions: tuple[Definition, ...]
    axes: Mapping[str, int]

    @property
    def backward(self) -> bool:
        return any(definition.backward for definition in self.definitions)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(definition.target for definition in self.definitions)


def recurrent_groups(spec: Spec) -> dict[str, RecurrentGroup]:
    """The group of each definition that its own value comes from, by name."""
    given = {each.name for each in spec.inputs}  # of what is updated in place, the old elements are read
    reads = {each.target: set(_reads(each)) - given for each in spec.math}
    behind = {name: _reachable(name, reads) for name in reads}
    found: dict[str, RecurrentGroup] = {}
    for definition in spec.math:
        name = definition.target
        if name in behind[name] and name not in found:
            members = tuple(e for e in spec.math if e.target in behind[name] and name in behind[e.target])
            group = RecurrentGroup(members, _step_axes(members))
            found.update(dict.fromkeys(group.names, group))
    return found


def _reads(definition: Definition) -> Iterator[str]:
    for value in definition.values:
        yield from (node.tensor for node in walk(value) if isinstance(node, Access))


def _reachable(name: str, reads: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(reads[name])
    while waiting:
        each = waiting.pop()
        if each in reads and each not in found:
            found.add(each)
            waiting += reads[each]
    return found


def _step_axes(members: Sequence[Definition]) -> dict[str, int]:
    """The position of the axis of steps: given for recurrences, else where what they read of those stands."""
    axes = {e.target: _position(e, e.along) for e in members if e.along is not None}
    for _ in members:
        for definition in members:
            if definition.target not in axes:
                name = _step_variable(definition.value, axes)
                if name is not None and any(axis.name == name for axis in definition.axes):
                    axes[definition.target] = _position(definition, name)
    return axes


def _position(definition: Definition, name: str | None) -> int:
    return next(at for at, axis in enumerate(definition.axes) if axis.name == name)


def _step_variable(value: Expr, axes: Mapping[str, int]) -> str | None:
    """The index variable at the axis of steps of anything that the value reads of the group."""
    for node in walk(value):
        if isinstance(node, Access) and node.tensor in axes:
            for inner in walk(node.indices[axes[node.tensor]]):
                if isinstance(inner, IndexRef):
                    return inner.name
    return None

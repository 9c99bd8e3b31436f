"""TS124: recurrences that read what is not computed yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ...diagnostics.diagnostic import Sink
from ...ir.nodes import Access, Along, Expr, IndexRef
from ...ir.scalars import ScalarError, scalar_value
from ...ir.show import show_expr
from ...ir.spec import Definition, Spec
from ...ir.walk import walk
from .facts import expressions, tensors_in


def check_recurrences(spec: Spec, sink: Sink) -> None:
    """TS124 where a statement reads a recurrence elsewhere than one step back, before or while it is computed."""
    if not any(definition.along is not None for definition in spec.math):
        return
    order = _Order.of(spec)
    for at, definition in enumerate(spec.math):
        if definition.initial is not None:
            _check_initial(at, definition, order, sink)
        _check_reads(at, definition, order, sink)
        _check_functions(at, definition, order, sink)
    _check_together(order, sink)


@dataclass(frozen=True)
class _Order:
    """The statements, which of them defines each name, and which depend on which."""

    math: tuple[Definition, ...]
    at: dict[str, int]
    needs: tuple[frozenset[int], ...]

    @classmethod
    def of(cls, spec: Spec) -> _Order:
        updated = set(spec.in_place)  # reads of these see the old values, which no statement gives
        at = {each.target: position for position, each in enumerate(spec.math) if each.target not in updated}
        direct = [
            {at[name] for expr in expressions(each) for name, _ in tensors_in(expr) if name in at} for each in spec.math
        ]
        return cls(spec.math, at, tuple(frozenset(_closure(position, direct)) for position in range(len(direct))))

    def recurs_with(self, one: int, other: int) -> bool:
        """Whether two statements depend on each other, step by step."""
        return other in self.needs[one] and one in self.needs[other]

    @cached_property
    def axes(self) -> dict[str, int]:
        """The axis on which each name's steps are counted: a recurrence's own; for a plain statement between, that of
        the index variable with which it reads one that it recurs with."""
        found = {each.target: _position(each, each.along) for each in self.math if each.along is not None}
        for _ in self.math:
            for each in self.math:
                if each.target not in found and (position := self._counted(each, found)) is not None:
                    found[each.target] = position
        return found

    def _counted(self, definition: Definition, known: dict[str, int]) -> int | None:
        names = [axis.name for axis in definition.axes]
        for access in _accesses(definition.value):
            read, here = self.at.get(access.tensor), self.at.get(definition.target)
            if access.tensor in known and read is not None and here is not None and self.recurs_with(here, read):
                index = access.indices[known[access.tensor]]
                moved = (node.name for node in walk(index) if isinstance(node, IndexRef))
                return next((names.index(name) for name in moved if name in names), None)
        return None


def _position(definition: Definition, name: str | None) -> int:
    return [axis.name for axis in definition.axes].index(name)  # type: ignore[arg-type]


def _closure(start: int, direct: list[set[int]]) -> set[int]:
    found: set[int] = set()
    todo = [start]
    while todo:
        new = direct[todo.pop()] - found
        found |= new
        todo += new
    return found


def _check_initial(at: int, definition: Definition, order: _Order, sink: Sink) -> None:
    assert definition.initial is not None
    for access in _accesses(definition.initial):
        read = order.at.get(access.tensor)
        if read is not None and (read >= at or order.recurs_with(at, read)):
            message = f"`{definition.target}` begins with `{show_expr(access)}`, which comes after its beginning"
            help_text = "begin with what is known before the first step: inputs, and definitions above"
            sink.error("TS124", message, access.span, help=help_text)


def _check_reads(at: int, definition: Definition, order: _Order, sink: Sink) -> None:
    """Reads of names that are being computed: one step back, or this step's where the name stands above."""
    for access in _accesses(definition.value):
        read = order.at.get(access.tensor)
        if read is None or order.math[read].is_scatter:
            continue
        together = order.recurs_with(at, read)
        if not together and read < at:
            continue
        target = order.math[read]
        step = _step(access, order.axes.get(target.target), target, definition)
        allowed = {0} if target.along is None else {1} if read >= at else {0, 1}
        if step not in allowed:
            sink.error("TS124", _message(access, step, read, at, target), access.span, help=_advice(access, allowed))


def _accesses(expr: Expr) -> Iterator[Access]:
    return (node for node in walk(expr) if isinstance(node, Access))


def _step(access: Access, axis: int | None, target: Definition, reader: Definition) -> int | None:
    """How many steps back of the reader's own an access reaches; None where its index is no such thing."""
    if axis is None or axis >= len(access.indices):
        return None
    index = access.indices[axis]
    names = {node.name for node in walk(index) if isinstance(node, IndexRef)}
    allowed = {reader.along} if reader.along is not None else {each.name for each in reader.axes}
    if len(names) != 1 or not names <= allowed:
        return None
    (name,) = names
    try:
        here, there = (scalar_value(index, {}, {}, {name: value}) for value in (0, 10))
    except ScalarError:
        return None
    if there - here != 10:
        return None
    backward = target.backward or (target.along is None and reader.backward)
    return int(here) if backward else -int(here)


def _message(access: Access, step: int | None, read: int, at: int, target: Definition) -> str:
    text = show_expr(access)
    if step is None:
        return f"`{text}` is read at other steps than this one and the one before"
    if step > 1:
        return f"`{text}` lies {step} steps back: only the last step is kept"
    if step == 0:
        return f"`{text}` is not computed yet: `{target.target}` is defined {'here' if read == at else 'below'}"
    return f"`{text}` is not computed yet: it lies ahead"


def _advice(access: Access, allowed: set[int]) -> str:
    if allowed == {0}:
        return f"read `{access.tensor}` at this step's own index"
    return f"read `{access.tensor}` one step back" + (", or at this step" if 0 in allowed else "")


def _check_functions(at: int, definition: Definition, order: _Order, sink: Sink) -> None:
    """Functions along the recurrence's own axis need every step at once."""
    for node in walk(definition.value):
        if not isinstance(node, Along) or node.axis != definition.along:
            continue
        for access in _accesses(node.body):
            read = order.at.get(access.tensor)
            if read is not None and order.recurs_with(at, read):
                message = f"`{node.function}[{node.axis}]` needs all steps of `{access.tensor}` at once"
                help_text = "write it in a statement below the recurrence"
                sink.error("TS124", message, node.span, help=help_text)


def _check_together(order: _Order, sink: Sink) -> None:
    """Recurrences that depend on each other take the same steps in the same direction."""
    for at, definition in enumerate(order.math):
        for before in range(at):
            other = order.math[before]
            if None in (definition.along, other.along) or not order.recurs_with(at, before):
                continue
            if (_extent(definition), definition.backward) != (_extent(other), other.backward):
                message = f"`{definition.target}` and `{other.target}` depend on each other, but take different steps"
                sink.error("TS124", message, definition.span, help="let both run over the same axis, in one direction")
                break


def _extent(definition: Definition) -> Expr:
    return next(axis.extent for axis in definition.axes if axis.name == definition.along)

"""Recurrences: `S[-1, …] = …`, then `S[t, …] = …` with `S[t - 1, …]`; or backwards from `S[T, …]`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from ..ir.nodes import Axis, Expr, IndexRef, Number, Unary
from ..ir.walk import map_children
from ..syntax import tree
from .expressions import Resolver, resolve_scalar
from .extents import infer_extent, is_told
from .left_side import are_distinct, initial_position, is_plain, read_variable, report_rank, report_spread
from .scope import Indexable, Indices, Recurrence, Scope


def begin_recurrence(statement: tree.Statement, later: Sequence[tree.Statement], scope: Scope) -> bool:
    """Take the initial statement, with the step statement's axes, so that what stands between may read the name."""
    target, name = statement.target, statement.target.name
    step = _step_of(target, later, scope)
    if step is None or not _may_recur(target, step, scope):
        return False
    at = initial_position(target, scope)
    assert at is not None
    between = tuple(later[: list(later).index(step)])
    axes = _axes(statement, (step, *between), at, scope)
    if axes is None:
        return False
    backward = _is_backward(target.items[at], axes[at], scope)  # type: ignore[index]
    if backward is None:
        return False
    given = {axis.name: item for axis, item in zip(axes, _first_names(target, axes), strict=True)}
    others = tuple(replace(axis, name=given[axis.name]) for axis in axes if axis is not axes[at])
    initial = Resolver(scope, Indices().with_axes(others)).resolve(statement.value)
    renamed = _rename(initial, {first: axis for axis, first in given.items()})
    spread = tuple(axis.spread for axis in axes)
    scope.recurrences[name.id] = Recurrence(axes, axes[at].name, renamed, backward)
    scope.defined[name.id] = Indexable(name.id, "", tuple(axis.extent for axis in axes), spread, target.span)
    return True


def _step_of(target: tree.Target, later: Sequence[tree.Statement], scope: Scope) -> tree.Statement | None:
    """The step statement, further down; TS124 where there is none."""
    for statement in later:
        if statement.target.name.id == target.name.id and statement.op == "=" and is_plain(statement.target, scope):
            return statement
    message = f"the recurrence of `{target.name.id}` has no step"
    help_text = f"below, write `{target.name.id}[t, …] = …` with `{target.name.id}[t - 1, …]` on the right"
    scope.sink.error("TS124", message, target.span, help=help_text)
    return None


def _may_recur(target: tree.Target, step: tree.Statement, scope: Scope) -> bool:
    name, items = target.name, step.target.items or ()
    if name.id in scope.defined:
        scope.sink.error("TS105", f"`{name.id}` is defined twice", name.span, help="one statement defines a name")
        return False
    output = scope.outputs.get(name.id)
    if output is None and not scope.declare(name.id, name.span):
        return False
    if output is not None and len(items) != len(output.shape):
        report_rank(step.target, output, scope)
        return False
    if len(items) != len(target.items or ()):
        message = f"`{name.id}` has {len(target.items or ())} indices here, and {len(items)} in its step"
        scope.sink.error("TS103", message, target.span, help="give both statements one index an axis")
        return False
    return True


def _axes(
    statement: tree.Statement, tellers: tuple[tree.Statement, ...], at: int, scope: Scope
) -> tuple[Axis, ...] | None:
    """The step's index variables; extents from the output, from bounds, or from right sides.

    `tellers` are the step, and the statements between: names that recur together use one variable for the steps.
    """
    axes = []
    step = tellers[0]
    firsts, steps = statement.target.items or (), step.target.items or ()
    for position, (first, item) in enumerate(zip(firsts, steps, strict=True)):
        axis = _axis(position, None if position == at else first, item, statement, tellers, scope)
        if axis is None:
            return None
        axes.append(axis)
    return tuple(axes) if are_distinct([axis.name for axis in axes], step.target, scope) else None


def _axis(
    position: int,
    first: tree.Item | None,
    item: tree.Item,
    statement: tree.Statement,
    tellers: tuple[tree.Statement, ...],
    scope: Scope,
) -> Axis | None:
    variable, extent = read_variable(item, scope)
    if variable is None or not Resolver(scope, Indices()).declare_index(variable):
        return None
    output = scope.outputs.get(statement.target.name.id)
    spread = isinstance(variable, tree.Spread)
    if output is not None and spread != output.spread[position]:
        report_spread(variable, position, output, scope)
        return None
    initial = None
    if first is not None:
        initial, given = read_variable(first, scope)
        extent = extent or given
        if initial is None:
            return None
    extent = extent or (output.shape[position] if output else None)
    if extent is None and initial is not None and is_told(initial.id, (statement.value,), scope):
        extent = infer_extent(initial, (statement.value,), scope)
    told = (each.value for each in tellers if is_told(variable.id, (each.value,), scope))
    extent = extent or infer_extent(variable, (next(told, tellers[0].value),), scope)
    return Axis(name=variable.id, extent=extent, spread=spread, span=variable.span) if extent is not None else None


def _is_backward(item: tree.Item, axis: Axis, scope: Scope) -> bool | None:
    """Whether the element before the first step is the one behind the axis; TS124 where it is neither end."""
    index = resolve_scalar(item, scope)  # type: ignore[arg-type]
    if index == Unary(op="-", operand=Number(value=1)):
        return False
    if index == axis.extent:
        return True
    message = "a recurrence begins at index -1, or behind the last one"
    scope.sink.error("TS124", message, item.span, help="write `S[-1, …] = …`, or `S[T, …] = …` to run backwards")
    return None


def _first_names(target: tree.Target, axes: tuple[Axis, ...]) -> list[str]:
    """The initial statement's variable for each axis; the step's own where it has none."""
    names = []
    for item, axis in zip(target.items or (), axes, strict=True):
        if isinstance(item, tree.Name | tree.Spread):
            names.append(item.id)
        elif isinstance(item, tree.Binary) and isinstance(item.left, tree.Name) and item.op == "<":
            names.append(item.left.id)
        else:
            names.append(axis.name)
    return names


def _rename(expr: Expr, names: Mapping[str, str]) -> Expr:
    if isinstance(expr, IndexRef):
        return replace(expr, name=names.get(expr.name, expr.name))
    return map_children(expr, lambda child: _rename(child, names))

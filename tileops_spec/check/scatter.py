"""Statements that reach elements by expressions: `y[index[t], d] += …`, and `cache[slot[t], d] = …` in place."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics.diagnostic import Label
from ..ir.nodes import Axis
from ..ir.spec import Definition
from ..syntax import tree
from .expressions import Resolver
from .extents import infer_extent
from .left_side import are_distinct, free_names, report_rank, report_spread
from .scope import Indexable, Indices, Scope


def resolve_scatter(statement: tree.Statement, scope: Scope) -> Definition | None:
    """The definition; None where something was reported."""
    target = statement.target
    updated = _updated(statement, scope)
    if updated is None:
        return None
    if len(target.items or ()) != len(updated.shape):
        report_rank(target, updated, scope)
        return None
    axes = _axes(statement, updated, scope)
    if axes is None:
        return None
    resolver = Resolver(scope, Indices().with_axes(axes))
    indices = tuple(resolver.resolve(_as_value(item)) for item in target.items or ())
    output = scope.outputs.get(target.name.id)
    scope.defined.setdefault(target.name.id, updated)
    return Definition(
        target=target.name.id,
        axes=axes,
        value=resolver.resolve(statement.value),
        op=statement.op,  # type: ignore[arg-type]
        indices=indices,
        target_shape=updated.shape,
        dtype=output.dtype if output else "",
        is_output=output is not None,
        span=statement.span,
    )


def _as_value(item: tree.Item) -> tree.Item:
    """`*s` as the variable that it is inside brackets."""
    return tree.Name(item.id, item.span) if isinstance(item, tree.Spread) else item


def _updated(statement: tree.Statement, scope: Scope) -> Indexable | None:
    """What is updated: an output, or a local defined above; TS102 and TS117 otherwise."""
    name = statement.target.name
    found = scope.outputs.get(name.id) or scope.defined.get(name.id)
    if found is None:
        if name.id not in scope.broken:
            help_text = f"define it first, such as `{name.id}[i < N] = 0`; outputs begin as 0"
            scope.sink.error("TS102", f"`+=` adds to `{name.id}`, which nothing defines", name.span, help=help_text)
        return None
    if name.id in scope.reads and not scope.is_in_place(name.id):
        label = Label(span=found.span, text="defined here")
        message = f"`{name.id}` changes below a statement that reads it"
        scope.sink.error("TS117", message, name.span, labels=(label,), help="let every `+=` stand above the reads")
        return None
    return found


def _axes(statement: tree.Statement, updated: Indexable, scope: Scope) -> tuple[Axis, ...] | None:
    """The index variables: every free word of the left-hand side."""
    items = statement.target.items or ()
    variables = {name.id: name for item in items for name in free_names(item, scope)}
    plain = [item.id for item in items if isinstance(item, tree.Name | tree.Spread)]
    if not are_distinct(plain, statement.target, scope):
        return None
    axes = [_axis(variable, items, statement, updated, scope) for variable in variables.values()]
    return tuple(axis for axis in axes if axis is not None) if None not in axes else None


def _axis(
    variable: tree.Name, items: Sequence[tree.Item], statement: tree.Statement, updated: Indexable, scope: Scope
) -> Axis | None:
    if not Resolver(scope, Indices()).declare_index(variable):
        return None
    for at, item in enumerate(items):
        if isinstance(item, tree.Name | tree.Spread) and item.id == variable.id:
            spread = isinstance(item, tree.Spread)
            if spread != updated.spread[at]:
                report_spread(item, at, updated, scope)
                return None
            return Axis(name=variable.id, extent=updated.shape[at], spread=spread, span=item.span)
    bodies = (statement.value, *(item for item in items if not isinstance(item, tree.Spread)))
    extent = infer_extent(variable, bodies, scope)
    return Axis(name=variable.id, extent=extent, span=variable.span) if extent is not None else None

"""The statements of the mathematics, in order: each defines one output or local."""

from __future__ import annotations

from ..diagnostics.diagnostic import Label
from ..ir.nodes import Axis
from ..ir.spec import Definition
from ..syntax import tree
from .expressions import Resolver
from .extents import infer_extent
from .scope import Indexable, Indices, Scope


def resolve_math(statements: tuple[tree.Statement, ...], scope: Scope) -> tuple[Definition, ...]:
    """The definitions in order; TS110 for an output that none defines."""
    definitions = [definition for each in statements if (definition := _resolve(each, scope)) is not None]
    for name, output in scope.outputs.items():
        if name not in scope.broken and not any(statement.target.name.id == name for statement in statements):
            axes = ", ".join("ijklmn"[: len(output.shape)])
            help_text = f"add a statement such as `{name}[{axes}] = …`"
            scope.sink.error("TS110", f"nothing defines the output `{name}`", output.span, help=help_text)
    return tuple(definitions)


def _resolve(statement: tree.Statement, scope: Scope) -> Definition | None:
    target = statement.target
    if statement.op == "+=":
        scope.sink.error(
            "TS117", "`+=` is not part of the language yet", target.span, help="write the sum with `sum[…]`"
        )
        return None
    axes = _axes(statement, scope) if _may_define(target, scope) else None
    if axes is None:
        scope.broken.add(target.name.id)
        return None
    value = Resolver(scope, Indices().with_axes(axes)).resolve(statement.value)
    name = target.name.id
    output = scope.outputs.get(name)
    definition = Definition(
        target=name,
        axes=axes,
        value=value,
        dtype=output.dtype if output else "",
        is_output=output is not None,
        span=statement.span,
    )
    spread = tuple(axis.spread for axis in axes)
    scope.defined[name] = Indexable(name, definition.dtype, definition.shape, spread, target.span)
    return definition


def _may_define(target: tree.Target, scope: Scope) -> bool:
    """TS105 where the name is defined already, or means something else."""
    name = target.name
    if name.id in scope.defined:
        label = Label(span=scope.defined[name.id].span, text="first defined here")
        message = f"`{name.id}` is defined twice"
        scope.sink.error("TS105", message, name.span, labels=(label,), help="one statement defines a name")
        return False
    return name.id in scope.outputs or scope.declare(name.id, name.span)


def _axes(statement: tree.Statement, scope: Scope) -> tuple[Axis, ...] | None:
    """The index variables of the left-hand side, with their extents."""
    target = statement.target
    items = target.items or ()
    output = scope.outputs.get(target.name.id)
    if output is not None and len(items) != len(output.shape):
        label = Label(span=output.span, text=f"`{output.name}` has {len(output.shape)} axes")
        message = f"`{output.name}` is defined with {len(items)} indices"
        scope.sink.error("TS103", message, target.span, labels=(label,), help="give one index variable an axis")
        return None
    axes = [_axis(item, position, statement, output, scope) for position, item in enumerate(items)]
    names = [axis.name for axis in axes if axis is not None]
    if len(set(names)) < len(names):
        scope.sink.error("TS117", "an index variable stands twice", target.span, help="use one variable an axis")
        return None
    return tuple(axis for axis in axes if axis is not None) if None not in axes else None


def _axis(
    item: tree.Item, position: int, statement: tree.Statement, output: Indexable | None, scope: Scope
) -> Axis | None:
    if not isinstance(item, tree.Name | tree.Spread):
        help_text = "the left-hand side names elements by index variables: `C[m, n]`"
        scope.sink.error("TS117", "an index on the left-hand side is a plain variable", item.span, help=help_text)
        return None
    if not Resolver(scope, Indices()).declare_index(item):
        return None
    spread = isinstance(item, tree.Spread)
    if output is not None and spread != output.spread[position]:
        form = f"*{item.id}" if output.spread[position] else item.id
        message = f"axis {position} of `{output.name}` is {'a group' if output.spread[position] else 'a single axis'}"
        scope.sink.error("TS115", message, item.span, help=f"write `{form}`")
        return None
    extent = output.shape[position] if output else infer_extent(item, (statement.value,), scope)
    return Axis(name=item.id, extent=extent, spread=spread, span=item.span) if extent is not None else None

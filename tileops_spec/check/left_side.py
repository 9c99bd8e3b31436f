"""Left-hand sides: which kind a statement is of, and the index variables of a plain one with their extents."""

from __future__ import annotations

from collections.abc import Iterable

from ..diagnostics.diagnostic import Label
from ..ir.nodes import Axis, Expr
from ..syntax import tree
from .axes import read_bracketed
from .expressions import Resolver, resolve_scalar
from .extents import infer_extent
from .scope import Indexable, Indices, Scope


def is_plain(target: tree.Target, scope: Scope) -> bool:
    """Whether every index is a variable: `C[m, *s, e < E]`."""
    return all(
        isinstance(item, tree.Name | tree.Spread) or read_bracketed(item, scope.is_free) is not None
        for item in target.items or ()
    )


def is_initial(target: tree.Target, scope: Scope) -> bool:
    """Whether this is the statement before a recurrence's first step: one index is no variable, and reads none."""
    return initial_position(target, scope) is not None


def initial_position(target: tree.Target, scope: Scope) -> int | None:
    """The axis of that index; None where the statement is of another kind."""
    fixed = [at for at, item in enumerate(target.items or ()) if not _is_variable(item, scope)]
    if len(fixed) != 1 or scope.is_in_place(target.name.id):
        return None
    item = (target.items or ())[fixed[0]]
    return fixed[0] if not free_names(item, scope) and not _reads(item) else None


def _is_variable(item: tree.Item, scope: Scope) -> bool:
    if isinstance(item, tree.Name):
        return scope.is_free(item.id)
    return isinstance(item, tree.Spread) or read_bracketed(item, scope.is_free) is not None


def free_names(item: tree.Item, scope: Scope) -> list[tree.Name]:
    """The words in an index that mean nothing yet: its index variables, each once."""
    found: dict[str, tree.Name] = {}

    def visit(node: tree.Node) -> None:
        if isinstance(node, tree.Name | tree.Spread) and scope.is_free(node.id):
            found.setdefault(node.id, tree.Name(node.id, node.span))
        for child in tree.children(node):
            if not (isinstance(node, tree.Call | tree.Subscript) and child is _head(node)):
                visit(child)

    visit(item)
    return list(found.values())


def _head(node: tree.Call | tree.Subscript) -> tree.Name:
    return node.function if isinstance(node, tree.Call) else node.base


def _reads(item: tree.Item) -> bool:
    """Whether an index reads a tensor."""
    return isinstance(item, tree.Subscript | tree.Reduction) or any(_reads(child) for child in tree.children(item))


def plain_axes(target: tree.Target, bodies: Iterable[tree.Expr], scope: Scope) -> tuple[Axis, ...] | None:
    """The index variables of a plain left-hand side, with their extents; None where one was reported."""
    bodies = tuple(bodies)
    items = target.items or ()
    output = scope.outputs.get(target.name.id)
    if output is not None and len(items) != len(output.shape):
        report_rank(target, output, scope)
        return None
    axes = [_axis(item, at, bodies, output, scope) for at, item in enumerate(items)]
    if not are_distinct([axis.name for axis in axes if axis is not None], target, scope):
        return None
    return tuple(axis for axis in axes if axis is not None) if None not in axes else None


def report_rank(target: tree.Target, output: Indexable, scope: Scope) -> None:
    """TS103: the wrong number of indices."""
    label = Label(span=output.span, text=f"`{output.name}` has {len(output.shape)} axes")
    message = f"`{output.name}` is defined with {len(target.items or ())} indices"
    scope.sink.error("TS103", message, target.span, labels=(label,), help="give one index variable an axis")


def are_distinct(names: list[str], target: tree.Target, scope: Scope) -> bool:
    """TS117 where an index variable stands twice."""
    if len(set(names)) == len(names):
        return True
    scope.sink.error("TS117", "an index variable stands twice", target.span, help="use one variable an axis")
    return False


def _axis(
    item: tree.Item, at: int, bodies: tuple[tree.Expr, ...], output: Indexable | None, scope: Scope
) -> Axis | None:
    variable, given = read_variable(item, scope)
    if variable is None or not Resolver(scope, Indices()).declare_index(variable):
        return None
    spread = isinstance(variable, tree.Spread)
    if output is not None and spread != output.spread[at]:
        report_spread(variable, at, output, scope)
        return None
    extent = given or (output.shape[at] if output else infer_extent(variable, bodies, scope))
    return Axis(name=variable.id, extent=extent, spread=spread, span=variable.span) if extent is not None else None


def report_spread(variable: tree.Name | tree.Spread, at: int, output: Indexable, scope: Scope) -> None:
    """TS115: a group where a single axis is meant, or the other way round."""
    form = f"*{variable.id}" if output.spread[at] else variable.id
    message = f"axis {at} of `{output.name}` is {'a group' if output.spread[at] else 'a single axis'}"
    scope.sink.error("TS115", message, variable.span, help=f"write `{form}`")


def read_variable(item: tree.Item, scope: Scope) -> tuple[tree.Name | tree.Spread | None, Expr | None]:
    """The variable of an index, and the extent written beside it; TS117 where there is none."""
    if isinstance(item, tree.Name | tree.Spread):
        return item, None
    found = read_bracketed(item, scope.is_free)
    if found is None or found.lower is not None or found.closed or found.upper is None:
        help_text = "the left-hand side names elements by index variables: `C[m, n]`, or `C[m < 8, n]`"
        message = "an index on the left-hand side is a plain variable"
        scope.sink.error("TS117", message, item.span, help=help_text)
        return None, None
    return found.variable, resolve_scalar(found.upper, scope)

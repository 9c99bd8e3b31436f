"""The statements of the mathematics, in order: each defines a name, adds to one, or begins a recurrence."""

from __future__ import annotations

from collections.abc import Sequence

from ..diagnostics.diagnostic import Label
from ..ir.spec import Definition
from ..syntax import tree
from .expressions import Resolver
from .left_side import is_initial, is_plain, plain_axes
from .recurrences import begin_recurrence
from .scatter import resolve_scatter
from .scope import Indexable, Indices, Recurrence, Scope


def resolve_math(statements: tuple[tree.Statement, ...], scope: Scope) -> tuple[Definition, ...]:
    """The definitions in order; TS110 for an output that none defines."""
    definitions = []
    for at, statement in enumerate(statements):
        definition = _resolve(statement, statements[at + 1 :], scope)
        if definition is not None:
            definitions.append(definition)
    for name, output in scope.outputs.items():
        if name not in scope.broken and not any(statement.target.name.id == name for statement in statements):
            axes = ", ".join("ijklmn"[: len(output.shape)])
            help_text = f"add a statement such as `{name}[{axes}] = …`"
            scope.sink.error("TS110", f"nothing defines the output `{name}`", output.span, help=help_text)
    return tuple(definitions)


def _resolve(statement: tree.Statement, later: Sequence[tree.Statement], scope: Scope) -> Definition | None:
    target, name = statement.target, statement.target.name.id
    if name in scope.abandoned:
        return None
    if is_initial(target, scope):
        if not begin_recurrence(statement, later, scope):
            scope.broken.add(name)
            scope.abandoned.add(name)
        return None
    if statement.op == "+=" or (not is_plain(target, scope) and scope.is_in_place(name)):
        definition = resolve_scatter(statement, scope)
    elif name in scope.recurrences:
        definition = _step(statement, scope.recurrences.pop(name), scope)
    else:
        definition = _plain(statement, scope)
    if definition is None:
        scope.broken.add(name)
    return definition


def _plain(statement: tree.Statement, scope: Scope) -> Definition | None:
    """`C[m, n] = …`."""
    target, name = statement.target, statement.target.name.id
    axes = plain_axes(target, (statement.value,), scope) if _may_define(target, scope) else None
    if axes is None:
        return None
    output = scope.outputs.get(name)
    value = Resolver(scope, Indices().with_axes(axes)).resolve(statement.value)
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
    if name.id in scope.broken and name.id in scope.places and name.id not in scope.outputs:
        return False  # an output that was reported where it is declared
    if name.id in scope.defined:
        label = Label(span=scope.defined[name.id].span, text="first defined here")
        message = f"`{name.id}` is defined twice"
        help_text = "one statement defines a name; `+=` adds to it"
        scope.sink.error("TS105", message, name.span, labels=(label,), help=help_text)
        return False
    return name.id in scope.outputs or scope.declare(name.id, name.span)


def _step(statement: tree.Statement, recurrence: Recurrence, scope: Scope) -> Definition | None:
    """`S[t, …] = …`, whose initial statement stands above."""
    name = statement.target.name.id
    value = Resolver(scope, Indices().with_axes(recurrence.axes)).resolve(statement.value)
    output = scope.outputs.get(name)
    return Definition(
        target=name,
        axes=recurrence.axes,
        value=value,
        along=recurrence.along,
        initial=recurrence.initial,
        backward=recurrence.backward,
        dtype=output.dtype if output else "",
        is_output=output is not None,
        span=statement.span,
    )

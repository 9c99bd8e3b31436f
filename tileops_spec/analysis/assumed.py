"""What the assumptions of a spec say of one input's elements, as numbers for a binding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import torch
from torch import Tensor

from ..ir.nodes import Access, Axis, Binary, Expr, IndexRef, Reduce
from ..ir.spec import Spec, TensorDecl
from ..ir.walk import walk
from .accesses import OracleError, Window
from .binding import Binding, BindingError, evaluate_scalar
from .estimate import Approx, conform
from .expressions import Expressions
from .scope import Run, Scope

Limits = tuple[Tensor | None, Tensor | None]
"""The least and the greatest value of each element, in float64, broadcasting to the tensor's shape."""

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "=="}


def assumed_limits(spec: Spec, tensor: TensorDecl, binding: Binding, earlier: Mapping[str, Tensor]) -> list[Limits]:
    """The limits from clauses such as `all[b](0 <= len[b] <= S)`; bounds may read inputs drawn earlier.

    There is more than one where clauses leave a choice: `t[n] == -1 or 0 <= t[n] and t[n] < V`.
    """
    expressions = _expressions(spec, binding, earlier)
    exact = not binding.dtype(tensor.dtype).is_float
    choices = [[(axes, part) for part in _disjuncts(body)] for axes, body in map(_quantified, spec.assumptions)]
    return [_limits(tensor, choice, expressions, exact=exact) for choice in product(*choices)]


def _limits(
    tensor: TensorDecl, parts: Sequence[tuple[tuple[Axis, ...], Expr]], expressions: Expressions, *, exact: bool
) -> Limits:
    low: Tensor | None = None
    high: Tensor | None = None
    for axes, part in parts:
        for op, access, other in _comparisons(part):
            limit = _limit(access, other, axes, expressions) if access.tensor == tensor.name else None
            if limit is None:
                continue
            step = 1.0 if exact and op in ("<", ">") else 0.0
            if op in (">", ">=", "=="):
                low = limit + step if low is None else torch.maximum(low, limit + step)
            if op in ("<", "<=", "=="):
                high = limit - step if high is None else torch.minimum(high, limit - step)
    return low, high


def fixed_elements(spec: Spec, tensor: TensorDecl, binding: Binding) -> Iterator[tuple[tuple[int, ...], int | float]]:
    """(index, value) of clauses such as `cu[0] == 0`, over dims and params alone."""
    for clause in spec.assumptions:
        for op, access, other in _comparisons(_quantified(clause)[1]):
            if op == "==" and access.tensor == tensor.name and not any(map(_varies, (*access.indices, other))):
                index = tuple(int(evaluate_scalar(each, binding)) for each in access.indices)
                yield index, evaluate_scalar(other, binding)


def _varies(expr: Expr) -> bool:
    return any(isinstance(node, IndexRef | Access) for node in walk(expr))


def _quantified(clause: Expr) -> tuple[tuple[Axis, ...], Expr]:
    """The axes that a clause quantifies over, and what it says of each point."""
    axes: tuple[Axis, ...] = ()
    while isinstance(clause, Reduce) and clause.function == "all":
        axes, clause = (*axes, *clause.axes), clause.body
    return axes, clause


def _disjuncts(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Binary) and expr.op == "or":
        yield from _disjuncts(expr.left)
        yield from _disjuncts(expr.right)
    else:
        yield expr


def _comparisons(expr: Expr) -> Iterator[tuple[str, Access, Expr]]:
    if isinstance(expr, Binary) and expr.op == "and":
        yield from _comparisons(expr.left)
        yield from _comparisons(expr.right)
    elif isinstance(expr, Binary) and expr.op in _FLIPPED:
        if isinstance(expr.left, Access):
            yield expr.op, expr.left, expr.right
        if isinstance(expr.right, Access):
            yield _FLIPPED[expr.op], expr.right, expr.left


def _limit(access: Access, other: Expr, axes: Sequence[Axis], expressions: Expressions) -> Tensor | None:
    """What an element is compared with, in the tensor's own axes; None where elements are not those of all axes.

    A clause that fixes one element limits all of them where the tensor does not decrease; that is the caller's to see.
    """
    names = [index.name for index in access.indices if isinstance(index, IndexRef)]
    if len(names) < len(access.indices) or len(set(names)) < len(names):
        return None
    needed = {node.tensor for node in walk(other) if isinstance(node, Access)}
    if not needed <= set(expressions.inputs) or any(axis.lower or axis.upper for axis in axes):
        return None
    sizes = [(axis.name, expressions.extent(axis)) for axis in axes]
    try:
        value = expressions.evaluate(other, Scope(tuple(Run(name, 0, size, size) for name, size in sizes))).value
    except (OracleError, BindingError):
        return None
    order = [name for name, _ in sizes]
    others = [at for at, name in enumerate(order) if name not in names]
    if any(value.shape[at] != 1 for at in others):
        return None
    kept = value.double().permute(*(order.index(name) for name in names), *others)
    return kept.reshape(kept.shape[: len(names)])


def _expressions(spec: Spec, binding: Binding, earlier: Mapping[str, Tensor]) -> Expressions:
    dtypes = {each.name: binding.dtype(each.dtype) for each in spec.inputs}
    inputs = {name: conform(value, dtypes[name]) for name, value in earlier.items()}

    def read(name: str, ranges: object) -> Window:
        return Window(Approx(inputs[name]), (0,) * inputs[name].dim())

    return Expressions(binding, inputs, {}, read, torch.device("cpu"))

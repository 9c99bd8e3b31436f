"""Expressions of the mathematics at every point of a scope, in float64 with an error bound for each element.

Every tensor has one axis for each index variable in scope, of extent 1 where it does not vary, so that broadcasting
aligns operands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..ir.dtypes import DTYPES, DType
from ..ir.nodes import (
    Access,
    Along,
    Axis,
    Binary,
    Call,
    Cast,
    DimRef,
    Expr,
    IndexRef,
    Lookup,
    Number,
    ParamRef,
    Present,
    Property,
    Reduce,
    Select,
    Unary,
)
from ..ir.walk import walk
from .accesses import OracleError, Window, gather, mapped, spots, view
from .axiswise import along
from .binding import Binding, evaluate_scalar
from .estimate import Approx, conform, rounding, total
from .functions import call
from .operators import binary, cast, literal, loses, select, unary
from .reductions import masked, ranked, reduce
from .scope import Run, Scope, wanted
from .sums import Factor, sum_of_products

_UNROUNDED = {name: replace(dtype, rounds=False) for name, dtype in DTYPES.items()}

Read = Callable[[str, Sequence[tuple[int, int]] | None], Window]
"""(name, the ranges that are wanted or None for everything) → at least that part of an input or definition."""


@dataclass(frozen=True)
class Expressions:
    """Evaluates expressions under one binding.

    `inputs` are those given, in the oracle's types; `defaults` stand for the optional ones that are not. Not `bounded`:
    values without error bounds.
    """

    binding: Binding
    inputs: Mapping[str, Tensor]
    defaults: Mapping[str, Expr]
    read: Read
    device: torch.device
    as_float: str | None = None
    bounded: bool = True

    def dtype(self, name: str) -> DType:
        dtype = self.binding.dtype(name)
        if not self.bounded:
            return _UNROUNDED[dtype.name]
        return self.binding.dtype(self.as_float) if self.as_float and dtype.is_float else dtype

    def extent(self, axis: Axis) -> int:
        return max(0, int(evaluate_scalar(axis.extent, self.binding)))

    def evaluate(self, expr: Expr, scope: Scope) -> Approx:
        """The value of `expr` at every point of the scope."""
        match expr:
            case Number():
                return self._literal(expr.value, expr, scope)
            case DimRef() | ParamRef():
                return self._literal(evaluate_scalar(expr, self.binding), expr, scope)
            case IndexRef():
                return Approx(conform(self._index_values(expr.name, scope), self.dtype(expr.dtype)))
            case Access():
                return self._access(expr, scope)
            case Cast():
                operand = self.evaluate(expr.operand, scope)
                return cast(operand, self.dtype(expr.operand.dtype), self.dtype(expr.dtype))
            case Unary():
                return unary(expr.op, self.evaluate(expr.operand, scope), self.dtype(expr.dtype))
            case Binary():
                return self._binary(expr, scope)
            case Call():
                args = [self.evaluate(arg, scope) for arg in expr.args]
                return call(expr.function, args, self.dtype(expr.dtype))
            case Select():
                return self._select(expr, scope)
            case Reduce():
                return self._reduce(expr, scope)
            case Along():
                return self._along(expr, scope)
        return self._of_input(expr, scope)

    def _of_input(self, expr: Expr, scope: Scope) -> Approx:
        """What is said of an input as a whole."""
        match expr:
            case Lookup():
                value = self.evaluate(expr.value, scope).value
                boundaries = self.inputs[expr.tensor].contiguous()
                return Approx(torch.searchsorted(boundaries, value.contiguous(), right=True) - 1)
            case Present():
                return self._literal(expr.tensor in self.inputs, expr, scope)
            case Property():
                return self._literal(_PROPERTIES[expr.function](self.inputs[expr.tensor]), expr, scope)
        raise TypeError(f"the oracle has no rule for {expr.kind}")

    def _literal(self, value: bool | int | float, expr: Expr, scope: Scope) -> Approx:
        return literal(value, self.dtype(expr.dtype), self.device, rank=scope.rank)

    def _index_values(self, name: str, scope: Scope) -> Tensor:
        """The variable's values, along its own axis."""
        at = scope.position(name)
        run = scope.runs[at]
        shape = [run.size if position == at else 1 for position in range(scope.rank)]
        return torch.arange(run.start, run.stop, device=self.device).reshape(shape)

    def _binary(self, expr: Binary, scope: Scope) -> Approx:
        left = self.evaluate(expr.left, scope)
        right = self.evaluate(expr.right, self._guarded(expr.op, left, scope))
        if expr.op in ("//", "%") and not right.value.dtype.is_floating_point:
            right = _divisor(right, scope)
        return binary(expr.op, left, right, self.dtype(expr.dtype))

    def _guarded(self, op: str, left: Approx, scope: Scope) -> Scope:
        """`and` and `or` look at their right side only where the left one leaves it open."""
        if op not in ("and", "or") or left.error is not None:
            return scope
        return scope.where(left.value if op == "and" else ~left.value)

    def _select(self, expr: Select, scope: Scope) -> Approx:
        condition = self.evaluate(expr.condition, scope)
        unsure = torch.zeros_like(condition.value) if condition.error is None else condition.error > 0
        then = self.evaluate(expr.then, scope.where(condition.value | unsure))
        otherwise = self.evaluate(expr.otherwise, scope.where(~condition.value | unsure))
        return select(condition, then, otherwise)

    def _along(self, expr: Along, scope: Scope) -> Approx:
        at = scope.position(expr.axis)
        body = self.evaluate(expr.body, scope)
        sizes = [scope.runs[at].size if axis == at else -1 for axis in range(scope.rank)]
        return along(expr.function, mapped(body, lambda tensor: tensor.expand(sizes)), at, self.dtype(expr.dtype))

    # reductions

    def _reduce(self, expr: Reduce, scope: Scope) -> Approx:
        runs = tuple(Run(axis.name, 0, extent, extent) for axis in expr.axes for extent in (self.extent(axis),))
        inner = scope.within(runs)
        inside = self._inside(expr.axes, inner)
        inner = inner if inside is None else inner.where(inside)
        dtype = self.dtype(expr.dtype)
        if expr.function in ("sum", "mean"):
            return self._sum(expr, inner, scope.rank, inside)
        body = self.evaluate(expr.body, inner)
        if inside is not None:
            body = masked(expr.function, body, inside)
        if expr.rank is not None:
            return ranked(expr.function, body, self.evaluate(expr.rank, scope), inner.sizes, scope.rank)
        return reduce(expr.function, body, inner.sizes, scope.rank, dtype)

    def _inside(self, axes: Sequence[Axis], inner: Scope) -> Tensor | None:
        """Where every variable lies within its own bounds; None where none has any."""
        inside = None
        for axis in axes:
            here = inner if inside is None else inner.where(inside)
            values = self._index_values(axis.name, inner)
            for bound, holds in ((axis.lower, torch.ge), (axis.upper, torch.lt)):
                if bound is not None:
                    limit = self.evaluate(bound, here).value
                    self._check_bound(axis, limit, here, is_lower=bound is axis.lower)
                    holding = holds(values, limit)
                    inside = holding if inside is None else inside & holding
        return inside

    def _check_bound(self, axis: Axis, limit: Tensor, scope: Scope, *, is_lower: bool) -> None:
        """A bound beyond the range that is laid out would lose terms in silence."""
        extent = self.extent(axis)
        outside = wanted(limit < 0 if is_lower else limit > extent, scope)
        if bool(outside.any()):
            found = int(limit.expand_as(outside)[outside][0])
            raise OracleError(f"a bound of {axis.name} is {found}, outside of 0 … {extent}")

    def _sum(self, expr: Reduce, inner: Scope, outer: int, inside: Tensor | None) -> Approx:
        leaves, rounded = self.product(expr.body)
        bound = {axis.name for axis in expr.axes}
        factors = [self._factor(leaf, inner, outer, bound) for leaf in leaves]
        mean = expr.function == "mean"
        return sum_of_products(factors, inner.sizes, outer, self.dtype(expr.dtype), rounded, mean=mean, inside=inside)

    def product(self, expr: Expr) -> tuple[list[Expr], float]:
        """The factors of a product of floats, through casts; and the relative roundings of that product."""
        dtype = self.dtype(expr.dtype)
        match expr:
            case Binary(op="*") if dtype.is_float:
                (left, first), (right, second) = self.product(expr.left), self.product(expr.right)
                return [*left, *right], first + second + dtype.unit_roundoff
            case Cast(operand=Binary(op="*") as operand) if dtype.is_float and self.dtype(operand.dtype).is_float:
                leaves, rounded = self.product(operand)
                lost = dtype.unit_roundoff if loses(self.dtype(operand.dtype), dtype) else 0.0
                return leaves, rounded + lost
        return [expr], 0.0

    def _factor(self, leaf: Expr, scope: Scope, outer: int, bound: set[str]) -> Factor:
        """A factor, with the roundings of its casts apart where they are independent along every summed axis."""
        operand, lossy = leaf, []
        while isinstance(operand, Cast) and self._converts_floats(operand):
            if loses(self.dtype(operand.operand.dtype), self.dtype(operand.dtype)):
                lossy.append(self.dtype(operand.dtype))
            operand = operand.operand
        if len(lossy) != 1 or not _varies_plainly(operand, bound):
            return Factor.of(self.evaluate(leaf, scope))
        exact = self.evaluate(operand, scope)
        summed = zip(exact.value.shape[outer:], scope.sizes[outer:], strict=True)
        if any(size != extent for size, extent in summed):
            return Factor(exact.value, total(exact.error, rounding(exact.value, lossy[0])))
        return Factor.of(exact).rounded(lossy[0]) if lossy[0].rounds else Factor.of(exact)

    def _converts_floats(self, cast: Cast) -> bool:
        return self.dtype(cast.dtype).is_float and self.dtype(cast.operand.dtype).is_float

    # accesses

    def _access(self, expr: Access, scope: Scope) -> Approx:
        if expr.tensor in self.defaults:
            return self.evaluate(self.defaults[expr.tensor], scope)
        places = spots(expr.indices, scope)
        if places is not None:
            ranges = [place.range for place in places]
            window = self.read(expr.tensor, ranges)
            if window.covers(ranges):
                return view(window, places, scope)
        indices = [self.evaluate(index, scope) for index in expr.indices]
        pad = None if expr.pad is None else self.evaluate(expr.pad, scope)
        return gather(expr.tensor, self.read(expr.tensor, None), indices, scope, pad)


def _divisor(right: Approx, scope: Scope) -> Approx:
    zero = right.value == 0
    if bool(wanted(zero, scope).any()):
        raise OracleError("an integer is divided by zero")
    return Approx(torch.where(zero, 1, right.value), right.error)


def _varies_plainly(operand: Expr, bound: set[str]) -> bool:
    """Whether no element is read twice along a summed axis, as `x[k // 2]` does."""
    compound = (
        index
        for node in walk(operand)
        if isinstance(node, Access)
        for index in node.indices
        if not isinstance(index, IndexRef)
    )
    return not any(isinstance(node, IndexRef) and node.name in bound for index in compound for node in walk(index))


def _nondecreasing(tensor: Tensor) -> bool:
    return bool((tensor[1:] >= tensor[:-1]).all())


def _distinct(tensor: Tensor) -> bool:
    return tensor.unique().numel() == tensor.numel()


_PROPERTIES: dict[str, Callable[[Tensor], bool]] = {"nondecreasing": _nondecreasing, "distinct": _distinct}

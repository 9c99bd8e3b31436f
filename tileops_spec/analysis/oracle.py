"""The executable form of a spec: every output and local value in float64, with an error bound for each element.

Inside an expression every tensor has one axis for each index variable in scope, of extent 1 where it does not vary, so
that broadcasting aligns operands.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..ir.dtypes import DType
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
    Number,
    ParamRef,
    Reduce,
    Select,
    Unary,
)
from ..ir.spec import Definition, Spec
from ..ir.walk import walk
from .binding import Binding, evaluate_scalar, shape_of
from .cost import free_indices
from .estimate import Approx, Estimate, conform, rounding, settled, total
from .functions import call
from .operators import binary, cast, literal, loses, select, unary
from .reductions import Factor, along, reduce, sum_of_products
from .scope import Run, Scope, wanted

WHOLE_LIMIT = 2**27
"""Elements of the largest definition, above which outputs are computed slice by slice (1 GiB in float64)."""


class OracleError(ValueError):
    """The mathematics has no value for these inputs: an index leaves its tensor, or an integer is divided by zero."""


def evaluate(
    spec: Spec,
    binding: Binding,
    inputs: Mapping[str, Tensor],
    *,
    as_float: str | None = None,
    whole_limit: int = WHOLE_LIMIT,
) -> dict[str, Estimate]:
    """Outputs and locals by name, on the inputs' device; groups of axes are flattened.

    `as_float` bounds the error of computing everything in one float dtype, whatever the spec says. Where a definition
    has more than `whole_limit` elements, outputs are computed slice by slice, and locals are left out. Raises
    OracleError where the mathematics has no value, ValueError where an input is missing or misshapen.
    """
    oracle = _Oracle(spec, binding, _checked(spec, binding, inputs), as_float)
    if oracle.largest() <= whole_limit:
        return {each.target: _estimate(oracle.whole(each.target)) for each in spec.math}
    outputs = (each for each in spec.math if each.is_output)
    return {each.target: _estimate(oracle.sliced(each, whole_limit)) for each in outputs}


def _estimate(result: Approx) -> Estimate:
    return Estimate(result.value.contiguous(), result.bound.contiguous())


def _checked(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inputs in the oracle's types."""
    checked = {}
    for tensor in spec.inputs:
        if tensor.name not in inputs:
            raise ValueError(f"input {tensor.name} is missing")
        shape = shape_of(tensor, binding)
        if tuple(inputs[tensor.name].shape) != shape:
            raise ValueError(f"input {tensor.name} has shape {tuple(inputs[tensor.name].shape)}, not {shape}")
        checked[tensor.name] = conform(inputs[tensor.name], binding.dtype(tensor.dtype))
    return checked


@dataclass
class _Oracle:
    spec: Spec
    binding: Binding
    inputs: dict[str, Tensor]
    as_float: str | None
    known: dict[tuple, Approx] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.definitions = {each.target: each for each in self.spec.math}
        self.device = next(iter(self.inputs.values())).device if self.inputs else torch.device("cpu")

    # definitions

    def extents(self, definition: Definition) -> tuple[int, ...]:
        return tuple(self._extent(axis) for axis in definition.axes)

    def largest(self) -> int:
        """Elements of the largest tensor that is laid out: a definition, or what a reduction takes in."""
        return max(size for each in self.spec.math for size in self._sizes(each))

    def _sizes(self, definition: Definition) -> Iterator[int]:
        reductions = [node for node in walk(definition.value) if isinstance(node, Reduce)]
        axes = (*definition.axes, *(axis for node in reductions for axis in node.axes))
        extents = {axis.name: self._extent(axis) for axis in axes}
        yield math.prod(self.extents(definition))
        for node in reductions:
            laid_out = self._product(node.body)[0] if node.function in ("sum", "mean") else [node.body]
            for part in laid_out:
                yield math.prod(extents[name] for name in free_indices(part) if name in extents)

    def whole(self, name: str) -> Approx:
        return self.part(name, tuple((0, extent) for extent in self.extents(self.definitions[name])))

    def part(self, name: str, ranges: tuple[tuple[int, int], ...]) -> Approx:
        """The elements of a definition within `ranges`, one an axis; computed once."""
        key = (name, ranges)
        if key not in self.known:
            self.known[key] = self._define(self.definitions[name], ranges)
        return self.known[key]

    def _define(self, definition: Definition, ranges: tuple[tuple[int, int], ...]) -> Approx:
        extents = self.extents(definition)
        runs = tuple(
            Run(axis.name, *bounds, extent)
            for axis, bounds, extent in zip(definition.axes, ranges, extents, strict=True)
        )
        needed = {node.axis for node in walk(definition.value) if isinstance(node, Along)}
        computed = tuple(Run(r.name, 0, r.extent, r.extent) if r.name in needed else r for r in runs)
        result = self._stored(definition, self.evaluate(definition.value, Scope(computed)), computed)
        for at, (run, full) in enumerate(zip(runs, computed, strict=True)):
            if run != full:
                result = _map(result, lambda t, at=at, run=run: t.narrow(at, run.start, run.size))
        return result

    def _stored(self, definition: Definition, result: Approx, runs: tuple[Run, ...]) -> Approx:
        """The result at full size; an output is rounded to its dtype."""
        sizes = [run.size for run in runs]
        dtype = self._named(definition.dtype)
        if definition.is_output:
            result = cast(result, self._dtype(definition.value), dtype)
            result = settled(result.value, total(result.error, _rounded_again(result, dtype)))
        return _map(result, lambda tensor: tensor.expand(sizes))

    def sliced(self, definition: Definition, limit: int) -> Approx:
        """An output, computed in slices along its leading axes so that no definition has more than `limit` elements."""
        extents = self.extents(definition)
        pieces = _pieces(extents, math.ceil(self.largest() / limit))
        value = torch.empty(extents, dtype=torch.float64, device=self.device)
        value, error = conform(value, self.binding.dtype(definition.dtype)), torch.zeros_like(value)
        for ranges in pieces:
            part = self.part(definition.target, ranges)
            at = tuple(slice(*bounds) for bounds in ranges)
            value[at], error[at] = part.value, part.bound
            self.known.clear()
        return Approx(value, error)

    # expressions

    def evaluate(self, expr: Expr, scope: Scope) -> Approx:
        """The value of `expr` at every point of the scope."""
        match expr:
            case Number():
                return literal(expr.value, self._dtype(expr), self.device, rank=scope.rank)
            case DimRef() | ParamRef():
                number = evaluate_scalar(expr, self.binding)
                return literal(number, self._dtype(expr), self.device, rank=scope.rank)
            case IndexRef():
                return Approx(conform(self._index_values(expr.name, scope), self._dtype(expr)))
            case Access():
                return self._access(expr, scope)
            case Cast():
                operand = self.evaluate(expr.operand, scope)
                return cast(operand, self._dtype(expr.operand), self._dtype(expr))
            case Unary():
                return unary(expr.op, self.evaluate(expr.operand, scope), self._dtype(expr))
            case Binary():
                return self._binary(expr, scope)
            case Call():
                return call(expr.function, [self.evaluate(arg, scope) for arg in expr.args], self._dtype(expr))
            case Select():
                return self._select(expr, scope)
            case Reduce():
                return self._reduce(expr, scope)
            case Along():
                return self._along(expr, scope)
        raise TypeError(f"the oracle has no rule for {expr.kind}")

    def _dtype(self, expr: Expr) -> DType:
        return self._named(expr.dtype)

    def _named(self, name: str) -> DType:
        dtype = self.binding.dtype(name)
        return self.binding.dtype(self.as_float) if self.as_float and dtype.is_float else dtype

    def _extent(self, axis: Axis) -> int:
        return int(evaluate_scalar(axis.extent, self.binding))

    def _index_values(self, name: str, scope: Scope) -> Tensor:
        """The variable's values, along its own axis."""
        at = scope.position(name)
        run = scope.runs[at]
        shape = [run.size if position == at else 1 for position in range(scope.rank)]
        return torch.arange(run.start, run.stop, device=self.device).reshape(shape)

    def _binary(self, expr: Binary, scope: Scope) -> Approx:
        left, right = self.evaluate(expr.left, scope), self.evaluate(expr.right, scope)
        if expr.op in ("//", "%") and not right.value.dtype.is_floating_point:
            right = self._divisor(right, scope)
        return binary(expr.op, left, right, self._dtype(expr))

    def _divisor(self, right: Approx, scope: Scope) -> Approx:
        zero = right.value == 0
        if bool(wanted(zero, scope).any()):
            raise OracleError("an integer is divided by zero")
        return replace(right, value=torch.where(zero, 1, right.value))

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
        return along(expr.function, _map(body, lambda tensor: tensor.expand(sizes)), at, self._dtype(expr))

    # reductions

    def _reduce(self, expr: Reduce, scope: Scope) -> Approx:
        runs = tuple(Run(axis.name, 0, extent, extent) for axis in expr.axes for extent in (self._extent(axis),))
        inner = scope.within(runs)
        if expr.function in ("sum", "mean"):
            return self._sum(expr, inner, scope.rank)
        body = self.evaluate(expr.body, inner)
        return reduce(expr.function, body, inner.sizes, scope.rank, self._dtype(expr))

    def _sum(self, expr: Reduce, inner: Scope, outer: int) -> Approx:
        leaves, rounded = self._product(expr.body)
        bound = {axis.name for axis in expr.axes}
        factors = [self._factor(leaf, inner, outer, bound) for leaf in leaves]
        mean = expr.function == "mean"
        return sum_of_products(factors, inner.sizes, outer, self._dtype(expr), rounded, mean=mean)

    def _product(self, expr: Expr) -> tuple[list[Expr], float]:
        """The factors of a product of floats, through casts; and the relative roundings of that product."""
        dtype = self._dtype(expr)
        match expr:
            case Binary(op="*") if dtype.is_float:
                (left, first), (right, second) = self._product(expr.left), self._product(expr.right)
                return [*left, *right], first + second + dtype.unit_roundoff
            case Cast(operand=Binary(op="*") as operand) if dtype.is_float and self._dtype(operand).is_float:
                leaves, rounded = self._product(operand)
                lost = dtype.unit_roundoff if loses(self._dtype(operand), dtype) else 0.0
                return leaves, rounded + lost
        return [expr], 0.0

    def _factor(self, leaf: Expr, scope: Scope, outer: int, bound: set[str]) -> Factor:
        """A factor, with the roundings of its casts apart where they are independent along every summed axis."""
        operand, lossy = leaf, []
        while isinstance(operand, Cast) and self._dtype(operand).is_float and self._dtype(operand.operand).is_float:
            if loses(self._dtype(operand.operand), self._dtype(operand)):
                lossy.append(self._dtype(operand))
            operand = operand.operand
        if len(lossy) != 1 or not _varies_plainly(operand, bound):
            whole = self.evaluate(leaf, scope)
            return Factor(whole.value, whole.error)
        exact = self.evaluate(operand, scope)
        summed = zip(exact.value.shape[outer:], scope.sizes[outer:], strict=True)
        fresh = rounding(exact.value, lossy[0])
        if any(size != extent for size, extent in summed):
            return Factor(exact.value, total(exact.error, fresh))
        return Factor(exact.value, exact.error, fresh, lossy[0].unit_roundoff)

    # accesses

    def _access(self, expr: Access, scope: Scope) -> Approx:
        names = [index.name if isinstance(index, IndexRef) else None for index in expr.indices]
        plain = None not in names and len(set(names)) == len(names)
        runs = [scope.runs[scope.position(name)] if name is not None else None for name in names]
        tensor, origin = self._tensor(expr.tensor, runs if plain else [None] * len(runs))
        if plain and all(run.stop - start <= size for run, start, size in zip(runs, origin, tensor.value.shape)):  # noqa: B905
            return self._view(tensor, origin, runs, scope)
        return self._gather(expr, tensor, scope)

    def _tensor(self, name: str, runs: list[Run | None]) -> tuple[Approx, list[int]]:
        """The tensor, or for a local only the slice that partial runs reach; and where it starts on each axis."""
        if name in self.inputs:
            return Approx(self.inputs[name]), [0] * len(runs)
        extents = self.extents(self.definitions[name])
        ranges = tuple(
            (0, extent) if run is None or run.whole else (run.start, run.stop)
            for run, extent in zip(runs, extents, strict=True)
        )
        return self.part(name, ranges), [start for start, _ in ranges]

    def _view(self, tensor: Approx, origin: list[int], runs: list[Run], scope: Scope) -> Approx:
        """Index variables alone, each once: axes in the order of the scope, narrowed to the runs."""
        positions = [scope.position(run.name) for run in runs]
        order = sorted(range(len(runs)), key=positions.__getitem__)
        shape = [1] * scope.rank
        for run, position in zip(runs, positions, strict=True):
            shape[position] = run.size

        def view(value: Tensor) -> Tensor:
            for axis, (run, start) in enumerate(zip(runs, origin, strict=True)):
                value = value.narrow(axis, run.start - start, run.size)
            return value.permute(order).reshape(shape)

        return _map(tensor, view)

    def _gather(self, expr: Access, tensor: Approx, scope: Scope) -> Approx:
        indices = [self.evaluate(index, scope) for index in expr.indices]
        places = []
        for axis, (index, extent) in enumerate(zip(indices, tensor.value.shape, strict=True)):
            self._check_range(expr.tensor, axis, index.value, extent, scope)
            places.append(index.value.clamp(0, max(extent - 1, 0)))
        result = _map(tensor, lambda value: value[tuple(places)])
        vague = total(*(index.error for index in indices))
        if vague is None:
            return result
        return replace(result, error=torch.where(vague > 0, math.inf, result.bound))

    def _check_range(self, name: str, axis: int, index: Tensor, extent: int, scope: Scope) -> None:
        outside = wanted((index < 0) | (index >= extent), scope)
        if bool(outside.any()):
            found = int(index.expand_as(outside)[outside][0])
            raise OracleError(f"{name} is read at index {found} of axis {axis}, whose extent is {extent}")


def _map(approx: Approx, function) -> Approx:
    return Approx(function(approx.value), None if approx.error is None else function(approx.error))


def _rounded_again(result: Approx, dtype: DType) -> Tensor | None:
    """What rounding adds because the rounded number is itself off by the error: u·e."""
    return None if result.error is None or not dtype.is_float else result.error * dtype.unit_roundoff


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


def _pieces(extents: tuple[int, ...], count: int) -> list[tuple[tuple[int, int], ...]]:
    """Ranges that cover an output in at least `count` pieces, or one element each, cut along the leading axes."""
    pieces: list[tuple[tuple[int, int], ...]] = [()]
    for extent in extents:
        step = max(1, math.ceil(extent / count))
        cuts = [(start, min(start + step, extent)) for start in range(0, extent, step)]
        pieces = [(*piece, cut) for piece in pieces for cut in cuts]
        count = math.ceil(count / max(1, len(cuts)))
    return pieces

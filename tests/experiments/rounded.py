"""The mathematics of a spec as a kernel computes it: in the declared dtypes, every operation rounded.

Indexing, recurrences and control flow are the oracle's; every number is computed anew. With a `Fault`, the kernel makes
one mistake.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from tileops_spec.analysis.accesses import Window, check_range, mapped
from tileops_spec.analysis.binding import Binding
from tileops_spec.analysis.estimate import Approx
from tileops_spec.analysis.expressions import Expressions
from tileops_spec.analysis.operators import loses
from tileops_spec.analysis.oracle import _checked, _Oracle
from tileops_spec.analysis.reductions import masked, ranked, reduce
from tileops_spec.analysis.scatter import _flattened
from tileops_spec.analysis.scope import Run, Scope
from tileops_spec.ir.dtypes import DTYPES, DType
from tileops_spec.ir.nodes import Access, Along, Binary, Call, Cast, DimRef, Expr, Number, ParamRef, Reduce
from tileops_spec.ir.spec import Definition, Spec
from tileops_spec.ir.walk import walk

from . import native
from .faults import SCANS, SOFTMAXES, Fault
from .orders import MMA_K, Order, multiplied, rounded, running, summed, summed_with
from .softmaxes import Softmax

TILE = 16
"""Terms of the last tile, of which a kernel may lose sight; of short reductions an eighth."""


@dataclass(frozen=True)
class Kernel:
    """How a kernel computes: its order of summation, GPU-like functions, online softmax, late division, a mistake."""

    order: Order = field(default_factory=Order)
    fast: bool = False
    online: int = 0
    late: bool = False
    fault: Fault | None = None

    def broken(self, site: object, kind: str) -> bool:
        return self.fault is not None and self.fault.site == id(site) and self.fault.kind == kind

    def accumulator(self, site: object) -> DType | None:
        """The narrow accumulator that a mistake brings to a site."""
        if self.fault is None or self.fault.site != id(site) or not self.fault.kind.endswith("accumulator"):
            return None
        return DTYPES[self.fault.kind.split()[0]]


def compute(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor], kernel: Kernel) -> dict[str, Tensor]:
    """The outputs, in their dtypes, on the CPU; groups of axes are flattened."""
    rounding = _Rounding(spec, binding, _checked(spec, binding, inputs), None)
    rounding.adopt(kernel)
    outputs = {}
    with torch.no_grad():
        for output in spec.outputs:
            value = rounding.finished(output.name).value
            outputs[output.name] = value.to(getattr(torch, binding.dtype(output.dtype).torch))
    return outputs


@dataclass(frozen=True)
class _RoundedExpressions(Expressions):
    kernel: Kernel = Kernel()
    softmaxes: frozenset[str] = frozenset()

    def evaluate(self, expr: Expr, scope: Scope) -> Approx:
        return Approx(self._rounded(expr, scope).value)

    def _rounded(self, expr: Expr, scope: Scope) -> Approx:
        match expr:
            case Number() | DimRef() | ParamRef():
                return self._number(expr, scope)
            case Cast():
                return self._cast(expr, scope)
            case Binary(op="+" | "-" | "*" | "/" | "//" | "%" | "^") if self.dtype(expr.dtype).is_float:
                return self._arithmetic(expr, scope)
            case Call() if self.dtype(expr.dtype).is_float:
                return self._call(expr, scope)
        return super().evaluate(expr, scope)

    def _number(self, expr: Expr, scope: Scope) -> Approx:
        dtype = self.dtype(expr.dtype)
        number = super().evaluate(expr, scope).value
        return Approx(rounded(number, dtype) if dtype.is_float else number)

    def _cast(self, expr: Cast, scope: Scope) -> Approx:
        source, target = self.dtype(expr.operand.dtype), self.dtype(expr.dtype)
        operand = self.evaluate(expr.operand, scope)
        if target.is_float and loses(source, target):
            value = operand.value.to(torch.float64)
            scale = self._late_scale(expr.operand, value, scope)
            return Approx(rounded(value, target) if scale is None else rounded(value * scale, target) / scale)
        from tileops_spec.analysis.operators import cast

        return cast(operand, source, target)

    def _late_scale(self, operand: Expr, value: Tensor, scope: Scope) -> Tensor | None:
        """Σ exp(x - max x), where a softmax is rounded before it is divided by that: 1 / max p, since exp(0) = 1."""
        if not self.kernel.late or not isinstance(operand, Access) or operand.tensor not in self.softmaxes:
            return None
        summed = tuple(at for at in range(scope.rank) if scope.runs[at].name in self._bound_here(operand, scope))
        if not summed:
            return None
        scale = 1 / value.amax(summed, keepdim=True)
        return torch.where(torch.isfinite(scale), scale, 1.0)

    def _bound_here(self, operand: Access, scope: Scope) -> set[str]:
        """The last variable in scope, where the softmax is read by it: the keys that are summed over."""
        names = {getattr(index, "name", None) for index in operand.indices}
        return {scope.runs[-1].name} & names if scope.runs[-1].whole else set()

    def _arithmetic(self, expr: Binary, scope: Scope) -> Approx:
        if self.kernel.broken(expr, "missing scale"):
            return self.evaluate(self.kernel.fault.keep, scope)
        left, right = self.evaluate(expr.left, scope).value, self.evaluate(expr.right, scope).value
        return Approx(native.binary(expr.op, left, right, self.dtype(expr.dtype), fast=self.kernel.fast))

    def _call(self, expr: Call, scope: Scope) -> Approx:
        args = [self.evaluate(arg, scope).value for arg in expr.args]
        return Approx(
            native.call(expr.function, args, self.dtype(expr.dtype), fast=self.kernel.fast, exp=self._exp(expr))
        )

    def _exp(self, site: Expr) -> native.Exp:
        if self.kernel.broken(site, "exp 2^-8"):
            return native.poor_exp
        return native.gpu_exp if self.kernel.fast else native.exact_exp

    # reductions

    def _reduce(self, expr: Reduce, scope: Scope) -> Approx:
        runs = tuple(Run(axis.name, 0, extent, extent) for axis in expr.axes for extent in (self.extent(axis),))
        inner = scope.within(runs)
        inside = self._inside(expr.axes, inner)
        if self.kernel.broken(expr, "dropped tile"):
            inside = _without_last_tile(inside, inner, scope.rank)
        inner = inner if inside is None else inner.where(inside)
        dtype = self.dtype(expr.dtype)
        if expr.function in ("sum", "mean") and dtype.is_float:
            return Approx(self._summed(expr, inner, scope.rank, inside, dtype))
        if expr.function in ("sum", "mean"):
            return self._sum(expr, inner, scope.rank, inside)
        body = self.evaluate(expr.body, inner)
        if inside is not None:
            body = masked(expr.function, body, inside)
        if expr.rank is not None:
            return ranked(expr.function, body, self.evaluate(expr.rank, scope), inner.sizes, scope.rank)
        if expr.function in ("prod", "logsumexp") and dtype.is_float:
            return Approx(self._folded(expr, _laid_out(body.value, inner, scope.rank), dtype))
        return reduce(expr.function, body, inner.sizes, scope.rank, dtype)

    def _summed(self, expr: Reduce, inner: Scope, outer: int, inside: Tensor | None, dtype: DType) -> Tensor:
        terms = _laid_out(self._terms(expr, inner), inner, outer)
        count: Tensor | float = math.prod(inner.sizes[outer:])
        if inside is not None:
            within = _laid_out(inside, inner, outer)
            terms = torch.where(within, terms, 0.0)
            count = within.sum(-1).double()
        narrow = self.kernel.accumulator(expr)
        if narrow is not None:
            value = summed_with(terms, narrow, MMA_K if self._is_contraction(expr) else 1)
        else:
            value = summed(terms, dtype, self.kernel.order)
        if expr.function == "sum" or self.kernel.broken(expr, "missing scale"):
            return value
        whole = torch.as_tensor(self._mean_count(expr, count, inner, outer), dtype=torch.float64)
        return native.binary("/", value, whole, dtype, fast=self.kernel.fast)

    def _mean_count(self, expr: Reduce, count: Tensor | float, inner: Scope, outer: int) -> Tensor | float:
        """A kernel that drops a tile still divides by the number that it was told."""
        if not self.kernel.broken(expr, "dropped tile"):
            return count
        inside = self._inside(expr.axes, inner)
        if inside is None:
            return float(math.prod(inner.sizes[outer:]))
        return _laid_out(inside, inner, outer).sum(-1).double()

    def _terms(self, expr: Reduce, inner: Scope) -> Tensor:
        """What is summed; a tensor core multiplies exactly."""
        if self.kernel.order.name != "tensor_core":
            return self.evaluate(expr.body, inner).value.to(torch.float64)
        first, *others = (self.evaluate(leaf, inner).value.to(torch.float64) for leaf in self.product(expr.body)[0])
        for other in others:
            first = first * other
        return first

    def _is_contraction(self, expr: Reduce) -> bool:
        return len(self.product(expr.body)[0]) > 1

    def _folded(self, expr: Reduce, terms: Tensor, dtype: DType) -> Tensor:
        narrow = self.kernel.accumulator(expr)
        if expr.function == "prod":
            return multiplied(terms, narrow or dtype, self.kernel.order)
        return self._softmax(expr, dtype).logsumexp(terms)

    def _softmax(self, expr: Reduce | Along, dtype: DType) -> Softmax:
        kernel = self.kernel
        return Softmax(
            dtype=dtype,
            order=kernel.order,
            exp=self._exp(expr),
            tile=TILE if kernel.broken(expr, "stale maximum") else kernel.online,
            stale=kernel.broken(expr, "stale maximum"),
            dropped=TILE if isinstance(expr, Along) and kernel.broken(expr, "dropped tile") else 0,
            accumulator=kernel.accumulator(expr),
        )

    def _along(self, expr: Along, scope: Scope) -> Approx:
        at, dtype = scope.position(expr.axis), self.dtype(expr.dtype)
        if expr.function not in SOFTMAXES | SCANS or not dtype.is_float:
            return super()._along(expr, scope)
        body = self.evaluate(expr.body, scope).value
        sizes = [scope.runs[at].size if axis == at else -1 for axis in range(scope.rank)]
        terms = body.to(torch.float64).expand(sizes).movedim(at, -1)
        if expr.function in SCANS:
            value = self._scanned(expr, terms, dtype)
        else:
            value = getattr(self._softmax(expr, dtype), expr.function)(terms)
        return Approx(value.movedim(-1, at))

    def _scanned(self, expr: Along, terms: Tensor, dtype: DType) -> Tensor:
        narrow = self.kernel.accumulator(expr)
        products = expr.function == "cumprod"
        result = running(terms, narrow or dtype, self.kernel.order, products=products)
        if self.kernel.broken(expr, "dropped tile"):  # the last block starts without its carry
            size = tile_of(terms.shape[-1])
            head, tail = terms.split([terms.shape[-1] - size, size], -1)
            parts = [running(part, dtype, self.kernel.order, products=products) for part in (head, tail)]
            result = torch.cat(parts, -1)
        return result


@dataclass
class _Rounding(_Oracle):
    """The oracle's walk over definitions, with every stored number rounded."""

    kernel: Kernel = field(default_factory=Kernel)

    def adopt(self, kernel: Kernel) -> None:
        self.kernel = kernel
        plain = self.expressions
        names = frozenset(
            e.target for e in self.spec.math if isinstance(e.value, Along) and e.value.function == "softmax"
        )
        self.expressions = _RoundedExpressions(
            plain.binding, plain.inputs, plain.defaults, plain.read, plain.device, kernel=kernel, softmaxes=names
        )

    def _stored(self, definition: Definition, result: Approx, value: Expr) -> Approx:
        dtype = self.expressions.dtype(definition.dtype)
        if not definition.is_output or not dtype.is_float:
            return Approx(super()._stored(definition, result, value).value)
        return Approx(rounded(result.value.double(), dtype))

    def _put(self, window: Window, axis: int, step: int, result: Approx) -> None:
        narrow = next((a for e in self.spec.math if (a := self.kernel.accumulator(e)) and self._grows(e, window)), None)
        super()._put(window, axis, step, result if narrow is None else mapped(result, lambda v: rounded(v, narrow)))

    def _grows(self, definition: Definition, window: Window) -> bool:
        return self.growing.get(definition.target) is window

    def _updated(self, definitions: list[Definition]) -> Window:
        last = definitions[-1]
        if last.op != "+=" or not self.expressions.dtype(last.value.dtype).is_float:
            return super()._updated(definitions)
        base = self._before(definitions)
        result = self._stored(last, self._scattered(last, base), last.value)
        return Window(result, (0,) * result.value.dim())

    def _before(self, definitions: list[Definition]) -> Tensor:
        first, last = definitions[0], definitions[-1]
        extents = self.extents(last)
        if first.target in self.inputs:
            return self.inputs[first.target]
        if len(definitions) == 1:
            return torch.zeros(extents, dtype=torch.float64)
        return self._define(replace(first, is_output=False), [(0, extent) for extent in extents]).value

    def _scattered(self, definition: Definition, base: Tensor) -> Approx:
        """Terms are added in random order, as atomics do."""
        scope = Scope(tuple(Run(a.name, 0, e, e) for a in definition.axes for e in (self.expressions.extent(a),)))
        value = self.expressions.evaluate(definition.value, scope).value
        places = [self.expressions.evaluate(index, scope).value for index in definition.indices]
        for axis, (place, extent) in enumerate(zip(places, base.shape, strict=True)):
            beyond = (place < 0) | (place >= extent)
            check_range(definition.target, axis, place, beyond, (0, extent), scope, verb="written")
        flat = _flattened(places, tuple(base.shape), scope)
        dtype = self.kernel.accumulator(definition) or self.expressions.dtype(definition.value.dtype)
        storage = getattr(torch, dtype.torch)
        mixed = torch.randperm(flat.numel(), generator=torch.Generator().manual_seed(self.kernel.order.seed))
        terms = value.expand(scope.sizes).flatten().to(storage)
        added = base.flatten().to(storage).index_add(0, flat[mixed], terms[mixed])
        return Approx(added.double().reshape(base.shape))


def tile_of(count: int) -> int:
    """How many terms the last tile has: 16, of short reductions an eighth."""
    return TILE if count >= 8 * TILE else max(1, count // 8)


def _laid_out(value: Tensor, inner: Scope, outer: int) -> Tensor:
    """The terms along one last axis; outer axes stay as they are."""
    return value.expand([*value.shape[:outer], *inner.sizes[outer:]]).flatten(outer)


def _without_last_tile(inside: Tensor | None, inner: Scope, outer: int) -> Tensor:
    """The points of a reduction without the last tile of those that count."""
    sizes = inner.sizes[outer:]
    whole = torch.ones([1] * outer + sizes, dtype=torch.bool) if inside is None else inside
    flat = _laid_out(whole, inner, outer)
    left = flat.flip(-1).cumsum(-1).flip(-1)
    kept = flat & (left > tile_of(int(math.prod(sizes))))
    return kept.reshape(*whole.shape[:outer], *sizes)


def reduction_lengths(spec: Spec, binding: Binding) -> list[int]:
    """How many terms each reduction of the mathematics has, and how many steps each recurrence."""
    plain = _RoundedExpressions(binding, {}, {}, lambda name, ranges: None, torch.device("cpu"))  # type: ignore[arg-type]
    lengths = []
    for definition in spec.math:
        extents = {axis.name: plain.extent(axis) for axis in definition.axes}
        if definition.along is not None:
            lengths.append(extents[definition.along])
        for node in (node for value in definition.values for node in walk(value)):
            if isinstance(node, Reduce):
                lengths.append(math.prod(plain.extent(axis) for axis in node.axes))
            elif isinstance(node, Along):
                lengths.append(extents[node.axis])
    return lengths

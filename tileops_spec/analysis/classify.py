"""What a spec computes, read from the form of its mathematics: contractions, reductions, softmaxes, scans, gathers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ..ir.nodes import Access, Along, Axis, Binary, Cast, Expr, IndexRef, Number, Reduce, Select
from ..ir.spec import Definition, Spec
from ..ir.walk import children, walk
from .binding import dtype_options
from .cost import free_indices, reads_data
from .masks import Mask, masks_of, product_factors
from .movement import Gather, Order, Scan, Scatter, gathers_of, orders_of, scans_of, scatters_of

_STATISTICS = frozenset({"sum", "mean", "max", "min", "logsumexp"})
"""What elements are normalized by."""


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a contraction.

    `dtype` is the dtype (or dtype variable) of the numbers that are multiplied, widening casts taken off; `tensors`
    are what the side reads, the largest first, and `indices` the index variables that it varies with.
    """

    expr: Expr
    dtype: str
    tensors: tuple[str, ...]
    indices: frozenset[str]

    def __str__(self) -> str:
        """`A`, or `A (scaled by sa)`."""
        own = sorted({access.tensor for access in outermost_reads(self.expr)})
        within = reads(self.expr)
        scales = [name for name in self.tensors if name not in within]
        return ", ".join(own) + (f" (scaled by {', '.join(scales)})" if scales else "")


@dataclass(frozen=True, slots=True)
class Contraction:
    """Σ over `k` of left·right: `batch` axes are on both sides, `m` on the left alone, `n` on the right alone.

    `dtype` is the accumulator's. `n` is empty for a matrix-vector product.
    """

    target: str
    left: Operand
    right: Operand
    batch: tuple[Axis, ...]
    m: tuple[Axis, ...]
    n: tuple[Axis, ...]
    k: tuple[Axis, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Reduction:
    """A reduction that is no contraction."""

    target: str
    function: str
    axes: tuple[Axis, ...]


@dataclass(frozen=True, slots=True)
class Softmax:
    """A softmax along `axis`; `consumers` are the definitions that sum over that axis of its result."""

    target: str
    axis: Axis
    mask: Mask | None
    consumers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Several values of `index` share one element of `tensor`, as `h // g` heads share keys and values."""

    target: str
    tensor: str
    index: str
    expr: Expr


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """What a spec computes.

    `kinds` names the classes that it is made of, the one that governs the kernel first. `chains` are pairs of
    contractions (by definition) of which the second reads what the first gives.
    """

    kinds: tuple[str, ...]
    contractions: tuple[Contraction, ...]
    reductions: tuple[Reduction, ...]
    softmaxes: tuple[Softmax, ...]
    scans: tuple[Scan, ...]
    orders: tuple[Order, ...]
    gathers: tuple[Gather, ...]
    scatters: tuple[Scatter, ...]
    groups: tuple[Group, ...]
    chains: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> str:
        return self.kinds[0]


def classify(spec: Spec) -> Structure:
    """The structure of a spec, from its mathematics alone."""
    contractions = tuple(found for each in spec.math for found in _contractions(each, spec))
    reductions = tuple(found for each in spec.math for found in _reductions(each, spec))
    softmaxes = tuple(_softmaxes(spec))
    chains = tuple(_chains(contractions, spec))
    nodes = ((each.target, node) for each in spec.math for node in walk(each.value))
    groups = tuple(dict.fromkeys(group for target, node in nodes for group in _groups(target, node)))
    scans, gathers, scatters = tuple(scans_of(spec)), tuple(gathers_of(spec)), tuple(scatters_of(spec))
    parts = {
        "attention": any(_joins(softmax, chains) for softmax in softmaxes),
        "contraction": bool(contractions),
        "scan": bool(scans),
        "normalization": bool(softmaxes) or _normalizes(spec, reductions),
        "reduction": bool(reductions),
        "gather": bool(gathers),
        "scatter": bool(scatters),
    }
    return Structure(
        kinds=tuple(kind for kind, present in parts.items() if present) or ("elementwise",),
        contractions=contractions,
        reductions=reductions,
        softmaxes=softmaxes,
        scans=scans,
        orders=tuple(orders_of(spec)),
        gathers=tuple(dict.fromkeys(gathers)),
        scatters=scatters,
        groups=groups,
        chains=chains,
    )


def reads(expr: Expr) -> frozenset[str]:
    """The tensors that an expression reads."""
    return frozenset(node.tensor for node in walk(expr) if isinstance(node, Access))


def outermost_reads(expr: Expr) -> Iterator[Access]:
    """The accesses of an expression but for those that find the indices of others."""
    if isinstance(expr, Access):
        yield expr
        return
    for child in children(expr):
        yield from outermost_reads(child)


def depends_on(expr: Expr, spec: Spec) -> frozenset[str]:
    """The definitions and inputs that an expression's value comes from, at any distance."""
    values = {each.target: each.value for each in spec.math}
    found: set[str] = set()
    waiting = list(reads(expr))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += reads(values[name]) if name in values else ()
    return frozenset(found)


# contractions


def _contractions(definition: Definition, spec: Spec) -> Iterator[Contraction]:
    for node, scope in _reduces(definition):
        contraction = _contraction(definition.target, node, scope, spec)
        if contraction is not None:
            yield contraction


def _reduces(definition: Definition) -> Iterator[tuple[Reduce, dict[str, Axis]]]:
    """Every reduction of a statement, with the axes in scope around it."""
    scope = {axis.name: axis for axis in definition.axes}
    inner = {axis.name: axis for node in walk(definition.value) if isinstance(node, Reduce) for axis in node.axes}
    for node in walk(definition.value):
        if isinstance(node, Reduce):
            bound = {axis.name for axis in node.axes}
            yield node, {name: axis for name, axis in {**inner, **scope}.items() if name not in bound}


def _contraction(target: str, node: Reduce, scope: Mapping[str, Axis], spec: Spec) -> Contraction | None:
    """A sum over a product whose two sides vary with different index variables, and share a summed one."""
    if node.function != "sum":
        return None
    factors = product_factors(node.body, lambda cast: _narrows(cast, spec))
    sides = _sides([factor for factor in factors if reads_data(factor)], spec)
    bound = {axis.name for axis in node.axes}
    if len(sides) != 2 or not sides[0].indices & sides[1].indices & bound:
        return None
    left, right = sides
    both = left.indices & right.indices
    parts = (both, left.indices - right.indices, right.indices - left.indices)
    batch, m, n = (tuple(axis for name, axis in scope.items() if name in part) for part in parts)
    if not m:
        left, right, m, n = right, left, n, m
    return Contraction(target, left, right, batch, m, n, node.axes, node.dtype) if m else None


def _sides(factors: list[Expr], spec: Spec) -> list[Operand]:
    """The factors by the index variables that they vary with: scales join the operand that they belong to."""
    groups: list[tuple[frozenset[str], list[Expr]]] = []
    for factor in sorted(factors, key=lambda factor: -len(free_indices(factor))):
        indices = free_indices(factor)
        home = next((group for group in groups if indices <= group[0] and len(factors) > 2), None)
        same = next((group for group in groups if indices == group[0]), home)
        if same is None:
            groups.append((indices, [factor]))
        else:
            same[1].append(factor)
    order = {id(factor): at for at, factor in enumerate(factors)}
    groups.sort(key=lambda group: min(order[id(factor)] for factor in group[1]))
    return [_operand(indices, parts, spec) for indices, parts in groups]


def _operand(indices: frozenset[str], parts: list[Expr], spec: Spec) -> Operand:
    tensors = tuple(dict.fromkeys(name for part in parts for name in sorted(reads(part))))
    return Operand(parts[0], multiplied_dtype(parts[0], spec), tensors, indices)


def multiplied_dtype(expr: Expr, spec: Spec) -> str:
    """The dtype that a factor can be multiplied in: casts that only widen are taken off, a narrowing one counts."""
    while True:
        if isinstance(expr, Cast) and not _narrows(expr, spec):
            expr = expr.operand
        elif isinstance(expr, Select) and isinstance(expr.otherwise, Number):
            expr = expr.then  # padding
        elif isinstance(expr, Select) and isinstance(expr.then, Number):
            expr = expr.otherwise
        else:
            return expr.dtype


def _narrows(cast: Cast, spec: Spec) -> bool:
    """Whether a cast may lose digits, for some choice of the dtype variables."""
    sources, targets = (dtype_options(spec, name) for name in (cast.operand.dtype, cast.dtype))
    return cast.operand.dtype != cast.dtype and any(s.bits > t.bits for s in sources for t in targets)


# reductions, softmaxes


def _reductions(definition: Definition, spec: Spec) -> Iterator[Reduction]:
    for node, scope in _reduces(definition):
        if _contraction(definition.target, node, scope, spec) is None:
            yield Reduction(definition.target, node.function, node.axes)


def _softmaxes(spec: Spec) -> Iterator[Softmax]:
    masks = masks_of(spec)
    for definition in spec.math:
        axes = {axis.name: axis for axis in definition.axes}
        for node in walk(definition.value):
            if isinstance(node, Along) and node.function == "softmax" and node.axis in axes:
                consumers = tuple(_consumers(definition, node.axis, spec))
                yield Softmax(definition.target, axes[node.axis], masks.get(definition.target), consumers)


def _consumers(definition: Definition, axis: str, spec: Spec) -> Iterator[str]:
    """The definitions that sum over one axis of a definition."""
    at = next(position for position, each in enumerate(definition.axes) if each.name == axis)
    for reader in spec.math:
        bound = {each.name for node in walk(reader.value) if isinstance(node, Reduce) for each in node.axes}
        for node in walk(reader.value):
            if isinstance(node, Access) and node.tensor == definition.target:
                index = node.indices[at]
                if isinstance(index, IndexRef) and index.name in bound:
                    yield reader.target


def _chains(contractions: tuple[Contraction, ...], spec: Spec) -> Iterator[tuple[str, str]]:
    """Pairs of contractions of which the second multiplies what comes from the first."""
    targets = {each.target for each in contractions}
    for second in contractions:
        for side in (second.left, second.right):
            yield from ((first, second.target) for first in sorted(depends_on(side.expr, spec) & targets))


def _joins(softmax: Softmax, chains: tuple[tuple[str, str], ...]) -> bool:
    """Whether the softmax stands between two contractions."""
    return any(second in softmax.consumers for _, second in chains)


def _normalizes(spec: Spec, reductions: tuple[Reduction, ...]) -> bool:
    """Whether an output reads an input element by element, beside a reduction over those elements."""
    reduced = {each.target for each in reductions}
    inputs = {each.name for each in spec.inputs}
    bodies = {each.target: _beside_reductions(_bodies(each.value), spec) for each in spec.math}
    for output in (each for each in spec.math if each.is_output):
        beside = _beside_reductions([output.value], spec)
        again = beside & inputs
        if any(again & bodies[name] for name in (reduced & beside) | {output.target}):
            return True
    return False


def _bodies(expr: Expr) -> list[Expr]:
    return [node.body for node in walk(expr) if isinstance(node, Reduce) and node.function in _STATISTICS]


def _beside_reductions(exprs: list[Expr], spec: Spec) -> frozenset[str]:
    """The tensors that expressions read element by element, at any distance; not through a recurrence."""
    values = {each.target: each.value for each in spec.math if each.along is None}
    found: set[str] = set()
    waiting = [access.tensor for expr in exprs for access in _outside_reductions(expr)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [access.tensor for access in _outside_reductions(values[name])] if name in values else ()
    return frozenset(found)


def _outside_reductions(expr: Expr) -> Iterator[Access]:
    if isinstance(expr, Access):
        yield expr
    elif not isinstance(expr, Reduce):
        for child in children(expr):
            yield from _outside_reductions(child)


# accesses


def _groups(target: str, node: Expr) -> Iterator[Group]:
    if not isinstance(node, Access):
        return
    for index in node.indices:
        match index:
            case Binary(op="//", left=IndexRef(name=name), right=divisor) if not free_indices(divisor):
                if not reads_data(divisor):
                    yield Group(target, node.tensor, name, index)

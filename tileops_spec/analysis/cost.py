"""Floating-point operations and the fewest bytes, symbolic in the dims.

Conventions: every `+ - * /`, every function call and every element that a reduction takes in counts 1, so that a
contraction counts 2 a point; softmax counts 5 an element, sorting and every other function along an axis 1; casts,
selections, comparisons and index arithmetic count nothing. A part that varies with fewer index variables is counted
once for each of their values; a reduction whose bounds depend on data counts as long as it can be. Bytes: each input is
read once and each output written once; of a tensor that is updated in place, what is addressed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..ir.nodes import Access, Along, Axis, Binary, Call, Expr, IndexRef, Reduce, Unary
from ..ir.scalars import Scalar, ScalarError, compiled
from ..ir.show import show_expr
from ..ir.spec import Definition, Spec
from ..ir.walk import children, walk
from .binding import Binding, evaluate_scalar
from .masks import Mask, masks_of, product_factors

_ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%", "^"})
_ALONG = {"softmax": 5, "log_softmax": 5}
_MADE_OF_TWO = frozenset({"logsumexp"})


@dataclass(frozen=True, slots=True)
class Term:
    """`factor` · Π extents, over the points that `mask` leaves where there is one; `dtype` makes elements bytes.

    `read`, where given, is how often a tensor is read at indices found in data: the fewer of both counts.
    """

    factor: int
    extents: tuple[Expr, ...]
    mask: Mask | None = None
    dtype: str = ""
    read: tuple[Expr, ...] | None = None

    def value(self, binding: Binding) -> int:
        sizes = [
            math.prod(int(evaluate_scalar(extent, binding)) for extent in extents)
            for extents in (self.extents, self.read)
            if extents is not None
        ]
        width = binding.dtype(self.dtype).bytes if self.dtype else 1
        return self.factor * min(sizes) * width * (self.mask.count(binding) if self.mask else 1)

    def __str__(self) -> str:
        factors = [str(self.factor)] if self.factor != 1 or not (self.extents or self.mask) else []
        product = [_parenthesized(extent) for extent in self.extents]
        factors += product if self.read is None else [f"min({'·'.join(product)}, {_product(self.read)})"]
        factors += [str(self.mask)] if self.mask else []
        factors += [f"bytes({self.dtype})"] if self.dtype else []
        return "·".join(factors)


@dataclass(frozen=True, slots=True)
class CostValue:
    """Numbers for one binding."""

    flops: int
    bytes: int

    @property
    def intensity(self) -> float:
        """Floating-point operations a byte."""
        return self.flops / self.bytes if self.bytes else math.inf


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a spec: sums of terms."""

    flop_terms: tuple[Term, ...]
    byte_terms: tuple[Term, ...]

    def evaluate(self, binding: Binding) -> CostValue:
        flops, size = (sum(term.value(binding) for term in terms) for terms in (self.flop_terms, self.byte_terms))
        return CostValue(flops, size)

    def compiled_work(self) -> Callable[[Mapping[str, Scalar]], int]:
        """Flops with nothing masked, and elements of tensors, as a function of dims and params: monotone in every dim.

        An extent that needs a name without a value counts as 1.
        """
        terms = [(term.factor, [compiled(extent) for extent in _extents(term)]) for term in self._terms]
        return lambda names: sum(factor * math.prod(_size(each, names) for each in sizes) for factor, sizes in terms)

    @property
    def _terms(self) -> tuple[Term, ...]:
        return (*self.flop_terms, *self.byte_terms)

    @property
    def flops(self) -> str:
        """Such as `2·M·N·K`."""
        return " + ".join(map(str, self.flop_terms)) or "0"

    @property
    def bytes(self) -> str:
        """Such as `M·K·bytes(T) + …`."""
        return " + ".join(map(str, self.byte_terms)) or "0"


def cost(spec: Spec) -> Cost:
    """The cost of computing every output once."""
    masks = masks_of(spec)
    found = [term for definition in spec.math for term in _definition_terms(definition, masks)]
    inputs = [
        Term(1, each.shape, dtype=each.dtype, read=_gathered(each.name, spec))
        for each in spec.inputs
        if each.name not in spec.in_place or _is_read(each.name, spec)
    ]
    outputs = [Term(1, each.shape, dtype=each.dtype, read=_scattered(each.name, spec)) for each in spec.outputs]
    return Cost(flop_terms=tuple(_merged(found)), byte_terms=tuple(_merged(inputs + outputs)))


def _gathered(name: str, spec: Spec) -> tuple[Expr, ...] | None:
    """The extents of what is read of an input that is read once, at indices found in data."""
    reads = [
        (node, definition)
        for definition in spec.math
        for node in walk(definition.value)
        if isinstance(node, Access) and node.tensor == name
    ]
    if len(reads) != 1 or not any(reads_data(index) for index in reads[0][0].indices):
        return None
    access, definition = reads[0]
    bound = [axis for node in walk(definition.value) if isinstance(node, Reduce) for axis in node.axes]
    indices = free_indices(access)
    return tuple(axis.extent for axis in (*definition.axes, *bound) if axis.name in indices)


def _is_read(name: str, spec: Spec) -> bool:
    """Whether a tensor that is updated in place is read: by an access, or because something is added to it."""
    updates = (each for each in spec.math if each.target == name)
    nodes = (node for each in spec.math for value in each.values for node in walk(value))
    return any(each.op == "+=" for each in updates) or any(
        isinstance(node, Access) and node.tensor == name for node in nodes
    )


def _scattered(name: str, spec: Spec) -> tuple[Expr, ...] | None:
    """The extents of what is written of a tensor that is updated in place, at places found in data."""
    updates = [each for each in spec.math if each.target == name]
    if name not in spec.in_place or not all(each.is_scatter for each in updates):
        return None
    return tuple(axis.extent for axis in updates[0].axes)


def _definition_terms(definition: Definition, masks: Mapping[str, Mask]) -> Iterator[Term]:
    """The terms of a statement: each operation over the index variables that it varies with."""
    mask = masks.get(definition.target)
    scope = {axis.name: axis for axis in definition.axes}
    for factor, names, axes in _operations(definition.value, scope):
        yield _term(factor, names, axes, mask)
    if definition.op == "+=":
        yield _term(1, frozenset(scope), scope, None)


def _operations(expr: Expr, scope: dict[str, Axis]) -> Iterator[tuple[int, frozenset[str], dict[str, Axis]]]:
    """(operations, index variables that they vary with, axes in scope) of everything below `expr`."""
    if isinstance(expr, Access):
        return
    inner = scope
    if isinstance(expr, Reduce):
        inner = {**scope, **{axis.name: axis for axis in expr.axes}}
        taken = 3 if expr.function in _MADE_OF_TWO else 1
        yield taken, free_indices(expr.body) | {axis.name for axis in expr.axes}, inner
    elif isinstance(expr, Along):
        yield _ALONG.get(expr.function, 1), free_indices(expr.body) | {expr.axis}, scope
    elif isinstance(expr, Binary) and expr.op == "*" and reads_data(expr):
        factors = tuple(product_factors(expr))
        yield from ((1, names, scope) for names in _multiplications(factors))
        for factor in factors:
            yield from _operations(factor, scope)
        return
    elif _counts(expr):
        yield 1, free_indices(expr), scope
    for child in children(expr):
        yield from _operations(child, inner)


def _multiplications(factors: Sequence[Expr]) -> Iterator[frozenset[str]]:
    """The index variables of each multiplication of a product, with scales multiplied into what they scale first."""
    waiting = sorted(map(free_indices, factors), key=len)
    largest: list[frozenset[str]] = []
    for at, names in enumerate(waiting):
        home = next((other for other in waiting[at + 1 :] if names <= other), None)
        if home is None:
            largest.append(names)
        else:
            yield home
    for at in range(1, len(largest)):
        yield frozenset().union(*largest[: at + 1])


def _counts(expr: Expr) -> bool:
    """Whether the node is an operation on data: comparisons and arithmetic of indices and dims are not."""
    arithmetic = isinstance(expr, Call | Unary) or (isinstance(expr, Binary) and expr.op in _ARITHMETIC)
    return arithmetic and reads_data(expr)


def reads_data(expr: Expr) -> bool:
    """Whether a tensor is read anywhere in the expression."""
    return isinstance(expr, Access) or any(reads_data(child) for child in children(expr))


def free_indices(expr: Expr) -> frozenset[str]:
    """The index variables that the value of an expression varies with."""
    if isinstance(expr, IndexRef):
        return frozenset({expr.name})
    found = frozenset().union(*(free_indices(child) for child in children(expr)))
    return found - {axis.name for axis in expr.axes} if isinstance(expr, Reduce) else found


def _term(factor: int, names: frozenset[str], axes: Mapping[str, Axis], mask: Mask | None) -> Term:
    masked = mask is not None and set(mask.names) <= names
    left = names - set(mask.names) if masked else names
    extents = tuple(axis.extent for name, axis in axes.items() if name in left)
    return Term(factor, extents, mask if masked else None)


def _merged(terms: list[Term]) -> list[Term]:
    """Like terms added up, whatever the order of their factors; the largest powers first."""
    merged: dict[tuple, Term] = {}
    for term in terms:
        key = (tuple(sorted(map(show_expr, term.extents))), term.mask, term.dtype, term.read)
        same = merged.get(key)
        merged[key] = replace(same, factor=same.factor + term.factor) if same else term
    return sorted(merged.values(), key=lambda term: -len(term.extents) - (len(term.mask.names) if term.mask else 0))


def _extents(term: Term) -> tuple[Expr, ...]:
    return (*term.extents, *(axis.extent for axis in term.mask.axes)) if term.mask else term.extents


def _size(extent: Callable[[Mapping[str, Scalar]], Scalar], names: Mapping[str, Scalar]) -> int:
    try:
        return max(0, int(extent(names)))
    except ScalarError:
        return 1


def _product(extents: tuple[Expr, ...]) -> str:
    return "·".join(map(_parenthesized, extents)) or "1"


def _parenthesized(extent: Expr) -> str:
    text = show_expr(extent)
    return f"({text})" if isinstance(extent, Binary) else text

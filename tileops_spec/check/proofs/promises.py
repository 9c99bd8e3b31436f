"""What callers could promise of the elements that an obligation reads: assumptions worth suggesting."""

from __future__ import annotations

from collections.abc import Iterator

from ...ir import nodes as ir
from ...ir.spec import Spec, TensorDecl
from .atoms import Element, Segment
from .obligations import Obligation
from .questions import Question
from .reach import reached_from
from .terms import Terms

_LETTERS = "ijklmn"


def candidates(question: Question, terms: Terms) -> Iterator[tuple[ir.Expr, ...]]:
    """Assumptions, one or several together, that may make the obligation hold."""
    obligation, spec = question.obligation, terms.spec
    reached = [terms.meanings[index] for index in sorted(reached_from([question.value], terms))]
    for tensor in dict.fromkeys(each.tensor for each in reached if isinstance(each, Segment)):
        yield from _boundaries(spec.tensor(tensor), obligation)
    for tensor in dict.fromkeys(each.tensor for each in reached if isinstance(each, Element)):
        yield from ((_limited(spec.tensor(tensor), limit),) for limit in _limits(obligation))
        if len(spec.tensor(tensor).shape) == 1:
            yield from _ordered(spec.tensor(tensor), obligation, spec)


def _limits(obligation: Obligation) -> Iterator[ir.Expr]:
    """Exclusive upper limits: the obligation's, and that times the divisor of `x // d`."""
    if obligation.high is None:
        return
    yield obligation.high
    match obligation.value:
        case ir.Binary(op="//", right=divisor):
            yield ir.Binary(op="*", left=obligation.high, right=divisor, dtype="i64")


def _limited(tensor: TensorDecl, limit: ir.Expr) -> ir.Expr:
    """`all[i](0 <= x[i] < limit)`, `<=` for a limit that is one more than something."""
    letters = _LETTERS[: len(tensor.shape)]
    axes = tuple(ir.Axis(name=name, extent=extent) for name, extent in zip(letters, tensor.shape, strict=True))
    indices = tuple(ir.IndexRef(name=name, dtype="i64") for name in letters)
    element = ir.Access(tensor=tensor.name, indices=indices, dtype=tensor.dtype)
    op = "<"
    match limit:
        case ir.Binary(op="+", left=most, right=ir.Number(value=1)):
            op, limit = "<=", most
    low = _compared("<=", ir.Number(value=0, dtype="i64"), element)
    body = ir.Binary(op="and", left=low, right=_compared(op, element, limit), dtype="bool")
    return ir.Reduce(function="all", axes=axes, body=body, dtype="bool") if axes else body


def _boundaries(tensor: TensorDecl, obligation: Obligation) -> Iterator[tuple[ir.Expr, ...]]:
    """That boundaries begin at 0 and end at an extent that is run over."""
    first = _compared("==", _element(tensor, ir.Number(value=0, dtype="i64")), ir.Number(value=0, dtype="i64"))
    for axis in obligation.axes:
        last = _compared("==", _element(tensor, _less_one(tensor.shape[0])), axis.extent)
        yield from ((first,), (last,), (first, last))


def _ordered(tensor: TensorDecl, obligation: Obligation, spec: Spec) -> Iterator[tuple[ir.Expr, ...]]:
    """That elements begin at 0, end at the limit, and do not decrease between."""
    first = _compared("==", _element(tensor, ir.Number(value=0, dtype="i64")), ir.Number(value=0, dtype="i64"))
    order = ir.Property(function="nondecreasing", tensor=tensor.name, dtype="bool")
    known = [order] if order in spec.assumptions else []
    need = () if known else (order,)
    yield (*need, first)
    if obligation.high is not None:
        last = _compared("==", _element(tensor, _less_one(tensor.shape[0])), _less_one(obligation.high))
        yield (*need, last)
        yield (*need, first, last)


def _element(tensor: TensorDecl, index: ir.Expr) -> ir.Access:
    return ir.Access(tensor=tensor.name, indices=(index,), dtype=tensor.dtype)


def _less_one(extent: ir.Expr) -> ir.Expr:
    match extent:
        case ir.Binary(op="+", left=fewer, right=ir.Number(value=1)):
            return fewer
    return ir.Binary(op="-", left=extent, right=ir.Number(value=1, dtype="i64"), dtype="i64")


def _compared(op: str, left: ir.Expr, right: ir.Expr) -> ir.Binary:
    return ir.Binary(op=op, left=left, right=right, dtype="bool")  # type: ignore[arg-type]

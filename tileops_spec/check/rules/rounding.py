"""TS138: roundings in the middle of the mathematics that serve nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ...diagnostics.diagnostic import Sink
from ...ir.dtypes import DTYPES, DType, promote
from ...ir.nodes import Binary, Cast, Expr, Reduce, Unary
from ...ir.spec import Spec
from ...ir.walk import walk
from .facts import is_implicit


def check_rounding(spec: Spec, sink: Sink) -> None:
    """TS138 for a number that is cast to a float of fewer bits and widened at once, other than as a factor in a sum of
    products whose other factor has that dtype too: there a tensor core takes it."""
    for definition in spec.math:
        for value in definition.values:
            served = {id(cast) for reduce in walk(value) for cast in _operands(reduce)}
            for node in walk(value):
                if isinstance(node, Cast) and id(node) not in served and (narrow := _rounded(node, spec)) is not None:
                    _report(node, narrow, sink)


def _report(wide: Cast, narrow: Cast, sink: Sink) -> None:
    message = f"this is rounded to {narrow.dtype} and widened to {wide.dtype} at once"
    help_text = f"leave `{narrow.dtype}(…)` out: it only lets kernels be less precise"
    sink.warning("TS138", message, narrow.span, help=help_text)


def _rounded(wide: Cast, spec: Spec) -> Cast | None:
    """The cast directly below that loses bits of a number, to a 16-bit float for some choice; None where there is none.

    Casts to 8 bits are quantization, which is what such mathematics is about.
    """
    narrow = wide.operand
    if not isinstance(narrow, Cast) or is_implicit(narrow):
        return None
    for choice in spec.dtype_choices():
        before, middle, after = (
            DTYPES[choice.get(each, each)] for each in (narrow.operand.dtype, narrow.dtype, wide.dtype)
        )
        to_16_bits = middle.is_float and middle.bits == 16 and after.is_float
        if to_16_bits and _loses(before, middle) and _loses(after, middle):
            return narrow
    return None


def _loses(dtype: DType, narrow: DType) -> bool:
    """Whether a float dtype does not hold all values of another, or of integers."""
    return promote(dtype, narrow) != narrow if dtype.is_float else dtype.bits > narrow.precision


def _operands(expr: Expr) -> Iterator[Cast]:
    """The factors of a sum of products that have a partner of the dtype that they are rounded to."""
    if not isinstance(expr, Reduce) or expr.function != "sum":
        return
    for product in walk(expr.body):
        factors = list(_factors(product))
        for at, factor in enumerate(factors):
            if isinstance(factor, Cast) and isinstance(factor.operand, Cast):
                others = factors[:at] + factors[at + 1 :]
                if any(_stored(other) == factor.operand.dtype for other in others):
                    yield factor


def _factors(expr: Expr) -> Iterator[Expr]:
    if isinstance(expr, Binary) and expr.op == "*":
        yield from _factors(expr.left)
        yield from _factors(expr.right)
    elif isinstance(expr, Unary) and expr.op == "-":
        yield from _factors(expr.operand)
    else:
        yield expr


def _stored(expr: Expr) -> str:
    """The dtype in which a factor is stored, before it is widened for the product."""
    return expr.operand.dtype if isinstance(expr, Cast) else expr.dtype

"""What several rules ask of a spec."""

from __future__ import annotations

from collections.abc import Iterator

from ...diagnostics.diagnostic import Sink
from ...diagnostics.text import SourceText, Span
from ...ir.dtypes import DTYPES, DType
from ...ir.nodes import Access, Binary, Call, Cast, Expr, Lookup, Present, Property, Reduce
from ...ir.spec import Definition, Spec
from ...ir.walk import walk

_EXACT_CALLS = frozenset({"abs", "sign", "floor", "ceil", "round", "trunc", "relu", "min", "max", "clamp"})
_ROUNDING_OPERATORS = frozenset({"+", "-", "*", "/", "^"})


def dtype_options(spec: Spec, name: str) -> tuple[DType, ...]:
    """The concrete dtypes that a name may stand for: a variable's options, else the dtype itself."""
    variable = next((each for each in spec.dtypes if each.name == name), None)
    return tuple(DTYPES[option] for option in (variable.options if variable else (name,)))


def narrow_float(spec: Spec, name: str) -> DType | None:
    """The first option of a dtype that is a float of at most 16 bits."""
    return next((each for each in dtype_options(spec, name) if each.is_float and each.bits <= 16), None)


def expressions(definition: Definition) -> Iterator[Expr]:
    """Every expression of a statement, those in extents and bounds included."""
    yield from definition.values
    for axis in definition.axes:
        yield from (each for each in (axis.extent, axis.lower, axis.upper) if each is not None)
    yield from definition.target_shape


def nodes(expr: Expr) -> Iterator[Expr]:
    """The expression and everything below it, the extents of reductions' axes included."""
    for each in walk(expr):
        yield each
        if isinstance(each, Reduce):
            for axis in each.axes:
                yield from walk(axis.extent)


def tensors_in(expr: Expr) -> Iterator[tuple[str, Expr]]:
    """The name of every tensor or local that an expression speaks of, with the node that does."""
    for each in nodes(expr):
        if isinstance(each, Access | Lookup | Present | Property):
            yield each.tensor, each


def is_implicit(cast: Cast) -> bool:
    """Whether promotion added the cast: it stands where its operand does."""
    return cast.span == cast.operand.span


def rounds(expr: Expr) -> bool:
    """Whether the operation itself rounds its result to its dtype."""
    if isinstance(expr, Binary):
        return expr.op in _ROUNDING_OPERATORS
    return isinstance(expr, Call) and expr.function not in _EXACT_CALLS


def source_of(spec: Spec, sink: Sink) -> SourceText | None:
    """The spec's text, where it is at hand."""
    return sink.sources.get(spec.path)


def name_span(name: str, before: Span, source: SourceText | None) -> Span:
    """The place of a key, given the place of its value; the value's own where the key is not found."""
    start = source.text.rfind(name, 0, before.start) if source else -1
    return Span(before.path, start, start + len(name)) if start >= 0 else before


def target_span(definition: Definition, source: SourceText | None) -> Span:
    """The place of a statement's name."""
    span = definition.span
    end = span.start + len(definition.target)
    if source is not None and source.text[span.start : end] == definition.target:
        return Span(span.path, span.start, end)
    return span

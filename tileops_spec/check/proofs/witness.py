"""What breaks an obligation, in words: `k + 1` reaches 8, but axis 1 of `A` has the extent K = 8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ...ir import nodes as ir
from ...ir.show import show_expr
from ...ir.walk import walk
from .atoms import Element, inner
from .formulas import Free, leaves
from .obligations import Obligation
from .polynomial import Poly
from .questions import Question
from .terms import Terms


def claim(question: Question, values: Mapping[int, int]) -> str:
    """What happens at the values that z3 found for the atoms."""
    obligation, value = question.obligation, evaluated(question.value, values)
    text = show_expr(obligation.value)
    if obligation.kind == "divisor":
        return f"`{text}` can be 0 where {obligation.what} is taken"
    if obligation.kind == "extent":
        return f"{obligation.what}, `{text}`, can be {value}"
    reaches = "is" if str(value) == text else f"reaches {value}"
    high = None if question.high is None else evaluated(question.high, values)
    if obligation.high is None or high is None or value < high:
        return f"`{text}` {reaches}, and {obligation.what} begins at {show_expr(obligation.low or obligation.value)}"
    limit = show_expr(obligation.high)
    shown = limit if limit == str(high) else f"{limit} = {high}"
    if obligation.kind == "bound":
        return f"`{text}` {reaches}, and {obligation.what} ends below {shown}"
    if obligation.kind == "rank":
        return f"`{text}` {reaches}, but {obligation.what} are only {shown}, the first of rank 0"
    return f"`{text}` {reaches}, but {obligation.what} has the extent {shown}"


def assignments(question: Question, terms: Terms, values: Mapping[int, int]) -> tuple[str, ...]:
    """`K = 8`, `k = 7`, `len[0] = 9`: the values of what the question speaks of."""
    mentioned = _mentioned(question.obligation)
    found = [f"{name} = {evaluated(value, values)}" for name, value in terms.values.items() if name in mentioned]
    found += [f"{name} = {evaluated(value, values)}" for name, value in question.scope.items() if name in mentioned]
    return tuple(dict.fromkeys((*found, *_elements(question, terms, values))))


def evaluated(poly: Poly, values: Mapping[int, int]) -> int:
    total = 0
    for monomial, factor in poly.terms:
        for index in monomial:
            factor *= values[index]
        total += factor
    return total


def _elements(question: Question, terms: Terms, values: Mapping[int, int]) -> Iterator[str]:
    polys = [question.value, *(() if question.high is None else (question.high,))]
    polys += [leaf.poly for guard in question.guards for leaf in leaves(guard) if not isinstance(leaf, Free)]
    for index in sorted(_reached(polys, terms)):
        meaning = terms.meanings[index]
        if isinstance(meaning, Element) and index in values:
            place = ", ".join(str(evaluated(each, values)) for each in meaning.indices)
            yield f"{meaning.tensor}[{place}] = {values[index]}" if place else f"{meaning.tensor} = {values[index]}"


def _reached(polys: Iterable[Poly], terms: Terms) -> set[int]:
    found: set[int] = set()
    waiting = list(polys)
    while waiting:
        new = waiting.pop().atoms - found
        found |= new
        waiting += [poly for index in new for poly in inner(terms.meanings[index])]
    return found


def _mentioned(obligation: Obligation) -> set[str]:
    """The dims, params and index variables that the obligation speaks of, and the extents of those variables."""
    names = _names([obligation.value, obligation.low, obligation.high, *obligation.guards])
    return names | _names([axis.extent for axis in obligation.axes if axis.name in names])


def _names(parts: Iterable[ir.Expr | None]) -> set[str]:
    nodes = (node for part in parts if part is not None for node in walk(part))
    return {node.name for node in nodes if isinstance(node, ir.DimRef | ir.ParamRef | ir.IndexRef)}

"""What breaks an obligation, in words: `k + 1` reaches 8, but axis 1 of `A` has the extent K = 8."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ...ir import nodes as ir
from ...ir.scalars import Scalar
from ...ir.show import show_expr
from ...ir.walk import walk
from .atoms import Element
from .formulas import Free, leaves
from .obligations import Obligation
from .polynomial import Poly
from .questions import Question
from .reach import reached_from
from .terms import Terms


@dataclass(frozen=True)
class Witness:
    """Values that break an obligation: of dims, params and variables by name; of elements, as `len[0] = 9`.

    `value` is what must lie within limits, `high` its upper one.
    """

    named: Mapping[str, Scalar]
    elements: tuple[str, ...]
    value: int
    high: int | None


def witness_of(question: Question, terms: Terms, values: Mapping[int, int]) -> Witness:
    """The witness that values of atoms make."""
    known = (*terms.values.items(), *question.scope.items())
    named = {name: evaluated(value, values) for name, value in known if value.atoms <= values.keys()}
    elements = tuple(dict.fromkeys(_elements(question, terms, values)))
    high = None if question.high is None else evaluated(question.high, values)
    return Witness(named, elements, evaluated(question.value, values), high)


def claim(obligation: Obligation, witness: Witness) -> str:
    """What happens."""
    text, value, high = show_expr(obligation.value), witness.value, witness.high
    if obligation.kind == "divisor":
        return f"`{text}` can be 0 where {obligation.what} is taken"
    if obligation.kind == "extent":
        return f"{obligation.what}, `{text}`, can be {value}"
    reaches = "is" if str(value) == text else f"reaches {value}"
    if obligation.high is None or high is None or value < high:
        return f"`{text}` {reaches}, and {obligation.what} begins at {show_expr(obligation.low or obligation.value)}"
    if obligation.kind == "bound":
        last = ir.Binary(op="-", left=obligation.high, right=ir.Number(value=1))
        return f"`{text}` {reaches}, but {obligation.what} ends at {_shown(_plain(last), high - 1)}"
    if obligation.kind == "rank":
        return (
            f"`{text}` {reaches}, but {obligation.what} are only {_shown(obligation.high, high)}, the first of rank 0"
        )
    return f"`{text}` {reaches}, but {obligation.what} has the extent {_shown(obligation.high, high)}"


def _plain(expr: ir.Binary) -> ir.Expr:
    """`e` for `e + 1 - 1`."""
    match expr.left:
        case ir.Binary(op="+", left=plain, right=ir.Number(value=1)):
            return plain
    return expr


def _shown(limit: ir.Expr, value: int) -> str:
    text = show_expr(limit)
    return text if text == str(value) else f"{text} = {value}"


def assignments(obligation: Obligation, witness: Witness) -> tuple[str, ...]:
    """`K = 8`, `k = 7`, `len[0] = 9`: the values of what the obligation speaks of."""
    mentioned = _mentioned(obligation)
    named = (f"{name} = {_word(value)}" for name, value in witness.named.items() if name in mentioned)
    return (*named, *witness.elements)


def _word(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def evaluated(poly: Poly, values: Mapping[int, int]) -> int:
    total = 0
    for monomial, factor in poly.terms:
        for index in monomial:
            factor *= values[index]
        total += factor
    return total


def _elements(question: Question, terms: Terms, values: Mapping[int, int]) -> Iterator[str]:
    """The elements of inputs in what is asked, and in the conditions that have to do with it."""
    reached = reached_from([question.value, *(() if question.high is None else (question.high,))], terms)
    for guard in question.guards:
        there = reached_from([leaf.poly for leaf in leaves(guard) if not isinstance(leaf, Free)], terms)
        reached |= there if there & reached else set()
    for index in sorted(reached):
        meaning = terms.meanings[index]
        if isinstance(meaning, Element) and index in values:
            place = ", ".join(str(evaluated(each, values)) for each in meaning.indices)
            yield f"{meaning.tensor}[{place}] = {values[index]}" if place else f"{meaning.tensor} = {values[index]}"


def _mentioned(obligation: Obligation) -> set[str]:
    """The names in the obligation, in conditions on those, and in the extents of its variables."""
    names = _names([obligation.value, obligation.low, obligation.high])
    for guard in obligation.guards:
        there = _names([guard])
        names |= there if there & names else set()
    return names | _names([axis.extent for axis in obligation.axes if axis.name in names])


def _names(parts: Iterable[ir.Expr | None]) -> set[str]:
    nodes = (node for part in parts if part is not None for node in walk(part))
    return {node.name for node in nodes if isinstance(node, ir.DimRef | ir.ParamRef | ir.IndexRef)}

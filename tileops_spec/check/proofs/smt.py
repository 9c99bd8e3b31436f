"""Formulas as text that z3 reads at once, which is quicker than building them term by term."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .formulas import And, AtLeast, Formula, Free, Not, Or, Zero, leaves
from .polynomial import Monomial, Poly


def script(
    formulas: Sequence[Formula], *, multiply: bool, names: Iterable[str] = (), spoken: Sequence[Formula] = ()
) -> str:
    """Declarations and assertions; products are unknowns of their own unless `multiply`.

    `names` are declared as truths, and so is what `spoken` speaks of: for assertions that follow.
    """
    every = (*formulas, *spoken)
    found = monomials(every)
    found |= {(index,) for monomial in found for index in monomial}
    truths = sorted({leaf.index for formula in every for leaf in leaves(formula) if isinstance(leaf, Free)})
    lines = [f"(declare-const {variable(monomial)} Int)" for monomial in sorted(found)]
    lines += [f"(declare-const {name} Bool)" for name in (*(f"b{index}" for index in truths), *names)]
    lines += [f"(assert {text(formula)})" for formula in formulas]
    if multiply:
        products = (monomial for monomial in sorted(found) if len(monomial) > 1)
        lines += [f"(assert (= {variable(each)} (* {' '.join(f'v{index}' for index in each)})))" for each in products]
    return "\n".join(lines)


def monomials(formulas: Iterable[Formula]) -> set[Monomial]:
    """The products, of one atom or more, that formulas compare."""
    found = (leaf for formula in formulas for leaf in leaves(formula) if not isinstance(leaf, Free))
    return {monomial for leaf in found for monomial, _ in leaf.poly.terms if monomial}


def variable(monomial: Monomial) -> str:
    return "v" + "_".join(map(str, monomial))


def text(formula: Formula) -> str:
    match formula:
        case AtLeast(poly):
            return f"(>= {_sum(poly)} 0)"
        case Zero(poly):
            return f"(= {_sum(poly)} 0)"
        case Not(part):
            return f"(not {text(part)})"
        case And(parts):
            return f"(and {' '.join(map(text, parts))})" if parts else "true"
        case Or(parts):
            return f"(or {' '.join(map(text, parts))})" if parts else "false"
    return f"b{formula.index}"


def _sum(poly: Poly) -> str:
    parts = [_product(monomial, factor) for monomial, factor in poly.terms]
    return f"(+ {' '.join(parts)})" if len(parts) > 1 else (parts or ["0"])[0]


def _product(monomial: Monomial, factor: int) -> str:
    shown = str(factor) if factor >= 0 else f"(- {-factor})"
    if not monomial:
        return shown
    return variable(monomial) if factor == 1 else f"(* {shown} {variable(monomial)})"

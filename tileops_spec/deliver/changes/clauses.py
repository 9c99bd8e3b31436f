"""Changes of `where`: which shapes callers may no longer, or may now, come with; and what they promise of data."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from ...analysis.candidates import conjuncts, names_in
from ...analysis.canonical import Canon, Form
from ...ir.nodes import Binary, Expr, Number
from ...ir.scalars import Scalar, ScalarError, scalar_value
from ...ir.show import show_expr
from ...ir.spec import Spec
from ...ir.walk import walk
from .levels import Change, Level
from .names import Versions

_EXTENTS = (*range(1, 18), 24, 31, 32, 33, 48, 63, 64, 65, 96, 127, 128, 129, 256, 257, 512, 1024, 4096)
_SHAPES = 20000
"""Shapes that are tried to tell two sets of clauses apart."""
_OTHERWISE = "said otherwise, or in another order"


def clause_changes(versions: Versions) -> Iterator[Change]:
    """The changes of `where`, clauses on shapes first."""
    yield from _shapes(versions)
    yield from _assumptions(versions)


def _shapes(versions: Versions) -> Iterator[Change]:
    was, new = (tuple(conjuncts(spec.where)) for spec in (versions.was, versions.new))
    texts = [show_expr(clause) for clause in conjuncts(versions.old.where)]
    gone, came = _without(was, new), _without(new, was)
    if not gone and not came:
        if versions.was.where != versions.new.where:
            yield Change(Level.COSMETIC, "where", *map(_listed, (versions.old, versions.new)), _OTHERWISE)
        return
    lost = ", ".join(texts[at] for at, clause in enumerate(was) if clause in gone) or None
    added = ", ".join(map(show_expr, came)) or None
    kept = [clause for clause in was if clause not in gone]
    refused = _witness(versions.new, [*kept, *gone], came)
    allowed = _witness(versions.new, [*kept, *came], gone)
    if refused:
        note = f"tightened: {refused} is refused now" + (f"; loosened: {allowed} is allowed now" if allowed else "")
        yield Change(Level.API, "where", lost, added, note)
    elif allowed:
        aligned = all(map(_is_alignment, (*gone, *came)))
        level = Level.PERFORMANCE if aligned else Level.API
        note = f"loosened: {allowed} is allowed now" + (", and rows need not be aligned" if aligned else "")
        yield Change(level, "where", lost, added, note, compatible=True)
    else:
        yield Change(Level.API, "where", lost, added, "said otherwise; no shape that was tried tells them apart")


def _listed(spec: Spec) -> str:
    return ", ".join(map(show_expr, spec.where))


def _forms(clauses: Sequence[Expr]) -> list[Form]:
    canon = Canon(dtypes=False, casts=False)
    return [canon.expr(clause, {}) for clause in clauses]


def _without(clauses: Sequence[Expr], others: Sequence[Expr]) -> list[Expr]:
    """The clauses that are not among the others."""
    known = _forms(others)
    return [clause for clause, form in zip(clauses, _forms(clauses), strict=True) if form not in known]


def _is_alignment(clause: Expr) -> bool:
    """`K % 8 == 0`: a fixed multiple."""
    match clause:
        case Binary(op="==", left=Binary(op="%", right=Number()), right=Number(value=0)):
            return True
    return False


def _witness(spec: Spec, true: Sequence[Expr], broken: Sequence[Expr]) -> str:
    """`K = 4`: a shape at which all clauses of `true` hold and not all of `broken`; "" where none was found.

    It gives values to the names in `broken`, and to no others: clauses of `true` with other names are left out.
    """
    names = sorted({name for clause in broken for name in names_in(clause)})
    if not names:
        return ""
    fixed = [clause for clause in true if names_in(clause) <= set(names)]
    numbers = {int(node.value) for clause in (*true, *broken) for node in walk(clause) if _is_extent(node)}
    for values in _shapes_of(names, spec, numbers):
        if all(_holds(clause, values) for clause in fixed) and not all(_holds(clause, values) for clause in broken):
            return ", ".join(f"{name} = {_show(value)}" for name, value in values.items())
    return ""


def _is_extent(node: Expr) -> bool:
    return isinstance(node, Number) and node.value == node.value and 0 < node.value < 2**31


def _show(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shapes_of(names: Sequence[str], spec: Spec, numbers: set[int]) -> Iterator[dict[str, Scalar]]:
    """All combinations of the values worth trying, small ones first; a sample where there are too many."""
    choices = [_values(name, spec, numbers) for name in names]
    total = 1
    for values in choices:
        total *= len(values)
    if total <= _SHAPES:
        combinations = sorted(itertools.product(*choices), key=lambda values: max(map(abs, values)))
    else:
        rng = random.Random(0)
        combinations = [tuple(rng.choice(values) for values in choices) for _ in range(_SHAPES)]
    yield from (dict(zip(names, values, strict=True)) for values in combinations)


def _values(name: str, spec: Spec, numbers: set[int]) -> tuple[Scalar, ...]:
    param = next((each for each in spec.params if each.name == name), None)
    near = {value for number in numbers for value in (number - 1, number, number + 1, 2 * number, 3 * number)}
    if param is None:
        return tuple(sorted({*_EXTENTS, *(value for value in near if value > 0)}))
    if param.dtype == "bool":
        return (False, True)
    whole = sorted({-1, 0, 1, 2, 3, 4, 8, *near})
    return tuple(whole) if param.dtype[0] in "iu" else (*whole, 0.5, 1e-6)


def _holds(clause: Expr, values: dict[str, Scalar]) -> bool:
    try:
        return bool(scalar_value(clause, values, values))  # type: ignore[arg-type]
    except ScalarError:
        return False


def _assumptions(versions: Versions) -> Iterator[Change]:
    was, new = versions.was.assumptions, versions.new.assumptions
    gone, came = _without(was, new), _without(new, was)
    texts = {id(clause): show_expr(old) for clause, old in zip(was, versions.old.assumptions, strict=True)}
    for clause in gone:
        yield Change(Level.NUMERICS, "where", texts[id(clause)], None, "may no longer be assumed of the data")
    for clause in came:
        yield Change(Level.NUMERICS, "where", None, show_expr(clause), "callers promise more of the data")

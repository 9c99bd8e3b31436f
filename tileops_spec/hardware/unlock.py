"""Clauses for `where` that turn a no into a yes: proposed from the form of extents, kept where they prove it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, product
from random import Random

from ..analysis.binding import Binding, BindingError, bind_workload, clause_holds
from ..analysis.candidates import Search
from ..ir.nodes import Binary, DimRef, Expr, Number, ParamRef
from ..ir.show import show_expr
from ..ir.spec import Spec
from .facts import Facts, Feature
from .memory import Row, clause_text, lengths

Clauses = tuple[Expr, ...]
_TRIALS = 16
"""Combinations of clauses that are tried for one feature."""


def unlocked(feature: Feature, rows: Sequence[Row], facts: Facts, derive: Callable[[Facts], Feature]) -> Feature:
    """The no with the clauses that would make these rows whole vectors; as it is where no clauses do.

    Of those that do, the clauses that refuse the fewest workloads. Clauses that no shape satisfies do not count.
    """
    proposals = [list(_proposals(extent, elements)) for extent, elements in lengths(rows).items()]
    bindings = _bindings(facts.spec)
    trials = islice(product(*proposals), _TRIALS)
    tried = [tuple(dict.fromkeys(clause for each in trial for clause in each)) for trial in trials]
    for clauses in sorted(tried, key=lambda clauses: len(_refused(clauses, bindings))):
        if derive(facts.with_clauses(clauses)).present and _can_hold(clauses, facts.spec, bindings):
            shown = " and ".join(map(show_expr, clauses))
            proof = f"{shown} ⇒ {row_facts(rows, facts)}"
            return replace(feature, unlock=shown, proof=proof, refused=tuple(_refused(clauses, bindings)))
    return feature


def row_facts(rows: Sequence[Row], facts: Facts) -> str:
    """`rows of A, B (K × 2 bytes) are whole multiples of 16 bytes`."""
    lengths: dict[str, list[str]] = {}
    for row in rows:
        sizes = sorted({option.bytes for option in facts.options(row.dtype)})
        extent = f"({show_expr(row.extent)})" if isinstance(row.extent, Binary) else show_expr(row.extent)
        lengths.setdefault(f"{extent} × {' or '.join(map(str, sizes))} bytes", []).append(row.tensor)
    shown = ", ".join(f"{', '.join(dict.fromkeys(tensors))} ({size})" for size, tensors in lengths.items())
    return f"rows of {shown} are whole multiples of 16 bytes"


def stated(rows: Sequence[Row]) -> str:
    """The multiples that rows being whole vectors comes to: `K % 8 == 0, N % 8 == 0`."""
    found = lengths(rows).items()
    return ", ".join(clause_text(extent, elements) for extent, elements in found if not isinstance(extent, Number))


# proposals


def _proposals(extent: Expr, multiple: int) -> Iterator[Clauses]:
    """Clauses that make an extent a multiple, the plainest first; the last one says just that."""
    yield from islice(_of_dims(extent, multiple), 3)
    if not isinstance(extent, DimRef | ParamRef):
        yield (_divides(extent, multiple),)


def _of_dims(extent: Expr, multiple: int) -> Iterator[Clauses]:
    """Clauses on single dims that are enough."""
    match extent:
        case Number(value=int(value)) if value % multiple == 0:
            yield ()
        case DimRef() | ParamRef():
            yield (_divides(extent, multiple),)
        case Binary(op="//", left=inner, right=Number(value=int(by))) if by > 0:
            yield from _of_dims(inner, multiple * by)
        case (
            Binary(op="*", left=Number(value=int(by)), right=inner)
            | Binary(op="*", left=inner, right=Number(value=int(by)))
        ) if by > 0:
            yield from _of_dims(inner, multiple // math.gcd(multiple, by))
        case Binary(op="*", left=left, right=right):
            yield from _of_dims(right, multiple)
            yield from _of_dims(left, multiple)
        case Binary(op="+" | "-", left=left, right=right):
            for first, second in product(_of_dims(left, multiple), _of_dims(right, multiple)):
                yield tuple(dict.fromkeys((*first, *second)))


def _divides(extent: Expr, multiple: int) -> Expr:
    remainder = Binary(op="%", left=extent, right=Number(value=multiple, dtype="i64"), dtype="i64")
    return Binary(op="==", left=remainder, right=Number(value=0, dtype="i64"), dtype="bool")


# which shapes are left


def _bindings(spec: Spec) -> dict[str, Binding]:
    found = {}
    for workload in spec.workloads:
        try:
            found[workload.name] = bind_workload(spec, dict(workload.values))
        except BindingError:
            continue
    return found


def _refused(clauses: Clauses, bindings: Mapping[str, Binding]) -> list[str]:
    return [name for name, bound in bindings.items() if not all(clause_holds(clause, bound) for clause in clauses)]


def _can_hold(clauses: Clauses, spec: Spec, bindings: Mapping[str, Binding]) -> bool:
    """Whether some shape satisfies the clauses beside those of the spec: a workload, or one that is found."""
    if len(_refused(clauses, bindings)) < len(bindings):
        return True
    search = Search(replace(spec, where=(*spec.where, *clauses)), (), Random(0), lambda dims: True, smallest=True)
    return search.solve({}, {}) is not None

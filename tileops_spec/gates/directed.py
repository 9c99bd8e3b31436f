"""Cases on both sides of each value at which a kernel changes its mind about a dynamic extent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ..analysis.binding import BindingError, holds
from ..analysis.cases import Case
from ..analysis.cost import cost
from ..ir.scalars import ScalarError
from ..ir.spec import Spec
from ..scaffold.naming import safe_name

WORK = 3e8
"""Floating-point operations of one such case: some seconds, emulated."""
_MOST = 24
"""Cases for one build; a body with more branches is one whose proof would take too long."""


@dataclass(frozen=True, slots=True)
class Directed:
    """`cases` to run beside the others; `missed` are extents with the values that no case can show."""

    cases: tuple[Case, ...]
    missed: tuple[tuple[str, int], ...]


def direct_cases(spec: Spec, cases: Sequence[Case], thresholds: Sequence[tuple[str, int]]) -> Directed:
    """From the cases of one build: extents one below and at each threshold, where `where` allows them."""
    dims = {safe_name(dim.name): dim.name for dim in spec.dynamic_dims}
    work_of = cost(spec).compiled_work()
    found: list[Case] = []
    missed: list[tuple[str, int]] = []
    for name, threshold in thresholds:
        if name not in dims:
            continue
        allowed = [case for value in _around(threshold) for case in _first(spec, cases, dims[name], value)]
        cheap = [case for case in allowed if work_of(_numbers(spec, case)) <= WORK and len(found) < _MOST]
        found += cheap
        if allowed and not cheap:
            missed.append((dims[name], threshold))
    return Directed(tuple(case for case in dict.fromkeys(found) if case not in cases), tuple(missed))


def _around(threshold: int) -> tuple[int, ...]:
    return tuple(value for value in (threshold - 1, threshold) if value > 0)


def _first(spec: Spec, cases: Sequence[Case], dim: str, value: int) -> Iterator[Case]:
    """The first case that the clauses allow with the dim at a value: alone, or with the other dynamic dims as large."""
    dynamic = {each.name for each in spec.dynamic_dims}
    for names in ({dim}, dynamic):
        for case in cases:
            dims = tuple((name, max(value, size) if name in names - {dim} else size) for name, size in case.dims)
            changed = replace(case, dims=tuple((name, value if name == dim else size) for name, size in dims))
            if _allowed(spec, changed):
                yield changed
                return


def _allowed(spec: Spec, case: Case) -> bool:
    try:
        return not holds(spec, case.binding(spec))
    except (BindingError, ScalarError):
        return False


def _numbers(spec: Spec, case: Case) -> dict:
    binding = case.binding(spec)
    return {**binding.dims, **binding.params}

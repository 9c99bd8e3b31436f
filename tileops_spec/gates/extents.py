"""Cases with other extents: one dim set, all of them small, or all but one large."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ..analysis.binding import BindingError, holds, shape_of
from ..analysis.cases import WORK, Case
from ..analysis.cost import cost
from ..ir.spec import Dim, Spec

Work = Callable[[Mapping], float]
_SMALL = (15 * WORK, 5 << 20)
"""Floating-point operations, and elements of all tensors together, of a case that is cheap to emulate."""
_SMALL_GROWN = (10 * WORK, 1 << 23)
"""The same where tiles are many along two axes."""
_MOST_GROWN = 2


def with_smallest(spec: Spec, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Each case, and after it the same build with shifted data and the least extents at run time that `where` allows:
    1, or those of the case."""
    return tuple(dict.fromkeys(each for case in cases for each in (case, _smallest(spec, case))))


def _smallest(spec: Spec, case: Case) -> Case:
    dims = dict(case.dims) | {dim.name: 1 for dim in _at_run_time(spec)}
    shifted = replace(case, data="shifted")
    changed = replace(shifted, dims=tuple(dims.items()))
    return changed if is_allowed(spec, changed) else shifted


def grown_cases(spec: Spec, cases: Sequence[Case]) -> tuple[Case, ...]:
    """Cases of many tiles along all dims but one, which is least: there it shows how a body walks over its tiles."""
    work = cost(spec).compiled_work()
    if not cases:
        return ()
    start = min(cases, key=lambda case: work({**dict(case.dims), **dict(case.params)}))
    kept = [dim.name for dim in spec.static_dims][-_MOST_GROWN:] if len(spec.dims) > 2 else []
    grown = (replace(_grown(spec, start, name, work), data="normal") for name in kept)
    return tuple(dict.fromkeys(each for each in grown if each.dims != start.dims))


def _grown(spec: Spec, case: Case, kept: str, work: Work) -> Case:
    """The case with one dim at its least, and the others made larger, the smallest first, while the whole is small."""
    case = with_extent(spec, case, kept, 1, work) or case
    while True:
        sizes = sorted((extent, name) for name, extent in case.dims if name != kept)
        larger = (with_extent(spec, case, name, extent + extent // 2 + 3, work, shrink=False) for extent, name in sizes)
        found = next(filter(None, larger), None)
        if found is None:
            return case
        case = found


def with_extent(spec: Spec, case: Case, name: str, wanted: int, work: Work, *, shrink: bool = True) -> Case | None:
    """The case with the dim at the first extent from `wanted` on that `where` allows, and small enough to emulate;
    for that the dims known at run time `shrink`."""
    for extent in range(wanted, wanted + 64):
        dims = {**dict(case.dims), name: extent}
        while True:
            changed = replace(case, dims=tuple(dims.items()), data="normal")
            if not is_allowed(spec, changed):
                break
            if _is_small(spec, changed, work, _SMALL if shrink else _SMALL_GROWN):
                return changed
            if not shrink:
                return None
            smaller = {dim.name: -(-dims[dim.name] * 3 // 4) for dim in _free(spec, name)}
            if all(dims[each] == value for each, value in smaller.items()):
                return None
            dims |= smaller
    return None


def _is_small(spec: Spec, case: Case, work: Work, limits: tuple[float, int]) -> bool:
    most_work, most_elements = limits
    return work({**dict(case.dims), **dict(case.params)}) <= most_work and _elements(spec, case) <= most_elements


def _elements(spec: Spec, case: Case) -> int:
    binding = case.binding(spec)
    return sum(math.prod(shape_of(tensor, binding)) for tensor in (*spec.inputs, *spec.outputs))


def _free(spec: Spec, name: str) -> list[Dim]:
    """The dims known at run time only, but for one."""
    return [dim for dim in _at_run_time(spec) if dim.name != name]


def _at_run_time(spec: Spec) -> list[Dim]:
    return [dim for dim in spec.dims if dim.dynamic or dim.spread]


def is_allowed(spec: Spec, case: Case) -> bool:
    """Whether every `where` clause holds."""
    try:
        return not holds(spec, case.binding(spec))
    except BindingError:
        return False

"""Cases that a body is run on beside the drawn ones: what these leave out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from ..analysis.cases import FAR, NEAR, Case
from ..ir.dtypes import DTYPES, DType
from ..ir.spec import Spec
from ..scaffold.body import Body
from .branches import branch_cases
from .extents import grown_cases, with_smallest


def with_more_cases(spec: Spec, body: Body, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, those for branches and rounds that they do not take, and those of values that they do not have.

    A branch meets values around 0 and, at the least extents, values around 5: what merges partial means or norms is the
    same as what forgets to where they are all 0.
    """
    branches = branch_cases(spec, body, cases)
    firsts = tuple({case.dtypes: case for case in reversed(cases)}.values())
    far, near = _far_cases(spec, firsts, branches), _near_cases(spec, firsts)
    return (*cases, *with_smallest(spec, branches), *grown_cases(spec, cases), *far, *near)


def _far_cases(spec: Spec, firsts: Iterable[Case], branches: Sequence[Case]) -> Iterator[Case]:
    """One case of each dtype, and each branch, with values that float16 cannot hold, in dtypes that can: a detour
    through float16, which has more digits than bfloat16, shows nowhere else."""
    largest = DTYPES["f16"].max_value
    wide = [case.dtypes for case in firsts if _all_floats(spec, case, lambda dtype: dtype.max_value > largest)]
    yield from (replace(case, data=FAR) for case in firsts if case.dtypes in wide)
    for case in branches if wide else ():
        yield replace(case, dtypes=case.dtypes if case.dtypes in wide else wide[0], data=FAR)


def _near_cases(spec: Spec, firsts: Iterable[Case]) -> Iterator[Case]:
    """One case of each dtype with values near 0: a maximum of magnitudes that begins at 1, an epsilon in the wrong
    place, show nowhere else."""
    for case in firsts:
        if _all_floats(spec, case, lambda dtype: dtype.bits > 8):
            yield replace(case, data=NEAR)


def _all_floats(spec: Spec, case: Case, can: Callable[[DType], bool]) -> bool:
    """Whether the case has float inputs, and the dtypes of all of them can."""
    binding = case.binding(spec)
    floats = [binding.dtype(tensor.dtype) for tensor in spec.inputs if binding.dtype(tensor.dtype).is_float]
    return bool(floats) and all(map(can, floats))

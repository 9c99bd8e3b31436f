"""Cases that a body is run on beside the drawn ones: what these leave out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ..analysis.cases import FAR, Case
from ..ir.dtypes import DTYPES
from ..ir.spec import Spec
from ..scaffold.body import Body
from .branches import branch_cases
from .extents import grown_cases, with_smallest


def with_more_cases(spec: Spec, body: Body, cases: Sequence[Case]) -> tuple[Case, ...]:
    """The cases, those for branches and rounds that they do not take, and those of values that they do not have."""
    branches = branch_cases(spec, body, cases)
    firsts = {case.dtypes: case for case in reversed(cases)}.values()
    return (*cases, *with_smallest(spec, branches), *grown_cases(spec, cases), *_far_cases(spec, (*firsts, *branches)))


def _far_cases(spec: Spec, cases: Sequence[Case]) -> Iterator[Case]:
    """The cases again, with values that float16 cannot hold, where all float inputs can: a detour through float16,
    which has more digits than bfloat16, shows nowhere else."""
    largest = DTYPES["f16"].max_value
    for case in cases:
        binding = case.binding(spec)
        floats = [binding.dtype(tensor.dtype) for tensor in spec.inputs if binding.dtype(tensor.dtype).is_float]
        if floats and all(each.max_value > largest for each in floats):
            yield replace(case, data=FAR)

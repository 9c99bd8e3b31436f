"""What a test of the usual kind would say: one shape, standard normal data, `torch.allclose` with fixed tolerances."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...analysis.binding import Binding, BindingError, bind_workload, holds
from ...analysis.cases import Case
from ...analysis.cost import cost
from ...diagnostics.text import SourceText
from ...gates.emulate import check_emulation
from ...gates.isolation import Limits
from ...ir.spec import Spec

if TYPE_CHECKING:
    from torch import Tensor

    from ...gates.emulate import Expect

WORK = 5e7
"""Floating-point operations of that shape: it runs emulated."""
TOLERANCES = {"f16": 1e-2, "bf16": 1e-2, "f32": 1e-3}
"""rtol and atol, by the dtype of an output; 1e-2 for the others."""
_NO_RUN = frozenset({"TS411", "TS433", "TS434"})
"""A kernel that does not compile, crashes or hangs is seen by any test that launches it."""


def usual_case(spec: Spec, cases: tuple[Case, ...]) -> Case:
    """The first workload, its largest dims halved until it can be emulated; the first case where there is none."""
    if not spec.workloads:
        return cases[0]
    values = dict(spec.workloads[0].values)
    binding = bind_workload(spec, values)
    work = cost(spec).compiled_work()
    while work({**binding.dims, **binding.params}) > WORK:
        smaller = _halved(spec, values)
        if smaller is None:
            break
        values, binding = smaller
    return Case(
        dtypes=tuple(binding.dtypes.items()),
        dims=tuple(binding.dims.items()),
        params=tuple(binding.params.items()),
        data="normal",
        seed=0,
    )


def _halved(spec: Spec, values: Mapping) -> tuple[dict, Binding] | None:
    """The values with the largest extent halved for which `where` still holds."""
    halves = {name: half for name, each in values.items() if (half := _half(each)) is not None}
    for name in sorted(halves, key=lambda each: -_extent(halves[each])):
        smaller = {**values, name: halves[name]}
        try:
            binding = bind_workload(spec, smaller)
        except BindingError:
            continue
        if not holds(spec, binding):
            return smaller, binding
    return None


def _half(value: Any) -> Any:
    """Of an even extent, or of the first even one of a group of axes; None where there is none."""
    if isinstance(value, list | tuple):
        at = next((place for place, each in enumerate(value) if each > 1 and each % 2 == 0), None)
        return None if at is None else [*value[:at], value[at] // 2, *value[at + 1 :]]
    return value // 2 if type(value) is int and value > 1 and value % 2 == 0 else None


def _extent(value: Any) -> int:
    return math.prod(value) if isinstance(value, list) else value


def would_notice(spec: Spec, case: Case, kernel: SourceText, limits: Limits, expect: Expect) -> bool:
    """Whether the usual test fails: the kernel does not run to its end, or some output is not close."""
    outputs: dict[str, Tensor] = {}
    inputs: list[Mapping] = []

    def remember(of: Case, given: Mapping) -> Mapping:
        inputs.append(given)
        return expect(of, given)

    verdict = check_emulation(
        spec,
        [case],
        kernel,
        limits,
        choices=(),
        expect=remember,
        observe=lambda _, name, tensor: outputs.__setitem__(name, tensor),
        exactly=True,
    )
    if any(finding.code in _NO_RUN for finding in verdict.diagnostics) or len(outputs) < len(spec.outputs):
        return True
    expected, binding = expect(case, inputs[0]), case.binding(spec)
    return not all(
        _close(outputs[each.name], expected[each.name].value, binding.dtype(each.dtype).name) for each in spec.outputs
    )


def _close(actual: Tensor, expected: Tensor, dtype: str) -> bool:
    import torch

    tolerance = TOLERANCES.get(dtype, 1e-2)
    return torch.allclose(actual.double(), expected.double(), rtol=tolerance, atol=tolerance, equal_nan=True)

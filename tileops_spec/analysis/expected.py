"""What a kernel's outputs are held to: the mathematics, or without any, the first reference and its own rounding."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from ..ir.spec import Spec, TensorDecl
from .binding import Binding, shape_of
from .estimate import Estimate, conform
from .oracle import evaluate
from .reference import call_reference

_SPREAD = 4.0
"""How much further than the reference in its declared dtypes a kernel may stray from the reference in float64."""


def expected_outputs(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> dict[str, Estimate]:
    """Outputs (and locals, where they were laid out) by name, each with the error that it may have.

    Without mathematics nothing is known of how errors arise: the reference in float64 is the value, and the bound is a
    multiple of the largest error that the reference itself shows in its declared dtypes, for each output as a whole.
    An override in the spec widens either. Where no output has an element nothing is computed: an axis of no elements
    may have no maximum.
    """
    if not any(math.prod(shape_of(output, binding)) for output in spec.outputs):
        return {output.name: _nothing(output, binding) for output in spec.outputs}
    found = evaluate(spec, binding, inputs) if spec.math else _from_reference(spec, binding, inputs)
    return found if spec.tolerance is None else _widened(found, spec, spec.tolerance.factor)


def _widened(found: dict[str, Estimate], spec: Spec, factor: float) -> dict[str, Estimate]:
    """The bounds of outputs of floats times the spec's own factor; integers are not approximate by degrees."""
    return {
        name: Estimate(each.value, each.error * factor) if each.value.dtype.is_floating_point else each
        for name, each in found.items()
    }


def _nothing(output: TensorDecl, binding: Binding) -> Estimate:
    value = torch.zeros(shape_of(output, binding), dtype=torch.float64)
    return Estimate(conform(value, binding.dtype(output.dtype)), value)


def _from_reference(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> dict[str, Estimate]:
    reference = spec.references[0]
    exact = call_reference(reference, spec, binding, inputs, wide=True)
    declared = call_reference(reference, spec, binding, inputs)
    found = {}
    for output in spec.outputs:
        dtype = binding.dtype(output.dtype)
        value = conform(exact[output.name], dtype)
        error = value.new_zeros(value.shape, dtype=torch.float64)
        if dtype.is_float and value.numel():
            difference = (declared[output.name].double() - value).abs().nan_to_num(nan=0.0, posinf=0.0)
            error = error + _SPREAD * difference.max() + value.abs().nan_to_num(posinf=0.0) * dtype.unit_roundoff
        found[output.name] = Estimate(value, error)
    return found

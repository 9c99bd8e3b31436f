"""What a prompt says of a spec, a target and the workloads, as text and numbers."""

from __future__ import annotations

from dataclasses import dataclass

from ..ir.dtypes import DTYPES
from ..ir.show import show_expr, show_param, show_tensor
from ..ir.spec import Dim, Param, Spec, Workload
from ..scaffold.naming import dtype_parameter, safe_name


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetFacts:
    """`peak` and `bandwidth` are in FLOP/s and byte/s, the best that the target's hardware does on this op."""

    name: str
    peak: float
    bandwidth: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFacts:
    """One row of the table of workloads, as text."""

    name: str
    shape: str
    gflop: str
    megabytes: str
    intensity: str
    bound: str
    floor: str


def workload_facts(workload: Workload, *, flops: float, size: float, target: TargetFacts) -> WorkloadFacts:
    """`flops` of the workload and `size`, the fewest bytes that it moves, against the target's peaks."""
    computing, moving = flops / target.peak, size / target.bandwidth
    return WorkloadFacts(
        name=workload.name,
        shape=", ".join(f"{name}={_value(value)}" for name, value in workload.values),
        gflop=_number(flops / 1e9),
        megabytes=_number(size / 1e6),
        intensity=_number(flops / size),
        bound="compute" if computing > moving else "memory",
        floor=_number(max(computing, moving) * 1e6),
    )


def _number(value: float) -> str:
    """Three digits, or all of them before the point: no exponents."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _value(value: object) -> str:
    return "×".join(map(str, value)) if isinstance(value, tuple) else str(value)


def spec_facts(spec: Spec) -> tuple[str, ...]:
    """Lines on dims, constraints, dtypes, params and tensors."""
    lines = [_dim_line(dim) for dim in spec.dims]
    lines += [f"Holds always: `{show_expr(clause)}`." for clause in spec.where]
    lines += [_dtype_line(spec, each.name, each.options) for each in spec.dtypes]
    lines += [_param_line(param) for param in spec.params]
    lines += [f"Input `{show_tensor(each, spec)}`: read only." for each in spec.inputs]
    lines += [f"Output `{show_tensor(each, spec)}`: every element is to be written." for each in spec.outputs]
    lines += [f"`{name}` is `{safe_name(name)}` in the body." for name in _names(spec) if name != safe_name(name)]
    return (*lines, "All tensors are row-major and contiguous, and begin on 16-byte boundaries; no extent is 0.")


def _names(spec: Spec) -> list[str]:
    return [each.name for each in (*spec.dims, *spec.params, *spec.inputs, *spec.outputs)]


def _dim_line(dim: Dim) -> str:
    if dim.spread:
        return f"`{dim.name}`: a group of leading axes, flattened into one dynamic extent `{dim.name}`."
    if dim.dynamic:
        return f"`{dim.name}`: dynamic, an expression: one build serves every value from 1 on."
    return f"`{dim.name}`: static, a Python int: one build for each value."


def _dtype_line(spec: Spec, name: str, options: tuple[str, ...]) -> str:
    choices = ", ".join(f'"{DTYPES[option].tilelang}" ({option})' for option in options)
    return f"`{name}` of the spec is `{dtype_parameter(spec, name)}` in the body, a string: one of {choices}."


def _param_line(param: Param) -> str:
    return f"Param `{show_param(param)}`: a Python value when the body is traced."

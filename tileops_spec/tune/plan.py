"""What would be timed: for each workload of a spec the candidates of its body, what drops them, and the shortlist."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..analysis.binding import Binding, bind_workload
from ..analysis.classify import classify
from ..gates.candidate import build_request
from ..gates.isolation import Completed, Limits, run_all, warm_up
from ..hardware import Target
from ..hardware.device import Device
from ..hardware.floor import rate_of
from ..ir.spec import Spec, Workload
from .assess import TASK
from .builds import Build, TuningError, distinct, reason_of, trace_builds
from .shortlist import Shortlist, shortlist
from .space import Setting, Tunables, candidates

_LIMITS = Limits(seconds=600)
_AT_ONCE = 16
"""Kernels that one child looks at."""


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """One workload with one choice of dtypes."""

    workload: Workload
    binding: Binding
    shortlist: Shortlist


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to plan for: the kernel.py at `kernel` holds a body of `spec` with `tunables`."""

    spec: Spec
    kernel: Path
    tunables: Tunables
    target: Target
    device: Device


def plan_tuning(
    request: Request, workloads: Sequence[Workload], dtypes: Sequence[Mapping[str, str]]
) -> Iterator[WorkloadPlan]:
    """A plan for each workload and choice of dtypes. Those that come to the same builds are traced and read once.

    TuningError where the body has no tunables, or cannot be traced.
    """
    if not request.tunables:
        raise TuningError(f"the body of {request.spec.op} has no tunables: there is nothing to choose")
    warm_up()
    setting = Setting(classify(request.spec).kind, request.target, request.device)
    space = candidates(request.tunables, setting)
    for choice in dtypes:
        bindings = [bind_workload(request.spec, dict(each.values), dict(choice)) for each in workloads]
        for group in _alike(request.spec, bindings):
            builds = trace_builds(request.spec, bindings[group[0]], request.kernel, space, _LIMITS)
            assessments = _assess(request, builds, [bindings[at] for at in group])
            for place, at in enumerate(group):
                found = shortlist(builds, assessments, place, request.target, request.tunables)
                yield WorkloadPlan(workloads[at], bindings[at], found)


def _alike(spec: Spec, bindings: Sequence[Binding]) -> list[list[int]]:
    """The places of bindings that ask the factory for the same."""
    groups: dict[str, list[int]] = {}
    for at, binding in enumerate(bindings):
        groups.setdefault(str(build_request(spec, binding, "")), []).append(at)
    return list(groups.values())


def _assess(request: Request, builds: Sequence[Build], bindings: Sequence[Binding]) -> dict[str, Any]:
    """What the model says of each kernel, by digest."""
    groups = distinct(builds)
    rate = rate_of(request.spec, classify(request.spec), request.device, bindings[0].dtypes)
    shared = {
        "dims": [{dim.name: binding.dims[dim.name] for dim in request.spec.dynamic_dims} for binding in bindings],
        "target": request.target.name,
        "device_key": request.device.key,
        "flops": rate.flops,
    }
    texts = [group[0].text for group in groups.values()]
    parts = [texts[start : start + _AT_ONCE] for start in range(0, len(texts), _AT_ONCE)]
    found: list[Any] = []
    for outcome in run_all(TASK, [{"functions": part, **shared} for part in parts], _LIMITS):
        if not isinstance(outcome, Completed):
            raise TuningError(f"the model cannot read the kernels of {request.spec.op}: {reason_of(outcome)}")
        found += outcome.value
    return dict(zip(groups, found, strict=True))

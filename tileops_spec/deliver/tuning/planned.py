"""The tuning plans of a spec's committed body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...diagnostics.diagnostic import Sink
from ...hardware import TARGETS
from ...hardware.device import Device, device
from ...ir.spec import Spec, Workload
from ...scaffold.errors import ScaffoldError
from ...scaffold.render import KERNEL
from ...tune.builds import TuningError
from ...tune.plan import Request, WorkloadPlan, plan_tuning
from ..committed import read_committed
from ..lint import lint_spec
from ..project import Project, find_project
from ..prove import require_runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class TuneOptions:
    """`workloads` by name (none: all); `target` and `device` by name (none: the spec's first, and its GPU).

    `every_dtype`: each choice of dtypes, not the first alone.
    """

    workloads: tuple[str, ...] = ()
    target: str | None = None
    device: str | None = None
    every_dtype: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What is to be tuned, and the plan of each workload."""

    spec: Spec
    project: Project
    request: Request
    plans: tuple[WorkloadPlan, ...]


class UnknownNameError(ValueError):
    """A workload, target or device that does not exist; the message names those that do."""


def plan_spec(path: Path, options: TuneOptions, sink: Sink) -> Tuning | None:
    """The plans; None where there is nothing to tune, with the reason in the sink. UnknownNameError as it says."""
    spec = lint_spec(path, sink)
    if spec is None:
        return None
    project = find_project(path)
    workloads = _workloads(spec, options.workloads)
    choices = list(spec.dtype_choices())[: None if options.every_dtype else 1]
    try:
        request = _request(spec, project, options, sink)
        if request is None:
            return None
        require_runtime()
        return Tuning(
            spec=spec, project=project, request=request, plans=tuple(plan_tuning(request, workloads, choices))
        )
    except TuningError as error:
        sink.error("TS461", str(error), help=_HELP)
    except ScaffoldError as error:
        sink.extend(error.diagnostics)
    return None


_HELP = "a body names its tunables and their candidates in TUNABLES, beside the statements; see docs/tunables.md"


def _request(spec: Spec, project: Project, options: TuneOptions, sink: Sink) -> Request | None:
    committed = read_committed(project, spec.op, sink)
    if committed is None:
        return None
    if committed.body is None:
        message = f"{spec.op} has no kernel to tune: {project.relative(committed.folder / KERNEL)} is not there"
        sink.error("TS461", message, help=f"`tospec fill specs/{spec.op}.yaml` makes one")
        return None
    target = TARGETS[known("target", options.target or spec.hardware.targets[0], TARGETS)]
    return Request(
        spec=spec,
        kernel=committed.folder / KERNEL,
        tunables=committed.body.tunables,
        target=target,
        device=device_of(options.device) if options.device else target.device,
    )


def device_of(key: str) -> Device:
    """UnknownNameError where there is no such device."""
    from ...hardware.device import device_keys

    return device(known("device", key, dict.fromkeys(device_keys())))


def known(what: str, name: str, names: Mapping[str, object]) -> str:
    """The name; UnknownNameError where it is none of the names."""
    if name not in names:
        raise UnknownNameError(f"there is no {what} {name}; there are {', '.join(names)}")
    return name


def _workloads(spec: Spec, names: tuple[str, ...]) -> list[Workload]:
    given = {each.name: each for each in spec.workloads}
    return [given[known("workload", name, given)] for name in names] if names else list(spec.workloads)

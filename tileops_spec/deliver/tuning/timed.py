"""Timing the shortlists on this machine's GPU, and keeping what was found."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...analysis.binding import shape_of
from ...bench.agreement import WrongResultError, check_agreement
from ...bench.inputs import input_sets
from ...bench.results import Environment
from ...bench.timing import CudaStopwatch, Stopwatch, Timing, time_variants
from ...gates.candidate import factory_arguments
from ...scaffold.naming import kernel_class, safe_name
from ...tune.builds import TuningError
from ...tune.plan import WorkloadPlan
from ...tune.space import Configuration, default_of, show
from .planned import Tuning

if TYPE_CHECKING:
    from torch import Tensor

VERSION = 1
_FINAL = 3
"""Configurations that are timed against each other once more, with as many rounds again."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One configuration on one workload: median, 10th and 90th percentile in milliseconds; or why it does not run."""

    configuration: Configuration
    median_ms: float | None = None
    p10_ms: float | None = None
    p90_ms: float | None = None
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """`timed` the fastest first; `default` is the configuration that the body runs with today."""

    workload: str
    dtypes: Mapping[str, str]
    candidates: int
    default: Configuration
    timed: tuple[Timed, ...]

    @property
    def best(self) -> Timed:
        return self.timed[0]

    @property
    def gain(self) -> float | None:
        """Speed of the best against the default's: above 1 the best is faster."""
        times = {show(each.configuration): each.median_ms for each in self.timed}
        default, best = times.get(show(self.default)), self.best.median_ms
        return default / best if default and best else None


def time_plans(tuning: Tuning, *, rounds: int, stopwatch: Stopwatch | None = None) -> Iterator[Row]:
    """Every plan's shortlist, timed. NoDeviceError where there is no GPU; TuningError where nothing runs."""
    stopwatch = stopwatch or CudaStopwatch()
    for plan in tuning.plans:
        yield time_plan(tuning, plan, rounds, stopwatch)


def time_plan(tuning: Tuning, plan: WorkloadPlan, rounds: int, stopwatch: Stopwatch, device: str = "cuda") -> Row:
    """The shortlist of one workload: those that agree with the default, timed side by side, the best of them twice."""
    if tuning.spec.in_place or any(each.default is not None for each in tuning.spec.inputs):
        raise TuningError(f"{tuning.spec.op}: kernels with optional inputs or updates in place are not timed yet")
    inputs = kernel_inputs(tuning, plan, device)
    default = default_of(tuning.request.tunables)
    make = kernel_maker(tuning, plan)
    runs, failed = _runnable([each.configuration for each in plan.shortlist.chosen], default, make, inputs[0])
    if not runs:
        raise TuningError(
            f"{tuning.spec.op}: no configuration runs: {'; '.join(filter(None, (f.failed for f in failed)))}"
        )
    times = time_variants({name: run for name, (_, run) in runs.items()}, inputs, rounds=rounds, stopwatch=stopwatch)
    times |= _again(runs, times, inputs, rounds, stopwatch)
    timed = [_timed(runs[name][0], timing) for name, timing in times.items()]
    timed.sort(key=lambda each: each.median_ms or 0.0)
    return Row(plan.workload.name, dict(plan.binding.dtypes), plan.shortlist.candidates, default, (*timed, *failed))


def _again(runs: Mapping, times: Mapping[str, Timing], inputs: list, rounds: int, stopwatch: Stopwatch) -> dict:
    """The fastest few once more, beside each other alone: small differences show when less happens in between."""
    finalists = sorted(times, key=lambda name: times[name].median)[:_FINAL]
    if len(finalists) < 2 or len(times) <= _FINAL:
        return {}
    return time_variants({name: runs[name][1] for name in finalists}, inputs, rounds=rounds, stopwatch=stopwatch)


def _timed(configuration: Configuration, timing: Timing) -> Timed:
    return Timed(configuration, timing.median, timing.percentile(10), timing.percentile(90))


Run = Callable[..., Any]


def _runnable(
    configurations: list[Configuration], default: Configuration, make: Callable[[Configuration], Run], tensors: tuple
) -> tuple[dict[str, tuple[Configuration, Run]], list[Timed]]:
    """The kernels that build, run and agree with the default's result; and the others, with what went wrong."""
    expected = make(default)(*tensors)
    runs, failed = {}, []
    for configuration in configurations:
        try:
            run = make(configuration)
            check_agreement(run(*tensors), expected, f"{show(configuration)} and the default")
        except WrongResultError as error:
            failed.append(Timed(configuration, failed=str(error)))
        except Exception as error:
            failed.append(Timed(configuration, failed=f"{type(error).__name__}: {str(error).strip()[:200]}"))
        else:
            runs[show(configuration)] = (configuration, run)
    return runs, failed


def kernel_maker(tuning: Tuning, plan: WorkloadPlan) -> Callable[[Configuration], Run]:
    """A function that builds the kernel of a configuration: it takes inputs, and returns new outputs."""
    import torch

    spec, binding = tuning.spec, plan.binding
    module = _loaded(tuning.request.kernel)
    arguments = factory_arguments(spec, binding)
    kinds = [(shape_of(each, binding), getattr(torch, binding.dtype(each.dtype).torch)) for each in spec.outputs]

    def make(configuration: Configuration) -> Run:
        options = {safe_name(name): value for name, value in configuration.items()}
        kernel = getattr(module, kernel_class(spec.op))(**arguments, **options)

        def run(*tensors: Tensor) -> tuple[Tensor, ...]:
            outputs = tuple(torch.empty(shape, dtype=dtype, device=tensors[0].device) for shape, dtype in kinds)
            kernel(*tensors, *outputs)
            return outputs

        return run

    return make


def kernel_inputs(tuning: Tuning, plan: WorkloadPlan, device: str) -> list[tuple[Tensor, ...]]:
    """Sets of inputs with a group of axes as the one axis that kernels see."""
    spec, binding = tuning.spec, plan.binding
    shapes = [shape_of(each, binding) for each in spec.inputs]
    found = input_sets(spec, plan.workload, binding, device)
    return [tuple(tensor.reshape(shape) for tensor, shape in zip(each, shapes, strict=True)) for each in found]


def _loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("tuned_kernel", path)
    if spec is None or spec.loader is None:
        raise TuningError(f"cannot import {path}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report_of(tuning: Tuning, rows: list[Row]) -> dict[str, Any]:
    """Plain data: the best configuration of each workload, and all that was timed."""
    return {
        "version": VERSION,
        "op": tuning.spec.op,
        "target": tuning.request.target.name,
        "environment": asdict(Environment.here()),
        "rows": [{**asdict(row), "best": asdict(row.best), "gain": row.gain} for row in rows],
    }


def keep_report(tuning: Tuning, report: Mapping[str, Any]) -> Path:
    """Write `.tospec/tune/<op>.json`."""
    path = tuning.project.state / "tune" / f"{tuning.spec.op}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
    return path

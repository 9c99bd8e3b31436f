"""One op's benchmark: its workloads with each choice of dtypes, the candidate against its baselines."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..analysis.binding import Binding, bind_workload
from ..analysis.cost import cost
from ..check import load_spec
from ..diagnostics.concise import render_concise
from ..diagnostics.diagnostic import Sink
from ..ir.spec import Spec, Workload
from ..scaffold.naming import dtype_parameter
from .agreement import WrongResultError, check_agreement
from .inputs import Inputs, input_sets
from .results import Environment, Report, Row, Sample, to_json
from .roofline import peaks_of
from .table import render_markdown
from .timing import CudaStopwatch, NoDeviceError, Stopwatch, time_variants

CANDIDATE = "candidate"
EXIT_CLEAN, EXIT_USAGE, EXIT_WRONG, EXIT_NO_DEVICE = 0, 2, 3, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is timed: `candidate` and `baselines` take the inputs by position and the params by keyword."""

    spec: Spec
    candidate: Callable[..., Any]
    baselines: Mapping[str, Callable[..., Any]]
    rounds: int = 40


def main(spec_path: Path, op: Callable[..., Any], baselines: Mapping[str, Callable[..., Any]], argv=None) -> int:
    """The command line of a generated benchmark; returns the exit code."""
    options = _parser(spec_path.stem).parse_args(argv)
    sink = Sink()
    spec = load_spec(spec_path, sink)
    if spec is None:
        print("\n".join(render_concise(each, sink.sources) for each in sink.diagnostics), file=sys.stderr)
        return EXIT_USAGE
    plan = Plan(spec=spec, candidate=op, baselines=baselines, rounds=options.rounds)
    try:
        report = run_benchmark(plan, workloads=options.workload, on_row=_say)
    except (NoDeviceError, WrongResultError) as error:
        print(error, file=sys.stderr)
        return EXIT_NO_DEVICE if isinstance(error, NoDeviceError) else EXIT_WRONG
    print(render_markdown(report), end="")
    if options.json:
        options.json.write_text(json.dumps(to_json(report), indent=2) + "\n", encoding="utf-8")
    return EXIT_CLEAN


def _say(row: Row) -> None:
    dtypes = "".join(f" {name}={dtype}" for name, dtype in row.dtypes.items())
    print(f"{row.workload}{dtypes}: {row.candidate.median_ms:.4f} ms", file=sys.stderr)


def _parser(op: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"bench_{op}", description=f"Time {op} against its baselines on this GPU.")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    parser.add_argument("--workload", action="append", metavar="NAME", help="only this one; can be given several times")
    parser.add_argument("--rounds", type=int, default=40, metavar="N", help="times that each is run (default: 40)")
    return parser


def run_benchmark(
    plan: Plan, *, workloads: Sequence[str] | None = None, on_row: Callable[[Row], object] = lambda row: None
) -> Report:
    """Time every workload (or those named) with each choice of dtypes.

    NoDeviceError without a GPU; WrongResultError where candidate and a baseline disagree beyond rounding.
    """
    stopwatch = CudaStopwatch()
    environment = Environment.here()
    rows = []
    for workload in plan.spec.workloads:
        for dtypes in plan.spec.dtype_choices():
            if not workloads or workload.name in workloads:
                rows.append(_row(plan, workload, dtypes, environment.device, stopwatch))
                on_row(rows[-1])
    return Report(op=plan.spec.op, environment=environment, rows=tuple(rows))


def _row(plan: Plan, workload: Workload, dtypes: dict[str, str], device: str, stopwatch: Stopwatch) -> Row:
    spec = plan.spec
    binding = bind_workload(spec, dict(workload.values), dtypes)
    inputs = input_sets(spec, workload, binding)
    variants, failed = _runnable(plan, inputs[0], _keywords(spec, binding), workload.name)
    timings = time_variants(variants, inputs, rounds=plan.rounds, stopwatch=stopwatch)
    needed, peaks = cost(spec).evaluate(binding), peaks_of(device)
    multiplied = peaks.multiplied(spec, dtypes) if peaks else None
    return Row(
        workload=workload.name,
        dtypes=dtypes,
        flops=needed.flops,
        bytes=needed.bytes,
        floor_ms=peaks.floor_ms(needed.flops, needed.bytes, multiplied) if peaks and multiplied else None,
        candidate=Sample.of(spec.op, timings.pop(CANDIDATE)),
        baselines=tuple(Sample.of(name, timing) for name, timing in timings.items()),
        failed=failed,
    )


def _runnable(plan: Plan, tensors: Inputs, params: Mapping[str, Any], place: str) -> tuple[dict, dict[str, str]]:
    """The variants by name, the candidate among them; and the baselines that cannot run, with their errors."""
    variants = {CANDIDATE: _with_params(plan.candidate, params)}
    expected, failed = _outputs(plan.spec, variants[CANDIDATE], tensors), {}
    for name, baseline in plan.baselines.items():
        variant = _on_their_device(_with_params(baseline, params))
        try:
            outputs = variant(*tensors)
        except (ImportError, NotImplementedError, RuntimeError) as error:
            failed[name] = (str(error).splitlines() or [type(error).__name__])[0]
            continue
        check_agreement(expected, outputs, f"{place}: candidate and {name}")
        variants[name] = variant
    return variants, failed


def _outputs(spec: Spec, candidate: Callable[..., Any], tensors: Inputs) -> Any:
    """What the candidate computes, tensors that it updates in place among the outputs, as baselines return them."""
    if not spec.in_place:
        return candidate(*tensors)
    copies = {each.name: tensor.clone() for each, tensor in zip(spec.call_inputs, tensors, strict=True)}
    returned = candidate(*copies.values())
    new = iter(returned if isinstance(returned, tuple) else () if returned is None else (returned,))
    found = tuple(copies[each.name] if each.name in spec.in_place else next(new) for each in spec.outputs)
    return found if len(found) > 1 else found[0]


def _keywords(spec: Spec, binding: Binding) -> dict[str, Any]:
    """Params, and the dtypes that no input tells."""
    import torch

    free = {dtype_parameter(spec, var.name): getattr(torch, binding.dtype(var.name).torch) for var in spec.free_dtypes}
    return {**binding.params, **free}


def _with_params(function: Callable[..., Any], params: Mapping[str, Any]) -> Callable[..., Any]:
    return lambda *tensors: function(*tensors, **params)


def _on_their_device(function: Callable[..., Any]) -> Callable[..., Any]:
    """A reference makes tensors where its arguments lie. What that takes is the host's time, which is not counted."""
    from ..analysis.reference import default_device

    def call(*tensors: Any) -> Any:
        with default_device(tensors):
            return function(*tensors)

    return call

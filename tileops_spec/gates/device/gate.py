"""The device gate: what is emulated on a CPU is run on the GPU, called in every way that a caller may call it.

The body's Python is traced where it always is; a spawned child compiles the traced kernel and calls it. Expected values
exist in this process alone, and only when that child has ended.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...analysis.cases import Case
from ...diagnostics.diagnostic import Diagnostic, Sink
from ...diagnostics.text import SourceText
from ...hardware import Target
from ...ir.spec import Spec
from ..isolation import Completed, Limits, Outcome, Raised, TimedOut
from ..places import death_diagnostic, line_span, raised_message
from ..traced import trace_all
from ..verdict import Stopwatch, Verdict
from .calls import CALLS
from .inputs import Build, builds_of, chosen_cases
from .judge import Seen, judge_run
from .machine import Machine, find_machine
from .memory import lacked_memory, release_memory, says_no_memory, without_room
from .sanitized import check_sanitizers

if TYPE_CHECKING:
    from torch import Tensor

    from ...analysis.estimate import Estimate

    Serve = Callable[[Mapping[str, Any], Limits], Outcome]
    """Runs the calls of one build, given the child's request, and says what was seen."""

_MOST_FINDINGS = 8
_PATIENCE = 3
"""A build has this many times the time of other checks: it compiles, waits for its turn, and calls eleven times and
more."""
_AT_A_TIME = 4
_LARGE = 2**20
"""Elements of the inputs from which on the oracle computes on the GPU."""


def check_on_device(
    spec: Spec, cases: Sequence[Case], kernel: SourceText, target: Target, limits: Limits, *, wanted: bool = True
) -> Verdict:
    """`skipped` where it is not wanted, where there is no GPU, and where CUDA does not start on it."""
    from .spawn import holding_layers, spawn

    watch = Stopwatch()
    if not wanted:
        return skipped("left out by --no-device", watch)
    machine = find_machine()
    if machine is None:
        return skipped("no GPU on this machine (nvidia-smi shows none); the body ran emulated only", watch)
    layers, started = holding_layers()
    if not isinstance(started, Completed):
        why = started.message if isinstance(started, Raised) else "its process died"
        return skipped(f"CUDA does not start: {why.splitlines()[0][:200] if why else ''}", watch)
    chosen = chosen_cases(spec, cases)
    serve = lambda request, limits: spawn("calls", request, limits, layers=layers)[0]  # noqa: E731
    findings, facts, smallest = run_device(spec, chosen, kernel, target, limits, serve, _expected(spec))
    if not findings and smallest is not None:
        more, facts["sanitizers"] = check_sanitizers(*smallest, kernel, limits)
        findings += more
    facts |= {"device": machine.label, "confined": list(layers)}
    if not findings and not facts["calls"]:
        return skipped(f"{machine.label} had no memory left for any case", watch)
    return _verdict(spec, watch, findings, facts, kernel, _tools(machine, started.value))


def skipped(reason: str, watch: Stopwatch) -> Verdict:
    """A gate that did not run, and why."""
    return Verdict(gate="device", status="skipped", seconds=watch.seconds, summary=f"skipped: {reason}")


def run_device(
    spec: Spec,
    chosen: Sequence[tuple[Case, str | None]],
    kernel: SourceText,
    target: Target,
    limits: Limits,
    serve: Serve,
    expect: Callable[[Case, Mapping[str, Tensor]], Mapping[str, Estimate]],
) -> tuple[list[Diagnostic], dict[str, Any], tuple[dict[str, Any], Build] | None]:
    """Findings, facts, and what a sanitizer may run again: the request and the build of the smallest case.

    One build at a time: they share the GPU. The files of the last are gone afterwards, so that a sanitizer draws anew.
    """
    with tempfile.TemporaryDirectory(prefix="tospec-device-") as name:
        folder = Path(name).resolve()
        builds = builds_of(spec, chosen, kernel.path, folder)
        traces = trace_all([build.request for build in builds], limits)
        findings: list[Diagnostic] = []
        values: list[Mapping[str, Any]] = []
        no_room: list[str] = []
        longer = replace(limits, seconds=limits.seconds * _PATIENCE)
        for build, outcome in _served(builds, traces, target, longer, serve, folder / "turn"):
            findings += _judged(build, outcome, kernel, longer, expect)
            values += [outcome.value] if isinstance(outcome, Completed) else []
            no_room += without_room(build, outcome)
            release_memory()
            if isinstance(outcome, TimedOut) or len(findings) >= _MOST_FINDINGS:
                break  # what follows would say the same, as slowly
        findings += _references(spec, [case for case, workload in chosen if workload is None])
        return findings, _facts(builds, values, no_room), _smallest(builds, traces, target)


def _served(
    builds: Sequence[Build], traces: Sequence[Outcome], target: Target, limits: Limits, serve: Serve, turn: Path
) -> Iterator[tuple[Build, Outcome]]:
    """Each build and what became of it, in order; a few compile at a time, one at a time runs."""
    turn.touch()
    backstop = replace(limits, seconds=limits.seconds * (_AT_A_TIME + 1))  # the child has a clock of its own
    pool = ThreadPoolExecutor(max(1, min(_AT_A_TIME, os.cpu_count() or 1)))
    try:
        outcomes = [
            pool.submit(serve, _request(build, trace.value, target, turn, limits.seconds), backstop)
            if isinstance(trace, Completed)
            else trace
            for build, trace in zip(builds, traces, strict=True)
        ]
        for build, outcome in zip(builds, outcomes, strict=True):
            yield build, outcome.result() if isinstance(outcome, Future) else outcome
    finally:
        pool.shutdown(cancel_futures=True)


def _request(build: Build, function: str, target: Target, turn: Path, seconds: float) -> dict[str, Any]:
    """`turn` is the file that a child locks while it uses the GPU; it has `seconds` to compile, and to call."""
    return {
        "function": function,
        "target": dict(target.tilelang),
        "runs": [run.records for run in build.runs],
        "outputs": str(build.outputs),
        "turn": str(turn),
        "seconds": seconds,
    }


def _judged(
    build: Build, outcome: Outcome, kernel: SourceText, limits: Limits, expect: Callable
) -> Iterator[Diagnostic]:
    if isinstance(outcome, Completed):
        atomics = bool(outcome.value["atomics"])
        for number, (run, calls) in enumerate(zip(build.runs, outcome.value["runs"], strict=False)):
            if not lacked_memory(calls):
                yield from judge_run(Seen(run, number, calls, build.outputs, atomics, kernel), expect)
    elif isinstance(outcome, Raised):
        if says_no_memory(outcome.message):
            return
        message = f"the kernel cannot be built for the GPU ({build.label}): {raised_message(outcome)}"
        help_text = "the message names what TileLang or nvcc refuses"
        yield Diagnostic(code="TS448", message=message, span=line_span(kernel, None), help=help_text)
    else:
        died = death_diagnostic(outcome, f"the kernel on the GPU ({build.label})", kernel, limits)
        assert died is not None
        yield died


def _expected(spec: Spec) -> Callable[[Case, Mapping[str, Tensor]], Mapping[str, Estimate]]:
    """The oracle, on the GPU where a case is large."""

    def expect(case: Case, inputs: Mapping[str, Tensor]) -> Mapping[str, Estimate]:
        import torch

        from ...analysis.expected import expected_outputs

        binding = case.binding(spec)
        if sum(each.numel() for each in inputs.values()) > _LARGE and torch.cuda.is_available():
            try:
                return expected_outputs(spec, binding, {name: each.cuda() for name, each in inputs.items()})
            except torch.OutOfMemoryError:
                release_memory()
        return expected_outputs(spec, binding, inputs)

    return expect


def _references(spec: Spec, cases: Sequence[Case]) -> list[Diagnostic]:
    """TS201 and TS202: on the very cases that the kernel ran, the oracle agrees with every reference."""
    from ...analysis.reference import check_references

    sink = Sink()
    if spec.references and cases:
        check_references(spec, sink, cases=cases, exactly=True)
    return list(sink.errors)


def _smallest(
    builds: Sequence[Build], traces: Sequence[Outcome], target: Target
) -> tuple[dict[str, Any], Build] | None:
    """Of the builds that were traced, the one with the smallest case, which is its only one then."""
    pairs = [
        (run, build, trace.value)
        for build, trace in zip(builds, traces, strict=True)
        if isinstance(trace, Completed)
        for run in build.runs
    ]
    if not pairs:
        return None
    run, build, text = min(pairs, key=lambda each: sum(tensor.numel() for tensor in each[0].inputs[0].values()))
    alone = replace(build, runs=[run])
    return _request(alone, text, target, Path(os.devnull), 0), alone


def _facts(builds: Sequence[Build], values: Sequence[Mapping[str, Any]], no_room: Sequence[str]) -> dict[str, Any]:
    """What was run, from what the children report."""
    runs = [run for build in builds for run in build.runs]
    calls = [call for value in values for run in value["runs"] for call in run if "error" not in call]
    count = lambda kind: sum(call["kind"] == kind for call in calls)  # noqa: E731
    several = max((value["devices"] for value in values), default=0) > 1
    return {
        "cases": sum(run.workload is None for run in runs),
        "workloads": [run.workload for run in runs if run.workload is not None],
        "builds": len(builds),
        "distributions": sorted({run.case.data for run in runs}),
        "calls": len(calls),
        "calls_alike": CALLS,
        "streams": count("stream"),
        "graph_replays": count("graph"),
        "other_devices": count("device") if several else "not run: there is one GPU",
        "determinism": "within the bound: atomics" if any(value["atomics"] for value in values) else "bitwise",
        "no_memory_for": list(no_room),
    }


def _tools(machine: Machine, started: Mapping[str, Any]) -> dict[str, str]:
    from importlib.metadata import version

    packages = {name: version(name) for name in ("tilelang", "torch")}
    return {**packages, "driver": machine.driver, "cuda": str(started["cuda"])}


def _verdict(
    spec: Spec,
    watch: Stopwatch,
    findings: Sequence[Diagnostic],
    facts: Mapping[str, Any],
    kernel: SourceText,
    tools: Mapping[str, str],
) -> Verdict:
    firsts = {each.code: each for each in reversed(findings)}
    ordered = sorted(findings, key=lambda each: each is not firsts[each.code])[:_MOST_FINDINGS]
    cases = f"{facts['cases']} cases and {len(facts['workloads'])} workloads"
    good = f"{cases} on {facts['device']}, {facts['calls']} calls"
    note = {} if spec.tolerance is None else {"tolerance": str(spec.tolerance)}
    return Verdict(
        gate="device",
        status="failed" if findings else "passed",
        seconds=watch.seconds,
        summary=ordered[0].message if ordered else good,
        diagnostics=tuple(ordered),
        tools=tools,
        facts={**facts, **note},
        sources=(kernel,),
    )

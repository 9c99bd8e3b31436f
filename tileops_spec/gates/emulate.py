"""The emulate gate: the body runs on the CPU on fuzzed cases; what it writes is held against the oracle's bound.

Inputs and expected values belong to this process. The body's Python runs first, in children of its own that see
neither: what comes back is the kernel as data. Other children, one a build, get that, the inputs as files, and poisoned
outputs; the oracle is asked only when such a child has ended.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.cases import Case, Unsatisfiable, make_inputs
from ..analysis.shrink import Budget
from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText
from ..ir.spec import Spec
from .candidate import build_label, build_request, factory_arguments
from .directed import direct_cases
from .isolation import Completed, Limits, Outcome, Raised
from .minimal import Found, find_minimal
from .places import death_diagnostic, line_span, raised_message
from .traced import run_traced, trace_all
from .verdict import Stopwatch, Verdict
from .work import judge_work

if TYPE_CHECKING:
    from torch import Tensor

_MOST_FINDINGS = 8
_ENDLESS = frozenset({"endless-loop", "deadlock"})
"""Findings of the simulator that say the kernel would never end."""


@dataclass(frozen=True)
class _Run:
    """One case: its inputs, and the records of the files that the child reads and writes."""

    case: Case
    inputs: Mapping[str, Tensor]
    records: list[dict[str, Any]]


@dataclass
class _Group:
    """The cases that one build of the kernel serves."""

    key: str
    label: str
    request: dict[str, Any]
    folder: Path
    """Of the outputs: the one place outside of its own folder that the child may write to."""
    runs: list[_Run] = field(default_factory=list)

    def payload(self, function: str) -> dict[str, Any]:
        runs = [
            {"tensors": run.records, "seed": run.case.seed, "both": position == 0}
            for position, run in enumerate(self.runs)
        ]
        outputs = str(self.folder)
        return {"function": function, "kernel": self.request["kernel"], "runs": runs, "outputs": outputs}


def check_emulation(
    spec: Spec,
    cases: Sequence[Case],
    kernel: SourceText,
    limits: Limits,
    *,
    exactly: bool = False,
    budget: Budget | None = None,
) -> Verdict:
    """Every case, emulated. `unsupported` where the simulator does not know a construct: never a pass.

    Cases for the kernel's own branches join them, unless it is to be `exactly` these. With a `budget`, the case of the
    first finding is made smaller: see `find_minimal` for the fact `minimal`.
    """
    watch, emulation = Stopwatch(), _Emulation(spec, kernel, limits)
    found = emulation.run(cases, directed=not exactly)
    findings = _worst_first([each.diagnostic for each in found])
    facts: dict[str, Any] = {"cases": emulation.cases, "builds": emulation.builds}
    if findings and budget is not None:
        facts |= find_minimal(spec, found, findings[0], emulation.probe, budget)
    return _verdict(watch, facts, findings, kernel)


@dataclass
class _Emulation:
    """Runs cases of one kernel; `cases` and `builds` count those of the last run. A build is traced once."""

    spec: Spec
    kernel: SourceText
    limits: Limits
    traces: dict[str, Outcome] = field(default_factory=dict)
    cases: int = 0
    builds: int = 0

    def run(self, cases: Sequence[Case], *, directed: bool) -> list[Found]:
        """The findings on each build, then those on each case; `directed` adds cases for the kernel's branches."""
        spec, kernel, limits = self.spec, self.kernel, self.limits
        with tempfile.TemporaryDirectory(prefix="tospec-emulate-") as folder:
            groups = _grouped(spec, cases, kernel.path, Path(folder).resolve())
            traces = self._traced(groups)
            inspected = run_traced("inspect", traces, lambda _, text: {"function": text, "kernel": kernel.path}, limits)
            judged = [each for each in zip(groups, traces, inspected, strict=True) if isinstance(each[1], Completed)]
            found = [
                Found(finding, group.runs[0].case)
                for group, _, each in judged
                for finding in _judge_trace(group, each, spec, kernel, limits, directed=directed)
            ]
            found += self._emulated(groups, traces)
        self.cases, self.builds = sum(len(group.runs) for group in groups), len(groups)
        return found

    def probe(self, cases: Sequence[Case]) -> list[Found]:
        """The findings on each case alone, whatever the builds are like; cases without data are left out."""
        with tempfile.TemporaryDirectory(prefix="tospec-emulate-") as folder:
            groups = _grouped(self.spec, cases, self.kernel.path, Path(folder).resolve(), lenient=True)
            return self._emulated(groups, self._traced(groups))

    def _traced(self, groups: Sequence[_Group]) -> list[Outcome]:
        new = [group for group in groups if group.key not in self.traces]
        outcomes = trace_all([group.request for group in new], self.limits)
        self.traces.update((group.key, outcome) for group, outcome in zip(new, outcomes, strict=True))
        return [self.traces[group.key] for group in groups]

    def _emulated(self, groups: Sequence[_Group], traces: Sequence[Outcome]) -> list[Found]:
        outcomes = run_traced("emulate", traces, lambda place, text: groups[place].payload(text), self.limits)
        return [
            finding
            for group, outcome in zip(groups, outcomes, strict=True)
            for finding in _judge(group, outcome, self.spec, self.kernel, self.limits)
        ]


def _grouped(spec: Spec, cases: Sequence[Case], kernel: str, folder: Path, *, lenient: bool = False) -> list[_Group]:
    """The cases by build; `lenient` leaves out those for which there is no data."""
    groups: dict[str, _Group] = {}
    for number, case in enumerate(cases):
        binding = case.binding(spec)
        key = repr(factory_arguments(spec, binding, case.absent))
        if key not in groups:
            label = " ".join((build_label(spec, binding), *(f"without={name}" for name in case.absent)))
            outputs = folder / f"build-{len(groups)}"
            outputs.mkdir()
            groups[key] = _Group(key, label, build_request(spec, binding, kernel, case.absent), outputs)
        with suppress(*((Unsatisfiable,) if lenient else ())):
            groups[key].runs.append(_prepare(spec, case, groups[key].folder, str(number)))
    return [group for group in groups.values() if group.runs]


def _judge_trace(
    group: _Group, outcome: Outcome, spec: Spec, kernel: SourceText, limits: Limits, *, directed: bool
) -> Iterator[Diagnostic]:
    """The findings on the traced kernel; cases for its branches join those of the group where they are asked for."""
    if not isinstance(outcome, Completed):
        yield from _failure(outcome, group, kernel, limits)
        return
    case = group.runs[0].case
    yield from judge_work(spec, case.binding(spec).params, case.absent, outcome.value["facts"], group.label, kernel)
    if directed:
        yield from _direct(group, outcome, spec, kernel)


def _direct(group: _Group, outcome: Completed, spec: Spec, kernel: SourceText) -> Iterator[Diagnostic]:
    directed = direct_cases(spec, [run.case for run in group.runs], outcome.value["thresholds"])
    for number, each in enumerate(directed.cases):
        with suppress(Unsatisfiable):
            group.runs.append(_prepare(spec, each, group.folder, f"{group.folder.name}-directed-{number}"))
    for dim, value in directed.missed:
        message = f"the kernel does something else from {dim} = {value} on, which no test can reach ({group.label})"
        help_text = "drop the branch, or put it where tests of a moderate size see both sides"
        yield Diagnostic(code="TS408", message=message, span=line_span(kernel, None), help=help_text)


def _prepare(spec: Spec, case: Case, outputs: Path, number: str) -> _Run:
    """Draw the inputs, poison the outputs, write both to files: what is only read beside the folder of `outputs`."""
    import torch

    from ..analysis.binding import shape_of
    from .tensors import poisoned, record_tensor

    inputs, binding = make_inputs(spec, case), case.binding(spec)
    tensors = []
    for tensor in spec.inputs:
        role = "updated" if tensor.name in spec.in_place else "input"
        placeholder = torch.zeros([1] * len(tensor.shape), dtype=getattr(torch, binding.dtype(tensor.dtype).torch))
        tensors.append((tensor.name, role, inputs.get(tensor.name, placeholder)))
    for tensor in spec.new_outputs:
        dtype = getattr(torch, binding.dtype(tensor.dtype).torch)
        tensors.append((tensor.name, "output", poisoned(shape_of(tensor, binding), dtype)))
    places = {"input": outputs.parent, "updated": outputs, "output": outputs}
    records = [record_tensor(name, role, each, places[role] / f"{number}-{name}") for name, role, each in tensors]
    return _Run(case, inputs, records)


def _judge(group: _Group, outcome: Outcome, spec: Spec, kernel: SourceText, limits: Limits) -> Iterator[Found]:
    """The findings on one build and its cases."""
    if isinstance(outcome, Completed) and "unsupported" in outcome.value:
        yield Found(_unsupported(outcome.value, kernel), group.runs[0].case)
    elif isinstance(outcome, Completed):
        for run, result in zip(group.runs, outcome.value["runs"], strict=True):
            yield from (Found(finding, run.case) for finding in _judge_run(run, result, spec, kernel))
    else:
        yield from (Found(each, group.runs[0].case) for each in _failure(outcome, group, kernel, limits))


def _failure(outcome: Outcome, group: _Group, kernel: SourceText, limits: Limits) -> Iterator[Diagnostic]:
    died = death_diagnostic(outcome, f"the emulated kernel ({group.label})", kernel, limits)
    if died is not None:
        yield died
    elif isinstance(outcome, Raised):
        yield _raised(outcome, group, kernel)


def _raised(outcome: Raised, group: _Group, kernel: SourceText) -> Diagnostic:
    if outcome.type == "CompilerMissing":
        return Diagnostic(code="TS901", message=outcome.message, help="`tospec doctor` lists what this machine lacks")
    return Diagnostic(
        code="TS411",
        message=f"the body cannot be traced for {group.label}: {raised_message(outcome)}",
        span=line_span(kernel, outcome.line),
        help="it must hold for every shape that `where` allows, small and ragged ones included",
    )


def _unsupported(value: Mapping[str, Any], kernel: SourceText) -> Diagnostic:
    return Diagnostic(
        code="TS435",
        message=f"the simulator cannot run the body: {value['unsupported']}",
        span=line_span(kernel, value["line"]),
        help="use a construct that it knows; a body that it cannot run is not proven",
    )


def _judge_run(run: _Run, result: Mapping[str, Any], spec: Spec, kernel: SourceText) -> Iterator[Diagnostic]:
    """One case: what the simulator saw, inputs that changed, and the outputs against the oracle."""
    for finding in result["findings"]:
        if finding["severity"] == "error":
            yield _memory_error(finding, run, kernel)
    yield from _changed_inputs(run, result, kernel)
    yield from _wrong_values(run, spec, kernel)


def _memory_error(finding: Mapping[str, Any], run: _Run, kernel: SourceText) -> Diagnostic:
    return Diagnostic(
        code="TS434" if finding["kind"] in _ENDLESS else "TS432",
        message=f"{finding['kind']}: {finding['message']} ({run.case.label})",
        span=line_span(kernel, finding["line"]),
        help="mask the tail, bound the index, or initialise the buffer",
    )


def _changed_inputs(run: _Run, result: Mapping[str, Any], kernel: SourceText) -> Iterator[Diagnostic]:
    from .tensors import digest

    names = [record["name"] for record in run.records if record["role"] == "input" and record["name"] in run.inputs]
    for name in names:
        if result["digests"].get(name) != digest(run.inputs[name]):
            message = f"the kernel changed its input {name} ({run.case.label})"
            yield Diagnostic(
                code="TS437", message=message, span=line_span(kernel, None), help="write to the outputs only"
            )


def _wrong_values(run: _Run, spec: Spec, kernel: SourceText) -> Iterator[Diagnostic]:
    """TS436 where poison is left in an output that expects something else, TS431 for other values out of bound."""
    from ..analysis.compare import compare
    from ..analysis.expected import expected_outputs
    from .tensors import is_poison, read_tensor

    expected = expected_outputs(spec, run.case.binding(spec), run.inputs)
    for record in run.records:
        if record["role"] == "input":
            continue
        actual = read_tensor(record)
        mismatch = compare(record["name"], actual, expected[record["name"]])
        if mismatch is None:
            continue
        unwritten = int(is_poison(actual).sum())
        if unwritten and mismatch.actual != mismatch.actual:
            message = (
                f"{unwritten} of {actual.numel()} elements of {record['name']} are never written ({run.case.label})"
            )
            help_text = "every element of an output is stored once; look at the grid and at tails"
            yield Diagnostic(code="TS436", message=message, span=line_span(kernel, None), help=help_text)
        else:
            message = f"wrong value: {mismatch.message} ({run.case.label})"
            yield Diagnostic(code="TS431", message=message, span=line_span(kernel, None), help=_hint(run, mismatch))


def _hint(run: _Run, mismatch: Any) -> str:
    """Where to look, from how far off the worst element is."""
    if mismatch.worst_ratio < 1000 and mismatch.count < mismatch.total:
        return "close but out of bound: look for a low-precision accumulator, a dropped tail, an early cast"
    return "far off: look at indices, transposes, tile bounds, masks and scales for this shape"


def _worst_first(found: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The first finding of each code and line, then the others; few enough to read."""
    firsts: dict[tuple, Diagnostic] = {}
    for each in found:
        firsts.setdefault((each.code, each.span), each)
    others = [each for each in found if each not in firsts.values()]
    return (*firsts.values(), *others)[:_MOST_FINDINGS]


def _verdict(
    watch: Stopwatch, facts: Mapping[str, Any], findings: tuple[Diagnostic, ...], kernel: SourceText
) -> Verdict:
    from importlib.metadata import version

    codes = {finding.code for finding in findings}
    good = f"{facts['cases']} cases in {facts['builds']} builds within the derived bound; no memory error"
    return Verdict(
        gate="emulate",
        status="unsupported" if codes == {"TS435"} else "failed" if findings else "passed",
        seconds=watch.seconds,
        summary=findings[0].message if findings else good,
        diagnostics=findings,
        tools={"tilelang": version("tilelang")},
        facts=facts,
        sources=(kernel,),
    )

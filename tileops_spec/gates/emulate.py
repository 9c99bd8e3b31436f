"""The emulate gate: the body runs on the CPU on fuzzed cases; what it writes is held against the oracle's bound.

Inputs and expected values belong to this process. The body's Python runs first, in children of its own that see
neither: what comes back is the kernel as data. Other children, one a build, get that, the inputs as files, and poisoned
outputs; the oracle is asked only when such a child has ended.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..analysis.cases import Case, Unsatisfiable, make_inputs
from ..analysis.shrink import Budget
from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText
from ..ir.spec import Spec
from ..scaffold.body import Tunable
from .candidate import build_label, build_request, factory_arguments
from .choices import other_choices
from .directed import direct_cases
from .isolation import Completed, Limits, Outcome, Raised
from .minimal import Found, find_minimal
from .places import death_diagnostic, line_span, raised_message
from .traced import inspect_all, run_traced, trace_all
from .verdict import Stopwatch, Verdict
from .work import judge_work

if TYPE_CHECKING:
    from torch import Tensor

    from ..analysis.estimate import Estimate

    Expect = Callable[[Case, Mapping[str, Tensor]], Mapping[str, Estimate]]
    """The values and bounds of a case with these inputs."""

_MOST_FINDINGS = 8
_MOST_TWICE = 4 << 20
"""Bytes of the tensors of a case that is run in both directions: whether iterations of a loop depend on each other does
not take large ones."""
_ENDLESS = frozenset({"endless-loop", "deadlock"})
"""Findings of the simulator that say the kernel would never end."""


@dataclass(frozen=True)
class _Run:
    """One case: its inputs, and the records of the files that the child reads and writes."""

    case: Case
    inputs: Mapping[str, Tensor]
    records: list[dict[str, Any]]
    choice: str = ""

    @property
    def label(self) -> str:
        """That of the case, and after a comma the tunables that are not at their defaults."""
        return f"{self.case.label}, {self.choice}" if self.choice else self.case.label


@dataclass
class _Group:
    """The cases that one build of the kernel serves."""

    label: str
    request: dict[str, Any]
    folder: Path
    """Of the outputs: the one place outside of its own folder that the child may write to."""
    runs: list[_Run] = field(default_factory=list)
    choice: Mapping[str, Tunable] = field(default_factory=dict)
    """The tunables that are not at their defaults."""

    def found(self, diagnostic: Diagnostic, case: Case | None = None) -> Found:
        """A finding on a case, or on the build, for which the first case stands."""
        return Found(diagnostic, case or self.runs[0].case, self.choice)

    def payload(self, function: str) -> dict[str, Any]:
        runs = [
            {"tensors": run.records, "seed": run.case.seed, "both": position == 0 and _bytes(run) <= _MOST_TWICE}
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
    choices: Sequence[Mapping[str, Tunable]] | None = None,
    expect: Expect | None = None,
    observe: Callable[[Case, str, Tensor], None] | None = None,
    exactly: bool = False,
    budget: Budget | None = None,
) -> Verdict:
    """Every case, emulated. `unsupported` where the simulator does not know a construct: never a pass.

    Each build runs with the default tunables; each other candidate of a tunable gets a build of its own, on a few of
    the cases, or those of `choices` do where they are given. `expect` stands for the oracle (one that remembers, say);
    `observe` sees each output by case and name. Cases for the kernel's own branches join those given, unless it is to
    be `exactly` these. With a `budget`, the case of the first finding is made smaller (`find_minimal`).
    """
    watch = Stopwatch()
    judge = _Judge(spec, kernel, limits, expect or partial(_expected, spec), observe, directs=not exactly)
    with tempfile.TemporaryDirectory(prefix="tospec-emulate-") as folder:
        groups = _grouped(spec, cases, kernel.path, Path(folder).resolve())
        groups += _with_other_tunables(spec, groups, list(other_choices(kernel)) if choices is None else choices)
        traces = trace_all([group.request for group in groups], limits)
        inspected = inspect_all(traces, kernel.path, limits)
        judged = [each for each in zip(groups, traces, inspected, strict=True) if isinstance(each[1], Completed)]
        found = [group.found(finding) for group, _, each in judged for finding in judge.trace(group, each)]
        found += _emulated(groups, traces, judge)
    findings = _worst_first([each.diagnostic for each in found])
    probe = _Probe(replace(judge, observe=None, expect=partial(_expected, spec)))
    minimal = find_minimal(spec, found, findings[0], probe, budget) if findings and budget is not None else {}
    return _verdict(spec, watch, groups, findings, kernel, minimal)


def _emulated(groups: Sequence[_Group], traces: Sequence[Outcome], judge: _Judge) -> list[Found]:
    """The findings on the cases of each build."""
    outcomes = run_traced("emulate", traces, lambda place, text: groups[place].payload(text), judge.limits)
    return [found for group, outcome in zip(groups, outcomes, strict=True) for found in judge.group(group, outcome)]


@dataclass
class _Probe:
    """The findings on cases and nothing else, with some tunables; each build is traced once. Cases without data are
    left out."""

    judge: _Judge
    traces: dict[str, Outcome] = field(default_factory=dict)

    def __call__(self, cases: Sequence[Case], choice: Mapping[str, Tunable]) -> list[Found]:
        judge = self.judge
        with tempfile.TemporaryDirectory(prefix="tospec-emulate-") as folder:
            groups = _grouped(judge.spec, cases, judge.kernel.path, Path(folder).resolve(), lenient=True)
            groups = [_chosen(group, choice) for group in groups]
            return _emulated(groups, self._traced(groups), judge)

    def _traced(self, groups: Sequence[_Group]) -> list[Outcome]:
        keys = [repr(group.request) for group in groups]
        new = {key: group.request for key, group in zip(keys, groups, strict=True) if key not in self.traces}
        self.traces.update(zip(new, trace_all(list(new.values()), self.judge.limits), strict=True))
        return [self.traces[key] for key in keys]


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
            groups[key] = _Group(label, build_request(spec, binding, kernel, case.absent), outputs)
        with suppress(*((Unsatisfiable,) if lenient else ())):
            groups[key].runs.append(_prepare(spec, case, groups[key].folder, str(number)))
    return [group for group in groups.values() if group.runs]


def _with_other_tunables(spec: Spec, defaults: list[_Group], choices: Sequence[Mapping[str, Tunable]]) -> list[_Group]:
    """Builds for each choice of tunables: of the groups in turn, and of the one with the largest tensors, where blocks
    have the most tiles; on two of their cases."""
    found: list[_Group] = []
    largest = max(defaults, key=lambda group: max(map(_bytes, group.runs)), default=None)
    for position, choice in enumerate(choices if defaults else ()):
        for group in {id(each): each for each in (defaults[position % len(defaults)], largest) if each}.values():
            folder = group.folder.with_name(f"tuned-{len(found)}")
            folder.mkdir()
            runs = sorted(group.runs, key=_bytes)[-2:]
            copies = [_prepare(spec, run.case, folder, f"{folder.name}-{at}") for at, run in enumerate(runs)]
            found.append(_chosen(replace(group, folder=folder, runs=copies), choice))
    return found


def _chosen(group: _Group, choice: Mapping[str, Tunable]) -> _Group:
    """The group, built with these tunables."""
    text = " ".join(f"{name}={value}" for name, value in choice.items())
    runs = [replace(run, choice=text) for run in group.runs]
    request = {**group.request, "arguments": {**group.request["arguments"], **choice}}
    return replace(group, label=f"{group.label} {text}".rstrip(), request=request, runs=runs, choice=choice)


def _bytes(run: _Run) -> int:
    """Of all tensors of a case."""
    return sum(Path(record["path"]).stat().st_size for record in run.records)


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


@dataclass(frozen=True)
class _Judge:
    """What the findings on a run are made from."""

    spec: Spec
    kernel: SourceText
    limits: Limits
    expect: Expect
    observe: Callable[[Case, str, Tensor], None] | None
    directs: bool = True
    """Whether cases for the branches of a kernel join the others."""

    def trace(self, group: _Group, outcome: Outcome) -> Iterator[Diagnostic]:
        """The findings on the traced kernel; cases for its branches join those of the group."""
        if not isinstance(outcome, Completed):
            yield from _failure(outcome, group, self.kernel, self.limits)
            return
        case, facts = group.runs[0].case, outcome.value["facts"]
        yield from judge_work(self.spec, case.binding(self.spec).params, case.absent, facts, group.label, self.kernel)
        if self.directs:
            yield from self._direct(group, outcome)

    def _direct(self, group: _Group, outcome: Completed) -> Iterator[Diagnostic]:
        directed = direct_cases(self.spec, [run.case for run in group.runs], outcome.value["thresholds"])
        for number, each in enumerate(directed.cases):
            with suppress(Unsatisfiable):
                name = f"{group.folder.name}-directed-{number}"
                group.runs.append(_prepare(self.spec, each, group.folder, name))
        for dim, value in directed.missed:
            message = f"the kernel does something else from {dim} = {value} on, which no test can reach ({group.label})"
            help_text = "drop the branch, or put it where tests of a moderate size see both sides"
            yield Diagnostic(code="TS408", message=message, span=line_span(self.kernel, None), help=help_text)

    def group(self, group: _Group, outcome: Outcome) -> Iterator[Found]:
        """The findings on one build and its cases."""
        if isinstance(outcome, Completed) and "unsupported" in outcome.value:
            yield group.found(_unsupported(outcome.value, self.kernel))
        elif isinstance(outcome, Completed):
            for run, result in zip(group.runs, outcome.value["runs"], strict=True):
                yield from (group.found(each, run.case) for each in self.run(run, result))
        else:
            yield from map(group.found, _failure(outcome, group, self.kernel, self.limits))

    def run(self, run: _Run, result: Mapping[str, Any]) -> Iterator[Diagnostic]:
        """One case: what the simulator saw, inputs that changed, and the outputs against the oracle."""
        for finding in result["findings"]:
            if finding["severity"] == "error":
                yield _memory_error(finding, run, self.kernel)
        yield from _changed_inputs(run, result, self.kernel)
        yield from self.values(run)

    def values(self, run: _Run) -> Iterator[Diagnostic]:
        """TS436 where poison is left in an output that expects something else, TS431 for values out of bound."""
        from .tensors import read_tensor

        expected = self.expect(run.case, run.inputs)
        for record in run.records:
            if record["role"] != "input":
                actual = read_tensor(record)
                if self.observe is not None:
                    self.observe(run.case, record["name"], actual)
                yield from _compared(run, record["name"], actual, expected[record["name"]], self.kernel)


def _expected(spec: Spec, case: Case, inputs: Mapping[str, Tensor]) -> Mapping[str, Estimate]:
    from ..analysis.expected import expected_outputs

    return expected_outputs(spec, case.binding(spec), inputs)


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


def _memory_error(finding: Mapping[str, Any], run: _Run, kernel: SourceText) -> Diagnostic:
    return Diagnostic(
        code="TS434" if finding["kind"] in _ENDLESS else "TS432",
        message=f"{finding['kind']}: {finding['message']} ({run.label})",
        span=line_span(kernel, finding["line"]),
        help="mask the tail, bound the index, or initialise the buffer",
    )


def _changed_inputs(run: _Run, result: Mapping[str, Any], kernel: SourceText) -> Iterator[Diagnostic]:
    from .tensors import digest

    names = [record["name"] for record in run.records if record["role"] == "input" and record["name"] in run.inputs]
    for name in names:
        if result["digests"].get(name) != digest(run.inputs[name]):
            message = f"the kernel changed its input {name} ({run.label})"
            yield Diagnostic(
                code="TS437", message=message, span=line_span(kernel, None), help="write to the outputs only"
            )


def _compared(run: _Run, name: str, actual: Tensor, expected: Estimate, kernel: SourceText) -> Iterator[Diagnostic]:
    from ..analysis.compare import compare
    from .tensors import is_poison

    mismatch = compare(name, actual, expected)
    if mismatch is None:
        return
    unwritten = int(is_poison(actual).sum())
    if unwritten and mismatch.actual != mismatch.actual:
        message = f"{unwritten} of {actual.numel()} elements of {name} are never written ({run.label})"
        help_text = "every element of an output is stored once; look at the grid and at tails"
        yield Diagnostic(code="TS436", message=message, span=line_span(kernel, None), help=help_text)
    else:
        message = f"wrong value: {mismatch.message} ({run.label})"
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
    spec: Spec,
    watch: Stopwatch,
    groups: list[_Group],
    findings: tuple[Diagnostic, ...],
    kernel: SourceText,
    minimal: Mapping[str, Any],
) -> Verdict:
    from importlib.metadata import version

    codes = {finding.code for finding in findings}
    cases = sum(len(group.runs) for group in groups)
    bound = "the derived bound" if spec.tolerance is None else str(spec.tolerance)
    good = f"{cases} cases in {len(groups)} builds within {bound}; no memory error"
    note = {} if spec.tolerance is None else {"tolerance": str(spec.tolerance)}
    return Verdict(
        gate="emulate",
        status="unsupported" if codes == {"TS435"} else "failed" if findings else "passed",
        seconds=watch.seconds,
        summary=findings[0].message if findings else good,
        diagnostics=findings,
        tools={"tilelang": version("tilelang")},
        facts={"cases": cases, "builds": len(groups), **note, **minimal},
        sources=(kernel,),
    )

"""Which gate rejects a mutant; or that it is the same program; or that it survives."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal

from ...analysis.binding import Binding
from ...analysis.cases import Case
from ...diagnostics.text import SourceText
from ...gates.candidate import factory_arguments, further_bindings, representative_bindings
from ...gates.choices import other_choices
from ...gates.emulate import check_emulation
from ...gates.isolation import Completed, Limits
from ...gates.lower import check_lowering
from ...gates.static import check_static
from ...gates.traced import run_traced, trace_all
from ...gates.verdict import Stopwatch, Verdict
from ...hardware import TARGETS, Target
from ...ir.spec import Spec
from ...scaffold.body import Body
from ...scaffold.naming import factory_name
from ...scaffold.regions import replace_body
from .builds import Arguments, case_arguments, differing, every_build, touches, trace_builds
from .mutants import Mutant
from .peers import usual_case, would_notice

if TYPE_CHECKING:
    from torch import Tensor

    from ...analysis.estimate import Estimate

_PARSER = Lock()
"""Python's parser is used by one thread at a time: some releases before 3.13 fail otherwise."""
_LATE = frozenset({"TS434"})
"""Lowering that takes too long says that the machine is busy, not that the mutant is wrong."""
Status = Literal["killed", "equivalent", "presumed", "survived"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`killed` by a gate, with its code and what it said; `equivalent`, with the evidence; `presumed` equivalent: the
    same bits on every case; or `survived`. `peers`: whether the usual test would have failed. `seconds` of wall-clock
    time.
    """

    op: str
    mutant: Mutant
    status: Status
    gate: str = ""
    code: str = ""
    by: str = ""
    peers: bool = False
    seconds: float = 0.0


@dataclass
class Bench:
    """A body that passes, and what its mutants are judged with. `text` is its kernel.py."""

    spec: Spec
    body: Body
    text: str
    cases: tuple[Case, ...]
    limits: Limits
    folder: Path
    _expected: dict[Case, Mapping[str, Estimate]] = field(default_factory=dict)
    _outputs: dict[tuple[Case, ...], dict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kernel = self.written("original", self.text)
        self.target: Target = TARGETS[self.spec.hardware.targets[0]]
        self.bindings = representative_bindings(self.spec, self.cases)
        self.further = further_bindings(self.spec, self.cases, self.bindings)
        self.usual = usual_case(self.spec, self.cases)
        self.choices = tuple(other_choices(self.kernel))
        self.builds = every_build(self.spec, (*self.cases, self.usual), (*self.bindings, *self.further), self.choices)
        self.digests = trace_builds(self.spec, self.builds, self.kernel.path, self.limits)

    def written(self, name: str, text: str) -> SourceText:
        path = self.folder / name / "kernel.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return SourceText(str(path), text)

    def expect(self, case: Case, inputs: Mapping[str, Tensor]) -> Mapping[str, Estimate]:
        """The oracle, asked once a case."""
        from ...analysis.expected import expected_outputs

        if case not in self._expected:
            self._expected[case] = expected_outputs(self.spec, case.binding(self.spec), inputs)
        return self._expected[case]

    def emulate(self, cases: Sequence[Case], kernel: SourceText, *, every_choice: bool, seen: dict) -> Verdict:
        """The emulate gate; `seen` takes the digests of every output by case and name."""
        from ...gates.tensors import digest

        return check_emulation(
            self.spec,
            cases,
            kernel,
            self.limits,
            choices=self.choices if every_choice else (),
            expect=self.expect,
            observe=lambda case, name, tensor: seen.setdefault((case, name), []).append(digest(tensor)),
        )

    def outputs(self, cases: tuple[Case, ...]) -> dict:
        """The digests of what the body that passes writes."""
        if cases not in self._outputs:
            seen: dict = {}
            self.emulate(cases, self.kernel, every_choice=True, seen=seen)
            self._outputs[cases] = seen
        return self._outputs[cases]

    def same_cuda(self, builds: Sequence[Arguments], kernel: SourceText) -> bool:
        """Whether TileLang makes the same CUDA of both in these builds."""
        return all(self._same_cuda(each, kernel) for each in builds)

    def _same_cuda(self, build: Arguments, kernel: SourceText) -> bool:
        paths = (self.kernel.path, kernel.path)
        factory, target = factory_name(self.spec.op), dict(self.target.tilelang)
        traces = trace_all(
            [{"kernel": path, "factory": factory, "arguments": dict(build)} for path in paths], self.limits
        )
        outcomes = run_traced(
            "lower", traces, lambda at, text: {"function": text, "kernel": paths[at], "target": target}, self.limits
        )
        ours, theirs = (each.value["cuda"] if isinstance(each, Completed) else None for each in outcomes)
        return ours is not None and ours == theirs


def make_bench(spec: Spec, body: Body, text: str, cases: Sequence[Case], limits: Limits, folder: Path) -> Bench:
    """Raises ValueError where the unchanged body does not pass, or cannot be traced."""
    bench = Bench(spec, body, text, tuple(cases), limits, folder)
    if bench.digests is None:
        raise ValueError(f"the body of {spec.op} cannot be traced")
    for verdict in (
        check_static(spec, body, bench.kernel),
        bench.emulate(cases, bench.kernel, every_choice=True, seen={}),
    ):
        if verdict.status != "passed":
            raise ValueError(f"the body of {spec.op} does not pass: {verdict.summary}")
    return bench


def judge(bench: Bench, mutant: Mutant) -> Judgement:
    """Static, lower, emulate, in this order but for one thing: where every build can be traced, emulate runs one build
    before lower, which is slower, looks. Builds whose TIR the mutant leaves as it was are not looked at again."""
    watch = Stopwatch()
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        kernel = bench.written(Path(folder).name, replace_body(bench.text, mutant.code))
        found = _verdict(bench, kernel, mutant.code)
    return Judgement(op=bench.spec.op, mutant=mutant, seconds=round(watch.seconds, 2), **found)


def _verdict(bench: Bench, kernel: SourceText, code: str) -> dict:
    with _PARSER:
        static = check_static(bench.spec, Body(code, bench.body.tunables), kernel)
    traced = trace_builds(bench.spec, bench.builds, kernel.path, bench.limits)
    others = differing(bench.builds, bench.digests or (), traced)
    if not others:
        return _kill(static) or {"status": "equivalent", "by": f"the same TIR in all of {len(bench.builds)} builds"}
    killed = _kill(static) or _by_lower_and_emulate(bench, kernel, others, traced)
    if killed is None:
        return _of_survivor(bench, kernel, others)
    return {**killed, "peers": _peers(bench, kernel, others, killed)}


def _peers(bench: Bench, kernel: SourceText, others: Sequence[Arguments], killed: Mapping) -> bool:
    arguments = case_arguments(bench.spec, bench.usual)
    if arguments not in others:
        return False
    if killed.get("code") == "TS411" and killed["gate"] == "lower":
        return True
    return would_notice(bench.spec, bench.usual, kernel, bench.limits, bench.expect)


def _kill(verdict: Verdict) -> dict | None:
    if verdict.status == "passed":
        return None
    first = verdict.diagnostics[0]
    return {"status": "killed", "gate": verdict.gate, "code": first.code, "by": first.message[:300]}


def _by_lower_and_emulate(
    bench: Bench, kernel: SourceText, others: Sequence[Arguments], traced: Sequence[str] | None
) -> dict | None:
    bindings, further = (
        [each for each in every if factory_arguments(bench.spec, each) in others]
        for every in (bench.bindings, bench.further)
    )
    cases = _cases(bench, others)
    return (
        _lower(bench, kernel, [each for each in bindings if _failed(bench, each, traced)][:1])
        or _emulate(bench, kernel, _first_build(bench, cases, others), every_choice=False)
        or _lower(bench, kernel, bindings)
        or _emulate(bench, kernel, cases, every_choice=True)
        or _lower(bench, kernel, further)
    )


def _failed(bench: Bench, binding: Binding, traced: Sequence[str] | None) -> bool:
    """Whether tracing this build raised."""
    arguments = factory_arguments(bench.spec, binding)
    return traced is None or ":" in traced[bench.builds.index(arguments)]


def _cases(bench: Bench, others: Sequence[Arguments]) -> tuple[Case, ...]:
    """The cases whose builds differ; all of them where one differs at other tunables, which may go with any case."""
    defaults = {name: values[0] for name, values in bench.body.tunables}
    if any(each.get(name, value) != value for each in others for name, value in defaults.items()):
        return bench.cases
    return tuple(case for case in bench.cases if touches(case_arguments(bench.spec, case), others))


def _first_build(bench: Bench, cases: Sequence[Case], others: Sequence[Arguments]) -> tuple[Case, ...]:
    """The cases of the first build that differs at its default tunables: most mutants die here."""
    builds = [(case, case_arguments(bench.spec, case)) for case in cases]
    first = next((arguments for _, arguments in builds if arguments in others), None)
    return tuple(case for case, arguments in builds if arguments == first)


def _lower(bench: Bench, kernel: SourceText, bindings: list[Binding]) -> dict | None:
    if not bindings:
        return None
    killed = _kill(check_lowering(bench.spec, bindings, kernel, bench.target, bench.limits)[0])
    return None if killed is not None and killed["code"] in _LATE else killed


def _emulate(bench: Bench, kernel: SourceText, cases: Sequence[Case], *, every_choice: bool) -> dict | None:
    return _kill(bench.emulate(cases, kernel, every_choice=every_choice, seen={})) if cases else None


def _of_survivor(bench: Bench, kernel: SourceText, others: Sequence[Arguments]) -> dict:
    if bench.same_cuda(others, kernel):
        return {"status": "equivalent", "by": f"the same CUDA in the {len(others)} builds whose TIR differs"}
    cases, seen = _cases(bench, others), {}
    if not cases:
        return {"status": "survived", "by": "it differs only in builds of workloads, which nothing emulates"}
    bench.emulate(cases, kernel, every_choice=True, seen=seen)
    same = seen == bench.outputs(cases)
    by = f"the same bits in {len(cases)} cases" if same else "other bits, within the bound"
    return {"status": "presumed" if same else "survived", "by": by}

"""The lower gate: TileLang lowers the body for the target, and the CUDA shows the features that the spec requires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..analysis.binding import Binding
from ..diagnostics.diagnostic import Diagnostic
from ..diagnostics.text import SourceText
from ..hardware import Target
from ..ir.spec import Spec
from .candidate import build_label, build_request
from .isolation import Completed, Limits, Outcome, Raised
from .places import death_diagnostic, line_span, raised_message
from .traced import run_traced, trace_all
from .verdict import Stopwatch, Verdict
from .work import judge_work

_ENTRY = 'extern "C" __global__'
_REASONS = {
    "wgmma": "T.gemm takes WGMMA where block_M is a multiple of 64, threads of 128, the operands are 16-bit in shared "
    "memory, and the accumulator is a float32 fragment",
    "tma": "T.copy takes TMA for whole tiles between global and shared memory of one dtype, in a pipelined loop with "
    "num_stages of 1 or more, where the rows are multiples of 16 bytes",
}

_USUAL_HELP = "TileLang's message names the construct; `tospec prompt` shows forms that lower"
_HELP = {
    "[ThreadSync] Cannot lower a required shared-memory sync": "TileLang counts the threads under the conditions and "
    "loops around a copy to shared memory, and miscounts where their bounds are long formulas: keep trip counts in "
    'registers (`n = T.alloc_var("int32", init=0)`, then `n = …`, then `T.serial(n)`), and branch on whole warps',
}
"""What to do about errors of TileLang's that do not say so, by a part of their text."""


@dataclass(frozen=True, slots=True)
class Lowered:
    """One build as CUDA: `launches` has threads a block and dynamic shared memory in bytes of each kernel."""

    label: str
    cuda: str
    launches: tuple[dict[str, int], ...]


def check_lowering(
    spec: Spec, bindings: Sequence[Binding], kernel: SourceText, target: Target, limits: Limits
) -> tuple[Verdict, tuple[Lowered, ...]]:
    """The verdict over every build, and the CUDA of those that lowered."""
    watch = Stopwatch()
    labels = [build_label(spec, binding) for binding in bindings]
    traces = trace_all([build_request(spec, each, kernel.path) for each in bindings], limits)
    where = {"kernel": kernel.path, "target": dict(target.tilelang)}
    outcomes = run_traced("lower", traces, lambda _, text: {"function": text, **where}, limits)
    lowered, findings = [], []
    for binding, label, outcome in zip(bindings, labels, outcomes, strict=True):
        if isinstance(outcome, Completed):
            lowered.append(_lowered(label, outcome.value))
            findings += judge_work(spec, binding.params, (), outcome.value["facts"], label, kernel)
            findings += _missing_features(spec, lowered[-1], kernel, target)
        else:
            findings.append(_failure(outcome, label, kernel, limits))
    unique = tuple({(each.code, each.message): each for each in findings}.values())
    return _verdict(spec, watch, lowered, unique, kernel), tuple(lowered)


def _lowered(label: str, value: dict[str, Any]) -> Lowered:
    return Lowered(label, value["cuda"], tuple(value["launches"]))


def _failure(outcome: Outcome, label: str, kernel: SourceText, limits: Limits) -> Diagnostic:
    died = death_diagnostic(outcome, f"lowering ({label})", kernel, limits)
    if died is not None:
        return died
    assert isinstance(outcome, Raised)
    said = raised_message(outcome)
    return Diagnostic(
        code="TS411",
        message=f"TileLang cannot lower the body ({label}): {said}",
        span=line_span(kernel, outcome.line),
        help=next((help_text for part, help_text in _HELP.items() if part in said), _USUAL_HELP),
    )


def _missing_features(spec: Spec, lowered: Lowered, kernel: SourceText, target: Target) -> list[Diagnostic]:
    """TS412 for each required feature whose tokens the kernel's code lacks."""
    code = lowered.cuda[lowered.cuda.find(_ENTRY) :]
    missing = [name for name in spec.hardware.require if not _shows(name, code, target)]
    return [
        Diagnostic(
            code="TS412",
            message=f"the CUDA for {lowered.label} does not use {name}, which the spec requires",
            span=line_span(kernel, None),
            help=_REASONS.get(name, f"none of {', '.join(target.signals[name])} is in the generated code"),
        )
        for name in missing
    ]


def _shows(feature: str, code: str, target: Target) -> bool:
    """Whether a feature can be seen in the code; one that leaves no trace counts as shown."""
    tokens = target.signals.get(feature, ())
    return not tokens or any(token in code for token in tokens)


def _verdict(spec: Spec, watch: Stopwatch, lowered: list[Lowered], findings: tuple, kernel: SourceText) -> Verdict:
    from importlib.metadata import version

    shown = ", ".join(spec.hardware.require)
    good = f"{len(lowered)} builds lowered" + (f", showing {shown}" if shown else "")
    return Verdict(
        gate="lower",
        status="failed" if findings else "passed",
        seconds=watch.seconds,
        summary=findings[0].message if findings else good,
        diagnostics=findings,
        tools={"tilelang": version("tilelang")},
        facts={"builds": [each.label for each in lowered]},
        sources=(kernel,),
    )

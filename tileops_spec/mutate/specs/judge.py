"""What the checks say of a mutant: which code catches it, or that it means the same, or that it survives."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ...deliver.lint import lint_spec
from ...diagnostics.diagnostic import Sink
from ...ir.spec import Reference, Spec
from .sites import Mutant

if TYPE_CHECKING:
    from ...analysis.cases import Case
    from ...analysis.estimate import Estimate

CASES = 10
WORK = 1e5
"""Floating-point operations a case: thousands of mutants are judged."""

CRASH = "crash"
"""What catches a mutant whose reference ends the process."""
_BOUNDS = 0.25
"""Relative difference of bounds that is no other meaning: a rounding more or less among several."""
_MEANING = ("dtypes", "dtype_groups", "dims", "params", "inputs", "outputs", "where", "assumptions", "math")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`caught` by a code of lint or of the references, or by `CRASH`; `equivalent`, with why; or `survived`."""

    op: str
    mutant: Mutant
    status: Literal["caught", "equivalent", "survived"]
    by: str


def judge(spec: Spec, mutant: Mutant) -> Judgement:
    """Run lint's passes over the mutant, then its references on fuzzed cases; neither needs a GPU."""
    with tempfile.TemporaryDirectory(prefix="tospec-mutant-") as folder:
        path = Path(folder) / f"{spec.op}.yaml"
        path.write_text(mutant.text, encoding="utf-8")
        sink = Sink()
        mutated = lint_spec(path, sink)
    if sink.diagnostics:
        return _verdict(spec, mutant, "caught", sink.diagnostics[0].code)
    assert mutated is not None
    if _meaning(mutated) == _meaning(spec) and mutated.references == spec.references:
        same = "the same workload" if mutated.workloads != spec.workloads else "the same typed form"
        return _verdict(spec, mutant, "equivalent", same)
    return _by_references(spec, mutated, mutant)


def _verdict(spec: Spec, mutant: Mutant, status: Literal["caught", "equivalent", "survived"], by: str) -> Judgement:
    return Judgement(op=spec.op, mutant=mutant, status=status, by=by)


def _meaning(spec: Spec) -> tuple:
    return tuple(getattr(spec, each.name) for each in fields(spec) if each.name in _MEANING)


def _by_references(spec: Spec, mutated: Spec, mutant: Mutant) -> Judgement:
    from ...analysis.cases import Unsatisfiable, draw_cases
    from ...analysis.reference import check_references

    sink = Sink()
    try:
        check_references(mutated, sink, cases=draw_cases(mutated, count=CASES, seed=0, work=WORK))
    except Unsatisfiable:
        return _verdict(spec, mutant, "caught", "TS120")
    if sink.diagnostics:
        return _verdict(spec, mutant, "caught", sink.diagnostics[0].code)
    if _agree(spec, mutated):
        return _verdict(spec, mutant, "equivalent", "equal values and bounds on many cases")
    return _verdict(spec, mutant, "survived", "")


def _agree(spec: Spec, mutated: Spec) -> bool:
    """Whether both compute the same, with the same bounds, for the same signature, on many cases."""
    from ...analysis.cases import draw_cases, make_inputs
    from ...analysis.oracle import OracleError, evaluate

    if any(getattr(spec, name) != getattr(mutated, name) for name in _MEANING if name != "math"):
        return False
    if spec.math == mutated.math:
        return _references_agree(spec, mutated)
    for case in draw_cases(spec, count=2 * CASES, seed=1, work=WORK):
        inputs, binding = make_inputs(spec, case), case.binding(spec)
        try:
            ours, theirs = evaluate(spec, binding, inputs), evaluate(mutated, binding, inputs)
        except OracleError:
            return False
        for output in spec.outputs:
            if not _same(ours[output.name], theirs[output.name]):
                return False
    return True


def _same(ours: Estimate, theirs: Estimate) -> bool:
    """Whether values differ by far less than their bound, and bounds by little: products in another order do."""
    import torch

    if ours.value.shape != theirs.value.shape or ours.value.dtype != theirs.value.dtype:
        return False
    near = 1e-6 * ours.error + 1e-12 * ours.value.double().abs()
    equal = (ours.value == theirs.value) | (ours.value.isnan() & theirs.value.isnan())
    close = equal | ((ours.value.double() - theirs.value.double()).abs() <= near)
    return bool(close.all()) and torch.allclose(ours.error.double(), theirs.error.double(), rtol=_BOUNDS, atol=1e-30)


def _references_agree(spec: Spec, mutated: Spec) -> bool:
    """Whether the changed references give what the unchanged ones give, on many cases that have not judged them."""
    from ...analysis.cases import draw_cases

    changed = [pair for pair in zip(spec.references, mutated.references, strict=True) if pair[0] != pair[1]]
    cases = draw_cases(spec, count=2 * CASES, seed=1, work=WORK)
    return all(_give_the_same(ours, theirs, spec, case) for ours, theirs in changed for case in cases)


def _give_the_same(ours: Reference, theirs: Reference, spec: Spec, case: Case) -> bool:
    import torch

    from ...analysis.cases import make_inputs
    from ...analysis.reference import ReferenceError, call_reference

    inputs, binding = make_inputs(spec, case), case.binding(spec)
    try:
        expected = call_reference(ours, spec, binding, inputs, wide=True)
    except ReferenceError:
        return True  # it has no float64, or says nothing of such a case, and so it judged nothing either
    try:
        found = call_reference(theirs, spec, binding, inputs, wide=True)
    except ReferenceError:
        return False
    return all(
        torch.allclose(expected[name].double(), found[name].double(), rtol=1e-9, atol=1e-12, equal_nan=True)
        for name in expected
    )

"""Trials of one spec: correct kernels in every order of summation, and kernels with one mistake, judged three ways."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from tileops_spec.analysis.binding import Binding
from tileops_spec.analysis.cases import Case, Unsatisfiable, draw_cases, make_inputs
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.estimate import Estimate
from tileops_spec.analysis.oracle import evaluate
from tileops_spec.ir.spec import Spec

from .faults import Fault, faults_of
from .orders import ORDERS, Order
from .rounded import Kernel, compute, reduction_lengths

JUDGES = ("derived", "1e-3 or 1.6e-2", "1e-2")
"""The bound of this project; TileOPs' tolerances (f16, f32: 1e-3, bf16: 1.6e-2); KernelBench's and FlashInfer-Bench's,
which are the same number. Fixed ones are absolute and relative at once."""
LENGTHS = range(64, 2200)
"""Reductions of so many terms are what the trials of correct kernels look for."""
STATIC_SHAPES = 24
"""Distinct choices of static dims: drawing them costs most."""
VARIANTS = 20
"""Correct kernels for one case."""
GATE_CASES = 12
"""Cases for every choice of dtypes that the emulate gate runs by default."""
WORK = 1.2e5
"""Floating-point operations a case: products are laid out here."""
FAULT_SHARE = 4
"""Cases with mistakes are so many times larger: nearer to what the gate runs."""
STEPPED = 0.3
"""The share of that for recurrences, which cost a walk over the mathematics at every step."""


@dataclass
class Verdicts:
    """How many trials each judge rejected, out of how many; elements that were compared."""

    trials: int = 0
    elements: int = 0
    rejected: dict[str, int] = field(default_factory=lambda: dict.fromkeys(JUDGES, 0))
    worst: float = 0.0
    example: str = ""

    def add(self, found: Mapping[str, bool]) -> None:
        self.trials += 1
        for judge, rejects in found.items():
            self.rejected[judge] += rejects


@dataclass(frozen=True)
class Prepared:
    """A case with its data and what is expected of it."""

    case: Case
    binding: Binding
    inputs: Mapping[str, Tensor]
    expected: Mapping[str, Estimate]

    @classmethod
    def of(cls, spec: Spec, case: Case) -> Prepared:
        binding, inputs = case.binding(spec), make_inputs(spec, case)
        return cls(case, binding, inputs, evaluate(spec, binding, inputs))


@dataclass(frozen=True)
class Outcome:
    """Everything measured of one spec; `faults` in the order of the mathematics."""

    op: str
    family: str
    lengths: tuple[int, int]
    seconds: float
    correct: Verdicts
    faults: tuple[tuple[Fault, Verdicts], ...]


def experiment(spec: Spec, *, trials: int, gate_cases: int = GATE_CASES, work: float = WORK) -> Outcome:
    """All trials of one spec; the same for the same arguments."""
    started = time.monotonic()
    if any(each.along is not None for each in spec.math):
        work *= STEPPED
    cases = long_cases(spec, -(-trials // VARIANTS), work)
    lengths = [max(reduction_lengths(spec, case.binding(spec)), default=0) for case in cases]
    correct = correct_trials(spec, cases, trials)
    faults = fault_trials(spec, gate_cases, work * FAULT_SHARE)
    seconds = time.monotonic() - started
    return Outcome(spec.op, spec.family, (min(lengths), max(lengths)), seconds, correct, faults)


def long_cases(spec: Spec, count: int, work: float) -> list[Case]:
    """Cases whose longest reduction has a length that matters; where there are too few, the longest of the others."""
    drawn = drawn_cases(spec, count=3 * count, seed=17, work=work, static_shapes=STATIC_SHAPES)
    ranked = sorted(drawn, key=lambda case: -_usefulness(spec, case))
    kept = set(ranked[:count])
    return [case for case in drawn if case in kept]


def drawn_cases(spec: Spec, *, count: int, seed: int, work: float, static_shapes: int | None = None) -> list[Case]:
    """Cases of so much work; of more, where no shape is so small."""
    for larger in (1, 4, 16):
        try:
            return list(draw_cases(spec, count=count, seed=seed, static_shapes=static_shapes, work=larger * work))
        except Unsatisfiable:
            continue
    return list(draw_cases(spec, count=count, seed=seed, static_shapes=static_shapes))


def _usefulness(spec: Spec, case: Case) -> int:
    longest = max(reduction_lengths(spec, case.binding(spec)), default=0)
    return min(LENGTHS) if longest in LENGTHS else min(longest, min(LENGTHS) - 1)


def correct_trials(spec: Spec, cases: list[Case], trials: int) -> Verdicts:
    verdicts = Verdicts()
    for at, case in enumerate(cases):
        prepared = Prepared.of(spec, case)
        for kernel in correct_kernels(seed=at, count=min(VARIANTS, trials - verdicts.trials)):
            judge(spec, prepared, compute(spec, prepared.binding, prepared.inputs, kernel), verdicts, kernel)
    return verdicts


def correct_kernels(seed: int, count: int) -> Iterator[Kernel]:
    """Kernels that differ in what the mathematics leaves open: every order in turn, the rest drawn."""
    rng = random.Random(seed)
    for at in range(count):
        name = ORDERS[(seed * count + at) % len(ORDERS)]
        order = Order(name, seed=rng.getrandbits(31), parts=rng.randint(2, 9))
        yield Kernel(order, fast=rng.random() < 0.5, online=rng.choice((0, 16, 64, 128)), late=rng.random() < 0.5)


def fault_trials(spec: Spec, gate_cases: int, work: float) -> tuple[tuple[Fault, Verdicts], ...]:
    """Each mistake on as many cases as the emulate gate takes; trials where it changes nothing do not count."""
    found = {fault: Verdicts() for fault in faults_of(spec)}
    count = gate_cases * len(list(spec.dtype_choices()))
    for case in drawn_cases(spec, count=count, seed=0, static_shapes=3, work=work) if found else ():
        prepared = Prepared.of(spec, case)
        right = compute(spec, prepared.binding, prepared.inputs, Kernel())
        for fault, verdicts in found.items():
            wrong = compute(spec, prepared.binding, prepared.inputs, Kernel(fault=fault))
            if any(not _same(wrong[name], right[name]) for name in right):
                judge(spec, prepared, wrong, verdicts, None)
    return tuple(found.items())


def _same(left: Tensor, right: Tensor) -> bool:
    return torch.equal(left.double().nan_to_num(nan=-77.0), right.double().nan_to_num(nan=-77.0))


def judge(
    spec: Spec, prepared: Prepared, outputs: Mapping[str, Tensor], verdicts: Verdicts, kernel: Kernel | None
) -> None:
    """Add the verdicts on one computation."""
    found = dict.fromkeys(JUDGES, False)
    narrow = "bf16" in dict(prepared.case.dtypes).values() or any(
        prepared.binding.dtype(each.dtype).name == "bf16" for each in spec.outputs
    )
    tolerances = {JUDGES[1]: 1.6e-2 if narrow else 1e-3, JUDGES[2]: 1e-2}
    for name, actual in outputs.items():
        expected = prepared.expected[name]
        verdicts.elements += actual.numel()
        mismatch = compare(name, actual, expected)
        if mismatch is not None:
            found[JUDGES[0]] = True
            if mismatch.worst_ratio > verdicts.worst:
                verdicts.worst = mismatch.worst_ratio
                verdicts.example = f"{mismatch.message} [{prepared.case.label}; {kernel}]"
        for label, tolerance in tolerances.items():
            got, want = actual.double(), expected.value.double()
            found[label] |= not torch.allclose(got, want, rtol=tolerance, atol=tolerance, equal_nan=True)
    verdicts.add(found)

"""What the device gate runs: a few of the emulated cases and every workload, each with several sets of inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...analysis.binding import bind_workload, shape_of
from ...analysis.cases import DISTRIBUTIONS, Case, Unsatisfiable, make_inputs
from ...ir.spec import Spec
from ..candidate import build_label, build_request, factory_arguments

if TYPE_CHECKING:
    from torch import Tensor

_SETS, _WORKLOAD_SETS = 3, 2
MOST_CASES = 12
"""Fuzzed cases; workloads come besides."""


@dataclass(frozen=True)
class Run:
    """A case, the cases of its sets of inputs (its own first), their tensors, and the records of their files."""

    case: Case
    cases: tuple[Case, ...]
    inputs: tuple[Mapping[str, Tensor], ...]
    records: tuple[list[dict[str, Any]], ...]
    workload: str | None = None

    @property
    def label(self) -> str:
        return self.case.label if self.workload is None else f"workload {self.workload}: {self.case.label}"


@dataclass
class Build:
    """The runs that one build of the kernel serves; `outputs` is the folder that its child writes to."""

    label: str
    request: dict[str, Any]
    outputs: Path
    runs: list[Run] = field(default_factory=list)


def chosen_cases(spec: Spec, cases: Sequence[Case], most: int = MOST_CASES) -> list[tuple[Case, str | None]]:
    """Cases of every kind of data and dtype, then those of other builds, the last first, for the cases that were added
    to the drawn ones come last; and the workloads by name, dtypes and kinds of data in turn."""
    fuzzed = _every_kind(cases)[:most]
    builds = {_build_key(spec, case) for case in fuzzed}
    for case in reversed(cases):
        if len(fuzzed) < most and _build_key(spec, case) not in builds:
            fuzzed.append(case)
            builds.add(_build_key(spec, case))
    fuzzed = list(dict.fromkeys((*fuzzed, *cases)))[:most]
    return [*((case, None) for case in fuzzed), *workload_cases(spec)]


def _every_kind(cases: Sequence[Case]) -> list[Case]:
    """Few cases with every kind of data, choice of dtypes, and set of absent inputs among these."""
    missing = set().union(*map(_kinds, cases))
    found: list[Case] = []
    while missing:
        best = max(cases, key=lambda case: len(_kinds(case) & missing))
        found.append(best)
        missing -= _kinds(best)
    return found


def _kinds(case: Case) -> set[tuple]:
    return {("data", case.data), ("dtypes", case.dtypes), ("absent", case.absent)}


def _build_key(spec: Spec, case: Case) -> str:
    return repr(factory_arguments(spec, case.binding(spec), case.absent))


def workload_cases(spec: Spec) -> list[tuple[Case, str | None]]:
    """Each workload as a case, with its name."""
    choices = [dict(choice) for choice in spec.dtype_choices()]
    found: list[tuple[Case, str | None]] = []
    for at, workload in enumerate(spec.workloads):
        dtypes = choices[at % len(choices)]
        binding = bind_workload(spec, dict(workload.values), dtypes)
        case = Case(
            dtypes=tuple(dtypes.items()),
            dims=tuple((dim.name, binding.dims[dim.name]) for dim in spec.dims),
            params=tuple((name, value) for name, value in workload.values if name in binding.params),
            data=DISTRIBUTIONS[at % len(DISTRIBUTIONS)],
            seed=at,
        )
        found.append((case, workload.name))
    return found


def builds_of(spec: Spec, chosen: Sequence[tuple[Case, str | None]], kernel: str, folder: Path) -> list[Build]:
    """The cases by build, their inputs drawn and written beneath `folder`. Cases without data are left out."""
    builds: dict[str, Build] = {}
    for number, (case, workload) in enumerate(chosen):
        binding = case.binding(spec)
        key = _build_key(spec, case)
        if key not in builds:
            outputs = folder / f"build-{len(builds)}"
            outputs.mkdir()
            request = build_request(spec, binding, kernel, case.absent)
            builds[key] = Build(build_label(spec, binding), request, outputs)
        with suppress(Unsatisfiable):
            builds[key].runs.append(_prepare(spec, case, workload, folder / str(number)))
    return [build for build in builds.values() if build.runs]


def _prepare(spec: Spec, case: Case, workload: str | None, folder: Path) -> Run:
    folder.mkdir()
    count = _SETS if workload is None else _WORKLOAD_SETS
    cases = tuple(replace(case, seed=(case.seed + 7919 * at) % 2**31) for at in range(count))
    inputs = tuple(make_inputs(spec, each) for each in cases)
    records = tuple(_records(spec, case, each, folder / f"set-{at}") for at, each in enumerate(inputs))
    return Run(case, cases, inputs, records, workload)


def _records(spec: Spec, case: Case, inputs: Mapping[str, Tensor], folder: Path) -> list[dict[str, Any]]:
    """One record a parameter of the kernel; outputs have no file."""
    import torch

    from ..tensors import record_tensor

    folder.mkdir()
    binding, found = case.binding(spec), []
    for tensor in spec.inputs:
        dtype = getattr(torch, binding.dtype(tensor.dtype).torch)
        value = inputs.get(tensor.name, torch.zeros([1] * len(tensor.shape), dtype=dtype))
        role = "updated" if tensor.name in spec.in_place else "input"
        found.append(record_tensor(tensor.name, role, value, folder / tensor.name))
    for tensor in spec.new_outputs:
        dtype, shape = binding.dtype(tensor.dtype).torch, list(shape_of(tensor, binding))
        found.append({"name": tensor.name, "role": "output", "shape": shape, "dtype": dtype})
    return found

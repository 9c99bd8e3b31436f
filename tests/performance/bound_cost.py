"""What the error bound costs: the oracle with bounds against the same evaluation of values alone, for every spec.

`PYTHONPATH=. python tests/performance/bound_cost.py` writes the table of docs/measurements/oracle.md, section "The
bound's cost". Processor time, not wall-clock time: other work on the machine does not count. The C library keeps freed
memory, as torch does on GPUs, so that page faults do not count either.
"""

from __future__ import annotations

import ctypes
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from tileops_spec.analysis.binding import Binding
from tileops_spec.analysis.cases import Case, draw_cases, make_inputs
from tileops_spec.analysis.cost import cost
from tileops_spec.analysis.oracle import evaluate, evaluate_values
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.ir.spec import Spec

SPECS = Path(__file__).parents[2] / "specs"
WORK = 4e6
"""Operations of the largest case that is drawn for a spec."""
REPETITIONS = 5
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3
"""Options of mallopt(3)."""


def main() -> None:
    torch.set_num_threads(1)
    keep_memory()
    paths = [path for path in sorted(SPECS.glob("*.yaml")) if not sys.argv[1:] or path.stem in sys.argv[1:]]
    rows = [row for row in map(_row, paths) if row is not None]
    print("| op | case | values, ms | with bound, ms | ratio |\n|---|---|---|---|---|")
    for ratio, name, label, values, bounded in sorted(rows, reverse=True):
        print(f"| {name} | {label} | {values:.2f} | {bounded:.2f} | {ratio:.2f} |")
    ratios = [row[0] for row in rows]
    mean = math.exp(statistics.fmean(map(math.log, ratios)))
    above = sum(ratio > 3 for ratio in ratios)
    print(
        f"\n{len(rows)} specs: median {statistics.median(ratios):.2f}, geometric mean {mean:.2f}, "
        f"largest {max(ratios):.2f}; {above} above 3"
    )


def keep_memory() -> None:
    """glibc: no mappings of their own for blocks up to 32 MiB, and nothing given back to the system."""
    libc = ctypes.CDLL(None)
    for option, value in ((M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**31 - 1), (M_TOP_PAD, 2**26)):
        libc.mallopt(option, value)


def _row(path: Path) -> tuple[float, str, str, float, float] | None:
    spec = load_spec(path, Sink())
    if spec is None or not spec.math:
        return None
    case = _largest(spec)
    binding, inputs = case.binding(spec), make_inputs(spec, case)
    runs = (lambda: evaluate_values(spec, binding, inputs), lambda: _bounds(spec, binding, inputs))
    values, bounded = _interleaved(runs)
    print(f"{spec.op} {bounded / values:.2f}", file=sys.stderr, flush=True)
    return bounded / values, spec.op, case.label, values * 1e3, bounded * 1e3


def _bounds(spec: Spec, binding: Binding, inputs: Mapping[str, Tensor]) -> list[Tensor]:
    """The bounds of all outputs; locals have theirs laid out only where they are asked for."""
    found = evaluate(spec, binding, inputs)
    return [found[output.name].error for output in spec.outputs]


def _largest(spec: Spec) -> Case:
    formula = cost(spec)
    cases = draw_cases(spec, count=3, seed=0, work=WORK, tiles=(128, 256, 512))
    return max(cases, key=lambda case: formula.evaluate(case.binding(spec)).bytes)


def _interleaved(runs: tuple[Callable[[], object], ...]) -> list[float]:
    """The median seconds of each, in turns, after one warm-up each."""
    seconds: list[list[float]] = [[] for _ in runs]
    for turn in range(REPETITIONS + 1):
        for run, found in zip(runs, seconds, strict=True):
            start = time.process_time()
            run()
            if turn:
                found.append(time.process_time() - start)
    return [statistics.median(found) for found in seconds]


if __name__ == "__main__":
    main()

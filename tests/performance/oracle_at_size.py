"""The oracle at the size of real workloads: time, peak memory, and whether the library's result lies within the bound.

`PYTHONPATH=. python tests/performance/oracle_at_size.py` on a machine with a GPU; a run stands in
docs/measurements/oracle.md.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.inputs import draw_inputs
from tileops_spec.analysis.oracle import evaluate
from tileops_spec.analysis.reference import call_reference
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink

SPECS = Path(__file__).parents[2] / "specs"
SIZES = (
    ("gemm", {"M": 4096, "N": 4096, "K": 4096}, {}),
    ("gemm", {"M": 8192, "N": 8192, "K": 8192}, {}),
    ("gqa_fwd", {"B": 1, "Sq": 4096, "Sk": 4096, "H": 16, "HK": 16, "D": 128}, {"causal": True}),
    ("gqa_fwd", {"B": 1, "Sq": 4096, "Sk": 4096, "H": 16, "HK": 16, "D": 128}, {"causal": False}),
    ("gqa_fwd", {"B": 1, "Sq": 8192, "Sk": 8192, "H": 32, "HK": 8, "D": 128}, {"causal": True}),
    ("rms_norm", {"S": 16384, "D": 8192}, {}),
)


def main() -> None:
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}")
    print("| op | shape | dtype | inputs, GiB | oracle, s | peak, GiB | the library lies within the bound |")
    print("|---|---|---|---|---|---|---|")
    for op, dims, params in SIZES:
        for dtype in ("f16", "bf16"):
            print(_row(op, dims, params, dtype), flush=True)


def _row(op: str, dims: dict[str, int], params: dict, dtype: str) -> str:
    spec = load_spec(SPECS / f"{op}.yaml", Sink())
    assert spec is not None
    binding = bind(spec, dims=dims, params=params, dtypes={"T": dtype})
    inputs = {name: t.cuda() for name, t in draw_inputs(spec, binding, data="normal", seed=0).items()}
    library = call_reference(spec.references[0], spec, binding, inputs)
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    start = time.perf_counter()
    expected = evaluate(spec, binding, inputs)
    torch.cuda.synchronize()
    seconds, peak = time.perf_counter() - start, torch.cuda.max_memory_allocated() / 2**30
    found = [compare(each.name, library[each.name], expected[each.name]) for each in spec.outputs]
    verdict = "; ".join(each.message for each in found if each is not None) or "yes"
    shape = " ".join(f"{name}={value}" for name, value in {**dims, **params}.items())
    return f"| {op} | {shape} | {dtype} | {held / 2**30:.2f} | {seconds:.2f} | {peak:.1f} | {verdict} |"


if __name__ == "__main__":
    main()

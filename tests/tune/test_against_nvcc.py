"""The model against the compiler: two kernels of the zoo, traced, judged, lowered and compiled."""

from __future__ import annotations

from pathlib import Path

import pytest

from tileops_spec.analysis.binding import bind_workload
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.gates.compile import compile_cuda, find_nvcc
from tileops_spec.gates.isolation import Completed, Limits, run_isolated, warm_up
from tileops_spec.hardware import TARGETS
from tileops_spec.tune.assess import TASK
from tileops_spec.tune.builds import Build, distinct, trace_builds

HOPPER = TARGETS["sm_90a"]
CASES = {
    "gemm": ({"M": 512, "N": 6144, "K": 4096}, [{"block_N": 0, "group_M": 16}, {"block_N": 192, "group_M": 16}]),
    "rms_norm": ({"S": [4096], "D": 4096}, [{"threads": 256, "elements": 32}, {"threads": 1024, "elements": 512}]),
}


def traced(root: Path, op: str) -> list[Build]:
    spec = load_spec(root / "specs" / f"{op}.yaml", Sink())
    assert spec is not None
    values, configurations = CASES[op]
    binding = bind_workload(spec, dict(values))
    return list(trace_builds(spec, binding, root / "generated" / op / "kernel.py", configurations, Limits(seconds=120)))


def assessed(builds: list[Build], dims: dict[str, int]) -> list[dict]:
    shared = {"dims": [dims], "target": "sm_90a", "device_key": "h200", "flops": 989e12}
    outcome = run_isolated(TASK, {"functions": [each.text for each in builds], **shared}, Limits(seconds=120))
    assert isinstance(outcome, Completed), outcome
    return outcome.value


@pytest.fixture(scope="module")
def gemm(root: Path) -> list[Build]:
    warm_up()
    return traced(root, "gemm")


@pytest.fixture(scope="module")
def rms_norm(root: Path) -> list[Build]:
    warm_up()
    return traced(root, "rms_norm")


def test_configurations_of_one_kernel_are_found(gemm: list[Build]) -> None:
    """At 512 rows the body's own choice of 6144 columns is 192 a tile."""
    assert len(distinct(gemm)) == 1


def test_what_blocks_do_is_counted(gemm: list[Build], rms_norm: list[Build]) -> None:
    """512 × 6144 outputs in tiles of 128 × 192: 128 blocks have one tile, and four have none."""
    (found,) = assessed(gemm[:1], {"M": 512})
    (work,) = found["workloads"]
    assert (found["threads"], work["blocks"], work["waves"], work["larger"]) == (384, 132, 1.0, None)
    # A, B and C once each, in the 128 × 64 and 192 × 64 tiles that cover them
    assert work["bytes"] == 2 * (512 * 4096 + 6144 * 4096 + 512 * 6144)
    small, large = assessed(rms_norm, {"S": 4096})
    assert (small["workloads"][0]["blocks"], large["workloads"][0]["blocks"]) == (2048, 64)
    assert small["workloads"][0]["bytes"] == pytest.approx(2 * 4096 * 4096 * 2, rel=0.001)
    assert large["registers"]["answer"] == "too many"


@pytest.mark.skipif(find_nvcc() is None, reason="no nvcc")
@pytest.mark.parametrize("op", ["gemm", "rms_norm"])
def test_shared_memory_is_what_the_compiled_kernel_asks_for(op: str, request: pytest.FixtureRequest) -> None:
    build = request.getfixturevalue(op)[0]
    (model,) = assessed([build], {"M": 512} if op == "gemm" else {"S": 4096})
    payload = {"function": build.text, "kernel": "", "target": dict(HOPPER.tilelang)}
    lowered = run_isolated("lower", payload, Limits(seconds=120))
    assert isinstance(lowered, Completed), lowered
    compiled = compile_cuda(lowered.value["cuda"], find_nvcc() or "", HOPPER)
    launch = lowered.value["launches"][0]
    assert model["shared"]["least"] == model["shared"]["most"] == launch["shared"] + compiled.shared
    assert model["threads"] == launch["threads"]
    assert model["registers"]["answer"] == "fits"
    assert (compiled.spills, compiled.error) == (0, None)

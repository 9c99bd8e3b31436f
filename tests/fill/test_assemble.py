"""The real prompt of each real spec."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tileops_spec.check.load import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.fill.assemble import assemble_prompt, workload_rows
from tileops_spec.fill.facts import TargetFacts

TARGET = TargetFacts(name="sm_90a", peak=989e12, bandwidth=4.8e12, lines=("132 SMs",))


@dataclass(frozen=True)
class Feature:
    name: str
    present: bool = True
    reason: str = "said by the test"


FEATURES = {
    "gemm": ("wgmma", "tma", "pipeline"),
    "rms_norm": ("row-reduction", "vectorized"),
    "gqa_fwd": ("wgmma", "tma", "pipeline", "online-softmax", "row-reduction", "causal-skip", "chained-contraction"),
}


def real_prompt(op, root):
    path = root / "specs" / f"{op}.yaml"
    spec = load_spec(path, Sink())
    features = tuple(map(Feature, FEATURES[op]))
    return assemble_prompt(spec, spec_text=path.read_text(encoding="utf-8"), features=features, target=TARGET)


@pytest.mark.parametrize(("op", "limit"), [("gemm", 15_000), ("rms_norm", 15_000), ("gqa_fwd", 21_000)])
def test_the_prompt_is_whole_and_of_a_bearable_size(op, limit, root):
    prompt = real_prompt(op, root)
    assert 8_000 < prompt.token_estimate < limit
    assert f"def {op}(" in prompt.task
    assert "# <your body here>" in prompt.task
    assert "AP28" in prompt.prefix


def test_costs_of_workloads(root):
    spec = load_spec(root / "specs/gemm.yaml", Sink())
    row = next(each for each in workload_rows(spec, TARGET) if each.name == "square-8192")
    # 2 * 8192^3 operations; three matrices of 8192^2 16-bit values
    assert (row.gflop, row.megabytes, row.bound) == ("1.1e+03", "403", "compute")
    assert (row.intensity, row.floor) == ("2.73e+03", "1.11e+03")

"""The real prompt of each real spec."""

from __future__ import annotations

import pytest

from tileops_spec.check.load import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.fill.assemble import assemble_prompt, target_facts, workload_rows
from tileops_spec.hardware.targets import TARGETS

TARGET = TARGETS["sm_90a"]


def real_spec(op, root):
    return load_spec(root / "specs" / f"{op}.yaml", Sink())


def facts(op, root):
    return target_facts(real_spec(op, root), TARGET)


@pytest.mark.parametrize(("op", "limit"), [("gemm", 15_000), ("rms_norm", 15_000), ("gqa_fwd", 21_000)])
def test_the_prompt_is_whole_and_of_a_bearable_size(op, limit, root):
    text = (root / "specs" / f"{op}.yaml").read_text(encoding="utf-8")
    prompt = assemble_prompt(real_spec(op, root), spec_text=text, target=TARGET)
    assert 8_000 < prompt.token_estimate < limit
    assert text.rstrip() in prompt.task
    assert f"def {op}(" in prompt.task
    assert "# <your body here>" in prompt.task
    assert "232448 bytes of shared memory" in prompt.task
    assert "AP28" in prompt.prefix


@pytest.mark.parametrize(("op", "pattern"), [("gemm", "Tiled matrix product"), ("rms_norm", "Row reduction")])
def test_the_fitting_pattern_is_there(op, pattern, root):
    prompt = assemble_prompt(real_spec(op, root), spec_text="", target=TARGET)
    assert f"### {pattern}" in prompt.task
    assert "### Attention" not in prompt.task


def test_attention_gets_its_pattern_before_the_matrix_product(root):
    task = assemble_prompt(real_spec("gqa_fwd", root), spec_text="", target=TARGET).task
    assert 0 < task.index("### Attention") < task.index("### Tiled matrix product")


def test_the_peak_is_that_of_the_units_that_the_op_can_use(root):
    assert facts("gemm", root).peak == TARGET.peak("f16")
    assert facts("rms_norm", root).peak == TARGET.peak("f32")


def test_costs_of_workloads(root):
    rows = workload_rows(real_spec("gemm", root), facts("gemm", root))
    row = next(each for each in rows if each.name == "square-8192")
    # 2 * 8192^3 operations; three matrices of 8192^2 16-bit values
    assert (row.gflop, row.megabytes, row.bound) == ("1100", "403", "compute")
    assert (row.intensity, row.floor) == ("2731", "1111")
    norm = workload_rows(real_spec("rms_norm", root), facts("rms_norm", root))
    assert {each.bound for each in norm} == {"memory"}

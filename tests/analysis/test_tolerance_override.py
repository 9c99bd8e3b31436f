"""A spec's override of the tolerance: what it widens, and where it shows."""

from __future__ import annotations

import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.expected import expected_outputs
from tileops_spec.deliver.changes import Level, compare_specs
from tileops_spec.deliver.explain import explanation_lines
from tileops_spec.deliver.explanation import explain_spec
from tileops_spec.scaffold.contract import contract_hash

SUM = """
inputs: {x: "f32[M, K]"}
outputs: {y: "f32[M]", i: "i64[M]"}
math: |
  y[m] = sum[k](x[m, k])
  i[m] = argmax[k](x[m, k])
"""
WIDER = SUM + "tolerance: {factor: 4, reason: Sums arrive in any order.}\n"


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(8, 300, generator=torch.Generator().manual_seed(0))


def test_the_bounds_of_floats_are_multiplied_and_no_others(spec_of, x) -> None:
    plain, wider = (
        expected_outputs(spec, bind(spec, dims={"M": 8, "K": 300}), {"x": x})
        for spec in map(spec_of, (SUM, WIDER))
    )  # fmt: skip
    assert torch.equal(wider["y"].error, 4 * plain["y"].error)
    assert torch.equal(wider["i"].error, plain["i"].error)
    off = (plain["y"].value + 3 * plain["y"].error).double()
    assert compare("y", off, plain["y"]) is not None
    assert compare("y", off, wider["y"]) is None


def test_every_explanation_shows_factor_and_reason(spec_of) -> None:
    spec = spec_of(WIDER)
    data = explain_spec(spec)
    assert data["tolerance"] == "tolerance 4 times the derived bound: Sums arrive in any order."
    assert any(data["tolerance"] in line for line in explanation_lines(spec, data))
    assert explain_spec(spec_of(SUM))["tolerance"] is None


def test_another_factor_changes_numerics_and_contract_another_reason_neither(spec_of) -> None:
    plain, wider, reworded = map(spec_of, (SUM, WIDER, WIDER.replace("any", "random")))
    assert _levels(plain, wider) == _levels(wider, plain) == {"tolerance": Level.NUMERICS}
    assert _levels(wider, reworded) == {"tolerance": Level.COSMETIC}
    assert contract_hash(plain) != contract_hash(wider) == contract_hash(reworded)


def _levels(old, new) -> dict[str, Level]:
    return {change.what: change.level for change in compare_specs(old, new).changes}

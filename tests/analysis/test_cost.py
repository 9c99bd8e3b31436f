"""Cost: counted by hand, by evaluation and by formula, the same; and the page that states the conventions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.cost import cost
from tileops_spec.analysis.counted import count_work

PAGE = Path(__file__).parents[2] / "docs" / "cost.md"

# mathematics, formula, dims, operations and elements read counted by hand
HAND_COUNTED = [
    ("y[m, n] = fma(x[m, n], 2.0, 1.0) - x[m, n]", "3·M·N", 3 * 12, 12),
    ("y[m, n] = clamp(x[m, n], 0, 1)", "2·M·N", 2 * 12, 12),
    ("y[m, n] = softmax[n](x[m, n])", "5·M·N", 5 * 12, 12),
    ("y[m, n] = x[m, n] - logsumexp[k](x[m, k])", "5·M·N", 12 + 4 * 12, 12),
    # once a row
    ("y[m, n] = x[m, n] * exp(x[m, 0])", "M·N + M", 12 + 3, 12),
    # a triangle: 1 + 2 + 3 elements, of which the fourth column is none
    ("y[m, n] = sum[k <= m](x[m, k])", "|{m < M, k < N : k <= m}|", 6, 6),
    ("y[m, n] = where(n <= m, exp(x[m, n]), 0)", "|{m < M, n < N : n <= m}|", 6, 6),
    ("y[m, n] = sum[k](where(k <= m, x[m, k], 0) * x[m, n])", "2·N·|{m < M, k < N : k <= m}|", 2 * 4 * 6, 12),
    # three of four columns have a right neighbour
    ("y[m, n] = 2 * pad(x[m, n + 1], 0)", "M·|{n < N : n + 1 < N}|", 9, 9),
    # exp(-inf) is 0 and its product is known, so that 6 exponentials and 6 products are left
    (
        "p[m, n] = exp(where(n <= m, x[m, n], -inf))\n  y[m, n] = p[m, n] * x[m, 0]",
        "2·|{m < M, n < N : n <= m}|",
        12,
        6,
    ),
    # of z, the first column is all that is wanted
    ("z[m, n] = exp(x[m, n])\n  y[m, n] = where(n < 1, z[m, n], 0)", "M·|{n < N : n < 1}|", 3, 3),
]


@pytest.mark.parametrize(("math", "formula", "operations", "read"), HAND_COUNTED)
def test_counted_by_hand(spec_of, math, formula, operations, read) -> None:
    spec = spec_of(f'inputs: {{x: "f32[M, N]"}}\noutputs: {{y: "f32[M, N]"}}\nmath: |\n  {math}\n')
    binding = bind(spec, dims={"M": 3, "N": 4})
    counted = count_work(spec, binding, {"x": torch.rand(3, 4)})
    found = cost(spec)
    assert found.flops == formula
    assert counted.operations == found.evaluate(binding).flops == operations
    assert counted.read["x"] == read
    assert counted.bytes == found.evaluate(binding).bytes == 4 * (read + 12)


def test_data_makes_it_at_most(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]", len: "i32[M]"}
outputs: {y: "f32[M]"}
where: ["all[m](0 <= len[m] <= N)"]
math: |
  y[m] = sum[n < len[m]](exp(x[m, n]))
""")
    binding, found = bind(spec, dims={"M": 2, "N": 4}), cost(spec)
    assert (found.flops, found.bytes) == ("at most 2·M·N", "at most (M·N + M)·bytes(f32) + M·bytes(i32)")
    said = found.evaluate(binding)
    for lengths, share in (([4, 4], 8), ([4, 0], 4), ([1, 2], 3)):
        counted = count_work(spec, binding, {"x": torch.rand(2, 4), "len": torch.tensor(lengths)})
        assert counted.operations == 2 * share <= said.flops
        assert counted.bytes == 4 * (share + 2 + 2) <= said.bytes


def test_gathers_and_scatters_touch_what_they_reach(spec_of) -> None:
    spec = spec_of("""
inputs: {cache: "f32[P, D]", slot: "i32[N]", x: "f32[N, D]"}
outputs: {cache: "f32[P, D]"}
where: [N <= P, "all[n](0 <= slot[n] < P)", distinct(slot)]
math: |
  cache[slot[n], d] = x[n, d] + cache[slot[n], d]
""")
    binding, found = bind(spec, dims={"P": 9, "D": 2, "N": 3}), cost(spec)
    inputs = {"cache": torch.rand(9, 2), "slot": torch.tensor([7, 0, 4]), "x": torch.rand(3, 2)}
    counted = count_work(spec, binding, inputs)
    assert (counted.read["cache"], counted.written["cache"]) == (6, 6)
    assert not found.bytes_at_most
    assert counted.bytes == found.evaluate(binding).bytes


def test_parts_that_tile_an_axis_are_all_of_it(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, 2 * N]"}
outputs: {y: "f32[M, N]"}
math: |
  y[m, n] = x[m, n] * x[m, N + n]
""")
    assert cost(spec).bytes == "3·M·N·bytes(f32)"


def test_without_mathematics_the_work_is_unknown(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]"}
outputs: {y: "f32[N]"}
reference:
  torch: x.erfinv()
""")
    found = cost(spec)
    assert found.flops.startswith("unknown")
    assert found.bytes == "2·N·bytes(f32)"
    assert found.evaluate(bind(spec, dims={"N": 5})).bytes == 40


def test_the_page_states_what_is_derived(project_spec) -> None:
    examples = re.findall(r"^- (\w+): `(.+)` operations, `(.+)` bytes$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(examples) >= 5
    for name, flops, size in examples:
        assert (cost(project_spec(name)).flops, cost(project_spec(name)).bytes) == (flops, size), name

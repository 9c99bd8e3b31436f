"""Bounds of recurrences: carried while they are small, measured by disturbed runs where they have grown."""

from __future__ import annotations

import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.oracle import evaluate

DELTA_RULE = """
dims: {L: dynamic}
inputs: {k: "f32[L, K]", v: "f32[L, N]"}
outputs: {y: "f32[K, N]"}
where: [L >= 1]
math: |
  S[-1, i < K, j < N] = 0
  u[t, j] = v[t, j] - sum[i](k[t, i] * S[t - 1, i, j])
  S[t, i, j] = S[t - 1, i, j] + k[t, i] * u[t, j]
  y[i, j] = S[L - 1, i, j]
"""
DECAY = """
dims: {L: dynamic}
inputs: {x: "f32[L, N]"}
outputs: {y: "f32[L, N]"}
math: |
  S[-1, j < N] = 0
  S[t, j] = 0.5 * S[t - 1, j] + x[t, j]
  y[t, j] = S[t, j]
"""


def _delta_rule(spec_of, steps=60, width=24):
    generator = torch.Generator().manual_seed(3)
    k, v = (torch.randn(steps, size, generator=generator) for size in (width, 8))
    k /= k.norm(dim=1, keepdim=True)
    spec = spec_of(DELTA_RULE)
    found = evaluate(spec, bind(spec, dims={"L": steps, "K": width, "N": 8}), {"k": k, "v": v})
    return k, v, found


def _in_float32(k, v, dtype=torch.float32):
    state = torch.zeros(k.shape[1], v.shape[1])
    for key, value in zip(k, v, strict=True):
        state = (state + key[:, None] * (value - key @ state)).to(dtype).float()
    return state


def test_a_bound_that_grows_by_absolute_values_is_measured(spec_of) -> None:
    k, v, found = _delta_rule(spec_of)
    assert compare("y", _in_float32(k, v), found["y"]) is None
    assert float(found["y"].error.max() / found["y"].value.abs().max()) < 1e-4
    assert compare("y", _in_float32(k, v, torch.bfloat16), found["y"]) is not None


def test_measured_bounds_are_the_same_each_time(spec_of) -> None:
    first, second = (_delta_rule(spec_of, steps=40)[2] for _ in range(2))
    assert all(torch.equal(first[name].error, second[name].error) for name in first)


def test_a_bound_that_does_not_grow_is_carried(spec_of) -> None:
    """|S| halves from step to step, and so does its error: two roundings a step, together at most 4 of the largest."""
    spec = spec_of(DECAY)
    x = torch.ones(30, 2)
    found = evaluate(spec, bind(spec, dims={"L": 30, "N": 2}), {"x": x})["y"]
    assert (found.error <= 4.001 * 2**-24 * found.value.abs().max()).all()
    assert (found.error[5:] >= 2**-24 * found.value[5:]).all()

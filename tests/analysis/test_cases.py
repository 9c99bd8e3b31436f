"""Cases: allowed shapes at the edges, every dtype and flag, the same for the same seed, and cheap."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
import torch

from tileops_spec.analysis.binding import holds, shape_of
from tileops_spec.analysis.cases import DISTRIBUTIONS, WORK, Unsatisfiable, check_satisfiable, draw_cases, make_inputs
from tileops_spec.analysis.cost import cost
from tileops_spec.diagnostics.diagnostic import Sink

PROJECT = ("gemm", "rms_norm", "gqa_fwd")
ONE_DIM = 'inputs: {x: "f32[N]"}\noutputs: {y: "f32[N]"}\nmath: |\n  y[n] = x[n]\n'


@pytest.mark.parametrize("name", PROJECT)
def test_cases_satisfy_the_clauses_and_stay_cheap(project_spec, name) -> None:
    spec = project_spec(name)
    for case in draw_cases(spec, count=40, seed=3):
        binding = case.binding(spec)
        assert holds(spec, binding) == []
        assert min(binding.dims.values()) >= 1
        assert cost(spec).compiled_work()({**binding.dims, **binding.params}) <= WORK


@pytest.mark.parametrize("name", PROJECT)
def test_cases_are_determined_by_the_seed(project_spec, name) -> None:
    spec = project_spec(name)
    assert draw_cases(spec, count=12, seed=5) == draw_cases(spec, count=12, seed=5)
    assert draw_cases(spec, count=12, seed=5) != draw_cases(spec, count=12, seed=6)


@pytest.mark.parametrize("shapes", [1, 2, 3, 4, 5])
def test_static_shapes_are_few_and_meet_every_choice(project_spec, shapes) -> None:
    spec = project_spec("gqa_fwd")
    cases = draw_cases(spec, count=20 * shapes, seed=1, static_shapes=shapes)
    static = {dim.name for dim in spec.static_dims}
    statics = [tuple(pair for pair in case.dims if pair[0] in static) for case in cases]
    assert len(set(statics)) == shapes
    met = {(dims, case.dtypes, dict(case.params)["causal"]) for dims, case in zip(statics, cases, strict=True)}
    assert len(met) == 4 * shapes
    assert {(dims, case.data) for dims, case in zip(statics, cases, strict=True)} == {
        (dims, data) for dims in statics for data in DISTRIBUTIONS
    }


def test_few_cases_still_show_every_dtype_and_flag(project_spec) -> None:
    cases = draw_cases(project_spec("gqa_fwd"), count=2, seed=0)
    assert {dict(case.dtypes)["T"] for case in cases} == {"f16", "bf16"}
    assert {dict(case.params)["causal"] for case in cases} == {True, False}
    assert len(draw_cases(project_spec("gemm"), count=1, seed=0)) == 2


def test_shapes_are_ragged_long_and_tiny(project_spec) -> None:
    cases = [dict(case.dims) for case in draw_cases(project_spec("gemm"), count=30, seed=2)]
    rows = {dims["M"] for dims in cases}
    assert rows & {15, 17, 63, 65, 127, 129}
    assert rows & set(range(1, 16))
    assert max(rows) > 128
    assert any(dims["K"] >= 512 for dims in cases)
    assert any(dims["K"] % 64 for dims in cases)
    assert all(dims["K"] % 8 == 0 for dims in cases)


def test_the_steps_of_a_recurrence_are_more_than_a_tile(spec_of) -> None:
    spec = spec_of("""
dims: {B: dynamic, L: dynamic}
inputs: {k: "f32[B, L, K]", v: "f32[B, L, V]"}
outputs: {o: "f32[B, L, V]"}
math: |
  S[b, -1, i < K, j < V] = 0
  S[b, t, i, j] = S[b, t - 1, i, j] + k[b, t, i] * v[b, t, j]
  o[b, t, j] = sum[i](k[b, t, i] * S[b, t, i, j])
""")
    cases = [dict(case.dims) for case in draw_cases(spec, count=10, seed=0)]
    assert max(dims["L"] for dims in cases) > 128
    assert max(dims["B"] for dims in cases) <= 4


@pytest.mark.parametrize("seed", range(8))
def test_few_static_shapes_show_how_heads_share_keys(project_spec, seed: int) -> None:
    """With one key head, or as many as query heads, `h // (H // HK)` and `h % HK` are the same."""
    cases = draw_cases(project_spec("gqa_fwd"), count=12, seed=seed, static_shapes=3)
    pairs = {(dims["H"], dims["HK"]) for case in cases if (dims := dict(case.dims))}
    assert any(1 < key_heads < heads for heads, key_heads in pairs)
    assert any(key_heads in (1, heads) for heads, key_heads in pairs)


def test_heads_come_in_groups_and_stay_few(project_spec) -> None:
    cases = [dict(case.dims) for case in draw_cases(project_spec("gqa_fwd"), count=30, seed=2)]
    assert any(dims["H"] > dims["HK"] for dims in cases)
    assert max(dims["H"] * dims["B"] for dims in cases) <= 64
    assert any(dims["Sk"] > dims["Sq"] for dims in cases)
    assert any(dims["Sk"] == dims["Sq"] for dims in cases)


@pytest.mark.parametrize(
    "clause",
    [
        "N % 24 == 0 and N % 20 == 0",
        "N == 40 or N == 96",
        "N >= 5000 and N % 7 == 3",
        "N * N == 81",
        "N // 16 == 9",
        "N & (N - 1) == 0 and N > 500",
    ],
)
def test_clauses_of_many_forms_are_satisfied(spec_of, clause) -> None:
    spec = spec_of(ONE_DIM + f'where: ["{clause}"]\n')
    cases = draw_cases(spec, count=4, seed=0)
    assert cases
    assert all(not holds(spec, case.binding(spec)) for case in cases)


def test_related_dims_are_satisfied(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[A, B, C]", z: "f32[D]"}
outputs: {y: "f32[A, B, C]"}
where: [A % B == 0, B % C == 0, C > 1, D == A * C, A > B]
math: |
  y[a, b, c] = x[a, b, c] + z[a * C + c]
""")
    assert len(draw_cases(spec, count=8, seed=0)) == 8


def test_contradictions_are_reported(spec_of) -> None:
    spec = spec_of(ONE_DIM + "where: [N % 8 == 0, N % 8 == 1]\n")
    with pytest.raises(Unsatisfiable, match="N % 8 == 1"):
        draw_cases(spec, count=1, seed=0)
    sink = Sink()
    check_satisfiable(spec, sink)
    assert [found.code for found in sink.diagnostics] == ["TS120"]
    assert sink.diagnostics[0].span == spec.where[0].span


def test_params_without_a_default_get_values(spec_of) -> None:
    spec = spec_of("params: {w: i32, s: f32, f: bool}\n" + ONE_DIM + 'where: ["w < N"]\n')
    cases = draw_cases(spec, count=8, seed=0)
    assert all({"w", "s", "f"} == {name for name, _ in case.params} for case in cases)
    assert all(dict(case.params)["w"] < dict(case.dims)["N"] for case in cases)


def test_params_vary_where_no_dim_is_static(spec_of) -> None:
    spec = spec_of("""
params: {s: f32 = 1}
inputs: {x: "f32[*N]"}
outputs: {y: "f32[*N]"}
math: |
  y[*n] = s * x[*n]
""")
    values = [dict(case.params).get("s") for case in draw_cases(spec, count=8, seed=0)]
    assert None in values
    assert len(set(values)) >= 3


def test_labels_say_what_the_case_is(project_spec) -> None:
    case = draw_cases(project_spec("gqa_fwd"), count=1, seed=0)[0]
    dims = dict(case.dims)
    assert case.label.startswith(f"T={dict(case.dtypes)['T']} B={dims['B']} Sq={dims['Sq']} ")
    assert case.label.endswith(f"causal={str(dict(case.params)['causal']).lower()} {case.data}")


@pytest.mark.parametrize("name", PROJECT)
def test_inputs_have_the_declared_shapes_and_dtypes(project_spec, name) -> None:
    spec = project_spec(name)
    for case in draw_cases(spec, count=10, seed=4):
        binding, inputs, again = case.binding(spec), make_inputs(spec, case), make_inputs(spec, case)
        assert list(inputs) == [tensor.name for tensor in spec.inputs]
        for tensor in spec.inputs:
            value = inputs[tensor.name]
            assert tuple(value.shape) == shape_of(tensor, binding)
            assert value.dtype == getattr(torch, binding.dtype(tensor.dtype).torch)
            assert value.is_contiguous()
            assert value.isfinite().all()
            assert torch.equal(value, again[tensor.name])


def test_inputs_in_double_precision(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f64[N]"}
outputs: {y: "f64[N]"}
math: |
  y[n] = 2 * x[n]
""")
    x = make_inputs(spec, draw_cases(spec, count=1, seed=0)[0])["x"]
    assert x.dtype == torch.float64
    assert x.isfinite().all()


def test_distributions_differ(project_spec) -> None:
    spec = project_spec("gemm")
    found = {}
    for case in draw_cases(spec, count=40, seed=4):
        values = make_inputs(spec, case)["A"].float()
        if values.numel() > 2000:
            found[case.data] = values
    assert set(found) == set(DISTRIBUTIONS)
    assert 0.9 < found["normal"].std() < 1.1
    assert 9 < found["scaled"].std() < 11
    assert 4.8 < abs(found["shifted"].mean()) < 5.2
    assert found["heavy"].abs().max() > 6
    assert torch.equal(found["integers"], found["integers"].round())


def test_integers_that_index_stay_in_range(spec_of) -> None:
    spec = spec_of("""
dims: {N: dynamic}
inputs: {table: "f16[V, D]", id: "i32[N]", packed: "u8[N]", flag: "bool[N]"}
outputs: {y: "f16[N, D]"}
math: |
  y[n, d] = where(flag[n], table[id[n], d] * (packed[n] & 15), 0)
""")
    seen: Counter = Counter()
    for case in draw_cases(spec, count=20, seed=0):
        inputs = make_inputs(spec, case)
        assert inputs["id"].min() >= 0
        assert inputs["id"].max() < dict(case.dims)["V"]
        seen.update(packed=int(inputs["packed"].max() > 15), flags=len(set(inputs["flag"].tolist())) - 1)
    assert seen["packed"] > 5
    assert seen["flags"] > 5


def test_segments_that_may_not_be_long(spec_of) -> None:
    spec = spec_of("""
inputs: {cu: "i32[B + 1]", len: "i32[B]", x: "f32[M]"}
outputs: {y: "f32[M]"}
where:
  - M <= 16 * B
  - nondecreasing(cu)
  - cu[0] == 0
  - cu[B] == M
  - all[b < B](0 <= len[b] <= 16 - (cu[b + 1] - cu[b]))
math: |
  y[m] = x[m] * len[segment(cu, m)]
""")
    for case in draw_cases(spec, count=20, seed=1):
        inputs = make_inputs(spec, case)
        longest = inputs["cu"].diff() + inputs["len"]
        assert int(longest.max()) <= 16


def test_params_vary_within_clauses_about_them(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]"}
outputs: {y: "f32[N]"}
params: {base: f32 = 10000, context: i32 = 4096, longer: i32 = 8192}
where: [base > 1, context >= 32, longer >= context]
math: |
  y[n] = x[n] * base * context / longer
""")
    cases = draw_cases(spec, count=20, seed=2)
    assert all(holds(spec, case.binding(spec)) == [] for case in cases)
    for param, default in (("base", 10000), ("context", 4096), ("longer", 8192)):
        values = {dict(case.params).get(param, default) for case in cases}
        assert default in values, param
        assert len(values) > 2, param


def test_shifted_inputs_lie_on_either_side_of_zero(project_spec) -> None:
    spec = project_spec("gemm")
    case = replace(draw_cases(spec, count=1, seed=0)[0], data="shifted")
    drawn = [make_inputs(spec, replace(case, seed=seed)) for seed in range(16)]
    signs = {tuple(bool(each.float().mean() > 0) for each in inputs.values()) for inputs in drawn}
    assert signs == {(True, True), (True, False), (False, True), (False, False)}


def test_where_a_spec_asks_what_is_finite_some_elements_are_not(project_spec) -> None:
    case = replace(draw_cases(project_spec("isfinite"), count=1, seed=0)[0], dims=(("S", 1000),), data="heavy")
    x = make_inputs(project_spec("isfinite"), case)["x"]
    assert x.isnan().any()
    assert (x == torch.inf).any()
    assert (x == -torch.inf).any()
    assert x.isfinite().float().mean() > 0.7
    assert make_inputs(project_spec("isfinite"), replace(case, data="normal"))["x"].isfinite().all()

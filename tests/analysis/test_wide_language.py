"""The oracle on what the language can say beyond plain index notation: values against torch, bounds against float32."""

from __future__ import annotations

import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.cases import DISTRIBUTIONS, Unsatisfiable, draw_cases, make_inputs
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.expected import expected_outputs
from tileops_spec.analysis.inputs import draw_inputs
from tileops_spec.analysis.oracle import OracleError, evaluate, failed_assumptions


def run(spec, inputs, *, dims, **rest):
    return {name: found.value for name, found in evaluate(spec, bind(spec, dims=dims, **rest), inputs).items()}


SCAN = """
inputs: {a: "f32[T, D]", x: "f32[T, D]"}
outputs: {y: "f32[T, D]"}
math: |
  y[-1, d] = 1
  y[t, d] = a[t, d] * y[t - 1, d] + x[t, d]
"""
LSTM = """
inputs: {x: "f32[T, N]", w: "f32[N, N]"}
outputs: {h: "f32[T, N]", late: "f32[T, N]"}
math: |
  h[-1, n] = 0
  c[-1, n < N] = 0
  g[t, n] = sum[m](w[n, m] * h[t - 1, m]) + x[t, n]
  c[t, n] = c[t - 1, n] * 0.5 + tanh(g[t, n])
  h[t, n] = sigmoid(g[t, n]) * c[t, n]
  late[t, n] = c[t - 1, n]
"""


def test_a_recurrence_runs_forwards_from_its_initial_value(spec_of) -> None:
    a, x = torch.rand(7, 3), torch.randn(7, 3)
    value, expected = run(spec_of(SCAN), {"a": a, "x": x}, dims={"T": 7, "D": 3})["y"], []
    state = torch.ones(3, dtype=torch.float64)
    for step in range(7):
        state = a[step].double() * state + x[step].double()
        expected.append(state)
    assert torch.allclose(value, torch.stack(expected), rtol=1e-14)


def test_a_recurrence_runs_backwards_from_behind_its_axis(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[B, T]"}
outputs: {y: "f32[B, T]"}
math: |
  y[b, T] = 0
  y[b, t] = y[b, t + 1] + x[b, t]
""")
    x = torch.randn(2, 9)
    value = run(spec, {"x": x}, dims={"B": 2, "T": 9})["y"]
    assert torch.allclose(value, x.double().flip(1).cumsum(1).flip(1))


def test_names_recur_together_and_are_read_one_step_back(spec_of) -> None:
    x, w = torch.randn(5, 4), torch.randn(4, 4)
    values = run(spec_of(LSTM), {"x": x, "w": w}, dims={"T": 5, "N": 4})
    h = c = torch.zeros(4, dtype=torch.float64)
    for step in range(5):
        assert torch.allclose(values["late"][step], c)
        g = w.double() @ h + x[step].double()
        c = c * 0.5 + torch.tanh(g)
        h = torch.sigmoid(g) * c
        assert torch.allclose(values["h"][step], h, rtol=1e-13)
    assert values["c"].shape == (5, 4)


@pytest.mark.parametrize("steps", [0, 1])
def test_recurrences_over_hardly_any_step(spec_of, steps) -> None:
    inputs = {"a": torch.rand(steps, 3), "x": torch.randn(steps, 3)}
    assert run(spec_of(SCAN), inputs, dims={"T": steps, "D": 3})["y"].shape == (steps, 3)


@pytest.mark.parametrize("data", DISTRIBUTIONS)
def test_a_recurrence_in_float32_stays_within_its_bound(spec_of, data) -> None:
    spec = spec_of(SCAN)
    binding = bind(spec, dims={"T": 200, "D": 16})
    inputs = draw_inputs(spec, binding, data=data, seed=3) | {"a": torch.rand(200, 16)}
    state, steps = torch.ones(16), []
    for step in range(200):
        state = inputs["a"][step] * state + inputs["x"][step]
        steps.append(state)
    expected = evaluate(spec, binding, inputs)["y"]
    assert compare("y", torch.stack(steps), expected) is None
    rounded = torch.stack([each.bfloat16().float() for each in steps])
    assert compare("y", rounded, expected) is not None


def test_bounds_from_data_and_from_variables(spec_of) -> None:
    spec = spec_of("""
inputs: {len: "i32[B]", x: "f32[B, S]"}
outputs: {y: "f32[B]", m: "f32[B, S]", n: "f32[B, S]", c: "i64[B]"}
where: ["all[b](0 <= len[b] <= S)"]
math: |
  y[b] = sum[j < len[b]](x[b, j] / x[b, j])
  m[b, i] = max[j <= i](x[b, j])
  n[b, i] = mean[max(0, i - 2) <= j <= i](x[b, j])
  c[b] = sum[j < len[b], k < j](x[b, j] > x[b, k])
""")
    x, lengths = torch.randn(3, 6), torch.tensor([0, 4, 6], dtype=torch.int32)
    x[1, 5] = 0  # beyond the length: 0 / 0 is not looked at
    values = run(spec, {"x": x, "len": lengths}, dims={"B": 3, "S": 6})
    assert torch.allclose(values["y"], lengths.double())
    assert torch.equal(values["m"], x.double().cummax(1).values)
    windows = torch.stack([x[:, max(0, i - 2) : i + 1].double().mean(1) for i in range(6)], 1)
    assert torch.allclose(values["n"], windows)
    pairs = [sum(bool(row[j] > row[k]) for j in range(n) for k in range(j)) for row, n in zip(x, lengths, strict=True)]
    assert values["c"].tolist() == pairs


def test_a_bound_beyond_what_is_laid_out_is_no_value(spec_of) -> None:
    spec = spec_of(
        'inputs: {len: "i32[B]", x: "f32[S]"}\noutputs: {y: "f32[B]"}\nmath: y[b] = sum[j < len[b]](x[j])\n'.replace(
            "math: ", "math: |\n  "
        )
    )
    with pytest.raises(OracleError, match="a bound of j is 9, outside of 0 … 4"):
        run(spec, {"len": torch.tensor([9]), "x": torch.ones(4)}, dims={"B": 1, "S": 4})


def test_segments_of_packed_sequences(spec_of) -> None:
    spec = spec_of("""
inputs: {cu: "i32[B + 1]", x: "f32[T]"}
outputs: {y: "f32[B]", s: "i64[T]"}
where: [nondecreasing(cu), "cu[0] == 0", "cu[B] == T"]
math: |
  y[b] = sum[cu[b] <= t < cu[b + 1]](x[t])
  s[t] = segment(cu, t)
""")
    cu, x = torch.tensor([0, 2, 2, 5], dtype=torch.int32), torch.randn(5)
    values = run(spec, {"cu": cu, "x": x}, dims={"B": 3, "T": 5})
    assert values["s"].tolist() == [0, 0, 2, 2, 2]
    assert torch.allclose(values["y"], torch.stack([x[:2].sum(), torch.tensor(0.0), x[2:].sum()]).double())


def test_elements_beyond_the_ends_are_padding(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]", w: "f32[R]"}
outputs: {y: "f32[N]", z: "f32[N]"}
math: |
  y[n] = sum[r](pad(x[n + r - 1], 0) * w[r])
  z[n] = max[r](pad(x[n + r - 1], -inf) + 0 * w[r])
""")
    x, w = torch.randn(6), torch.randn(3)
    values = run(spec, {"x": x, "w": w}, dims={"N": 6, "R": 3})
    expected = torch.nn.functional.conv1d(x.double()[None, None], w.double()[None, None], padding=1)[0, 0]
    assert torch.allclose(values["y"], expected)
    assert torch.equal(values["z"], torch.nn.functional.max_pool1d(x.double()[None], 3, 1, 1)[0])


def test_selection_and_sorting_break_ties_by_place(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {v: "f32[M, 3]", i: "i64[M, 3]", s: "f32[M, N]", p: "i64[M, N]", l: "f32[M, N]", c: "f32[M, N]"}
math: |
  v[m, r] = topk[n](x[m, n], r)
  i[m, r] = argtopk[n](x[m, n], r)
  s[m, n] = sort[n](x[m, n])
  p[m, n] = argsort[n](x[m, n])
  l[m, n] = log_softmax[n](x[m, n])
  c[m, n] = cummin[n](x[m, n])
""")
    x = torch.randint(-3, 4, (5, 11)).float()
    values = run(spec, {"x": x}, dims={"M": 5, "N": 11})
    largest, places = torch.sort(x.double(), dim=1, descending=True, stable=True)
    assert torch.equal(values["v"], largest[:, :3])
    assert torch.equal(values["i"], places[:, :3])
    assert torch.equal(values["s"], x.double().sort(1).values)
    assert torch.equal(values["p"], torch.sort(x, dim=1, stable=True).indices)
    assert torch.allclose(values["l"], torch.log_softmax(x.double(), 1))
    assert torch.equal(values["c"], x.double().cummin(1).values)


def test_a_place_within_the_errors_is_unknown(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]"}
outputs: {i: "i64[2]"}
math: |
  y[n] = exp(x[n])
  i[r] = argtopk[n](y[n], r)
""")
    found = evaluate(spec, bind(spec, dims={"N": 4}), {"x": torch.tensor([0.0, 1.0, 1.0 + 1e-8, 3.0])})["i"]
    assert found.value[0] == 3
    assert found.error[0] == 0
    assert torch.isinf(found.error[1])


def test_scatter_adds_to_zeros_to_what_stands_above_and_to_old_values(spec_of) -> None:
    spec = spec_of("""
inputs: {index: "i32[N]", x: "f32[N, D]", acc: "f32[P, D]"}
outputs: {y: "f32[P, D]", acc: "f32[P, D]", z: "f32[P]"}
where: ["all[n](0 <= index[n] < P)"]
math: |
  y[index[n], d] += x[n, d]
  acc[index[n], d] += x[n, d]
  z[p] = acc[p, 0]
  z[index[n]] += 1
""")
    index, x, acc = torch.tensor([2, 0, 2]), torch.randn(3, 4), torch.randn(5, 4)
    values = run(spec, {"index": index, "x": x, "acc": acc}, dims={"N": 3, "D": 4, "P": 5})
    added = torch.zeros(5, 4, dtype=torch.float64).index_add(0, index, x.double())
    assert torch.allclose(values["y"], added)
    assert torch.allclose(values["acc"], acc.double() + added)
    assert torch.allclose(values["z"], acc[:, 0].double() + torch.tensor([1.0, 0, 2, 0, 0]).double())


@pytest.mark.parametrize("seed", range(3))
def test_scattered_sums_in_any_order_stay_within_their_bound(spec_of, seed) -> None:
    spec = spec_of("""
dtypes: {T: bf16}
inputs: {index: "i32[N]", x: "T[N]"}
params: {P: i32 = 3}
outputs: {y: "T[P]"}
where: ["all[n](0 <= index[n] < P)"]
math: |
  y[index[n]] += f32(x[n])
""")
    binding = bind(spec, dims={"N": 3000})
    inputs = draw_inputs(spec, binding, data="normal", seed=seed)
    expected = evaluate(spec, binding, inputs)["y"]
    order = torch.randperm(3000)
    index, x = inputs["index"].long()[order], inputs["x"][order]
    exact = torch.zeros(3).index_add(0, index, x.float())
    assert compare("y", exact.bfloat16(), expected) is None
    coarse = torch.zeros(3, dtype=torch.bfloat16)
    for place, value in zip(index, x, strict=True):
        coarse[place] += value
    assert compare("y", coarse, expected) is not None


def test_places_that_are_written_twice_or_lie_outside_are_no_value(spec_of) -> None:
    spec = spec_of("""
inputs: {slot: "i32[N]", k: "f32[N]", cache: "f32[P]"}
outputs: {cache: "f32[P]"}
math: |
  cache[slot[n]] = k[n]
""")
    inputs = {"k": torch.tensor([5.0, 6.0]), "cache": torch.zeros(4)}
    value = run(spec, inputs | {"slot": torch.tensor([3, 1])}, dims={"N": 2, "P": 4})["cache"]
    assert value.tolist() == [0, 6, 0, 5]
    with pytest.raises(OracleError, match="two values at one place"):
        run(spec, inputs | {"slot": torch.tensor([1, 1])}, dims={"N": 2, "P": 4})
    with pytest.raises(OracleError, match="written at index 4"):
        run(spec, inputs | {"slot": torch.tensor([1, 4])}, dims={"N": 2, "P": 4})


def test_an_optional_input_that_is_not_given_has_its_default(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]", b: "f32[N] = 2"}
outputs: {y: "f32[N]", given: "bool[N]"}
math: |
  y[n] = x[n] * b[n]
  given[n] = present(b) and x[n] > 0
""")
    x = torch.ones(3)
    assert run(spec, {"x": x}, dims={"N": 3})["y"].tolist() == [2, 2, 2]
    values = run(spec, {"x": x, "b": torch.full((3,), 5.0)}, dims={"N": 3})
    assert values["y"].tolist() == [5, 5, 5]
    assert values["given"].all()
    absent = {case.absent for case in draw_cases(spec, count=4, seed=0)}
    assert absent == {(), ("b",)}
    case = next(case for case in draw_cases(spec, count=4, seed=0) if case.absent)
    assert set(make_inputs(spec, case)) == {"x"}
    assert "without=b" in case.label


def test_integers_of_32_bits_wrap_and_of_64_shift_in_zeros(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "u32[N]"}
outputs: {hash: "u32[N]", high: "u32[N]"}
math: |
  hash[n] = x[n] * 747796405 + 2891336453
  high[n] = u32((u64(x[n]) * 3528531795) >> 32)
""")
    numbers = [0, 1, 0xFFFFFFFF, 0x80000001]
    values = run(spec, {"x": torch.tensor(numbers, dtype=torch.uint32)}, dims={"N": 4})
    assert values["hash"].tolist() == [(n * 747796405 + 2891336453) % 2**32 for n in numbers]
    assert values["high"].tolist() == [(n * 3528531795) >> 32 for n in numbers]


def test_packed_four_bit_weights(spec_of) -> None:
    spec = spec_of("""
inputs: {w: "u8[N, K // 2]", x: "f32[K]"}
outputs: {y: "f32[N]"}
where: [K % 2 == 0]
math: |
  q[n, k < K] = f32(i32((w[n, k // 2] >> u8(4 * (k % 2))) & 15) - 8)
  y[n] = sum[k](q[n, k] * x[k])
""")
    w, x = torch.randint(0, 256, (3, 4), dtype=torch.uint8), torch.randn(8)
    unpacked = torch.stack([w & 15, w >> 4], -1).flatten(1).double() - 8
    assert torch.allclose(run(spec, {"w": w, "x": x}, dims={"N": 3, "K": 8})["y"], unpacked @ x.double())


ASSUMED = """
inputs: {lo: "i32[B]", hi: "i32[B]", cu: "i32[B + 1]", slot: "i32[B, 2]", g: "f32[B]", table: "i32[B, 3]"}
outputs: {y: "f32[B]"}
where:
  - nondecreasing(cu)
  - cu[0] == 0
  - cu[B] == 3 * B
  - distinct(cu)
  - all[b](0 <= lo[b] < 10)
  - all[b](lo[b] < hi[b] <= 20)
  - all[b](-1 < g[b] < 0)
  - all[b, j](slot[b, j] >= lo[b] and slot[b, j] < hi[b] + 1)
  - all[b, j](table[b, j] == b)
math: |
  y[b] = g[b] + lo[b] + hi[b] + cu[b] + slot[b, 0] + table[b, 0]
"""


@pytest.mark.parametrize("data", DISTRIBUTIONS)
def test_data_keep_to_the_assumptions(spec_of, data) -> None:
    spec = spec_of(ASSUMED.replace("distinct(cu)", "all[b](cu[b] <= 3 * B)"))
    binding = bind(spec, dims={"B": 8})
    inputs = draw_inputs(spec, binding, data=data, seed=5)
    assert not failed_assumptions(spec, binding, inputs)
    assert inputs["cu"][-1] == 24
    assert (inputs["hi"] > inputs["lo"]).all()
    assert ((inputs["g"] > -1) & (inputs["g"] < 0)).all()
    broken = inputs | {"lo": inputs["hi"]}
    assert failed_assumptions(spec, binding, broken)


def test_assumptions_that_nothing_satisfies_are_named(spec_of) -> None:
    spec = spec_of("""
inputs: {i: "i32[N]"}
outputs: {y: "i32[N]"}
where: ["all[n](0 <= i[n] < 2)", distinct(i)]
math: |
  y[n] = i[n]
""")
    with pytest.raises(Unsatisfiable, match="distinct"):
        draw_inputs(spec, bind(spec, dims={"N": 5}), data="normal", seed=0)


def test_index_arithmetic_is_exact_before_it_becomes_a_float(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N]"}
outputs: {y: "f32[N]"}
math: |
  y[n] = x[n] * cos(2 * pi * (n * 16777217 % N) / N)
""")
    value = run(spec, {"x": torch.ones(7)}, dims={"N": 7})["y"]
    angles = torch.tensor([n * 16777217 % 7 for n in range(7)]).double() * 2 * torch.pi / 7
    assert torch.allclose(value, torch.cos(angles), atol=1e-12)


def test_slices_agree_with_the_whole(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[B, T]", index: "i32[T]"}
outputs: {y: "f32[B, T]", z: "f32[B, T]"}
where: ["all[t](0 <= index[t] < T)"]
math: |
  s[b, -1] = 0
  s[b, t] = 0.5 * s[b, t - 1] + x[b, t]
  c[b < B, t < T] = 0.0
  c[b, index[t]] += x[b, t]
  y[b, t] = sum[u <= t](s[b, u]) + s[b, t - 1]
  z[b, t] = c[b, T - 1 - t]
""")
    binding = bind(spec, dims={"B": 6, "T": 9})
    inputs = draw_inputs(spec, binding, data="normal", seed=1)
    whole, pieces = evaluate(spec, binding, inputs), evaluate(spec, binding, inputs, whole_limit=60)
    for name in ("y", "z"):
        assert torch.allclose(whole[name].value, pieces[name].value, rtol=1e-13)
        assert torch.allclose(whole[name].error, pieces[name].error, rtol=1e-6)


def test_without_mathematics_the_reference_is_what_counts(spec_of) -> None:
    spec = spec_of("""
dtypes: {T: f16 | bf16}
inputs: {x: "T[M, N]"}
outputs: {y: "T[N, N]"}
reference:
  torch: x.T @ x
""")
    binding = bind(spec, dims={"M": 40, "N": 5})
    inputs = draw_inputs(spec, binding, data="normal", seed=0)
    expected = expected_outputs(spec, binding, inputs)["y"]
    right = (inputs["x"].float().T @ inputs["x"].float()).half()
    assert compare("y", right, expected) is None
    assert compare("y", right * 1.05, expected) is not None


def test_a_local_that_reads_what_is_updated_in_place_is_no_recurrence(spec_of) -> None:
    spec = spec_of("""
inputs: {s: "f32[N]", x: "f32[N]"}
outputs: {s: "f32[N]", y: "f32[N]"}
math: |
  t[n] = 2 * s[n] + x[n]
  y[n] = t[n] ^ 2
  s[n] = t[n]
""")
    s, x = torch.randn(5), torch.randn(5)
    values = run(spec, {"s": s, "x": x}, dims={"N": 5})
    expected = 2 * s.double() + x.double()
    assert torch.equal(values["s"], expected)
    torch.testing.assert_close(values["y"], expected**2)

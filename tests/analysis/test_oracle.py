"""The oracle's values against torch, and where the mathematics has none."""

from __future__ import annotations

import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.oracle import OracleError, evaluate


def run(spec, inputs, *, dims, output="y", **rest):
    """The value of one output."""
    return evaluate(spec, bind(spec, dims=dims, **rest), inputs)[output].value


def one_dimensional(expression: str, *, inputs: str = 'x: "f32[n]"', dtype: str = "f32") -> str:
    return f'dims: {{n: dynamic}}\ninputs: {{{inputs}}}\noutputs: {{y: "{dtype}[n]"}}\nmath: |\n  y[i] = {expression}\n'


def test_axes_are_aligned_by_name(spec_of) -> None:
    spec = spec_of("""
inputs: {a: "f32[P, Q, R]", b: "f32[R, P]"}
outputs: {y: "f32[R, Q, P]"}
math: |
  y[r, q, p] = a[p, q, r] - 2 * b[r, p] + r
""")
    a, b = torch.randn(2, 3, 4), torch.randn(4, 2)
    value = run(spec, {"a": a, "b": b}, dims={"P": 2, "Q": 3, "R": 4})
    expected = a.double().permute(2, 1, 0) - 2 * b.double()[:, None, :] + torch.arange(4)[:, None, None]
    assert torch.equal(value, expected)


def test_repeated_and_affine_indices_gather(spec_of) -> None:
    spec = spec_of("""
inputs: {a: "f32[N, N]", b: "f32[2 * N]"}
outputs: {y: "f32[N]"}
math: |
  y[i] = a[i, i] + b[2 * i + 1] + a[N - 1 - i, 0]
""")
    a, b = torch.randn(5, 5), torch.randn(10)
    expected = a.diagonal().double() + b[1::2].double() + a[:, 0].flip(0).double()
    assert torch.equal(run(spec, {"a": a, "b": b}, dims={"N": 5}), expected)


def test_a_sum_of_products_over_nothing_is_zero(spec_of) -> None:
    spec = spec_of("""
inputs: {a: "f32[N, K]", b: "f32[N, K]"}
outputs: {y: "f32[N]"}
math: |
  y[i] = sum[k < K % 2](a[i, k] * b[i, k])
""")
    a, b = torch.randn(3, 5), torch.randn(3, 5)
    assert run(spec, {"a": a[:, :4], "b": b[:, :4]}, dims={"N": 3, "K": 4}).tolist() == [0, 0, 0]
    expected = a[:, 0].double() * b[:, 0].double()
    assert torch.equal(run(spec, {"a": a, "b": b}, dims={"N": 3, "K": 5}), expected)


def test_truths_are_sure_away_from_the_error_alone(spec_of) -> None:
    """A comparison that is false is as sure as one that is true; only where both sides meet may it turn."""
    spec = spec_of("""
inputs: {x: "f32[n]"}
outputs: {above: "bool[n]", kept: "bool[n]"}
math: |
  above[i] = f32(x[i]) * 0.1 >= 0.3
  kept[i] = bool(x[i] * 0.1)
""")
    x = torch.tensor([1.0, 3.0, 5.0, 0.0])
    found = evaluate(spec, bind(spec, dims={"n": 4}), {"x": x})
    assert found["above"].value.tolist() == [False, True, True, False]
    assert found["above"].error.tolist() == [0, 1, 0, 0]
    assert found["kept"].value.tolist() == [True, True, True, False]
    assert found["kept"].error.tolist() == [0, 0, 0, 1]


def test_an_index_out_of_range_names_tensor_index_and_extent(spec_of) -> None:
    spec = spec_of(one_dimensional("x[i + 1]"))
    with pytest.raises(OracleError, match=r"x is read at index 3 of axis 0, whose extent is 3"):
        run(spec, {"x": torch.zeros(3)}, dims={"n": 3})


def test_the_branch_not_taken_is_not_evaluated(spec_of) -> None:
    spec = spec_of(one_dimensional("where(i + 1 < n, log(x[i + 1]) * 0, -1)"))
    value = run(spec, {"x": torch.tensor([-1.0, 2.0, 3.0])}, dims={"n": 3})
    assert value.tolist() == [0, 0, -1]


def test_masked_infinities_give_no_nan(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[N, N]", v: "f32[N]"}
outputs: {y: "f32[N]"}
math: |
  p[i, j] = softmax[j](where(j > i, -inf, x[i, j]))
  y[i] = sum[j](p[i, j] * v[j])
""")
    x, v = torch.randn(6, 6), torch.randn(6)
    estimate = evaluate(spec, bind(spec, dims={"N": 6}), {"x": x, "v": v})
    masked = x.double().masked_fill(torch.ones(6, 6).triu(1).bool(), -torch.inf)
    assert torch.allclose(estimate["y"].value, torch.softmax(masked, -1) @ v.double(), rtol=1e-14)
    assert estimate["p"].error.isfinite().all()
    assert estimate["p"].error.triu(1).max() < 1e-37


def test_indices_from_data(spec_of) -> None:
    spec = spec_of("""
inputs: {pool: "f16[P, 4, D]", page: "i32[B, L]"}
outputs: {y: "f16[B, 4 * L, D]"}
math: |
  y[b, j, d] = pool[page[b, j // 4], j % 4, d]
""")
    pool, page = torch.randn(5, 4, 3).half(), torch.randint(0, 5, (2, 3), dtype=torch.int32)
    value = run(spec, {"pool": pool, "page": page}, dims={"P": 5, "D": 3, "B": 2, "L": 3})
    assert torch.equal(value, pool[page.long()].reshape(2, 12, 3).double())


def test_packed_integers(spec_of) -> None:
    spec = spec_of("""
inputs: {w: "u8[N, K // 2]"}
outputs: {y: "f16[N]"}
where: [K % 2 == 0]
math: |
  y[n] = sum[k < K](f32((w[n, k // 2] >> (4 * (k % 2))) & 15) - 8)
""")
    w = torch.randint(0, 256, (3, 4), dtype=torch.uint8)
    expected = ((w & 15).double() - 8).sum(1) + ((w >> 4).double() - 8).sum(1)
    assert torch.equal(run(spec, {"w": w}, dims={"N": 3, "K": 8}), expected)


@pytest.mark.parametrize(
    ("expression", "dtype", "expected"),
    [
        ("i8(x[i]) + i8(100)", "i8", [-56, -55, 100 - 3]),
        ("u8(0) - u8(1)", "u8", [255, 255, 255]),
        ("i32(x[i]) // 2", "i32", [50, 50, -2]),
        ("i32(x[i]) % 2", "i32", [0, 1, 1]),
        ("~i32(x[i])", "i32", [-101, -102, 2]),
        ("xor(i32(x[i]), 1)", "i32", [101, 100, -4]),
        ("x[i] > 0 and x[i] < 101", "bool", [True, False, False]),
    ],
)
def test_integers_and_bits(spec_of, expression, dtype, expected) -> None:
    spec = spec_of(one_dimensional(expression, dtype=dtype))
    assert run(spec, {"x": torch.tensor([100.0, 101.9, -3.5])}, dims={"n": 3}).tolist() == expected


def test_reductions(spec_of) -> None:
    names = ("sum", "mean", "prod", "max", "min", "logsumexp", "argmax", "argmin")
    outputs = ", ".join(f'{name}_: "{"i64" if name.startswith("arg") else "f32"}[M]"' for name in names)
    math = "\n".join(f"  {name}_[m] = {name}[i, j](x[m, i, j])" for name in names)
    spec = spec_of(f'inputs: {{x: "f32[M, I, J]"}}\noutputs: {{{outputs}}}\nmath: |\n{math}\n')
    x = torch.randn(3, 4, 5)
    flat = x.double().flatten(1)
    found = evaluate(spec, bind(spec, dims={"M": 3, "I": 4, "J": 5}), {"x": x})
    expected = {
        "sum": flat.sum(1),
        "mean": flat.mean(1),
        "prod": flat.prod(1),
        "max": flat.amax(1),
        "min": flat.amin(1),
        "logsumexp": flat.logsumexp(1),
        "argmax": flat.argmax(1),
        "argmin": flat.argmin(1),
    }
    for name, value in expected.items():
        assert torch.allclose(found[f"{name}_"].value, value, rtol=1e-13, atol=1e-15), name


def test_sums_over_what_does_not_vary(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M]"}
outputs: {y: "f32[M]"}
params: {n: i32 = 7}
math: |
  y[m] = sum[k < n](x[m] * 2) + sum[k < n](k)
""")
    assert run(spec, {"x": torch.tensor([1.0, -3.0])}, dims={"M": 2}).tolist() == [14 + 21, -42 + 21]


def test_any_all_and_scans(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {y: "f32[M, N]", z: "f32[M, N]", a: "bool[M]", b: "bool[M]"}
math: |
  y[m, n] = cumsum[n](x[m, n])
  z[m, n] = cumprod[m](x[m, n])
  a[m] = any[n](x[m, n] > 1)
  b[m] = all[n](x[m, n] > -1)
""")
    x = torch.randn(4, 6)
    found = evaluate(spec, bind(spec, dims={"M": 4, "N": 6}), {"x": x})
    assert torch.allclose(found["y"].value, x.double().cumsum(1))
    assert torch.allclose(found["z"].value, x.double().cumprod(0))
    assert torch.equal(found["a"].value, (x > 1).any(1))
    assert torch.equal(found["b"].value, (x > -1).all(1))


def test_a_contraction_is_never_laid_out(project_spec, monkeypatch) -> None:
    sizes = []
    einsum = torch.einsum
    monkeypatch.setattr(torch, "einsum", lambda form, *ts: sizes.extend(t.numel() for t in ts) or einsum(form, *ts))
    spec = project_spec("gemm")
    inputs = {"A": torch.randn(64, 128).half(), "B": torch.randn(72, 128).half()}
    value = run(spec, inputs, dims={"M": 64, "N": 72, "K": 128}, output="C")
    assert torch.allclose(value, inputs["A"].double() @ inputs["B"].double().T)
    assert max(sizes) == 72 * 128


def test_scales_are_joined_before_the_contraction(spec_of, monkeypatch) -> None:
    counts = []
    einsum = torch.einsum
    monkeypatch.setattr(torch, "einsum", lambda form, *ts: counts.append(len(ts)) or einsum(form, *ts))
    spec = spec_of("""
inputs: {A: "f32[M, K]", B: "f32[N, K]", a: "f32[M, K // 4]", b: "f32[N]"}
outputs: {y: "f32[M, N]"}
where: [K % 4 == 0]
math: |
  y[m, n] = sum[k](A[m, k] * B[n, k] * a[m, k // 4] * b[n])
""")
    shapes = {"A": (3, 8), "B": (5, 8), "a": (3, 2), "b": (5,)}
    inputs = {name: torch.randn(shape) for name, shape in shapes.items()}
    value = run(spec, inputs, dims={"M": 3, "N": 5, "K": 8})
    A, B, a, b = (inputs[name].double() for name in "ABab")
    assert torch.allclose(value, (A * a.repeat_interleave(4, 1)) @ (B * b[:, None]).T)
    assert set(counts) == {2}


@pytest.mark.parametrize("limit", [7, 60, 700, 2000])
def test_slices_agree_with_the_whole(project_spec, limit) -> None:
    spec = project_spec("gqa_fwd")
    binding = bind(spec, dims={"B": 2, "Sq": 5, "Sk": 9, "H": 4, "HK": 2, "D": 16})
    shapes = {"Q": (2, 5, 4, 16), "K": (2, 9, 2, 16), "V": (2, 9, 2, 16)}
    inputs = {name: torch.randn(shape).half() for name, shape in shapes.items()}
    whole, sliced = evaluate(spec, binding, inputs), evaluate(spec, binding, inputs, whole_limit=limit)
    assert set(whole) == {"s", "p", "O"}
    assert ("p" in sliced) == (limit == 2000)
    assert torch.allclose(whole["O"].value, sliced["O"].value, rtol=1e-13, atol=1e-15)
    assert torch.allclose(whole["O"].error, sliced["O"].error, rtol=1e-6)


def test_reductions_that_are_no_products_are_sliced_too(spec_of, monkeypatch) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, K]", z: "f32[N, K]"}
outputs: {y: "f32[M, N]"}
math: |
  y[m, n] = max[k](x[m, k] + z[n, k])
""")
    sizes = []
    amax = torch.Tensor.amax
    monkeypatch.setattr(torch.Tensor, "amax", lambda self, *rest: sizes.append(self.numel()) or amax(self, *rest))
    x, z = torch.randn(16, 32), torch.randn(8, 32)
    binding = bind(spec, dims={"M": 16, "N": 8, "K": 32})
    value = evaluate(spec, binding, {"x": x, "z": z}, whole_limit=1024)["y"].value
    assert max(sizes) <= 1024
    assert torch.equal(value, (x.double()[:, None] + z.double()).amax(-1))


def test_a_softmax_along_a_sliced_axis_sees_the_whole_axis(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {y: "f32[M, N]"}
math: |
  p[m, n] = softmax[m](x[m, n])
  y[m, n] = p[m, n] + x[M - 1 - m, n]
""")
    x = torch.randn(6, 4)
    sliced = evaluate(spec, bind(spec, dims={"M": 6, "N": 4}), {"x": x}, whole_limit=5)["y"].value
    assert torch.allclose(sliced, x.double().softmax(0) + x.double().flip(0))


def test_division_of_integers_by_zero(spec_of) -> None:
    text = "dims: {n: dynamic}\ninputs: {x: 'i32[n]'}\noutputs: {y: 'i32[n]'}\nmath: |\n  y[i] = %s\n"
    x = torch.tensor([1, 0], dtype=torch.int32)
    assert run(spec_of(text % "where(x[i] != 0, 6 // x[i], 0)"), {"x": x}, dims={"n": 2}).tolist() == [6, 0]
    with pytest.raises(OracleError, match="divided by zero"):
        run(spec_of(text % "6 // x[i]"), {"x": x}, dims={"n": 2})


def test_inputs_are_checked(project_spec) -> None:
    spec = project_spec("gemm")
    binding = bind(spec, dims={"M": 2, "N": 8, "K": 8})
    with pytest.raises(ValueError, match="input B is missing"):
        evaluate(spec, binding, {"A": torch.zeros(2, 8)})
    with pytest.raises(ValueError, match=r"input A has shape \(8, 2\), not \(2, 8\)"):
        evaluate(spec, binding, {"A": torch.zeros(8, 2), "B": torch.zeros(8, 8)})


@pytest.mark.parametrize("name", ["rms_norm", "gqa_fwd", "delta_net_fwd", "cumprod", "embedding_bwd", "logsumexp"])
def test_values_alone_are_those_that_come_with_bounds(project_spec, name) -> None:
    from tileops_spec.analysis.cases import draw_cases, make_inputs
    from tileops_spec.analysis.oracle import evaluate_values

    spec = project_spec(name)
    (case, *_) = draw_cases(spec, count=1, seed=0, work=1e5)
    binding, inputs = case.binding(spec), make_inputs(spec, case)
    alone, bounded = evaluate_values(spec, binding, inputs), evaluate(spec, binding, inputs)
    assert alone.keys() == bounded.keys()
    for each, value in alone.items():
        assert torch.equal(value, bounded[each].value), each

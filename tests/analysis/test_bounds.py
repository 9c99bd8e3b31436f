"""The bound accepts whatever a correct kernel may compute, and rejects what an incorrect one does."""

from __future__ import annotations

import math

import pytest
import torch

from tileops_spec.analysis.binding import bind
from tileops_spec.analysis.cases import DISTRIBUTIONS
from tileops_spec.analysis.compare import compare
from tileops_spec.analysis.inputs import draw_inputs
from tileops_spec.analysis.oracle import evaluate

M, N, K = 33, 72, 1032


@pytest.fixture(params=DISTRIBUTIONS)
def data(request) -> str:
    return request.param


@pytest.fixture(params=["f16", "bf16"])
def dtype(request) -> str:
    return request.param


def gemm(spec, data, dtype):
    """Inputs in float32, the bound, and the storage dtype."""
    binding = bind(spec, dims={"M": M, "N": N, "K": K}, dtypes={"T": dtype})
    inputs = draw_inputs(spec, binding, data=data, seed=11)
    return inputs["A"].float(), inputs["B"].float(), evaluate(spec, binding, inputs)["C"], inputs["A"].dtype


def blocks(a, b, size, accumulator=torch.float32):
    """The product with one rounding to `accumulator` after each block of k."""
    total = torch.zeros(a.shape[0], b.shape[0], dtype=accumulator)
    for k in range(0, a.shape[1], size):
        total = total + (a[:, k : k + size] @ b[:, k : k + size].T).to(accumulator)
    return total


def pairwise(products):
    while products.shape[0] > 1:
        odd = products[-1:] if products.shape[0] % 2 else products[:0]
        products = torch.cat([products[0:-1:2] + products[1::2], odd])
    return products[0]


@pytest.mark.parametrize("order", ["sequential", "blocked", "reversed", "split", "pairwise", "truncated"])
def test_any_order_of_summation_is_accepted(project_spec, data, dtype, order) -> None:
    a, b, expected, storage = gemm(project_spec("gemm"), data, dtype)
    if order == "sequential":
        value = blocks(a, b, 1)
    elif order == "blocked":
        value = blocks(a, b, 64)
    elif order == "reversed":
        value = blocks(a.flip(1), b.flip(1), 7)
    elif order == "split":
        value = blocks(a[:, : K // 2], b[:, : K // 2], 32) + blocks(a[:, K // 2 :], b[:, K // 2 :], 32)
    elif order == "pairwise":
        value = pairwise(torch.einsum("mk,nk->kmn", a, b))
    else:
        value = truncating(a, b)
    assert compare("C", value.to(storage), expected) is None


def truncating(a, b):
    """Every addition rounded towards zero, as tensor cores add."""
    total = torch.zeros(a.shape[0], b.shape[0])
    for k in range(0, a.shape[1], 4):
        exact = total.double() + a[:, k : k + 4].double() @ b[:, k : k + 4].double().T
        total = exact.float()
        total = torch.where(total.abs() > exact.abs(), torch.nextafter(total, torch.zeros(())), total)
    return total


@pytest.mark.parametrize("size", [1, 16, 64])
def test_a_half_precision_accumulator_is_rejected(project_spec, dtype, size) -> None:
    a, b, expected, storage = gemm(project_spec("gemm"), "normal", dtype)
    found = compare("C", blocks(a, b, size, accumulator=storage), expected)
    assert found is not None
    assert found.count > 0.01 * found.total


def test_a_dropped_last_tile_is_rejected(project_spec, data, dtype) -> None:
    a, b, expected, storage = gemm(project_spec("gemm"), data, dtype)
    assert compare("C", (a[:, : K - 8] @ b[:, : K - 8].T).to(storage), expected) is not None


def test_rounding_operands_is_rejected(project_spec) -> None:
    a, b, expected, storage = gemm(project_spec("gemm"), "normal", "f16")
    assert compare("C", (a.bfloat16().float() @ b.T).to(storage), expected) is not None


# attention

ATTENTION = {"B": 1, "Sq": 24, "Sk": 600, "H": 4, "HK": 2, "D": 64}


def attention(spec, data, dtype, **params):
    """Q, K, V in float32 by head, the binding, the bound, and the storage dtype."""
    binding = bind(spec, dims=ATTENTION, dtypes={"T": dtype}, params=params)
    inputs = draw_inputs(spec, binding, data=data, seed=5)
    q, k, v = (inputs[name].float().transpose(1, 2) for name in "QKV")
    k, v = (each.repeat_interleave(2, 1) for each in (k, v))
    return (q, k, v), binding, evaluate(spec, binding, inputs)["O"], inputs["Q"].dtype


def flash(q, k, v, binding, storage, *, tile=64, accumulator=torch.float32, shift=0, scale=None):
    """An online softmax over tiles of keys, as kernels do it: exp2, rounded probabilities, rescaled accumulator."""
    scale = (binding.params["scale"] if scale is None else scale) * math.log2(math.e)
    rows = q.shape[2]
    top, mass = torch.full((*q.shape[:3], 1), -1e30), torch.zeros(*q.shape[:3], 1)
    out = torch.zeros(q.shape, dtype=accumulator)
    for j in range(0, k.shape[2], tile):
        s = q @ k[:, :, j : j + tile].transpose(2, 3)
        if binding.params["causal"]:
            keys = torch.arange(j, j + s.shape[3])
            allowed = keys <= torch.arange(rows)[:, None] + k.shape[2] - rows + shift
            s = s.masked_fill(~allowed, -torch.inf)
        new = torch.maximum(top, s.amax(-1, keepdim=True))
        p, fade = torch.exp2(s * scale - new * scale), torch.exp2((top - new) * scale)
        mass = mass * fade + p.sum(-1, keepdim=True)
        out = (out * fade).to(accumulator) + (p.to(storage).float() @ v[:, :, j : j + tile]).to(accumulator)
        top = new
    return (out / mass).to(storage).transpose(1, 2)


@pytest.mark.parametrize("tile", [16, 128, 600])
@pytest.mark.parametrize("causal", [True, False])
def test_an_online_softmax_is_accepted(project_spec, data, dtype, causal, tile) -> None:
    tensors, binding, expected, storage = attention(project_spec("gqa_fwd"), data, dtype, causal=causal)
    assert compare("O", flash(*tensors, binding, storage, tile=tile), expected) is None


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("tile", [4, 16])
def test_a_half_precision_accumulator_of_attention_is_rejected(project_spec, dtype, causal, tile) -> None:
    tensors, binding, expected, storage = attention(project_spec("gqa_fwd"), "normal", dtype, causal=causal)
    assert compare("O", flash(*tensors, binding, storage, tile=tile, accumulator=storage), expected) is not None


def test_wrong_attention_is_rejected(project_spec, data) -> None:
    tensors, binding, expected, storage = attention(project_spec("gqa_fwd"), data, "f16")
    q, k, v = tensors
    wrong = {
        "no scale": flash(*tensors, binding, storage, scale=1.0),
        "other heads": flash(q, k.flip(1), v.flip(1), binding, storage),
    }
    if data not in ("scaled", "heavy"):  # those give nearly all weight to one key, which a wrong mask may miss
        wrong["mask one off"] = flash(*tensors, binding, storage, shift=1)
        wrong["mask one short"] = flash(*tensors, binding, storage, shift=-1)
        wrong["last tile dropped"] = flash(q, k[:, :, :-8], v[:, :, :-8], binding, storage, shift=8)
    accepted = [what for what, value in wrong.items() if compare("O", value, expected) is None]
    assert not accepted


# normalization and elementwise


def norm(spec, data, dtype, width=520):
    binding = bind(spec, dims={"S": 33, "D": width}, dtypes={"T": dtype})
    inputs = draw_inputs(spec, binding, data=data, seed=3)
    return inputs["x"].float(), inputs["w"].float(), evaluate(spec, binding, inputs)["y"], inputs["x"].dtype


def test_norms_are_accepted(project_spec, data, dtype) -> None:
    x, w, expected, storage = norm(project_spec("rms_norm"), data, dtype)
    scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
    assert compare("y", (x * scale * w).to(storage), expected) is None
    assert compare("y", (x * (scale * w)).to(storage), expected) is None
    assert (
        compare("y", (w * (x / torch.sqrt(blocks(x * x, torch.ones(1, 520), 3) / 520 + 1e-6))).to(storage), expected)
        is None
    )


def test_wrong_norms_are_rejected(project_spec, data, dtype) -> None:
    x, w, expected, storage = norm(project_spec("rms_norm"), data, dtype)
    scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
    variance = torch.rsqrt(x.var(-1, unbiased=False, keepdim=True) + 1e-6)
    half = torch.rsqrt(blocks((x * x).to(storage).float(), torch.ones(1, 520), 1, accumulator=storage) / 520)
    wrong = {
        "rounded before the weight": (x * scale).to(storage) * w.to(storage),
        "layer norm": (x * variance * w).to(storage),
        "a copy": x.to(storage),
        "no weight": (x * scale).to(storage),
        "half-precision sum": (x * half * w).to(storage),
        "tail left out": (x * torch.rsqrt(x[:, :-8].square().sum(-1, keepdim=True) / 520 + 1e-6) * w).to(storage),
    }
    accepted = {what for what, value in wrong.items() if compare("y", value, expected) is None}
    # Small whole numbers add up exactly in 11 bits, and in them a mean of 0 hides which norm it was.
    assert accepted <= ({"half-precision sum"} if data == "integers" and dtype == "f16" else set())


SMOOTH = (
    *("exp(x[i])", "exp2(x[i])", "expm1(x[i])", "log(abs(x[i]))", "log2(abs(x[i]))", "log1p(abs(x[i]))"),
    *("sqrt(abs(x[i]))", "rsqrt(abs(x[i]))", "recip(x[i])", "sin(x[i])", "cos(x[i])", "tan(x[i])", "tanh(x[i])"),
    *("sigmoid(x[i])", "erf(x[i])", "silu(x[i])", "softplus(x[i])", "abs(x[i]) ^ 1.7", "x[i] ^ 3", "atan2(x[i], 2)"),
    *("x[i] / (1 + x[i] ^ 2)", "fma(x[i], x[i], -x[i])", "exp(-x[i] ^ 2) * sin(3 * x[i])", "sqrt(exp(x[i]) - 1 + 9)"),
    *(
        "tanh(0.79 * (x[i] + 0.0447 * x[i] ^ 3)) * x[i]",
        "log(1 + exp(x[i]))",
        "fmod(x[i], 0.75)",
        "min(x[i], sin(x[i]))",
    ),
    *("clamp(x[i] * 3, -1, 1)", "relu(x[i] * 1.1)", "where(x[i] * 1.1 > 0.3, x[i], sin(x[i]))", "x[i] % 0.7"),
)


@pytest.mark.parametrize("expression", SMOOTH)
def test_functions_in_float32_are_within_their_bounds(spec_of, expression) -> None:
    """The same mathematics in float32, by another library; and the bound is not so wide that it means nothing."""
    spec = spec_of(
        f'dims: {{n: dynamic}}\ninputs: {{x: "f32[n]"}}\noutputs: {{y: "f32[n]"}}\nmath: |\n  y[i] = {expression}\n'
    )
    x = torch.randn(4000, generator=torch.Generator().manual_seed(1)) * 3
    expected = evaluate(spec, bind(spec, dims={"n": 4000}), {"x": x})["y"]
    assert compare("y", in_float32(expression, x), expected) is None
    size = expected.value.abs() + 1
    assert (expected.error / size).median() < 64 * 2**-24


def in_float32(expression, x):
    text = expression.replace("x[i]", "x").replace("^", "**").replace("where(", "torch.where(")
    names = {name: getattr(torch, name) for name in dir(torch) if name.isidentifier()}
    names |= {
        "recip": torch.reciprocal,
        "silu": torch.nn.functional.silu,
        "softplus": torch.nn.functional.softplus,
        "fma": lambda a, b, c: a * b + c,
        "min": torch.minimum,
        "atan2": lambda a, b: torch.atan2(a, torch.tensor(float(b))),
    }
    return eval(text, {"torch": torch, "x": x, **names})


@pytest.mark.parametrize("name", ["cumsum", "cumprod", "softmax"])
def test_scans_in_float32_are_within_their_bounds(spec_of, name) -> None:
    tensors = 'inputs: {x: "f32[M, N]"}\noutputs: {y: "f32[M, N]"}\n'
    spec = spec_of(f"{tensors}math: |\n  y[m, n] = {name}[n](cos(x[m, n]))\n")
    x = torch.randn(30, 700)
    expected = evaluate(spec, bind(spec, dims={"M": 30, "N": 700}), {"x": x})["y"]
    assert compare("y", getattr(torch, name)(torch.cos(x), 1), expected) is None
    off = getattr(torch, name)(torch.cos(x) * (1 + 1e-3), 1)
    assert name == "softmax" or compare("y", off, expected) is not None


def test_quantization_may_fall_on_either_side(spec_of) -> None:
    """A scale that is off by one rounding moves values across a step: both neighbours are right there, only there."""
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {q: "i8[M, N]"}
math: |
  top[m] = max[n](abs(x[m, n]))
  q[m, n] = i8(round(x[m, n] / (top[m] / 127)))
""")
    x = torch.randn(4, 3000)
    x[:, 0], x[:, 1] = 127.0, 0.5  # a tie
    expected = evaluate(spec, bind(spec, dims={"M": 4, "N": 3000}), {"x": x})["q"]
    exact = torch.round(x.double() / (x.double().abs().amax(1, keepdim=True) / 127)).to(torch.int8)
    assert compare("q", exact, expected) is None
    assert expected.error[:, 1].tolist() == [1.0] * 4
    assert (expected.error > 0).double().mean() < 0.01
    assert compare("q", torch.trunc(x).to(torch.int8), expected) is not None


def test_argmax_may_name_any_place_within_the_error(spec_of) -> None:
    spec = spec_of('inputs: {x: "f32[M, N]"}\noutputs: {y: "i64[M]"}\nmath: |\n  y[m] = argmax[n](exp(x[m, n]))\n')
    x = torch.tensor([[0.0, 1.0, 1.0 + 1e-7, -2.0], [0.0, 1.0, 2.0, 0.5]])
    expected = evaluate(spec, bind(spec, dims={"M": 2, "N": 4}), {"x": x})["y"]
    assert compare("y", torch.tensor([1, 2]), expected) is None
    assert compare("y", torch.tensor([2, 2]), expected) is None
    assert compare("y", torch.tensor([1, 1]), expected) is not None


def test_equal_probabilities_are_rounded_alike(spec_of) -> None:
    """Keys that are gathered again and again: their roundings do not cancel, whoever divides when."""
    spec = spec_of("""
dims: {M: dynamic, K: dynamic}
inputs: {x: "f32[M, N]", v: "f32[N]", at: "i32[K]"}
outputs: {y: "f32[M]"}
where: [N >= 1, "all[k](0 <= at[k] < N)"]
math: |
  p[m, k] = softmax[k](x[m, at[k]])
  y[m] = sum[k](f32(bf16(p[m, k])) * v[at[k]])
""")
    generator = torch.Generator().manual_seed(2)
    x, v = torch.randn(200, 2, generator=generator), torch.tensor([1.0, -1.0])
    at = torch.arange(400).remainder(2).int()
    expected = evaluate(spec, bind(spec, dims={"M": 200, "K": 400, "N": 2}), {"x": x, "v": v, "at": at})["y"]
    e = torch.exp(x - x.amax(1, keepdim=True))[:, at.long()]
    late = (e.bfloat16().float() * v[at.long()]).sum(1) / e.sum(1)
    assert compare("y", late, expected) is None

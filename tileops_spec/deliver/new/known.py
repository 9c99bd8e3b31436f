"""Torch functions whose mathematics is known: what `tospec new --from` can write down in full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """`tensors` are the names and types of the function's first tensors, in its order; further ones are left out.

    `fixed` gives the arguments that are no params: what the reference passes for them, or None where their default
    stands. `params` gives types where the signature does not tell.
    """

    summary: str
    tensors: Mapping[str, str]
    outputs: Mapping[str, str]
    math: str
    fixed: Mapping[str, str | None] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    dims: tuple[str, ...] = ()
    where: tuple[str, ...] = ()


def _unary(formula: str, summary: str, **rest) -> Known:
    """One element from the element `x[*s]`."""
    return Known(summary=summary, tensors={"x": "T[*S]"}, outputs={"y": "T[*S]"}, math=f"y[*s] = {formula}", **rest)


def _binary(formula: str, summary: str, **rest) -> Known:
    return Known(
        summary=f"{summary}, of two tensors of one shape.",
        tensors={"x": "T[*S]", "z": "T[*S]"},
        outputs={"y": "T[*S]"},
        math=f"y[*s] = {formula}",
        **rest,
    )


def _along(name: str, summary: str) -> Known:
    return Known(
        summary=f"{summary}, over the last axis.",
        tensors={"x": "T[*S, D]"},
        outputs={"y": "T[*S, D]"},
        math=f"y[*s, d] = {name}[d](f32(x[*s, d]))",
        fixed={"dim": "-1"},
    )


def _reduced(formula: str, summary: str) -> Known:
    return Known(
        summary=f"{summary}, over the last axis.",
        tensors={"x": "T[*S, D]"},
        outputs={"y": "T[*S]"},
        math=f"y[*s] = {formula}",
        fixed={"dim": "-1", "keepdim": None},
    )


_SAME_NAME = {
    "exp": "The exponential of each element.",
    "exp2": "Two to the power of each element.",
    "expm1": "The exponential of each element, less one.",
    "log": "The natural logarithm of each element.",
    "log2": "The logarithm of each element to base two.",
    "log1p": "The natural logarithm of one more than each element.",
    "sqrt": "The square root of each element.",
    "rsqrt": "One over the square root of each element.",
    "sin": "The sine of each element.",
    "cos": "The cosine of each element.",
    "tanh": "The hyperbolic tangent of each element.",
    "sigmoid": "The logistic function of each element.",
    "erf": "The error function of each element.",
    "relu": "Each element where it is positive, else zero.",
    "silu": "Each element times its logistic function.",
    "abs": "The absolute value of each element.",
    "floor": "Each element rounded down.",
    "ceil": "Each element rounded up.",
    "trunc": "Each element rounded towards zero.",
}
_ROW = {"x": "T[*S, D]"}

KNOWN: dict[str, Known] = {
    **{name: _unary(f"{name}(f32(x[*s]))", summary) for name, summary in _SAME_NAME.items()},
    "reciprocal": _unary("recip(f32(x[*s]))", "One over each element."),
    "neg": _unary("-x[*s]", "Each element with its sign changed."),
    "square": _unary("f32(x[*s]) ^ 2", "The square of each element."),
    "gelu": _unary(
        "0.5 * f32(x[*s]) * (1 + erf(f32(x[*s]) * rsqrt(f32(2))))",
        "The Gaussian error linear unit of each element.",
        fixed={"approximate": None},
    ),
    "leaky_relu": _unary(
        "where(x[*s] > 0, f32(x[*s]), negative_slope * f32(x[*s]))",
        "Each element where it is positive, else scaled by a slope.",
    ),
    "add": _binary("f32(x[*s]) + alpha * f32(z[*s])", "The sum, the second scaled", params={"alpha": "f32 = 1"}),
    "sub": _binary("f32(x[*s]) - alpha * f32(z[*s])", "The difference, the second scaled", params={"alpha": "f32 = 1"}),
    "mul": _binary("f32(x[*s]) * f32(z[*s])", "The elementwise product"),
    "div": _binary("f32(x[*s]) / f32(z[*s])", "The elementwise quotient", fixed={"rounding_mode": None}),
    "maximum": _binary("max(x[*s], z[*s])", "The larger of each pair of elements"),
    "minimum": _binary("min(x[*s], z[*s])", "The smaller of each pair of elements"),
    "mm": Known(
        summary="Dense matrix product of two row-major matrices, with float32 accumulation.",
        tensors={"A": "T[M, K]", "B": "T[K, N]"},
        outputs={"C": "T[M, N]"},
        math="C[m, n] = sum[k](f32(A[m, k]) * f32(B[k, n]))",
        dims=("M",),
    ),
    "bmm": Known(
        summary="A batch of dense matrix products, with float32 accumulation.",
        tensors={"A": "T[B, M, K]", "X": "T[B, K, N]"},
        outputs={"C": "T[B, M, N]"},
        math="C[b, m, n] = sum[k](f32(A[b, m, k]) * f32(X[b, k, n]))",
        dims=("M",),
    ),
    "mv": Known(
        summary="Product of a matrix with a vector, with float32 accumulation.",
        tensors={"A": "T[M, K]", "x": "T[K]"},
        outputs={"y": "T[M]"},
        math="y[m] = sum[k](f32(A[m, k]) * f32(x[k]))",
    ),
    "addmm": Known(
        summary="Dense matrix product, scaled, plus a scaled matrix, with float32 accumulation.",
        tensors={"C": "T[M, N]", "A": "T[M, K]", "B": "T[K, N]"},
        outputs={"D": "T[M, N]"},
        math="D[m, n] = beta * f32(C[m, n]) + alpha * sum[k](f32(A[m, k]) * f32(B[k, n]))",
        params={"beta": "f32 = 1", "alpha": "f32 = 1"},
        dims=("M",),
    ),
    "linear": Known(
        summary="Rows times a transposed weight, plus a bias, with float32 accumulation.",
        tensors={"x": "T[*S, K]", "weight": "T[N, K]", "bias": "T[N] = 0"},
        outputs={"y": "T[*S, N]"},
        math="y[*s, n] = sum[k](f32(x[*s, k]) * f32(weight[n, k])) + f32(bias[n])",
    ),
    "layer_norm": Known(
        summary="Layer normalization over the last axis, with an optional weight and an optional bias.",
        tensors={"x": "T[*S, D]", "weight": "T[D] = 1", "bias": "T[D] = 0"},
        outputs={"y": "T[*S, D]"},
        math="""\
mu[*s] = mean[d](f32(x[*s, d]))
variance[*s] = mean[d]((f32(x[*s, d]) - mu[*s]) ^ 2)
y[*s, d] = (f32(x[*s, d]) - mu[*s]) * rsqrt(variance[*s] + eps) * f32(weight[d]) + f32(bias[d])""",
        fixed={"normalized_shape": "(D,)", "cudnn_enable": None},
    ),
    "rms_norm": Known(
        summary="Root-mean-square normalization over the last axis, with an optional weight.",
        tensors={"x": "T[*S, D]", "weight": "T[D] = 1"},
        outputs={"y": "T[*S, D]"},
        math="""\
ms[*s] = mean[d](f32(x[*s, d]) ^ 2)
y[*s, d] = f32(x[*s, d]) * rsqrt(ms[*s] + eps) * f32(weight[d])""",
        fixed={"normalized_shape": "(D,)"},
        params={"eps": "f32 = 1e-6"},
    ),
    "softmax": _along("softmax", "The softmax"),
    "log_softmax": _along("log_softmax", "The logarithm of the softmax"),
    "cumsum": _along("cumsum", "Running sums"),
    "logsumexp": _reduced("logsumexp[d](f32(x[*s, d]))", "The logarithm of the sum of exponentials"),
    "amax": _reduced("max[d](x[*s, d])", "The largest element"),
    "amin": _reduced("min[d](x[*s, d])", "The smallest element"),
    "argmax": Known(
        summary="The first place of the largest element, over the last axis.",
        tensors=_ROW,
        outputs={"y": "i64[*S]"},
        math="y[*s] = argmax[d](x[*s, d])",
        fixed={"dim": "-1", "keepdim": None},
    ),
    "embedding": Known(
        summary="Rows of a table, by index.",
        tensors={"index": "i64[*S]", "table": "T[V, D]"},
        outputs={"y": "T[*S, D]"},
        math="y[*s, d] = table[index[*s], d]",
        fixed=dict.fromkeys(("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")),
        where=("all[*s](0 <= index[*s] < V)",),
    ),
    "mse_loss": Known(
        summary="The mean of squared differences.",
        tensors={"x": "T[*S]", "target": "T[*S]"},
        outputs={"loss": "T[]"},
        math="loss = mean[*s]((f32(x[*s]) - f32(target[*s])) ^ 2)",
        fixed={"reduction": None},
    ),
    "scaled_dot_product_attention": Known(
        summary="Attention; with `is_causal`, query i sees the keys up to i.",
        tensors={"Q": "T[B, H, Sq, D]", "K": "T[B, H, Sk, D]", "V": "T[B, H, Sk, E]"},
        outputs={"O": "T[B, H, Sq, E]"},
        math="""\
s[b, h, i, j] = scale * sum[d](f32(Q[b, h, i, d]) * f32(K[b, h, j, d]))
p[b, h, i, j] = softmax[j](where(is_causal and j > i, -inf, s[b, h, i, j]))
O[b, h, i, e] = sum[j](f32(T(p[b, h, i, j])) * f32(V[b, h, j, e]))""",
        fixed={"dropout_p": None, "enable_gqa": None},
        params={"scale": "f32 = 1 / sqrt(D)"},
        dims=("Sq", "Sk"),
    ),
}
"""By the name of the function, or of the operator of torch.ops.aten that computes it."""

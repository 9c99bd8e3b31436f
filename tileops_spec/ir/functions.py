"""The functions that the mathematics may call, with their arity; semantics live with the oracle."""

from __future__ import annotations

ELEMENTWISE: dict[str, int] = {
    **dict.fromkeys(("exp", "exp2", "expm1", "log", "log2", "log1p", "sqrt", "rsqrt", "recip"), 1),
    **dict.fromkeys(("sin", "cos", "tan", "tanh", "sigmoid", "erf", "relu", "silu", "softplus"), 1),
    **dict.fromkeys(("abs", "sign", "floor", "ceil", "round", "trunc", "isnan", "isinf", "isfinite"), 1),
    **dict.fromkeys(("min", "max", "pow", "fmod", "atan2", "xor"), 2),
    **dict.fromkeys(("clamp", "fma"), 3),
}
"""Elementwise functions by name, with their number of arguments."""

SELECTIONS = frozenset({"topk", "argtopk"})
"""Reductions with a second argument, the rank: `topk[j](body, r)` is the r-th largest value over j, from 0."""

REDUCTIONS = (
    frozenset({"sum", "prod", "mean", "max", "min", "any", "all", "argmax", "argmin", "logsumexp"}) | SELECTIONS
)
"""Reductions `f[i, …](body)`: the axes named in brackets are gone from the result."""

AXISWISE = frozenset({"softmax", "log_softmax", "cumsum", "cumprod", "cummax", "cummin", "sort", "argsort"})
"""Functions along one axis that the result keeps; sorting is ascending and stable."""

PROPERTIES = frozenset({"nondecreasing", "distinct"})
"""What assumptions may say of a whole tensor: its elements do not decrease, or no two of them are equal."""

CONSTANTS: dict[str, float] = {"inf": float("inf"), "pi": 3.141592653589793}
"""Named numbers."""

BOOLEAN_RESULT = frozenset({"any", "all", "isnan", "isinf", "isfinite"})
INDEX_RESULT = frozenset({"argmax", "argmin", "argtopk", "argsort"})

"""Cost and classification, read from the form of the mathematics; and all of it without torch."""

from __future__ import annotations

import itertools
import subprocess
import sys

import pytest

from tileops_spec.analysis.binding import bind, bind_workload, evaluate_scalar
from tileops_spec.analysis.classify import classify
from tileops_spec.analysis.cost import cost
from tileops_spec.analysis.divisors import known_divisor, proves_multiple
from tileops_spec.analysis.masks import masks_of

NO_TORCH = """
import sys
from pathlib import Path
from tileops_spec.check import load_spec
from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.analysis.binding import bind_workload, holds
from tileops_spec.analysis.cases import draw_cases
from tileops_spec.analysis.classify import classify
from tileops_spec.analysis.cost import cost
from tileops_spec.hardware import TARGETS, check_hardware, derive_features
for path in Path("specs").glob("*.yaml"):
    spec = load_spec(path, Sink())
    draw_cases(spec, count=4, seed=0), classify(spec), check_hardware(spec, Sink())
    for workload in spec.workloads:
        cost(spec).evaluate(bind_workload(spec, dict(workload.values)))
    assert derive_features(spec, TARGETS["sm_90a"])
heavy = {"torch", "tilelang", "z3", "numpy", "sympy"} & set(sys.modules)
assert not heavy, heavy
"""


def test_what_needs_no_tensors_needs_no_torch(root) -> None:
    subprocess.run([sys.executable, "-c", NO_TORCH], cwd=root, check=True)


# cost


def test_a_gemm_counts_two_operations_a_point(project_spec) -> None:
    found = cost(project_spec("gemm"))
    assert found.flops == "2·M·N·K"
    assert found.bytes == "(M·K + M·N + K·N)·bytes(T)"
    value = found.evaluate(bind(project_spec("gemm"), dims={"M": 3, "N": 8, "K": 16}, dtypes={"T": "bf16"}))
    assert (value.flops, value.bytes) == (2 * 3 * 8 * 16, 2 * (48 + 128 + 24))
    assert value.intensity == 768 / 400


def test_what_varies_with_fewer_indices_is_counted_once(project_spec) -> None:
    assert cost(project_spec("rms_norm")).flops == "4·S·D + 2·S"


@pytest.mark.parametrize(("Sq", "Sk"), [(1, 1), (4, 4), (3, 9), (7, 8)])
@pytest.mark.parametrize("causal", [True, False])
def test_masked_points_need_no_work(project_spec, Sq, Sk, causal) -> None:
    spec = project_spec("gqa_fwd")
    dims = {"B": 2, "H": 4, "HK": 2, "D": 16, "Sq": Sq, "Sk": Sk}
    points = sum(not causal or j <= i + Sk - Sq for i in range(Sq) for j in range(Sk))
    value = cost(spec).evaluate(bind(spec, dims=dims, params={"causal": causal}))
    assert value.flops == 2 * 4 * points * (4 * 16 + 6)


def test_long_causal_workloads_are_counted_quickly(project_spec) -> None:
    spec = project_spec("gqa_fwd")
    dims = {"B": 1, "H": 32, "HK": 8, "D": 128, "Sq": 16384, "Sk": 16384}
    assert cost(spec).evaluate(bind(spec, dims=dims)).flops == 32 * (16384 * 16385 // 2) * (4 * 128 + 6)


@pytest.mark.parametrize(
    "mask",
    [
        "j > i",
        "not (j <= i and j > i - win)",
        "j < i - win or j >= i + win",
        "j == i",
        "j != 2 * i",
        "i < j and j < 5",
        "(j > i) == (i > 3)",
        "j > i / 2 + 0.3",
    ],
)
def test_masks_are_counted_exactly(spec_of, mask) -> None:
    spec = spec_of(f"""
params: {{win: i32 = 3}}
inputs: {{x: "f32[M, N]"}}
outputs: {{y: "f32[M, N]"}}
math: |
  y[i, j] = softmax[j](where({mask}, -inf, x[i, j]))
""")
    for extents in itertools.product((1, 2, 7, 11), (1, 3, 12)):
        binding = bind(spec, dims=dict(zip("MN", extents, strict=True)))
        found = masks_of(spec)["y"]
        rows, columns = map(range, extents)
        points = ({"i": i, "j": j} for i in rows for j in columns)
        assert found.count(binding) == sum(not evaluate_scalar(found.condition, binding, at) for at in points)


def test_masks_with_quotients_are_counted_but_are_no_feature(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {y: "f32[M, N]"}
math: |
  y[i, j] = softmax[j](where(j // 2 > i, -inf, x[i, j]))
""")
    assert masks_of(spec) == {}
    assert cost(spec).flops == "5·|{i < M, j < N : j // 2 <= i}|"


def test_scales_count_with_what_they_scale(spec_of) -> None:
    spec = spec_of("""
inputs: {A: "e4m3[M, K]", B: "e4m3[N, K]", a: "f32[M, K // 128]", b: "f32[N]"}
outputs: {y: "bf16[M, N]"}
where: [K % 128 == 0]
math: |
  y[m, n] = sum[k](f32(A[m, k]) * f32(B[n, k]) * a[m, k // 128] * b[n])
""")
    assert set(cost(spec).flops.split(" + ")) == {"2·M·N·K", "M·K", "N·K"}


def test_a_gather_reads_no_more_than_it_asks_for(spec_of) -> None:
    spec = spec_of("""
inputs: {table: "f16[V, D]", id: "i32[N]"}
outputs: {y: "f16[N, D]"}
math: |
  y[n, d] = table[id[n], d]
""")
    found = cost(spec)
    assert found.flops == "0"
    assert found.bytes == "at most D·N·bytes(f16) + D·min(V, N)·bytes(f16) + N·bytes(i32)"
    assert found.evaluate(bind(spec, dims={"V": 1000, "D": 8, "N": 3})).bytes == 2 * 24 + 4 * 3 + 2 * 24
    assert found.evaluate(bind(spec, dims={"V": 2, "D": 8, "N": 30})).bytes == 2 * 16 + 4 * 30 + 2 * 240


@pytest.mark.parametrize("name", ["gemm", "rms_norm", "gqa_fwd"])
def test_every_workload_has_a_cost(project_spec, name) -> None:
    spec = project_spec(name)
    for workload in spec.workloads:
        value = cost(spec).evaluate(bind_workload(spec, dict(workload.values)))
        assert value.flops > 0
        assert value.bytes > 0


# structure


def axes(contraction) -> tuple[str, ...]:
    parts = (contraction.batch, contraction.m, contraction.n, contraction.k)
    return tuple("".join(axis.name for axis in part) for part in parts)


def test_a_gemm_is_a_contraction(project_spec) -> None:
    found = classify(project_spec("gemm"))
    assert found.kinds == ("contraction",)
    (contraction,) = found.contractions
    assert axes(contraction) == ("", "m", "n", "k")
    assert (contraction.left.dtype, contraction.right.dtype, contraction.dtype) == ("T", "T", "f32")
    assert (contraction.left.tensors, contraction.right.tensors) == (("A",), ("B",))


def test_attention_is_two_contractions_about_a_softmax(project_spec) -> None:
    found = classify(project_spec("gqa_fwd"))
    assert found.kind == "attention"
    assert [axes(each) for each in found.contractions] == [("bh", "i", "j", "d"), ("bh", "i", "d", "j")]
    assert found.chains == (("s", "O"),)
    assert [(each.target, each.axis.name, each.consumers) for each in found.softmaxes] == [("p", "j", ("O",))]
    assert {(group.tensor, group.index) for group in found.groups} == {("K", "h"), ("V", "h")}
    assert found.contractions[1].left.dtype == "T"


def test_a_norm_is_a_reduction_and_a_second_pass(project_spec) -> None:
    found = classify(project_spec("rms_norm"))
    assert found.kinds == ("normalization", "reduction")
    assert [(each.target, each.function) for each in found.reductions] == [("ms", "mean")]
    assert found.contractions == ()


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ('inputs: {x: "f32[N]"}\noutputs: {y: "f32[N]"}\nmath: |\n  y[n] = exp(x[n])\n', ("elementwise",)),
        ('inputs: {x: "f32[M, N]"}\noutputs: {y: "f32[M]"}\nmath: |\n  y[m] = max[n](x[m, n])\n', ("reduction",)),
        ('inputs: {x: "f32[M, N]"}\noutputs: {y: "f32[M, N]"}\nmath: |\n  y[m, n] = cumsum[n](x[m, n])\n', ("scan",)),
        (
            'inputs: {x: "f32[V]", i: "i32[N]"}\noutputs: {y: "f32[N]"}\nmath: |\n  y[n] = x[i[n]]\n',
            ("gather",),
        ),
        (
            'inputs: {x: "f32[M, N]"}\noutputs: {y: "f32[M, N]"}\nmath: |\n  y[m, n] = x[m, n] - mean[k](x[m, k])\n',
            ("normalization", "reduction"),
        ),
        (
            'inputs: {x: "f32[M, N]"}\noutputs: {y: "f32[M, N]"}\nmath: |\n  y[m, n] = softmax[n](x[m, n])\n',
            ("normalization",),
        ),
        (
            'inputs: {x: "f32[M, N]", y: "f32[M, N]"}\noutputs: {z: "f32[M]"}\n'
            "math: |\n  z[m] = sum[n](x[m, n] * y[m, n])\n",
            ("reduction",),
        ),
        (
            'inputs: {A: "f16[M, K]", x: "f16[K]"}\noutputs: {y: "f16[M]"}\nmath: |\n  y[m] = sum[k](A[m, k] * x[k])\n',
            ("contraction",),
        ),
    ],
)
def test_kinds_come_from_the_form(spec_of, text, kinds) -> None:
    assert classify(spec_of(text)).kinds == kinds


def test_contractions_through_locals_padding_and_scales(spec_of) -> None:
    spec = spec_of("""
dtypes: {T: f16}
inputs: {X: "T[N, W, C]", F: "T[O, 3, C]", s: "f32[O]"}
outputs: {Y: "T[N, W, O]"}
math: |
  f[o, r, c] = T(F[o, r, c] * s[o])
  Y[n, w, o] = sum[r < 3, c](where(w + r >= 1 and w + r - 1 < W, f32(X[n, w + r - 1, c]), 0) * f32(f[o, r, c]))
""")
    (contraction,) = classify(spec).contractions
    assert axes(contraction) == ("", "nw", "o", "rc")
    assert (contraction.left.dtype, contraction.right.dtype) == ("T", "T")


# divisors

EXTENTS = """
inputs: {x: "f32[K, H, D, E, G]"}
outputs: {y: "f32[K]"}
where: [K % 8 == 0, K % 12 == 0, H % G == 0, G % 4 == 0, D == 64 or D == 96, E == K * H, K > 0, K % 2 == 0 or K == 3]
math: |
  y[k] = x[k, 0, 0, 0, 0]
"""


def test_divisors_follow_from_clauses(spec_of) -> None:
    spec = spec_of(EXTENTS)
    K, H, D, E, G = spec.inputs[0].shape
    assert [known_divisor(extent, spec.where) for extent in (K, H, D, E, G)] == [24, 4, 32, 96, 4]
    assert proves_multiple(K, 8, spec.where)
    assert not proves_multiple(K, 16, spec.where)


def test_divisors_are_sound(spec_of) -> None:
    """Whatever is claimed holds at every extent that the clauses allow."""
    clauses = ("K % 6 == 0", "K // 4 == 3", "K == 9 or K == 15", "K % (2 * 4) == 0 and K < 50", "8 % K == 0", "K != 4")
    for chosen in itertools.combinations(clauses, 2):
        listed = ", ".join(f'"{clause}"' for clause in chosen)
        spec = spec_of(
            f'inputs: {{x: "f32[K]"}}\noutputs: {{y: "f32[K]"}}\nwhere: [{listed}]\nmath: |\n  y[k] = x[k]\n'
        )
        divisor = known_divisor(spec.inputs[0].shape[0], spec.where)
        for size in range(1, 200):
            binding = bind(spec, dims={"K": size})
            if all(evaluate_scalar(clause, binding) for clause in spec.where):
                assert size % divisor == 0, chosen


def test_divisors_that_refer_to_each_other_end(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[A, B]"}
outputs: {y: "f32[A]"}
where: [A % B == 0, B % A == 0, B % 3 == 0]
math: |
  y[a] = x[a, 0]
""")
    assert known_divisor(spec.inputs[0].shape[0], spec.where) == 3

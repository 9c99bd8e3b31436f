"""Features: what follows from the form of a spec, with reasons and the clause that would unlock a no."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tileops_spec.diagnostics.diagnostic import Sink
from tileops_spec.hardware import FEATURES, TARGETS, check_hardware, derive_features

HOPPER = TARGETS["sm_90a"]


def features(spec, target=HOPPER):
    return {feature.name: feature for feature in derive_features(spec, target)}


def present(spec, target=HOPPER) -> set[str]:
    return {name for name, feature in features(spec, target).items() if feature.present}


def product(
    *, inputs="A: 'T[M, K]', B: 'T[N, K]'", factors="f32(A[m, k]) * f32(B[n, k])", where="K % 8 == 0", dtype="f16"
):
    return (
        f"dtypes: {{T: {dtype}}}\ninputs: {{{inputs}}}\noutputs: {{C: 'f32[M, N]'}}\n"
        f"where: ['{where}']\nmath: |\n  C[m, n] = sum[k]({factors})\n"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gemm", {"mma", "wgmma", "tma", "cp-async", "cluster", "pipeline", "vectorized", "dynamic-shape"}),
        ("rms_norm", {"tma", "cp-async", "row-reduction", "vectorized", "dynamic-shape"}),
        (
            "gqa_fwd",
            {
                *("mma", "wgmma", "tma", "cp-async", "cluster", "pipeline", "vectorized", "dynamic-shape"),
                *("online-softmax", "causal-skip", "chained-contraction", "broadcast-heads"),
            },
        ),
    ],
)
def test_the_specs_of_the_project(project_spec, name, expected) -> None:
    spec = project_spec(name)
    assert present(spec) == expected
    assert list(features(spec)) == list(FEATURES)
    assert all(feature.reason for feature in features(spec).values())
    assert all(not feature.unlock for feature in features(spec).values() if feature.present)


def test_reasons_name_tensors_axes_and_dtypes(project_spec) -> None:
    found = features(project_spec("gqa_fwd"))
    assert "s contracts Q with K over d, operands T (f16, bf16), accumulator f32" in found["wgmma"].reason
    assert "O contracts p with V over j" in found["wgmma"].reason
    assert "D % 8 == 0 follows from `where` (Q, K, V)" in found["tma"].reason
    assert "causal and j > i + Sk - Sq" in found["causal-skip"].reason
    assert "K at `h // (H // HK)`" in found["broadcast-heads"].reason


@pytest.mark.parametrize(
    ("where", "dtype", "unlock"),
    [
        ("K > 0", "f16", "K % 8 == 0"),
        ("K % 4 == 0", "f16", "K % 8 == 0"),
        ("K % 4 == 0", "f32", None),
        ("K % 8 == 0", "e4m3", "K % 16 == 0"),
        ("K % 8 == 0", "f16 | e4m3", "K % 16 == 0"),
        ("K == 64 or K == 128", "e4m3", None),
        ("K % 24 == 0", "bf16", None),
        ("K == 4 * 16", "f16", None),
    ],
)
def test_rows_must_be_whole_vectors(spec_of, where, dtype, unlock) -> None:
    spec = spec_of(product(where=where, dtype=dtype))
    found = features(spec)["tma"]
    assert (found.present, found.unlock) == (unlock is None, unlock)


def test_the_clause_that_is_named_unlocks(spec_of) -> None:
    before = features(spec_of(product(where="K > 0")))["tma"]
    assert features(spec_of(product(where=before.unlock)))["tma"].present


def test_a_dynamic_innermost_extent_has_no_tma(spec_of) -> None:
    found = features(spec_of("dims: {K: dynamic}\n" + product()))
    assert not found["tma"].present
    assert "K is dynamic" in found["tma"].reason
    assert found["vectorized"].reason.startswith("nothing proves that rows of C")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dtype": "f32"}, "multiplies A in f32: a cast such as `f32(f16(x))`"),
        ({"factors": "A[m, k] * B[n, k]", "dtype": "bf16"}, "accumulates in bf16, WGMMA in f32"),
        ({"inputs": "A: 'f16[M, K]', B: 'bf16[N, K]'"}, "multiplies f16 with bf16"),
        (
            {"inputs": "A: 'T[M, K]', B: 'u8[N, K]'", "factors": "f32(A[m, k]) * f32(B[n, k])"},
            "multiplies T with u8: both sides must have one dtype",
        ),
    ],
)
def test_why_a_contraction_has_no_wgmma(spec_of, changes, reason) -> None:
    found = features(spec_of(product(**changes)))["wgmma"]
    assert not found.present
    assert reason in found.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"factors": "A[m, k] * B[n, k]"},
        {"dtype": "e4m3 | e5m2"},
        {"factors": "f32(T(f32(A[m, k]) * 2)) * f32(B[n, k])"},
        {
            "factors": "f32(A[m, k]) * f32(T(f32(Q[n, k // 2] >> (4 * (k % 2)) & 15) - 8))",
            "inputs": "A: 'T[M, K]', Q: 'u8[N, K // 2]'",
        },
        {"factors": "i32(A[m, k]) * i32(B[n, k])", "inputs": "A: 'i8[M, K]', B: 'i8[N, K]'"},
    ],
)
def test_contractions_with_wgmma(spec_of, changes) -> None:
    assert features(spec_of(product(**changes)))["wgmma"].present


def test_a_product_with_a_vector_behind_a_product_of_matrices(spec_of) -> None:
    spec = spec_of("""
inputs: {A: "f16[M, K]", B: "f16[N, K]", w: "f32[N]"}
outputs: {y: "f32[M]"}
where: [K % 8 == 0]
math: |
  s[m, n] = sum[k](f32(A[m, k]) * f32(B[n, k]))
  y[m] = sum[n](relu(s[m, n]) * w[n])
""")
    found = features(spec)
    assert found["wgmma"].reason == "s contracts A with B over k, operands f16, accumulator f32"
    assert found["tma"].present


def test_scales_need_no_alignment(spec_of) -> None:
    spec = spec_of("""
inputs: {A: "e4m3[M, K]", B: "e4m3[N, K]", a: "f32[M, K // 128]", b: "f32[N, K // 128]"}
outputs: {C: "bf16[M, N]"}
where: [K % 128 == 0, N % 8 == 0]
math: |
  C[m, n] = sum[k](f32(A[m, k]) * f32(B[n, k]) * a[m, k // 128] * b[n, k // 128])
""")
    found = features(spec)
    assert {"wgmma", "tma", "vectorized"} <= present(spec)
    assert "A (scaled by a) with B (scaled by b)" in found["wgmma"].reason


def test_a_gathered_innermost_index_has_no_tma(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f16[M, N]", i: "i32[N]"}
outputs: {y: "f16[M, N]"}
where: [N % 8 == 0]
math: |
  y[m, n] = x[m, i[n]]
""")
    assert features(spec)["tma"].reason == "x: its innermost index `i[n]` is found in data"


def test_a_stride_over_elements_has_no_tma(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f16[M, 2 * N]"}
outputs: {y: "f16[M, N]"}
where: [N % 8 == 0]
math: |
  y[m, n] = x[m, 2 * n]
""")
    assert "does not step by one" in features(spec)["tma"].reason


def test_other_targets(project_spec) -> None:
    spec = project_spec("gemm")
    ampere, blackwell = features(spec, TARGETS["sm_80"]), features(spec, TARGETS["sm_100"])
    assert not ampere["wgmma"].present
    assert not ampere["tma"].present
    assert ampere["pipeline"].present
    assert blackwell["tma"].present
    assert not blackwell["wgmma"].present


def test_a_softmax_that_is_written_is_a_row_reduction(spec_of) -> None:
    text = 'inputs: {x: "f32[M, N]"}\noutputs: {y: "f32[M, N]"}\nmath: |\n  y[m, n] = softmax[n](x[m, n])\n'
    assert present(spec_of(text)) & {"online-softmax", "row-reduction"} == {"row-reduction"}
    dynamic = present(spec_of("dims: {N: dynamic}\n" + text))
    assert dynamic & {"online-softmax", "row-reduction"} == {"online-softmax", "row-reduction"}


def test_padding_masks_are_no_causal_skip(spec_of) -> None:
    spec = spec_of("""
inputs: {x: "f32[M, N]"}
outputs: {y: "f32[M, N]"}
params: {used: i32 = 5}
math: |
  y[m, n] = softmax[n](where(n >= used, -inf, x[m, n]))
""")
    assert not features(spec)["causal-skip"].present


# requirements


def required(spec, *, targets=("sm_90a",), require=()):
    sink = Sink()
    check_hardware(replace(spec, hardware=replace(spec.hardware, targets=targets, require=require)), sink)
    return sink.diagnostics


def test_what_a_spec_can_have_may_be_required(project_spec) -> None:
    assert required(project_spec("gemm"), require=("wgmma", "tma")) == []


def test_what_a_spec_cannot_have_is_an_error(project_spec) -> None:
    (found,) = required(project_spec("rms_norm"), require=("wgmma", "row-reduction"))
    assert found.code == "TS119"
    assert "`wgmma` is required, but rms_norm cannot have it on sm_90a: there is no contraction" in found.message
    assert found.help == "take wgmma out of `require`"


def test_the_help_names_the_clause(spec_of) -> None:
    (found,) = required(spec_of(product(where="K > 0")), require=("tma",))
    assert (found.code, found.help) == ("TS119", "add `K % 8 == 0` to `where`")


def test_every_target_is_checked(project_spec) -> None:
    found = required(project_spec("gemm"), targets=("sm_90a", "sm_80"), require=("wgmma",))
    assert [each.code for each in found] == ["TS119"]
    assert "sm_80" in found[0].message


def test_unknown_names(project_spec) -> None:
    found = required(project_spec("gemm"), targets=("sm_90a", "sm_1"), require=("wgmma", "warp"))
    assert [each.code for each in found] == ["TS118", "TS118"]
    assert "there is no target `sm_1`" in found[0].message
    assert "sm_80, sm_89, sm_90a, sm_100" in found[0].help
    assert "there is no feature `warp`" in found[1].message


def test_targets() -> None:
    assert HOPPER.shared_memory == 232448
    assert HOPPER.tilelang == {"kind": "cuda", "arch": "sm_90a"}
    assert HOPPER.peak("bf16") == HOPPER.peak("f16") > HOPPER.peak("f64")
    assert set(HOPPER.signals) <= set(FEATURES)
    assert "tma_load" in HOPPER.signals["tma"]

"""The Op around a kernel that torch stands in for: what it infers, refuses, allocates, registers."""

from __future__ import annotations

import importlib

import pytest
import torch


@pytest.fixture
def gemm_op(generated, monkeypatch):
    """The gemm module, with torch in place of the emulated kernel; `calls` sees what the kernel is given."""
    calls = []

    def compute(self, tensors):
        A, B, C = tensors
        calls.append(tensors)
        C.copy_((A.float() @ B.float().T).to(C.dtype))

    kernel = pytest.importorskip("made_by_tospec.gemm.kernel")
    monkeypatch.setattr(kernel.GemmKernel, "_emulate", compute)
    module = generated["gemm"]
    module.calls = calls
    return module


@pytest.fixture
def norm_op(generated, monkeypatch):
    def compute(self, tensors):
        x, w, y = tensors
        assert x.dim() == y.dim() == 2
        y.copy_(torch.nn.functional.rms_norm(x.float(), w.shape, w.float(), 1e-6).to(y.dtype))

    kernel = pytest.importorskip("made_by_tospec.rms_norm.kernel")
    monkeypatch.setattr(kernel.RmsNormKernel, "_emulate", compute)
    return generated["rms_norm"]


@pytest.fixture
def attention(generated, monkeypatch):
    """The gqa_fwd module with torch's attention in place of the kernel; `params` sees what kernels are made for."""
    kernel = pytest.importorskip("made_by_tospec.gqa_fwd.kernel")
    module = generated["gqa_fwd"]
    module.params = []

    class Kernel:
        def __init__(self, B, H, D, HK, dtype, *, causal, scale):
            module.params.append((B, H, D, HK, dtype, causal, scale))
            self.options = {"is_causal": causal, "scale": scale, "enable_gqa": True}

        def __call__(self, Q, K, V, O):  # noqa: E741
            heads_first = (each.transpose(1, 2) for each in (Q, K, V))
            O.copy_(torch.nn.functional.scaled_dot_product_attention(*heads_first, **self.options).transpose(1, 2))

    monkeypatch.setattr(kernel, "GqaFwdKernel", Kernel)
    importlib.import_module("made_by_tospec.gqa_fwd.op")._kernel.cache_clear()
    return module


def half(*shape):
    return torch.randn(shape, dtype=torch.float16)


def test_values_and_module(gemm_op):
    A, B = half(5, 16), half(8, 16)
    C = gemm_op.gemm(A, B)
    assert (C.shape, C.dtype) == ((5, 8), torch.float16)
    torch.testing.assert_close(C, A @ B.T, rtol=1e-2, atol=1e-2)
    assert torch.equal(gemm_op.GemmOp()(A, B), C)


def test_the_kernel_gets_dense_aligned_tensors(gemm_op):
    A, B = half(16, 5).T, half(8 * 16 + 1)[1:].view(8, 16)
    assert not A.is_contiguous()
    assert B.data_ptr() % 16
    gemm_op.gemm(A, B)
    for given, tensor in zip(gemm_op.calls[-1], (A, B), strict=False):
        assert given.is_contiguous()
        assert given.data_ptr() % 16 == 0
        assert torch.equal(given, tensor)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((5, 7), (8, 7)), "gemm: K % 8 == 0 does not hold (K = 7, from A: (5, 7))"),
        (((5, 16), (9, 16)), "gemm: N % 8 == 0 does not hold (N = 9, from B: (9, 16))"),
        (((5, 16), (8, 24)), "gemm: axis 1 of B is 24, but K = 16 from axis 1 of A (B: (8, 24), A: (5, 16))"),
        (((5, 16, 1), (8, 16)), "gemm: A has shape (5, 16, 1), not (M, K)"),
        (((5, 16), (16,)), "gemm: B has shape (16,), not (N, K)"),
    ],
)
def test_shapes_are_refused_in_words(gemm_op, shapes, message):
    with pytest.raises(ValueError, match="gemm") as raised:
        gemm_op.gemm(*(half(*shape) for shape in shapes))
    assert str(raised.value) == message


def test_dtypes_and_devices_are_refused_in_words(gemm_op):
    with pytest.raises(TypeError, match=r"A is torch.float32, but T is float16 or bfloat16"):
        gemm_op.gemm(half(5, 16).float(), half(8, 16))
    with pytest.raises(TypeError, match=r"B is torch.bfloat16 and A is torch.float16: both are T"):
        gemm_op.gemm(half(5, 16), half(8, 16).bfloat16())
    with pytest.raises(ValueError, match=r"B is on meta, but A is on cpu"):
        gemm_op.gemm(half(5, 16), half(8, 16).to("meta"))


def test_empty_inputs(gemm_op, norm_op):
    assert gemm_op.gemm(half(0, 16), half(8, 16)).shape == (0, 8)
    assert gemm_op.gemm(half(5, 16), half(0, 16)).shape == (5, 0)
    assert torch.equal(gemm_op.gemm(half(5, 0), half(8, 0)), torch.zeros(5, 8, dtype=torch.float16))
    assert norm_op.rms_norm(half(3, 0, 16), half(16)).shape == (3, 0, 16)
    assert norm_op.rms_norm(half(3, 0), half(0)).shape == (3, 0)
    assert gemm_op.calls == []


@pytest.mark.parametrize("leading", [(), (1,), (5,), (2, 3), (2, 1, 3)])
def test_leading_axes(norm_op, leading):
    x, w = half(*leading, 16), half(16)
    y = norm_op.rms_norm(x, w)
    torch.testing.assert_close(y, torch.nn.functional.rms_norm(x, (16,), w, 1e-6), rtol=1e-2, atol=1e-2)


def test_refusals_of_groups(norm_op):
    with pytest.raises(ValueError, match=r"axis 0 of w is 8, but D = 16 from axis -1 of x"):
        norm_op.rms_norm(half(2, 3, 16), half(8))
    with pytest.raises(ValueError, match=r"x has shape \(\), not \(\*S, D\)"):
        norm_op.rms_norm(half(), half(8))


def test_kernels_are_kept_by_shape_dtype_and_params(norm_op):
    from made_by_tospec.rms_norm import op

    op._kernel.cache_clear()
    for _ in range(2):
        for eps in (1e-6, 1e-5):
            norm_op.rms_norm(half(3, 16), half(16), eps=eps)
    norm_op.rms_norm(half(7, 16), half(16))
    assert op._kernel.cache_info().misses == 2
    norm_op.rms_norm(half(3, 32), half(32))
    norm_op.rms_norm(half(3, 16).bfloat16(), half(16).bfloat16())
    assert op._kernel.cache_info().misses == 4


def test_opcheck(gemm_op, norm_op):
    torch.library.opcheck(torch.ops.tospec_scaffold_tests.gemm.default, (half(5, 16), half(8, 16)))
    torch.library.opcheck(torch.ops.tospec_scaffold_tests.rms_norm.default, (half(2, 3, 16), half(16)), {"eps": 1e-5})


def test_compiles_whole_and_once_for_every_size(gemm_op, norm_op):
    compilations = []

    def backend(graph, inputs):
        compilations.append(graph)
        return graph.forward

    for function, arguments in (
        (gemm_op.gemm, [(half(m, 16), half(8, 16)) for m in (5, 9, 33)]),
        (norm_op.rms_norm, [(half(a, b, 16), half(16)) for a, b in ((2, 3), (4, 5), (7, 9))]),
    ):
        compiled = torch.compile(function, fullgraph=True, dynamic=True, backend=backend)
        for each in arguments:
            assert torch.equal(compiled(*each), function(*each))
    assert len(compilations) == 2


def test_fake_refuses_what_the_op_refuses(gemm_op):
    with torch._subclasses.FakeTensorMode():
        with pytest.raises(ValueError, match="K % 8 == 0 does not hold"):
            gemm_op.gemm(half(5, 7), half(8, 7))
        assert gemm_op.gemm(half(5, 16), half(8, 16)).shape == (5, 8)


def test_meta_tensors(gemm_op):
    assert gemm_op.gemm(half(5, 16).to("meta"), half(8, 16).to("meta")).shape == (5, 8)


def attention_inputs(heads=4, kv_heads=2, queries=6, keys=6, width=16):
    return half(2, queries, heads, width), half(2, keys, kv_heads, width), half(2, keys, kv_heads, width)


def test_params_reach_the_kernel_resolved(attention):
    Q, K, V = attention_inputs()
    attention.gqa_fwd(Q, K, V)
    attention.gqa_fwd(Q, K, V, scale=0.25)
    attention.GqaFwdOp(causal=False, scale=1)(Q, K, V)
    shape = (2, 4, 16, 2, "float16")
    assert attention.params == [(*shape, True, 0.25), (*shape, False, 1.0)]
    assert repr(attention.GqaFwdOp(scale=0.5)) == "GqaFwdOp(causal=True, scale=0.5)"


def test_clauses_over_several_dims(attention):
    with pytest.raises(ValueError, match="gqa_fwd") as raised:
        attention.gqa_fwd(*attention_inputs(heads=3, kv_heads=2))
    shapes = "(H = 3, from Q: (2, 6, 3, 16); HK = 2, from K: (2, 6, 2, 16))"
    assert str(raised.value) == f"gqa_fwd: H % HK == 0 does not hold {shapes}"
    with pytest.raises(ValueError, match="gqa_fwd: HK is 0 in H % HK == 0"):
        attention.gqa_fwd(*attention_inputs(kv_heads=0))
    with pytest.raises(ValueError, match="Sk >= Sq does not hold"):
        attention.gqa_fwd(*attention_inputs(queries=7))


def test_attention_is_registered_and_compiles(attention):
    inputs = attention_inputs()
    torch.library.opcheck(torch.ops.tospec_scaffold_tests.gqa_fwd.default, inputs, {"causal": False})
    compiled = torch.compile(attention.GqaFwdOp(), fullgraph=True, dynamic=True, backend="aot_eager")
    for length in (6, 9):
        each = attention_inputs(queries=length, keys=length)
        assert torch.equal(compiled(*each), attention.gqa_fwd(*each))

"""The rendered kernel.py: TileLang traces and lowers it."""

from __future__ import annotations

import importlib

import pytest

tilelang = pytest.importorskip("tilelang")


def kernel_module(generated, op):
    assert op in generated
    return importlib.import_module(f"made_by_tospec.{op}.kernel")


def cuda_of(func) -> str:
    target = tilelang.tvm.target.Target({"kind": "cuda", "arch": "sm_90a"})
    with target:
        return tilelang.engine.lower(func, target=target).kernel_source


def test_gemm_lowers(generated):
    module = kernel_module(generated, "gemm")
    func = module.gemm_kernel(64, 128, "bfloat16", block_M=128)
    assert [str(buffer.shape[1]) for buffer in func.buffer_map.values()] == ["64", "64", "128"]
    source = cuda_of(func)
    assert "wgmma" in source
    assert "tma_load" in source


def test_row_norm_lowers_with_its_param(generated):
    module = kernel_module(generated, "rms_norm")
    first, second = (cuda_of(module.rms_norm_kernel(128, eps=eps)) for eps in (0.25, 0.5))
    assert first != second


def test_unknown_options_are_refused(generated):
    module = kernel_module(generated, "gemm")
    with pytest.raises(TypeError, match="block_Q"):
        module.GemmKernel(64, 128, block_Q=1)


def test_defaults_are_the_first_candidates(generated):
    module = kernel_module(generated, "gemm")
    assert {name: values[0] for name, values in module.TUNABLES.items()} == module.gemm_kernel.__kwdefaults__

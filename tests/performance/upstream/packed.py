"""Products with packed operands: 4-bit integers and floats, sparse ones."""

from __future__ import annotations

import torch

from .cases import case


def nibbles(packed: torch.Tensor) -> torch.Tensor:
    """The two 4-bit fields of each byte, low one first, along the last axis."""
    bytes_ = packed.view(torch.uint8)
    return torch.stack((bytes_ & 15, bytes_ >> 4), -1).flatten(-2).int()


def fp4(code: torch.Tensor) -> torch.Tensor:
    """e2m1 as the examples read it: no subnormal values, the exponent 0 is a power of two as well."""
    magnitude = 2.0 ** ((code >> 1 & 3) - 1) * (1 + (code & 1) / 2)
    return torch.where(code & 8 > 0, -magnitude, magnitude).double()


PACKED = {"M": 64, "N": 128, "K": 256, "num_bits": 4}
HALF = {"in_dtype": "T.float16", "out_dtype": "T.float16", "accum_dtype": "T.float32"}
INT8 = {"in_dtype": "T.int8", "out_dtype": "T.int32", "accum_dtype": "T.int32"}
FP4 = "dequantize_gemm/example_dequant_gemm_fp4_hopper.py"
W4A8 = "dequantize_gemm/example_dequant_gemm_w4a8.py"


def packed_bytes(rows: int = 128, columns: int = 128):
    return lambda: {"B": torch.randint(0, 256, (rows, columns)).to(torch.uint8)}


@case(
    FP4,
    "test_convert",
    {"N": 128, "K": 256, "block_N": 64, "block_K": 64, "in_dtype": "T.float16"},
    inputs=packed_bytes(),
)
def unpacked_fp4(t):
    return {"C": fp4_bits(nibbles(t.B))}


def fp4_bits(code: torch.Tensor) -> torch.Tensor:
    """The exponent field plus 14, on 5 bits: what that example's bit arithmetic gives as float16."""
    exponent = (code >> 1 & 3) + 14
    magnitude = 2.0 ** (exponent - 15) * (1 + (code & 1) / 2)
    return torch.where(code & 8 > 0, -magnitude, magnitude).double()


@case(FP4, "matmul", {**PACKED, **HALF, "block_M": 64, "block_N": 64, "block_K": 128}, inputs=packed_bytes())
@case(
    FP4,
    "matmul",
    {**PACKED, **HALF, "block_M": 64, "block_N": 64, "block_K": 128, "split": 2},
    inputs=packed_bytes(),
    label="split",
)
def product_with_fp4(t):
    return {"Ct": (t.A @ fp4_bits(nibbles(t.B)).T).T}


def int4(packed: torch.Tensor) -> torch.Tensor:
    code = nibbles(packed)
    return torch.where(code > 7, code - 16, code)


@case(
    W4A8,
    "_convert_test",
    {"N": 128, "K": 256, "block_N": 64, "block_K": 64, "in_dtype": "T.int8"},
    inputs=packed_bytes(),
)
def unpacked_int4(t):
    return {"C": int4(t.B).to(torch.int8)}


@case(W4A8, "matmul_int8xint4", {**PACKED, **INT8, "block_M": 32, "block_N": 32, "block_K": 128}, inputs=packed_bytes())
def product_of_int8_and_int4(t):
    return {"Ct": (t.A.int() @ int4(t.B).T).T.contiguous()}


GEMV4 = {"M": 1, "N": 64, "K": 512, "in_dtype": "float16", "out_dtype": "float16", "accum_dtype": "float16"}


def small_bytes():
    return {"B": torch.randint(0, 127, (64, 256)).to(torch.int8)}


@case("dequantize_gemm/example_dequant_gemv_fp16xint4.py", "dequantize_gemv", GEMV4, inputs=small_bytes, tolerance=0.05)
def vector_by_int4(t):
    return {"C": t.A @ int4(t.B).double().T}


@case(
    "dequantize_gemm/example_dequant_gemv_fp16xint4.py",
    "dequantize_gemv",
    {**GEMV4, "fast_decoding": True},
    inputs=small_bytes,
    label="extern CUDA",
)
def vector_by_uint4(t):
    return {"C": t.A @ nibbles(t.B).double().T}


@case(
    "dequantize_gemm/example_dequant_gemm_fine_grained.py",
    "matmul",
    {**PACKED, "block_M": 64, "block_N": 64, "block_K": 64, "num_stages": 1, "threads": 128, **HALF},
    inputs=lambda: {"B": torch.randint(0, 127, (128, 128)).to(torch.int8)},
)
def product_with_uint4(t):
    return {"C": t.A @ nibbles(t.B).double().T}


HOPPER_FP4 = {
    "M": 64,
    "N": 128,
    "K": 256,
    "in_dtype": "T.bfloat16",
    "out_dtype": "T.bfloat16",
    "accum_dtype": "T.float32",
    "block_M": 64,
    "block_N": 64,
    "block_K": 64,
    "num_stages": 1,
    "threads": 128,
}


@case(
    "dequantize_gemm/example_dequant_gemm_bf16_fp4_hopper.py",
    "matmul",
    {**HOPPER_FP4, "fast_dequant": False},
    inputs=packed_bytes(),
)
@case(
    "dequantize_gemm/example_dequant_gemm_bf16_fp4_hopper.py",
    "matmul",
    HOPPER_FP4,
    inputs=packed_bytes(),
    label="extern CUDA",
)
def product_with_fp4_in_bf16(t):
    return {"C": t.A @ fp4(nibbles(t.B)).T}


@case(
    "dequantize_gemm/example_dequant_gemm_bf16_mxfp4_hopper.py",
    "matmul",
    {**HOPPER_FP4, "fast_dequant": False, "with_bias": True},
    inputs=lambda: {**packed_bytes()(), "Scale": torch.randint(0, 6, (128, 8)).to(torch.uint8)},
)
def product_with_mxfp4(t):
    scale = 2.0 ** t.Scale.double().repeat_interleave(32, 1)
    return {"C": t.A @ (fp4(nibbles(t.B)) * scale).T + t.Bias}


@case(
    "gemm_int4/example_tilelang_gemm_int4.py",
    "matmul_nt_int4",
    {"M": 64, "N": 64, "K": 64, "block_M": 32, "block_N": 32, "block_K": 32},
    inputs=lambda: {"A": torch.zeros(64, 32, dtype=torch.int8), "B": torch.zeros(64, 32, dtype=torch.int8)},
)
def product_of_int4(t):
    return {"C": int4(t.A) @ int4(t.B).T}


@case(
    "gemm_sp/example_gemm_sp.py",
    "matmul_sp_fp16",
    {
        "M": 128,
        "N": 128,
        "K": 128,
        "accum_dtype": "T.float32",
        "e_dtype": "T.int16",
        "block_M": 128,
        "block_N": 128,
        "block_K": 64,
        "num_stages": 1,
        "thread_num": 128,
        "policy": 0,
        "enable_rasterization": True,
    },
)
def sparse_product(t):
    return {}

"""Products of matrices: plain, persistent, split, specialized, narrow, packed, sparse, grouped, convolved."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from .cases import case

MNK = {"M": 128, "N": 192, "K": 96}
TILES = {"block_M": 64, "block_N": 64, "block_K": 32}
WS = "warp_specialize/example_warp_specialize_gemm_"
SMALL_DEVICE = SimpleNamespace(get_num_sms=lambda: 4)


@case("quickstart.py", "matmul", {**MNK, **TILES})
def relu_of_a_product(t):
    return {"C": (t.A @ t.B).relu()}


@case("gemm/example_gemm.py", "matmul", {**MNK, **TILES})
@case("gemm/example_gemm.py", "matmul", {"M": 100, "N": 72, "K": 56, **TILES}, label="tails")
@case("gemm/example_gemm_persistent.py", "matmul_non_persistent", {**MNK, **TILES, "threads": 128, "num_stages": 3})
@case(
    "gemm/example_gemm_persistent.py",
    "matmul_persistent",
    {**MNK, **TILES, "threads": 128, "num_stages": 3},
    driver=SMALL_DEVICE,
)
@case(
    "gemm/example_gemm_persistent.py",
    "matmul_persistent",
    {**MNK, **TILES, "N": 512, "threads": 128, "num_stages": 3, "use_persistent_primitive": False},
    driver=SMALL_DEVICE,
    label="own tile order",
)
@case(f"{WS}barrierpipe_stage2.py", "matmul", {**MNK, **TILES})
@case(f"{WS}softpipe_stage2.py", "matmul", {**MNK, **TILES})
@case(f"{WS}copy_0_gemm_1.py", "matmul_warp_specialize_copy_0_gemm_1", {**MNK, **TILES})
@case(f"{WS}copy_1_gemm_0.py", "matmul_warp_specialize_copy_1_gemm_0", {**MNK, **TILES})
@case(f"{WS}copy_gemm_0_1.py", "matmul_warp_specialize_copy_gemm_0_1", {**MNK, **TILES})
def product(t):
    return {"C": t.A @ t.B}


AUTOTUNED = {**MNK, **TILES, "num_stages": 2, "thread_num": 128}
FP8 = {**MNK, "block_M": 64, "block_N": 64}


@case("gemm/example_gemm_autotune.py", "matmul", {**AUTOTUNED, "enable_rasteration": True})
@case("gemm/example_gemm_autotune_early_stop.py", "matmul_early_stop", AUTOTUNED)
@case("gemm/example_gemm_autotune_pass_configs.py", "matmul_decorator", AUTOTUNED)
@case("gemm/example_gemm_advanced_autotune.py", "matmul", {**AUTOTUNED, "enable_rasteration": False})
@case(
    "gemm/example_gemm_intrinsics.py",
    "tl_matmul",
    {"M": 128, "N": 128, "K": 64, "in_dtype": "T.float16", "out_dtype": "T.float32", "accum_dtype": "T.float32"},
)
@case(
    "gemm_fp8/example_tilelang_gemm_fp8.py",
    "matmul",
    {**FP8, "block_K": 32, "dtype": "T.float8_e4m3fn"},
    tolerance=0.05,
)
@case(
    "gemm_fp8/example_tilelang_gemm_fp8.py",
    "matmul",
    {**FP8, "block_K": 32, "dtype": "T.float8_e5m2"},
    label="e5m2",
    tolerance=0.1,
)
@case("gemm_fp8/example_tilelang_gemm_fp8_2xAcc.py", "matmul", {**FP8, "K": 320, "block_K": 64, "dtype": "T.float8_e4m3fn"})
def product_with_transposed(t):
    return {"C": t.A @ t.B.T}


@case(
    "gemm_streamk/example_tilelang_gemm_streamk.py",
    "tl_matmul_streamk",
    {
        **{"M": 256, "N": 1024, "K": 512, "streamk_tiles": 20, "block_M": 16, "block_N": 128, "block_K": 32},
        **{"trans_A": False, "trans_B": True, "dtypeAB": "T.float16", "dtypeC": "T.float32"},
        **{"accum_dtype": "T.float32", "num_stages": 2, "threads": 64},
    },
    inputs=lambda: {"C": torch.zeros(256, 1024)},
)
def stream_k(t):
    return {"C": t.A @ t.B.T}


SPLIT = {"M": 96, "N": 128, "K": 256, **TILES, "split_k": 4}


def zeros():
    return {"C": torch.zeros(96, 128)}


@case("gemm_splitk/example_tilelang_gemm_splitk.py", "matmul", SPLIT, inputs=zeros)
@case("gemm_splitk/example_tilelang_gemm_splitk_vectorize_atomicadd.py", "matmul", SPLIT, inputs=zeros)
def split_k(t):
    return {"C": t.A @ t.B}


DYNAMIC = {**TILES, "in_dtype": "T.float16", "out_dtype": "T.float16", "accum_dtype": "T.float32"}


@case(
    "dynamic_shape/example_dynamic.py",
    "matmul_dynamic_mnk",
    {**DYNAMIC, "trans_A": False, "trans_B": False, "num_stages": 3, "threads": 128},
    inputs=lambda: {
        "A": torch.randn(100, 72).half(),
        "B": torch.randn(72, 90).half(),
        "C": torch.empty(100, 90).half(),
    },
)
@case(
    "dynamic_shape/example_dynamic.py",
    "matmul_dynamic_mnk",
    {**DYNAMIC, "trans_A": True, "trans_B": True, "num_stages": 3, "threads": 128},
    inputs=lambda: {
        "A": torch.randn(72, 100).half(),
        "B": torch.randn(90, 72).half(),
        "C": torch.empty(100, 90).half(),
    },
    label="transposed",
)
def dynamic_extents(t):
    return {"C": (t.A.T if t.trans_A else t.A) @ (t.B.T if t.trans_B else t.B)}


@case(
    "blocksparse_gemm/example_blocksparse_gemm.py",
    "blocksparse_matmul",
    {**MNK, **TILES, "num_stages": 2, "thread_num": 128, "enable_rasteration": True},
)
def blocks_that_a_mask_selects(t):
    mask = t.BlockMask.repeat_interleave(64, 0).repeat_interleave(64, 1)
    steps = [t.A[:, k * 32 : k * 32 + 32] @ t.B[k * 32 : k * 32 + 32] * mask[:, :, k] for k in range(3)]
    return {"C": sum(steps)}


CONVOLUTION = {"N": 2, "C": 32, "H": 9, "W": 8, "F": 48, "K": 3, **TILES, "num_stages": 2}
CONVOLUTIONS = {"S": 1, "D": 1, "P": 1}, {"S": 2, "D": 1, "P": 1}, {"S": 1, "D": 2, "P": 2}


@case("convolution/example_convolution.py", "convolution", {**CONVOLUTION, **CONVOLUTIONS[0], "threads": 128})
@case(
    "convolution/example_convolution.py",
    "convolution",
    {**CONVOLUTION, **CONVOLUTIONS[1], "threads": 128},
    label="stride 2",
)
@case(
    "convolution/example_convolution.py",
    "convolution",
    {**CONVOLUTION, **CONVOLUTIONS[2], "threads": 128},
    label="dilation 2",
)
@case(
    "convolution/example_convolution_autotune.py",
    "convolution",
    {**CONVOLUTION, **CONVOLUTIONS[0], "thread_num": 128, "enable_rasteration": True},
)
def convolution(t):
    image, filters = t.data.permute(0, 3, 1, 2), t.kernel.permute(3, 2, 0, 1)
    out = torch.nn.functional.conv2d(image, filters, stride=t.S, padding=t.P, dilation=t.D)
    return {"out": out.permute(0, 2, 3, 1).contiguous()}


@case(
    "deepseek_deepgemm/example_deepgemm_fp8_2xAcc.py",
    "tl_gemm",
    {
        **{"M": 80, "N": 256, "K": 384, "block_N": 128},
        **{"in_dtype": "T.float8_e4m3fn", "out_dtype": "T.bfloat16", "accum_dtype": "T.float32"},
    },
)
def scaled_blocks(t):
    a = t.A * t.scales_a.repeat_interleave(128, 1)
    b = t.B * t.scales_b.repeat_interleave(128, 0).repeat_interleave(128, 1)
    return {"C": a @ b.T}


SIZES = (40, 64, 70)


def groups(padding: int):
    def inputs():
        starts, padded = [0], [0]
        for size in SIZES[:-1]:
            starts.append(starts[-1] + size)
            padded.append(padded[-1] + -(-size // padding) * padding)
        table = {"batch_sizes": SIZES, "batch_offsets": starts, "batch_padded_offsets": padded}
        return {name: torch.tensor(values, dtype=torch.int32) for name, values in table.items()}

    return inputs


GROUPED = {"K": 96, "N": 128, "block_M": 64, "block_N": 64, "block_K": 32}


@case(
    "grouped_gemm/example_grouped_gemm_fwd.py",
    "grouped_gemm",
    {**GROUPED, "batch_sizes_list": SIZES, "trans_b": False},
    inputs=groups(64),
)
@case(
    "grouped_gemm/example_grouped_gemm_fwd.py",
    "grouped_gemm",
    {**GROUPED, "batch_sizes_list": SIZES, "trans_b": True},
    inputs=groups(64),
    label="transposed",
)
@case(
    "grouped_gemm/example_grouped_gemm_bwd.py",
    "grouped_gemm_fwd",
    {**GROUPED, "batch_sum": sum(SIZES), "batch_count": 3},
    inputs=groups(64),
)
def grouped(t):
    weights = t.B.transpose(1, 2) if getattr(t, "trans_b", False) else t.B
    return {"C": torch.cat([a @ b for a, b in zip(t.A.split(SIZES), weights, strict=True)])}


def groups_without_padding():
    given = groups(64)()
    del given["batch_padded_offsets"]
    return given


@case(
    "grouped_gemm/example_grouped_gemm_bwd.py",
    "grouped_gemm_bwd",
    {**TILES, "M": 96, "N": 128, "batch_sum": sum(SIZES), "batch_count": 3},
    inputs=groups_without_padding,
)
def grouped_gradient(t):
    return {"C": torch.stack([a.T @ b for a, b in zip(t.A.split(SIZES), t.B.split(SIZES), strict=True)])}


@case(
    "grouped_gemm/example_grouped_gemm_fwd_ptr.py",
    "grouped_gemm_ptr",
    {**GROUPED, "batch_sizes_list": SIZES},
)
def grouped_by_pointers(t):
    return {}


GEMV = "gemv/example_gemv.py"
VECTOR = {"N": 96, "K": 1024}


@case(GEMV, "naive_gemv", {**VECTOR, "BLOCK_N": 128, "BLOCK_K": 128, "N": 256})
@case(GEMV, "naive_splitk_gemv", {**VECTOR, "BLOCK_N": 32, "BLOCK_K": 32})
@case(GEMV, "splitk_gemv", {**VECTOR, "BLOCK_N": 32, "BLOCK_K": 32, "reduce_threads": 32})
@case(GEMV, "splitk_gemv_vectorized", {**VECTOR, "BLOCK_N": 2, "reduce_threads": 32})
@case(GEMV, "splitk_gemv_vectorized_tvm", {**VECTOR, "BLOCK_N": 2, "reduce_threads": 32})
def matrix_by_vector(t):
    return {"C": t.B @ t.A}


@case(GEMV, "gemv_alloc_reducer", {"M": 256, "N": 384})
def matrix_by_vector_with_a_reducer(t):
    return {"o": t.a @ t.x}


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


@case(FP4, "test_convert", {"N": 128, "K": 256, "block_N": 64, "block_K": 64, "in_dtype": "T.float16"}, inputs=packed_bytes())
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


@case(W4A8, "_convert_test", {"N": 128, "K": 256, "block_N": 64, "block_K": 64, "in_dtype": "T.int8"}, inputs=packed_bytes())
def unpacked_int4(t):
    return {"C": int4(t.B).to(torch.int8)}


@case(W4A8, "matmul_int8xint4", {**PACKED, **INT8, "block_M": 32, "block_N": 32, "block_K": 128}, inputs=packed_bytes())
def product_of_int8_and_int4(t):
    return {"Ct": (t.A.int() @ int4(t.B).T).T.contiguous()}


GEMV4 = {"M": 1, "N": 64, "K": 512, "in_dtype": "float16", "out_dtype": "float16", "accum_dtype": "float16"}


def small_bytes():
    return {"B": torch.randint(0, 127, (64, 256)).to(torch.int8)}


@case(
    "dequantize_gemm/example_dequant_gemv_fp16xint4.py", "dequantize_gemv", GEMV4, inputs=small_bytes, tolerance=0.05
)
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
    **{"M": 64, "N": 128, "K": 256, "in_dtype": "T.bfloat16", "out_dtype": "T.bfloat16", "accum_dtype": "T.float32"},
    **{"block_M": 64, "block_N": 64, "block_K": 64, "num_stages": 1, "threads": 128},
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
        **{"M": 128, "N": 128, "K": 128, "accum_dtype": "T.float32", "e_dtype": "T.int16"},
        **{"block_M": 128, "block_N": 128, "block_K": 64, "num_stages": 1, "thread_num": 128, "policy": 0},
        "enable_rasterization": True,
    },
)
def sparse_product(t):
    return {}

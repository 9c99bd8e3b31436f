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
@case(
    "gemm_fp8/example_tilelang_gemm_fp8_2xAcc.py",
    "matmul",
    {**FP8, "K": 320, "block_K": 64, "dtype": "T.float8_e4m3fn"},
)
def product_with_transposed(t):
    return {"C": t.A @ t.B.T}


@case(
    "gemm_streamk/example_tilelang_gemm_streamk.py",
    "tl_matmul_streamk",
    {
        "M": 256,
        "N": 1024,
        "K": 512,
        "streamk_tiles": 20,
        "block_M": 16,
        "block_N": 128,
        "block_K": 32,
        "trans_A": False,
        "trans_B": True,
        "dtypeAB": "T.float16",
        "dtypeC": "T.float32",
        "accum_dtype": "T.float32",
        "num_stages": 2,
        "threads": 64,
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
        "M": 80,
        "N": 256,
        "K": 384,
        "block_N": 128,
        "in_dtype": "T.float8_e4m3fn",
        "out_dtype": "T.bfloat16",
        "accum_dtype": "T.float32",
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


def sizes(*rows: int):
    starts = [sum(rows[:i]) for i in range(len(rows))]
    return lambda: {
        "batch_sizes": torch.tensor(rows, dtype=torch.int32),
        "batch_offsets": torch.tensor(starts, dtype=torch.int32),
    }


GRADIENT = {**TILES, "M": 96, "N": 128, "batch_count": 3}
GROUPED_BWD = "grouped_gemm/example_grouped_gemm_bwd.py"


@case(GROUPED_BWD, "grouped_gemm_bwd", {**GRADIENT, "batch_sum": 192}, inputs=sizes(32, 96, 64))
@case(
    GROUPED_BWD,
    "grouped_gemm_bwd",
    {**GRADIENT, "batch_sum": 174},
    inputs=sizes(*SIZES),
    label="ragged",
    note="The mask of a group's rows leaves out the offset of the step",
)
def grouped_gradient(t):
    rows = t.batch_sizes.tolist()
    return {"C": torch.stack([a.T @ b for a, b in zip(t.A.split(rows), t.B.split(rows), strict=True)])}


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

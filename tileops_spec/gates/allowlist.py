"""What a body may name: of TileLang, of Python, and of values.

A positive list: what is not on it is refused, so that a new TileLang release opens no door by itself. Left out on
purpose are calls into foreign code (`call_extern`, `import_source`, inline PTX, TVM's packed calls), raw addresses,
printing, and everything that builds functions or buffers outside the kernel's own memory.
"""

from __future__ import annotations

_LAUNCH = "Kernel Parallel Persistent Pipelined Serial Unroll Vectorized grid parallel serial unroll vectorized ws"
_MEMORY = "alloc_barrier alloc_cluster_barrier alloc_fragment alloc_local alloc_reducer alloc_shared alloc_var"
_TILES = (
    "c2d_im2col clear copy cumsum cummax fill finalize_reducer gemm im2col reducer_update reduce reduce_absmax "
    "reduce_abssum reduce_bitand reduce_bitor reduce_bitxor reduce_max reduce_min reduce_sum reshape transpose view "
    "async_copy warp_reduce_bitand warp_reduce_bitor warp_reduce_max warp_reduce_min warp_reduce_sum wgmma_gemm "
    "wait_wgmma tma_copy"
)
_ATOMICS = "atomic_add atomic_addx2 atomic_addx4 atomic_load atomic_max atomic_min atomic_or atomic_store"
_THREADS = (
    "barrier_arrive barrier_wait dec_max_nreg disable_warp_group_reg_alloc fence_proxy_async get_block_binding "
    "get_block_bindings get_lane_idx get_thread_binding get_thread_bindings get_warp_group_idx get_warp_idx "
    "inc_max_nreg mbarrier_arrive mbarrier_expect_tx mbarrier_wait_parity named_barrier_arrive no_set_max_nreg "
    "set_max_nreg shfl_down shfl_sync shfl_up shfl_xor shuffle_elect sync_threads sync_warp thread_return "
    "tma_store_arrive tma_store_wait warpgroup_arrive warpgroup_commit_batch warpgroup_fence_operand warpgroup_wait"
)
_HINTS = (
    "GemmWarpPolicy annotate_l2_hit_ratio annotate_layout annotate_min_blocks_per_sm annotate_safe_value assume likely "
    "get_swizzle_layout make_mma_swizzle_layout use_swizzle Fragment Layout"
)
_ARITHMETIC = (
    "Cast Select abs acos acosh all_of any_of asin asinh atan atan2 atanh bitwise_and bitwise_not bitwise_or "
    "bitwise_xor cast cdiv ceil ceildiv clamp clz copysign cos cosh dp4a erf exp exp10 exp2 fabs fast_rcp floor "
    "floordiv floormod fma fmod hypot ieee_add ieee_fdiv ieee_fmaf ieee_frcp ieee_frsqrt ieee_fsqrt ieee_mul "
    "ieee_sub if_then_else infinity isfinite isinf isnan ldexp log log10 log1p log2 max max_value min min_value "
    "nearbyint nextafter popcount pow reinterpret round rsqrt shift_left shift_right sigmoid sin sinh sqrt tan "
    "tanh trunc truncdiv truncmod where add2 sub2 mul2 fma2 max2 min2 abs2 "
)
_CONTROL = "While break_loop continue_loop loop_break"
_DTYPES = (
    "bool int int8 int16 int32 int64 uint uint8 uint16 uint32 uint64 float half double float16 float32 float64 "
    "bfloat16 float8_e4m3 float8_e4m3fn float8_e5m2 float8_e8m0fnu tfloat32"
)

TILE_NAMES = frozenset(
    " ".join((_LAUNCH, _MEMORY, _TILES, _ATOMICS, _THREADS, _HINTS, _ARITHMETIC, _CONTROL, _DTYPES)).split()
)
"""The attributes of `T` that a body may use."""

NESTED = {"GemmWarpPolicy": frozenset({"Square", "FullRow", "FullCol"})}
"""What may stand behind an attribute of `T`."""

BUILTINS = frozenset({"range", "min", "max", "abs", "int", "float", "bool", "len", "round", "sum", "tuple", "list"})
BUILTINS |= {"enumerate", "zip", "isinstance", "True", "False", "None"}
"""Builtins that compute on Python values while the body is traced."""

VALUE_ATTRIBUTES = frozenset({"shape", "dtype", "bit_length"})
"""Attributes of buffers and integers."""

TEACHING = {
    "torch": "a kernel body computes with TileLang alone: what torch does around it stands in op.py",
    "np": "NumPy does not exist on the device: use `T.` operations",
    "numpy": "NumPy does not exist on the device: use `T.` operations",
    "tilelang": "everything that a body needs of TileLang is under `T`",
    "tvm": "everything that a body needs of TileLang is under `T`",
    "math": "constants can be written out, and functions of tensors are under `T`: `T.exp2`, `T.sqrt`",
    "os": "a body has no business with the machine that it is compiled on",
    "sys": "a body has no business with the machine that it is compiled on",
    "print": "a body does not print: the gates show what goes wrong, with the place",
}
"""Why some names are refused, for those who reach for them."""

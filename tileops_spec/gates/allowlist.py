"""What a body may name: of TileLang, of Python, and of values.

A positive list: what is not on it is refused, so that a new TileLang release opens no door by itself. Left out on
purpose are calls into foreign code (`call_extern`, `import_source`, inline PTX, TVM's packed calls), raw addresses,
printing, and everything that builds functions or buffers outside the kernel's own memory.
"""

from __future__ import annotations

import re

_LAUNCH = "Kernel Parallel Persistent Pipelined Serial Unroll Vectorized grid parallel serial unroll vectorized ws"
_MEMORY = "alloc_barrier alloc_cluster_barrier alloc_fragment alloc_local alloc_reducer alloc_shared alloc_var"
_COPIES = "async_copy copy tma_copy"
_REDUCTIONS = (
    "reduce reduce_absmax reduce_abssum reduce_bitand reduce_bitor reduce_bitxor reduce_max reduce_min reduce_sum"
)
_TILES = (
    "c2d_im2col clear cumsum cummax fill finalize_reducer gemm im2col reducer_update reshape transpose view "
    "warp_reduce_bitand warp_reduce_bitor warp_reduce_max warp_reduce_min warp_reduce_sum wgmma_gemm wait_wgmma"
)
_ATOMICS = "atomic_add atomic_addx2 atomic_addx4 atomic_max atomic_min atomic_or atomic_store"
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
    " ".join(
        (
            _LAUNCH,
            _MEMORY,
            _COPIES,
            _REDUCTIONS,
            _TILES,
            "atomic_load",
            _ATOMICS,
            _THREADS,
            _HINTS,
            _ARITHMETIC,
            _CONTROL,
            _DTYPES,
        )
    ).split()
)
"""The attributes of `T` that a body may use."""

NESTED = {"GemmWarpPolicy": frozenset({"Square", "FullRow", "FullCol"})}
"""What may stand behind an attribute of `T`."""

CONTEXTS = frozenset({"Kernel", "ws"})
"""What a body may enter by `with`."""

LOOPS = frozenset(_LAUNCH.split()) - CONTEXTS
"""What a body may loop over, for variables that exist only when the kernel runs."""

COPIES = frozenset(_COPIES.split())
REDUCTIONS = frozenset(_REDUCTIONS.split())
ATOMICS = frozenset(_ATOMICS.split())

PURE = frozenset(_ARITHMETIC.split())
"""What computes a value from its arguments, and does nothing to them."""

_MATH = (
    "ceil cos e exp exp2 fabs floor gcd inf isfinite isqrt lcm log log10 log2 nan pi pow prod sin sqrt tan tanh trunc"
)
MATH_NAMES = frozenset(_MATH.split())
"""Of Python's `math`, where kernel.py imports it; over Python values."""

REFUSED_OPTIONS = {"prelude": "foreign source is refused: the kernel is written in TileLang alone"}
"""Options of operations that a body may use, and may not set."""

_REFUSED = (
    (
        "code for another compiler, and calls into it, are refused: the kernel is written in TileLang alone",
        r"call_\w+|import_source|CUDASourceCodeKernel|ptx_\w+|tvm_\w+|TVM\w+|llvm_\w+|anylist_\w+|customize|builtin|tir"
        r"|evaluate|inline|experimental|math_intrinsics|mma_\w+|rng_\w+|(start|end)_profile_intrinsic|lookup_param",
    ),
    (
        "raw addresses and descriptors are refused: buffers are indexed by their axes",
        r"\w*address\w*|\w*ptr\w*|Ptr|Ref|make_tensor\w*|handle\w*|\w*descriptor\w*|alloc_\w*desc|(ld|st)[gs]\d+|void"
        r"|\w*tma_(load|gather|scatter)\w*|Tcgen05\w*|TCGEN05\w*|WGMMA\w*|alloc_tcgen05_smem_desc|get_ldmatrix_offset",
    ),
    (
        "a kernel does not print or raise: the gates show what goes wrong, with the place",
        r"print|device_assert|Assert",
    ),
    (
        "functions, tensors and dims are generated: a body is the statements of one kernel",
        r"prim_func|macro|func_\w+|arg|ret|const|dynamic|symbolics?|empty|match_buffer|Tensor|StridedTensor|\w*Buffer"
        r"|alloc_(global|buffer)|alloc(ate)?|decl_buffer|\w*buffer_\w+|buffer|sblock\w*|eager|JITFunc|PrimFunc|Var|SizeVar"
        r"|annotate_(compile_flags|pass_configs|restrict_buffers)|launch_thread|env_thread|thread_binding|kernel|init"
        r"|reads|writes|iter_var|IterVar|type_annotation|target|meta\w*|Any|AnyDType|Range|index_map|var|KernelLaunchFrame",
    ),
    (
        "clusters and grids of cooperating blocks are refused: the simulator runs blocks one by one",
        r"\w*cluster\w*|ClusterKernel|sync_grid|clc_\w+|pdl_\w+|block_rank_in_cluster",
    ),
    (
        "this target has no such instruction, or TileLang uses it by itself",
        r"\w*tcgen05\w*|\w*tmem|\w*blockscaled\w*|\w*block_scale\w*|gemm_sp|wgmma_gemm_sp|wgmma_mma|\w*IntrinEmitter\w*"
        r"|cp_async_barrier_noinc|mbarrier_arrive_expect_tx|create_barriers|copy_op|fill_op|gemm_op|reduce_op|scan_op|ws_op",
    ),
    (
        "vector types are refused: write single elements, the compiler makes wide accesses of them",
        r"\w+x(2|4|8|16|32|64)|float[46]_\w+|float8_(e3m4|e4m3b11fnuz|e4m3fnuz|e5m2fnuz)|int4|Ramp|ramp|Broadcast|broadcast"
        r"|Shuffle|vector(combine|high|low)|vscale|extract_lane|get_active_lane_mask|is_float4\w*|is_f8f6f4_family",
    ),
    (
        "TileLang's own parts are refused: write the operation that they stand for",
        r"[A-Z]\w*|WS\w+|warp_specialize\w*|\w*_ws_\w+|annotate_(consumer_reg_alloc|producer_reg_dealloc)|annotations|attr"
        r"|\w*_sync|syncthreads_\w+|activemask|ballot|align_up|atomic|axis|bind|block_name_suffix_context|boolean|common"
        r"|comm_reducer|copy_cluster|dtypes?|fmul|frame|get_(block|thread)_extents?|get_(let_value|mma_micro_size|tvm_dtype)"
        r"|has_let_value|ignore_loop_partition|index_to_coordinates|isnullptr|let|logical|long|loop|overrides|proxy|short"
        r"|q_multiply_shift\w*|reducer_init|tile_schedule|undef|utils|validate_gemm_ab_dtypes",
    ),
)
_REFUSED_PATTERNS = tuple((reason, re.compile(pattern)) for reason, pattern in _REFUSED)


def refusal(name: str) -> str | None:
    """Why `T.name` is not in the list, for names of TileLang 0.1.15; None of names that nobody has judged."""
    if name in TILE_NAMES or name.startswith("_"):
        return None
    return next((reason for reason, pattern in _REFUSED_PATTERNS if pattern.fullmatch(name)), None)


BUILTINS = frozenset({"range", "min", "max", "abs", "int", "float", "bool", "len", "round", "sum", "tuple", "list"})
BUILTINS |= {"dict"}
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

"""Matrix products: layouts, ragged shapes, dtypes, schedules."""

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import build, simulate, translate

DTYPES = (torch.float16, torch.bfloat16)


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def error_against(out: torch.Tensor, exact: torch.Tensor) -> float:
    """The largest error in units of the result's own rounding."""
    eps = torch.finfo(out.dtype).eps if out.dtype.is_floating_point else 1
    return ((out.double() - exact) / (exact.abs() * eps + eps)).abs().max().item()


def dynamic_gemm(n: int, k: int, dtype: str, tile: tuple[int, int, int] = (64, 64, 32)):
    m, (bm, bn, bk) = T.dynamic("m"), tile

    @T.prim_func
    def kernel(A: T.Tensor((m, k), dtype), B: T.Tensor((n, k), dtype), C: T.Tensor((m, n), dtype)):
        with T.Kernel(T.ceildiv(n, bn), T.ceildiv(m, bm), threads=128) as (bx, by):
            a = T.alloc_shared((bm, bk), dtype)
            b = T.alloc_shared((bn, bk), dtype)
            c = T.alloc_fragment((bm, bn), "float32")
            T.use_swizzle(10)
            T.clear(c)
            for ko in T.Pipelined(T.ceildiv(k, bk), num_stages=3):
                T.copy(A[by * bm, ko * bk], a)
                T.copy(B[bx * bn, ko * bk], b)
                T.gemm(a, b, c, transpose_B=True, policy=T.GemmWarpPolicy.FullRow)
            T.copy(c, C[by * bm, bx * bn])

    return kernel


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_library_serves_every_dynamic_extent(dtype: torch.dtype) -> None:
    n, k = 100, 70
    kernel = build(translate(dynamic_gemm(n, k, name_of(dtype))))
    for m in (0, 1, 63, 64, 65, 130):
        a, b = torch.randn(m, k).to(dtype), torch.randn(n, k).to(dtype)
        c = torch.full((m, n), torch.nan, dtype=dtype)
        assert kernel.run([a, b, c]).ok
        if m:
            assert error_against(c, a.double() @ b.double().T) < 1


def transposed_gemm(m: int, n: int, k: int, ta: bool, tb: bool, clear: bool, dtypes: tuple[str, str]):
    narrow, wide = dtypes
    a_shape, b_shape = ((k, m) if ta else (m, k)), ((n, k) if tb else (k, n))

    @T.prim_func
    def kernel(A: T.Tensor(a_shape, narrow), B: T.Tensor(b_shape, narrow), C: T.Tensor((m, n), wide)):
        with T.Kernel(1, threads=128):
            a = T.alloc_shared(a_shape, narrow)
            b = T.alloc_shared(b_shape, narrow)
            c = T.alloc_fragment((m, n), wide)
            T.copy(A, a)
            T.copy(B, b)
            if not clear:
                T.fill(c, 2)
            T.gemm(a, b, c, transpose_A=ta, transpose_B=tb, clear_accum=clear)
            T.copy(c, C)

    return kernel


def integers(shape: tuple[int, int], dtype: torch.dtype) -> torch.Tensor:
    return torch.randint(-3, 4, shape).to(dtype)


CASES = [
    (torch.float16, torch.float32),
    (torch.int8, torch.int32),
    (torch.float64, torch.float64),
    (torch.float8_e4m3fn, torch.float32),
    (torch.float8_e5m2, torch.float32),
    (torch.float32, torch.float32),
]


@pytest.mark.parametrize("dtypes", CASES, ids=lambda pair: name_of(pair[0]))
@pytest.mark.parametrize(("ta", "tb", "clear"), [(False, True, True), (True, False, False), (True, True, True)])
def test_layouts_and_dtypes_are_exact_on_integers(dtypes, ta: bool, tb: bool, clear: bool) -> None:
    m, n, k = 32, 48, 16
    a = integers((k, m) if ta else (m, k), dtypes[0])
    b = integers((n, k) if tb else (k, n), dtypes[0])
    c = torch.zeros(m, n, dtype=dtypes[1])
    func = transposed_gemm(m, n, k, ta, tb, clear, (name_of(dtypes[0]), name_of(dtypes[1])))
    assert simulate(func, [a, b, c]).ok
    x, y = a.double().T if ta else a.double(), b.double().T if tb else b.double()
    assert torch.equal(c.double(), x @ y + (0 if clear else 2))


def test_float32_operands_lose_their_low_bits_as_on_tensor_cores() -> None:
    a, b = torch.full((32, 16), 1 + 2**-12), torch.eye(16)
    c = torch.zeros(32, 16)
    func = transposed_gemm(32, 16, 16, False, False, True, ("float32", "float32"))
    assert simulate(func, [a, b, c]).ok
    assert torch.equal(c, torch.ones(32, 16))


def persistent_gemm(m: int, n: int, k: int, programs: int):
    tile, step = 32, 16

    @T.prim_func
    def kernel(A: T.Tensor((m, k), "bfloat16"), B: T.Tensor((k, n), "bfloat16"), C: T.Tensor((m, n), "float32")):
        with T.Kernel(programs, threads=128) as block:
            a = T.alloc_shared((tile, step), "bfloat16")
            b = T.alloc_shared((step, tile), "bfloat16")
            c = T.alloc_fragment((tile, tile), "float32")
            out = T.alloc_shared((tile, tile), "float32")
            for by, bx in T.Persistent([T.ceildiv(m, tile), T.ceildiv(n, tile)], programs, block):
                T.clear(c)
                for ko in T.Pipelined(T.ceildiv(k, step), num_stages=2):
                    T.copy(A[by * tile, ko * step], a)
                    T.copy(B[ko * step, bx * tile], b)
                    T.gemm(a, b, c)
                T.copy(c, out)
                T.copy(out, C[by * tile, bx * tile])

    return kernel


def test_persistent_blocks() -> None:
    m, n, k = 100, 70, 40
    a, b = torch.randn(m, k).bfloat16(), torch.randn(k, n).bfloat16()
    c = torch.full((m, n), torch.nan)
    assert simulate(persistent_gemm(m, n, k, 5), [a, b, c]).ok
    torch.testing.assert_close(c.double(), a.double() @ b.double(), rtol=1e-5, atol=1e-5)


def split_k_gemm(m: int, n: int, k: int, splits: int):
    tile, step = 32, 16

    @T.prim_func
    def kernel(A: T.Tensor((m, k), "float16"), B: T.Tensor((k, n), "float16"), C: T.Tensor((m, n), "float32")):
        with T.Kernel(T.ceildiv(n, tile), T.ceildiv(m, tile), splits, threads=128) as (bx, by, bz):
            a = T.alloc_shared((tile, step), "float16")
            b = T.alloc_shared((step, tile), "float16")
            c = T.alloc_fragment((tile, tile), "float32")
            T.clear(c)
            for ko in T.serial(k // splits // step):
                T.copy(A[by * tile, bz * (k // splits) + ko * step], a)
                T.copy(B[bz * (k // splits) + ko * step, bx * tile], b)
                T.gemm(a, b, c)
            T.atomic_add(C[by * tile, bx * tile], c)

    return kernel


def test_split_k_with_atomics_on_ragged_tiles() -> None:
    m, n, k = 50, 70, 128
    a, b, c = torch.randn(m, k).half(), torch.randn(k, n).half(), torch.zeros(m, n)
    assert simulate(split_k_gemm(m, n, k, 4), [a, b, c]).ok
    torch.testing.assert_close(c.double(), a.double() @ b.double(), rtol=1e-5, atol=1e-4)


def test_speed_of_the_emulated_product() -> None:
    size = 256
    kernel = build(translate(dynamic_gemm(size, size, "float16", (128, 128, 64))))
    a, b = torch.randn(size, size).half(), torch.randn(size, size).half()
    c = torch.empty(size, size, dtype=torch.float16)
    seconds = min(kernel.run([a, b, c]).seconds for _ in range(3))
    assert 2 * size**3 / seconds > 0.3e9


def two_launches(n: int):
    """Partial sums into a workspace, then a second launch that combines them."""

    @T.prim_func
    def kernel(X: T.Tensor((4, n), "float32"), Y: T.Tensor((n,), "float32")):
        workspace = T.alloc_global((4, n), "float32")
        with T.Kernel(4, threads=32) as b:
            for j in T.Parallel(n):
                workspace[b, j] = X[b, j] * 2
        with T.Kernel(T.ceildiv(n, 8), threads=32) as b:
            total = T.alloc_fragment((8,), "float32")
            T.clear(total)
            for k in T.serial(4):
                for j in T.Parallel(8):
                    total[j] += workspace[k, b * 8 + j]
            T.copy(total, Y[b * 8])

    return kernel


def test_launches_hand_over_through_a_workspace() -> None:
    x, y = torch.randint(-9, 9, (4, 20)).float(), torch.zeros(20)
    report = simulate(two_launches(20), [x, y])
    assert report.ok
    assert torch.equal(y, 2 * x.sum(0))

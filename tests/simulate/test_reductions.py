"""Reductions, scans and normalizations against torch."""

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import simulate

ROWS, COLUMNS = 10, 48
REDUCTIONS = {
    "sum": lambda x, d: x.sum(d),
    "abssum": lambda x, d: x.abs().sum(d),
    "max": lambda x, d: x.amax(d),
    "min": lambda x, d: x.amin(d),
    "absmax": lambda x, d: x.abs().amax(d),
}


def reduction(kind: str, dim: int, clear: bool, dtype: str, scope: str):
    alloc = T.alloc_fragment if scope == "fragment" else T.alloc_shared
    n = (COLUMNS, ROWS)[dim]
    extra = {} if kind == "abssum" else {"clear": clear}

    @T.prim_func
    def kernel(X: T.Tensor((ROWS, COLUMNS), dtype), Y: T.Tensor((n,), dtype)):
        with T.Kernel(1, threads=64):
            x = alloc((ROWS, COLUMNS), dtype)
            y = alloc((n,), dtype)
            T.copy(X, x)
            if not clear:
                T.fill(y, 1)
            getattr(T, f"reduce_{kind}")(x, y, dim=dim, **extra)
            T.copy(y, Y)

    return kernel


@pytest.mark.parametrize("kind", REDUCTIONS)
@pytest.mark.parametrize("scope", ["fragment", "shared"])
@pytest.mark.parametrize(("dim", "clear", "dtype"), [(0, True, "float32"), (1, False, "int32"), (1, True, "float16")])
def test_reductions(kind: str, scope: str, dim: int, clear: bool, dtype: str) -> None:
    x = torch.randint(-8, 8, (ROWS, COLUMNS)).to(getattr(torch, dtype))
    y = torch.zeros((COLUMNS, ROWS)[dim], dtype=x.dtype)
    clear = clear or kind == "abssum"
    assert simulate(reduction(kind, dim, clear, dtype, scope), [x, y]).ok
    expected = REDUCTIONS[kind](x, dim)
    if not clear:
        one = torch.ones_like(expected)
        combine = {"sum": torch.add, "max": torch.maximum, "absmax": torch.maximum, "min": torch.minimum}[kind]
        expected = combine(expected, one)
    assert torch.equal(y, expected.to(y.dtype))


def bit_reduction(kind: str):
    @T.prim_func
    def kernel(X: T.Tensor((8, 16), "int32"), Y: T.Tensor((8,), "int32")):
        with T.Kernel(1, threads=32):
            x = T.alloc_fragment((8, 16), "int32")
            y = T.alloc_fragment((8,), "int32")
            T.copy(X, x)
            getattr(T, f"reduce_{kind}")(x, y, dim=1)
            T.copy(y, Y)

    return kernel


@pytest.mark.parametrize(("kind", "combine"), [("bitand", "and"), ("bitor", "or"), ("bitxor", "xor")])
def test_bit_reductions(kind: str, combine: str) -> None:
    x, y = torch.randint(0, 2**31 - 1, (8, 16), dtype=torch.int32), torch.zeros(8, dtype=torch.int32)
    assert simulate(bit_reduction(kind), [x, y]).ok
    expected = x[:, 0]
    for column in range(1, 16):
        expected = getattr(torch, f"bitwise_{combine}")(expected, x[:, column])
    assert torch.equal(y, expected)


def scan(dim: int, reverse: bool, scope: str):
    alloc = T.alloc_fragment if scope == "fragment" else T.alloc_shared

    @T.prim_func
    def kernel(X: T.Tensor((12, 20), "float32"), Y: T.Tensor((12, 20), "float32")):
        with T.Kernel(1, threads=64):
            x = alloc((12, 20), "float32")
            T.copy(X, x)
            T.cumsum(x, dim=dim, reverse=reverse)
            T.copy(x, Y)

    return kernel


@pytest.mark.parametrize("scope", ["fragment", "shared"])
@pytest.mark.parametrize(("dim", "reverse"), [(0, False), (1, True)])
def test_cumulative_sums(dim: int, reverse: bool, scope: str) -> None:
    x, y = torch.randint(-8, 8, (12, 20)).float(), torch.zeros(12, 20)
    assert simulate(scan(dim, reverse, scope), [x, y]).ok
    flipped = x.flip(dim).cumsum(dim).flip(dim) if reverse else x.cumsum(dim)
    assert torch.equal(y, flipped)


def rms_norm(n: int, dtype: str, rows: int = 4):
    m = T.dynamic("m")

    @T.prim_func
    def kernel(X: T.Tensor((m, n), dtype), W: T.Tensor((n,), dtype), Y: T.Tensor((m, n), dtype), eps: T.float32):
        with T.Kernel(T.ceildiv(m, rows), threads=128) as bx:
            x = T.alloc_fragment((rows, n), "float32")
            squares = T.alloc_fragment((rows, n), "float32")
            mean = T.alloc_fragment((rows,), "float32")
            T.copy(X[bx * rows, 0], x)
            for i, j in T.Parallel(rows, n):
                squares[i, j] = x[i, j] * x[i, j]
            T.reduce_sum(squares, mean, dim=1)
            for i in T.Parallel(rows):
                mean[i] = T.rsqrt(mean[i] / n + eps)
            for i, j in T.Parallel(rows, n):
                Y[bx * rows + i, j] = x[i, j] * mean[i] * W[j]

    return kernel


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_rms_norm_with_a_ragged_tail(dtype: torch.dtype) -> None:
    n = 100
    x, w = torch.randn(13, n).to(dtype), torch.randn(n).to(dtype)
    y = torch.full((13, n), torch.nan, dtype=dtype)
    assert simulate(rms_norm(n, str(dtype)[6:]), [x, w, y, 1e-6]).ok
    expected = torch.nn.functional.rms_norm(x.double(), (n,), w.double(), 1e-6)
    torch.testing.assert_close(y.double(), expected, rtol=torch.finfo(dtype).eps, atol=1e-4)


def softmax(n: int, tile: int):
    @T.prim_func
    def kernel(X: T.Tensor((6, n), "float32"), Y: T.Tensor((6, n), "float32")):
        with T.Kernel(6, threads=64) as row:
            x = T.alloc_fragment((1, tile), "float32")
            top = T.alloc_fragment((1,), "float32")
            old = T.alloc_fragment((1,), "float32")
            total = T.alloc_fragment((1,), "float32")
            part = T.alloc_fragment((1,), "float32")
            T.fill(top, -T.infinity("float32"))
            T.clear(total)
            for k in T.serial(T.ceildiv(n, tile)):
                for i, j in T.Parallel(1, tile):
                    x[i, j] = T.if_then_else(k * tile + j < n, X[row, k * tile + j], -T.infinity("float32"))
                T.copy(top, old)
                T.reduce_max(x, top, dim=1, clear=False)
                for i, j in T.Parallel(1, tile):
                    x[i, j] = T.exp(x[i, j] - top[i])
                T.reduce_sum(x, part, dim=1)
                for i in T.Parallel(1):
                    total[i] = total[i] * T.exp(old[i] - top[i]) + part[i]
            for j in T.Parallel(n):
                Y[row, j] = T.exp(X[row, j] - top[0]) / total[0]

    return kernel


def test_online_softmax() -> None:
    x, y = torch.randn(6, 50) * 5, torch.zeros(6, 50)
    assert simulate(softmax(50, 16), [x, y]).ok
    torch.testing.assert_close(y, x.softmax(1), rtol=1e-5, atol=1e-7)

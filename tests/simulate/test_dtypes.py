"""Casts bit for bit as torch, arithmetic rounded at each operation, mathematics against torch."""

from fractions import Fraction

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import simulate

NARROW = (torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2)


def name_of(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def cast(n: int, source: str, target: str, by_copy: bool):
    @T.prim_func
    def kernel(X: T.Tensor((n,), source), Y: T.Tensor((n,), target)):
        with T.Kernel(T.ceildiv(n, 4096), threads=128) as b:
            if by_copy:
                x = T.alloc_shared((4096,), source)
                T.copy(X[b * 4096], x)
                T.copy(x, Y[b * 4096])
            else:
                for i in T.Parallel(4096):
                    Y[b * 4096 + i] = T.cast(X[b * 4096 + i], target)

    return kernel


def every_value(dtype: torch.dtype) -> torch.Tensor:
    bits = 8 * dtype.itemsize
    codes = torch.arange(2**bits, dtype=torch.int32).to(torch.uint8 if bits == 8 else torch.int16)
    return codes.view(dtype)


def rounding_cases(dtype: torch.dtype) -> torch.Tensor:
    """Every value of the dtype, the ties between neighbours, and floats next to both; random bits; extremes."""
    values = every_value(dtype).float()
    finite = values[values.isfinite()].sort().values
    ties = (finite[1:] + finite[:-1]) / 2
    near = torch.cat([finite, ties])
    infinity = torch.tensor(torch.inf)
    around = torch.cat([near, near.nextafter(infinity), near.nextafter(-infinity)])
    noise = torch.randint(-(2**31), 2**31 - 1, (20000,), dtype=torch.int32).view(torch.float32)
    extremes = torch.tensor(
        [0.0, -0.0, torch.inf, -torch.inf, 448.0, 464.0, 465.0, 480.0, 57344.0, 61440.0, 65519.0, 65520.0]
    )
    return torch.cat([around, noise, extremes])


def same_values(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Bit for bit, any NaN equal to any NaN."""
    nan = a.float().isnan()
    same_nan = torch.equal(nan, b.float().isnan())
    raw = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[a.element_size()]
    return same_nan and torch.equal(a.view(raw)[~nan], b.view(raw)[~nan])


@pytest.mark.parametrize("by_copy", [True, False])
@pytest.mark.parametrize("dtype", NARROW, ids=name_of)
def test_rounding_to_narrow_floats(dtype: torch.dtype, by_copy: bool) -> None:
    x = rounding_cases(dtype)
    y = torch.zeros(len(x), dtype=dtype)
    assert simulate(cast(len(x), "float32", name_of(dtype), by_copy), [x, y]).ok
    assert same_values(y, x.to(dtype))


@pytest.mark.parametrize("by_copy", [True, False])
@pytest.mark.parametrize("dtype", NARROW, ids=name_of)
def test_widening_of_every_value(dtype: torch.dtype, by_copy: bool) -> None:
    x = every_value(dtype)
    y = torch.zeros(len(x))
    assert simulate(cast(len(x), name_of(dtype), "float32", by_copy), [x, y]).ok
    assert same_values(y, x.float())


PAIRS = [
    (torch.float32, torch.int32),
    (torch.float32, torch.int8),
    (torch.int32, torch.float16),
    (torch.int64, torch.float32),
    (torch.float64, torch.float16),
    (torch.float64, torch.float32),
    (torch.int32, torch.int64),
    (torch.int64, torch.int16),
    (torch.uint8, torch.bfloat16),
    (torch.bool, torch.float32),
    (torch.float32, torch.bool),
    (torch.bfloat16, torch.float16),
    (torch.float16, torch.float8_e4m3fn),
]


@pytest.mark.parametrize("by_copy", [True, False])
@pytest.mark.parametrize(("source", "target"), PAIRS, ids=lambda d: name_of(d))
def test_other_casts(source: torch.dtype, target: torch.dtype, by_copy: bool) -> None:
    scale = 100 if torch.int8 in (source, target) else 300
    x = (torch.randn(4096) * scale / 3).clamp(-scale, scale).to(source)
    y = torch.zeros(4096, dtype=target)
    assert simulate(cast(4096, name_of(source), name_of(target), by_copy), [x, y]).ok
    assert same_values(y, x.to(target))


def arithmetic(dtype: str):
    @T.prim_func
    def kernel(A: T.Tensor((1000,), dtype), B: T.Tensor((1000,), dtype), Y: T.Tensor((8, 1000), dtype)):
        with T.Kernel(1, threads=128):
            for i in T.Parallel(1000):
                Y[0, i] = A[i] + B[i]
                Y[1, i] = A[i] - B[i]
                Y[2, i] = A[i] * B[i]
                Y[3, i] = A[i] / B[i]
                Y[4, i] = T.max(A[i], B[i])
                Y[5, i] = T.min(A[i], -B[i])
                Y[6, i] = T.abs(A[i])
                Y[7, i] = (A[i] + B[i]) * A[i]

    return kernel


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_arithmetic_rounds_at_each_operation(dtype: torch.dtype) -> None:
    a, b = torch.randn(1000).to(dtype), torch.randn(1000).to(dtype)
    y = torch.zeros(8, 1000, dtype=dtype)
    assert simulate(arithmetic(name_of(dtype)), [a, b, y]).ok
    rows = [a + b, a - b, a * b, a / b, torch.maximum(a, b), torch.minimum(a, -b), a.abs(), (a + b) * a]
    assert same_values(y, torch.stack(rows))


def products_and_sums(dtype: str):
    @T.prim_func
    def kernel(A: T.Tensor((1000,), dtype), B: T.Tensor((1000,), dtype), Y: T.Tensor((4, 1000), dtype)):
        with T.Kernel(1, threads=128):
            for i in T.Parallel(1000):
                Y[0, i] = A[i] * B[i] + A[i]
                Y[1, i] = A[i] * B[i] - B[i]
                Y[2, i] = A[i] - A[i] * B[i]
                Y[3, i] = A[i] * A[i] - B[i] * B[i]

    return kernel


def nearest(exact: Fraction, dtype: torch.dtype) -> torch.Tensor:
    """The number of the dtype that is nearest, of two the one with even bits."""
    code = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    near = torch.tensor([float(exact)], dtype=torch.float64).to(dtype).view(code)
    choices = [(near + step).view(dtype) for step in (-1, 0, 1)]
    finite = [x for x in choices if x.isfinite()]
    return min(finite, key=lambda x: (abs(Fraction(x.item()) - exact), x.view(code).item() & 1))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=name_of)
def test_a_product_and_its_sum_round_once_as_on_the_device(dtype: torch.dtype) -> None:
    a, b = torch.randn(1000).to(dtype), torch.randn(1000).to(dtype)
    y = torch.zeros(4, 1000, dtype=dtype)
    assert simulate(products_and_sums(name_of(dtype)), [a, b, y]).ok
    for got, (x, factor, term) in zip(y, [(a, b, a), (a, b, -b), (-a, b, a), (a, a, -(b * b))], strict=True):
        terms = ([Fraction(v) for v in t.tolist()] for t in (x, factor, term))
        assert same_values(got, torch.cat([nearest(p * q + r, dtype) for p, q, r in zip(*terms, strict=True)]))


FUNCTIONS = (
    "exp",
    "exp2",
    "log",
    "log2",
    "log1p",
    "sqrt",
    "rsqrt",
    "tanh",
    "sigmoid",
    "sin",
    "cos",
    "erf",
    "floor",
    "ceil",
)


def mathematics(dtype: str):
    @T.prim_func
    def kernel(X: T.Tensor((500,), dtype), Y: T.Tensor((len(FUNCTIONS), 500), dtype)):
        with T.Kernel(1, threads=128):
            for i in T.Parallel(500):
                Y[0, i] = T.exp(X[i])
                Y[1, i] = T.exp2(X[i])
                Y[2, i] = T.log(X[i])
                Y[3, i] = T.log2(X[i])
                Y[4, i] = T.log1p(X[i])
                Y[5, i] = T.sqrt(X[i])
                Y[6, i] = T.rsqrt(X[i])
                Y[7, i] = T.tanh(X[i])
                Y[8, i] = T.sigmoid(X[i])
                Y[9, i] = T.sin(X[i])
                Y[10, i] = T.cos(X[i])
                Y[11, i] = T.erf(X[i])
                Y[12, i] = T.floor(X[i])
                Y[13, i] = T.ceil(X[i])

    return kernel


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_mathematics(dtype: torch.dtype) -> None:
    x = (torch.rand(500) * 4 + 0.01).to(dtype)
    y = torch.zeros(len(FUNCTIONS), 500, dtype=dtype)
    assert simulate(mathematics(name_of(dtype)), [x, y]).ok
    for row, name in zip(y, FUNCTIONS, strict=True):
        function = getattr(torch.special if name == "log1p" else torch, name)
        exact = function(x.double())
        torch.testing.assert_close(row.double(), exact, rtol=torch.finfo(dtype).eps, atol=1e-6, msg=name)


def integers():
    @T.prim_func
    def kernel(A: T.Tensor((200,), "int32"), B: T.Tensor((200,), "int32"), Y: T.Tensor((7, 200), "int32")):
        with T.Kernel(1, threads=128):
            for i in T.Parallel(200):
                Y[0, i] = A[i] // B[i]
                Y[1, i] = A[i] % B[i]
                Y[2, i] = A[i] & B[i]
                Y[3, i] = (A[i] | B[i]) ^ 5
                Y[4, i] = A[i] << 3
                Y[5, i] = A[i] >> 2
                Y[6, i] = T.truncdiv(A[i], B[i])

    return kernel


def test_integers() -> None:
    a = torch.randint(-1000, 1000, (200,), dtype=torch.int32)
    b = torch.randint(1, 30, (200,), dtype=torch.int32) * (torch.randint(0, 2, (200,), dtype=torch.int32) * 2 - 1)
    y = torch.zeros(7, 200, dtype=torch.int32)
    assert simulate(integers(), [a, b, y]).ok
    rows = [a // b, a % b, a & b, (a | b) ^ 5, a << 3, a >> 2, torch.div(a, b, rounding_mode="trunc")]
    assert torch.equal(y, torch.stack(rows))


def test_powers_of_two_are_rounded_up() -> None:
    """e8m0: torch rounds to nearest, TileLang's device code up; no sign, no infinity."""
    codes = torch.arange(256, dtype=torch.int32).to(torch.uint8)
    exact = codes.view(torch.float8_e8m0fnu)
    values = exact.float()
    up = values[:254].nextafter(torch.tensor(torch.inf))
    x = torch.cat([values, up, -values[:255], torch.tensor([torch.inf, 0.0, 1e-45])])
    expected = torch.cat([codes, codes[1:255], codes[:255], torch.tensor([254, 0, 0], dtype=torch.uint8)])
    x = torch.cat([x, torch.ones(4096 - len(x))])
    for by_copy in (True, False):
        y = torch.zeros(4096, dtype=torch.float8_e8m0fnu)
        back = torch.zeros(4096)
        assert simulate(cast(4096, "float32", "float8_e8m0fnu", by_copy), [x, y]).ok
        assert torch.equal(y.view(torch.uint8)[: len(expected)], expected)
        assert simulate(cast(4096, "float8_e8m0fnu", "float32", by_copy), [y, back]).ok
        assert same_values(back, y.float())


def product_of_tf32(explicit: bool):
    @T.prim_func
    def kernel(A: T.Tensor((32, 64), "float32"), B: T.Tensor((64, 32), "float32"), C: T.Tensor((32, 32), "float32")):
        with T.Kernel(1, threads=128):
            kind = T.tfloat32 if explicit else T.float32
            a = T.alloc_shared((32, 64), kind)
            b = T.alloc_shared((64, 32), kind)
            c = T.alloc_fragment((32, 32), "float32")
            T.clear(c)
            T.copy(A, a)
            T.copy(B, b)
            T.gemm(a, b, c)
            T.copy(c, C)

    return kernel


@pytest.mark.parametrize("explicit", [True, False])
def test_tf32_rounds_where_it_is_cast_and_truncates_where_it_is_not(explicit: bool) -> None:
    a, b, c = torch.randn(32, 64), torch.randn(64, 32), torch.zeros(32, 32)
    assert simulate(product_of_tf32(explicit), [a, b, c]).ok
    half = 0x1000 if explicit else 0
    narrow = [((x.view(torch.int32) + half) & -0x2000).view(torch.float32).double() for x in (a, b)]
    torch.testing.assert_close(c.double(), narrow[0] @ narrow[1], rtol=1e-6, atol=1e-5)

"""What the package promises: argument checks, cache, missing compiler, unsupported constructs, imports."""

import subprocess
import sys

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import CompilerMissing, Unsupported, build, simulate, translate


def scaled():
    m = T.dynamic("m")

    @T.prim_func
    def kernel(X: T.Tensor((m, 8), "float32"), Y: T.Tensor((m, 8), "float32"), f: T.float32, n: T.int32, on: T.bool):
        with T.Kernel(m, threads=32) as b:
            for j in T.Parallel(8):
                Y[b, j] = T.if_then_else(on, X[b, j] * f + T.cast(n, "float32"), 0.0)

    return kernel


@pytest.fixture(scope="module")
def kernel():
    return build(translate(scaled()))


def test_scalars_and_dynamic_extents(kernel) -> None:
    for m in (0, 1, 5):
        x, y = torch.randn(m, 8), torch.full((m, 8), torch.nan)
        assert kernel.run([x, y, 0.5, 3, True]).ok
        assert torch.equal(y, x * 0.5 + 3)
    kernel.run([x, y, 0.5, 3, False])
    assert torch.equal(y, torch.zeros_like(y))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({0: torch.zeros(3, 9)}, r"X: shape \(3, 9\) where \(3, 8\) is declared"),
        ({1: torch.zeros(4, 8)}, r"Y: shape \(4, 8\)"),
        ({1: torch.zeros(3, 8).half()}, "Y: dtype torch.float16 where float32"),
        ({1: torch.zeros(8, 3).T}, "Y: the simulator takes contiguous CPU tensors"),
        ({0: torch.zeros(3)}, "X: 1 dimensions where 2"),
        ({0: 1.0}, "X: a float where a tensor"),
        ({2: "x"}, "f: a str where float32"),
    ],
)
def test_arguments_that_do_not_fit(kernel, change: dict, message: str) -> None:
    arguments = [torch.zeros(3, 8), torch.zeros(3, 8), 1.0, 1, True]
    for position, value in change.items():
        arguments[position] = value
    with pytest.raises(ValueError, match=message):
        kernel.run(arguments)


def test_too_few_arguments(kernel) -> None:
    with pytest.raises(ValueError, match="2 arguments for the 5 parameters X, Y, f, n, on"):
        kernel.run([torch.zeros(3, 8), torch.zeros(3, 8)])


def test_one_library_a_source(tmp_path) -> None:
    program = translate(scaled())
    first = build(program, cache_dir=tmp_path).library
    stamp = first.stat().st_mtime_ns
    assert build(translate(scaled()), cache_dir=tmp_path).library == first
    assert first.stat().st_mtime_ns == stamp
    assert len(list(tmp_path.glob("kernel-*.so"))) == 1
    assert not list(tmp_path.glob("tmp*"))


def test_missing_compiler(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(CompilerMissing, match="no-such-compiler"):
        build(translate(scaled()), cache_dir=tmp_path)


def packed():
    @T.prim_func
    def kernel(X: T.Tensor((8,), "int4"), Y: T.Tensor((8,), "int8")):
        with T.Kernel(1, threads=32):
            for i in T.Parallel(8):
                Y[i] = T.cast(X[i], "int8")

    return kernel


def inline_assembly():
    @T.prim_func
    def kernel(Y: T.Tensor((8,), "float32")):
        with T.Kernel(1, threads=32):
            T.call_extern("handle", "my_function", Y.data)

    return kernel


@pytest.mark.parametrize(("make", "construct"), [(packed, "int4"), (inline_assembly, "call_extern")])
def test_unsupported_constructs_are_named(make, construct: str) -> None:
    with pytest.raises(Unsupported, match=construct) as caught:
        translate(make())
    assert construct in caught.value.reason


def views(kind: str):
    @T.prim_func
    def kernel(X: T.Tensor((6, 4), "float32"), Y: T.Tensor((24,), "int32")):
        with T.Kernel(1, threads=32):
            s = T.alloc_shared((6, 4), "float32")
            T.copy(X, s)
            flat = T.view(s, (24,), "int32")
            T.copy(flat, Y)

    return kernel


def test_views_share_their_bits() -> None:
    x, y = torch.randn(6, 4), torch.zeros(24, dtype=torch.int32)
    assert simulate(views("flat"), [x, y]).ok
    assert torch.equal(y, x.flatten().view(torch.int32))


def control(n: int):
    @T.prim_func
    def kernel(X: T.Tensor((n,), "int32"), Y: T.Tensor((n,), "int32")):
        with T.Kernel(1, threads=32):
            v = T.alloc_var("int32", init=0)
            for i in T.serial(1, n, 3):
                if X[i] < 0:
                    break
                v += X[i]
                Y[i] = v
            while v > 100:
                v = v // 2
            Y[0] = v
            for i in T.vectorized(4):
                Y[n - 4 + i] = X[i]

    return kernel


def test_control_flow() -> None:
    x = torch.arange(50, dtype=torch.int32)
    x[40] = -1
    y = torch.zeros(50, dtype=torch.int32)
    assert simulate(control(50), [x, y]).ok
    expected, total = torch.zeros(50, dtype=torch.int32), 0
    for i in range(1, 50, 3):
        if x[i] < 0:
            break
        total += int(x[i])
        expected[i] = total
    while total > 100:
        total //= 2
    expected[0] = total
    expected[46:] = x[:4]
    assert torch.equal(y, expected)


def test_importing_the_package_is_light() -> None:
    code = "import sys, tileops_spec.simulate; sys.exit(bool({'torch', 'tilelang', 'tvm'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

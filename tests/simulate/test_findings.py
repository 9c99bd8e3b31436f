"""Seeded bugs: each is found, at its line, with the right buffer."""

import inspect

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import build, check_order, simulate, translate

M, N, K = 96, 80, 72
TILE, STEP = 32, 16


def gemm(bug: str = ""):
    rows = M // 2 if bug == "half" else M
    depth = K // STEP if bug == "bound" else -(-K // STEP)
    repeat = 2 if bug == "twice" else 1

    @T.prim_func
    def kernel(A: T.Tensor((M, K), "float16"), B: T.Tensor((K, N), "float16"), C: T.Tensor((M, N), "float32")):
        with T.Kernel(T.ceildiv(N, TILE), T.ceildiv(rows, TILE), repeat, threads=128) as (bx, by, _):
            a = T.alloc_shared((TILE, STEP), "float16")
            b = T.alloc_shared((STEP, TILE), "float16")
            c = T.alloc_fragment((TILE, TILE), "float32")
            if bug != "clear":
                T.clear(c)
            for k in T.Pipelined(depth, num_stages=2):
                T.copy(A[by * TILE, k * STEP], a)
                T.copy(B[k * STEP, bx * TILE], b)
                if bug == "index":
                    T.copy(A[bx * TILE, k * STEP], a)
                T.gemm(a, b, c)
            if bug == "partial":
                T.copy(c[0 : TILE // 2, :], C[by * TILE : by * TILE + TILE // 2, bx * TILE : (bx + 1) * TILE])
            else:
                T.copy(c, C[by * TILE, bx * TILE])

    return kernel


def run_gemm(bug: str, order: str = "shuffled"):
    a, b = torch.randn(M, K).half(), torch.randn(K, N).half()
    c = torch.full((M, N), torch.nan)
    report = simulate(gemm(bug), [a, b, c], order=order)
    close = torch.allclose(c.double(), a.double() @ b.double(), rtol=1e-4, atol=1e-4)
    return report, close


def line_of(function, text: str) -> int:
    lines, first = inspect.getsourcelines(function)
    return first + next(i for i, line in enumerate(lines) if text in line)


def found(report, kind: str):
    return [finding for finding in report.findings if finding.kind == kind]


def test_a_correct_kernel_has_no_errors() -> None:
    report, close = run_gemm("")
    assert close
    assert report.ok
    assert {finding.kind for finding in report.findings} <= {"guarded-load", "guarded-store"}


def test_missing_clear() -> None:
    report, close = run_gemm("clear")
    (finding,) = found(report, "uninitialized-read")
    assert not close
    assert not report.ok
    assert (finding.severity, finding.buffer) == ("error", "c")
    assert finding.line == line_of(gemm, "T.gemm(a, b, c)")
    assert "T.clear" in finding.message


@pytest.mark.parametrize("bug", ["bound", "index"])
def test_wrong_bound_and_wrong_index_give_wrong_values(bug: str) -> None:
    _, close = run_gemm(bug)
    assert not close


@pytest.mark.parametrize("bug", ["half", "partial"])
def test_half_stored(bug: str) -> None:
    report, close = run_gemm(bug)
    (finding,) = found(report, "unwritten-output")
    assert not close
    assert finding.buffer == "C"
    assert finding.count >= M * N // 3


def test_two_blocks_store_one_tile() -> None:
    report, close = run_gemm("twice")
    (finding,) = found(report, "race")
    assert close, "the values alone would not show it"
    assert finding.severity == "error"
    assert finding.line == line_of(gemm, "T.copy(c, C[by")
    assert "two blocks" in finding.message


def split_k(atomic: bool):
    @T.prim_func
    def kernel(A: T.Tensor((TILE, K), "float32"), C: T.Tensor((TILE,), "float32")):
        with T.Kernel(K // 8, threads=128) as bk:
            a = T.alloc_fragment((TILE, 8), "float32")
            s = T.alloc_fragment((TILE,), "float32")
            T.copy(A[0, bk * 8], a)
            T.reduce_sum(a, s, dim=1)
            if atomic:
                T.atomic_add(C, s)
            else:
                for i in T.Parallel(TILE):
                    C[i] += s[i]

    return kernel


@pytest.mark.parametrize("atomic", [True, False])
def test_split_k_needs_atomics(atomic: bool) -> None:
    a, c = torch.randn(TILE, K), torch.zeros(TILE)
    report = simulate(split_k(atomic), [a, c])
    torch.testing.assert_close(c, a.sum(1), rtol=1e-5, atol=1e-5)
    assert report.ok is atomic
    assert {f.kind for f in report.findings if f.severity == "error"} == (set() if atomic else {"race"})


def shared_overrun(extent: int):
    @T.prim_func
    def kernel(X: T.Tensor((64,), "float32"), Y: T.Tensor((64,), "float32")):
        with T.Kernel(1, threads=64):
            s = T.alloc_shared((64,), "float32")
            T.copy(X, s)
            for i in T.Parallel(extent):
                Y[i] = s[i + 2]

    return kernel


def test_overrun_of_shared_memory() -> None:
    x, y = torch.randn(64), torch.full((64,), torch.nan)
    report = simulate(shared_overrun(64), [x, y])
    (finding,) = found(report, "out-of-bounds")
    assert (finding.buffer, finding.index, finding.count) == ("s", (64,), 2)
    assert finding.line == line_of(shared_overrun, "Y[i] = s")
    assert torch.equal(y[:62], x[2:])
    assert simulate(shared_overrun(62), [x, y]).ok


def overrun_by_copy():
    @T.prim_func
    def kernel(X: T.Tensor((64, 64), "float32"), Y: T.Tensor((64, 64), "float32")):
        with T.Kernel(1, threads=64):
            s = T.alloc_shared((48, 64), "float32")
            T.copy(X[0:32, :], s[32:64, :])
            T.copy(s[16:48, :], Y[0:32, :])

    return kernel


def test_overrun_by_a_copy() -> None:
    report = simulate(overrun_by_copy(), [torch.randn(64, 64), torch.zeros(64, 64)])
    (finding,) = found(report, "out-of-bounds")
    assert (finding.buffer, finding.index, finding.count) == ("s", (48, 0), 16 * 64)


def neighbours(dependent: bool):
    @T.prim_func
    def kernel(X: T.Tensor((64,), "float32"), Y: T.Tensor((64,), "float32")):
        with T.Kernel(1, threads=64):
            s = T.alloc_shared((64,), "float32")
            T.copy(X, s)
            for i in T.Parallel(64):
                if i > 0 and dependent:
                    s[i] = s[i] + s[i - 1]
                else:
                    s[i] = s[i] * 2
            T.copy(s, Y)

    return kernel


@pytest.mark.parametrize("dependent", [True, False])
def test_iterations_that_depend_on_each_other(dependent: bool) -> None:
    report = check_order(build(translate(neighbours(dependent))), [torch.randn(64), torch.zeros(64)])
    assert report.ok is not dependent
    assert [f.kind for f in report.findings] == (["order-dependence"] if dependent else [])


def unused_tail():
    @T.prim_func
    def kernel(X: T.Tensor((20,), "float32"), Y: T.Tensor((20,), "float32")):
        with T.Kernel(1, threads=32):
            s = T.alloc_shared((32,), "float32")
            T.copy(X, s[0:20])
            for i in T.Parallel(32):
                Y[i] = s[i] + 1

    return kernel


def test_an_unwritten_read_that_reaches_no_output_is_a_warning() -> None:
    x, y = torch.randn(20), torch.zeros(20)
    report = simulate(unused_tail(), [x, y])
    (finding,) = found(report, "uninitialized-read")
    assert report.ok
    assert torch.equal(y, x + 1)
    assert (finding.severity, finding.index, finding.count) == ("warning", (20,), 12)


def garbage_decides(what: str):
    @T.prim_func
    def kernel(Y: T.Tensor((32,), "float32")):
        with T.Kernel(1, threads=32):
            s = T.alloc_shared((32,), "int32")
            f = T.alloc_fragment((32,), "float32")
            T.clear(f)
            for i in T.Parallel(32):
                if what == "branch":
                    if s[i] > 0:
                        f[i] = 1
                elif what == "address":
                    f[s[i]] = 1
                else:
                    f[i] = T.if_then_else(s[i] > 0, 1.0, 2.0)
            T.copy(f, Y)

    return kernel


@pytest.mark.parametrize("what", ["branch", "address", "select"])
def test_an_unwritten_element_that_decides(what: str) -> None:
    report = simulate(garbage_decides(what), [torch.zeros(32)])
    (finding,) = found(report, "uninitialized-read")
    assert (finding.severity, finding.buffer) == ("error", "s")


def endless():
    @T.prim_func
    def kernel(Y: T.Tensor((1,), "float32")):
        with T.Kernel(1, threads=32):
            v = T.alloc_var("int32")
            v = 1
            while v > 0:
                v = 1
            Y[0] = 1.0

    return kernel


def test_a_loop_that_never_ends() -> None:
    report = simulate(endless(), [torch.zeros(1)])
    assert [f.kind for f in found(report, "endless-loop")] == ["endless-loop"]


def reads_neighbour_block():
    @T.prim_func
    def kernel(Y: T.Tensor((8,), "float32"), Z: T.Tensor((8,), "float32")):
        with T.Kernel(8, threads=32) as bx:
            for i in T.Parallel(1):
                Y[bx + i] = 1.0
            for i in T.Parallel(1):
                Z[bx + i] = Y[(bx + i + 1) % 8]

    return kernel


def test_reading_what_another_block_writes() -> None:
    report = simulate(reads_neighbour_block(), [torch.zeros(8), torch.zeros(8)])
    (finding,) = found(report, "race")
    assert finding.buffer == "Y"


def accumulator(dtype: str):
    @T.prim_func
    def kernel(
        A: T.Tensor((64, 2048), "float16"), B: T.Tensor((2048, 64), "float16"), C: T.Tensor((64, 64), "float32")
    ):
        with T.Kernel(1, threads=128):
            a = T.alloc_shared((64, 64), "float16")
            b = T.alloc_shared((64, 64), "float16")
            c = T.alloc_fragment((64, 64), dtype)
            T.clear(c)
            for k in T.Pipelined(32, num_stages=2):
                T.copy(A[0, k * 64], a)
                T.copy(B[k * 64, 0], b)
                T.gemm(a, b, c)
            T.copy(c, C)

    return kernel


def test_a_narrow_accumulator_shows_its_error() -> None:
    a, b = torch.rand(64, 2048).half(), torch.rand(2048, 64).half()
    exact = a.double() @ b.double()
    errors = {}
    for dtype in ("float16", "float32"):
        c = torch.zeros(64, 64)
        assert simulate(accumulator(dtype), [a, b, c]).ok
        errors[dtype] = ((c - exact).abs() / exact).max().item()
    assert errors["float32"] < 1e-5
    assert errors["float16"] > 1e-3


def macros_without_input():
    @T.prim_func
    def kernel(Y: T.Tensor((2, 8), "float32")):
        with T.Kernel(1, threads=32):
            x = T.alloc_fragment((8, 8), "float32")
            s = T.alloc_fragment((8,), "float32")
            t = T.alloc_fragment((8,), "float32")
            u = T.alloc_shared((8,), "float32")
            T.reduce_sum(x, s, dim=1)
            T.reduce_max(x, t, dim=1)
            T.cumsum(u)
            for i in T.Parallel(8):
                Y[0, i] = s[i] + u[i]
                Y[1, i] = t[i]

    return kernel


def test_statements_of_macros_have_the_line_of_their_call() -> None:
    report = simulate(macros_without_input(), [torch.zeros(2, 8)])
    lines = {finding.line for finding in found(report, "uninitialized-read")}
    assert lines == {line_of(macros_without_input, call) for call in ("T.reduce_sum", "T.reduce_max", "T.cumsum")}


def carried_by_a_private_variable(carried: bool):
    @T.prim_func
    def kernel(X: T.Tensor((64,), "float32"), Y: T.Tensor((64,), "float32")):
        with T.Kernel(1, threads=64):
            v = T.alloc_var("float32", init=0)
            for i in T.Parallel(64):
                if carried:
                    v += X[i]
                else:
                    v = X[i] * 2
                Y[i] = v

    return kernel


@pytest.mark.parametrize("carried", [True, False])
def test_a_private_variable_carries_nothing_between_parallel_iterations(carried: bool) -> None:
    x, y = torch.randn(64), torch.zeros(64)
    report = simulate(carried_by_a_private_variable(carried), [x, y])
    assert report.ok is not carried
    assert torch.equal(y, 2 * x) is not carried

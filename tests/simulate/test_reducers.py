"""Reducers: parts of each thread, that T.finalize_reducer combines."""

from __future__ import annotations

import inspect
import warnings

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import simulate

ROWS, COLUMNS = 48, 40


def by_updates(op: str, dtype: str, init=None):
    @T.prim_func
    def kernel(X: T.Tensor((ROWS, COLUMNS), dtype), Y: T.Tensor((ROWS,), dtype)):
        with T.Kernel(1, threads=128):
            x = T.alloc_fragment((ROWS, COLUMNS), dtype)
            y = T.alloc_fragment((ROWS,), dtype)
            total = T.alloc_reducer((ROWS,), dtype, op=op)
            T.copy(X, x)
            if init is None:
                T.reducer_init(total)
            else:
                T.reducer_init(total, init)
            for i, j in T.Parallel(ROWS, COLUMNS):
                T.reducer_update(total[i], x[i, j])
            T.finalize_reducer(total, y)
            T.copy(y, Y)

    return kernel


FLOATS = {"sum": lambda x: x.sum(1), "max": lambda x: x.amax(1), "min": lambda x: x.amin(1)}


@pytest.mark.parametrize("op", FLOATS)
def test_floats(op: str) -> None:
    x, y = torch.randn(ROWS, COLUMNS) - 3, torch.zeros(ROWS)
    report = simulate(by_updates(op, "float32"), [x, y])
    assert report.findings == ()
    torch.testing.assert_close(y, FLOATS[op](x), rtol=1e-5, atol=1e-4)


def test_an_initial_value_counts_once() -> None:
    x, y = torch.randn(ROWS, COLUMNS), torch.zeros(ROWS)
    assert simulate(by_updates("sum", "float32", 7.0), [x, y]).ok
    torch.testing.assert_close(y, x.sum(1) + 7, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("dtype", ["int32", "uint32"])
@pytest.mark.parametrize("op", ["sum", "max", "min", "bitand", "bitor", "bitxor"])
def test_integers(op: str, dtype: str) -> None:
    low = 0 if dtype == "uint32" else -(2**20)
    x = torch.randint(low, 2**20, (ROWS, COLUMNS), dtype=torch.int32)
    expected = x[:, 0]
    step = {"sum": torch.add, "max": torch.maximum, "min": torch.minimum}.get(op)
    for j in range(1, COLUMNS):
        expected = (step or getattr(torch, f"bitwise_{op[3:]}"))(expected, x[:, j])
    y = torch.zeros(ROWS, dtype=torch.int32)
    arguments = [t.view(getattr(torch, dtype)) for t in (x, y)]
    assert simulate(by_updates(op, dtype), arguments).ok
    assert torch.equal(y, expected)


def in_a_fragment(finalize: bool):
    """The older form: a fragment that its block annotates as a reducer."""

    @T.prim_func
    def kernel(X: T.Tensor((ROWS, COLUMNS), "float32"), Y: T.Tensor((ROWS,), "float32")):
        with T.Kernel(1, threads=128):
            x = T.alloc_fragment((ROWS, COLUMNS), "float32")
            total = T.alloc_reducer((ROWS,), "float32", op="sum", replication="all")
            T.clear(total)
            T.copy(X, x)
            for i, j in T.Parallel(ROWS, COLUMNS):
                total[i] += x[i, j]
            if finalize:
                T.finalize_reducer(total)
            T.copy(total, Y)

    return kernel


@pytest.mark.parametrize("finalize", [True, False])
def test_a_part_that_is_read_too_early(finalize: bool) -> None:
    x, y = torch.randn(ROWS, COLUMNS), torch.zeros(ROWS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        kernel = in_a_fragment(finalize)
    report = simulate(kernel, [x, y])
    assert report.ok is finalize
    if finalize:
        torch.testing.assert_close(y, x.sum(1), rtol=1e-5, atol=1e-4)
        return
    (finding,) = [f for f in report.findings if f.severity == "error"]
    assert finding.buffer == "total"
    assert "before T.finalize_reducer" in finding.message


def never_initialized():
    @T.prim_func
    def kernel(X: T.Tensor((ROWS,), "float32"), Y: T.Tensor((ROWS,), "float32")):
        with T.Kernel(1, threads=128):
            total = T.alloc_reducer((ROWS,), "float32", op="sum")
            y = T.alloc_fragment((ROWS,), "float32")
            for i in T.Parallel(ROWS):
                T.reducer_update(total[i], X[i])
            T.finalize_reducer(total, y)
            T.copy(y, Y)

    return kernel


def test_a_reducer_without_an_initial_value() -> None:
    report = simulate(never_initialized(), [torch.randn(ROWS), torch.zeros(ROWS)])
    lines, first = inspect.getsourcelines(never_initialized)
    update = first + next(i for i, line in enumerate(lines) if "reducer_update" in line)
    found = [f for f in report.findings if f.severity == "error"]
    assert [(f.kind, f.line, f.buffer) for f in found] == [("uninitialized-read", update, "total")]

"""Barriers that do not complete, or that not all threads reach: found, at their line."""

from __future__ import annotations

import inspect

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import Report, simulate


def lines_of(function, text: str) -> set[int]:
    lines, first = inspect.getsourcelines(function)
    return {first + i for i, line in enumerate(lines) if text in line}


def errors(report: Report) -> set[tuple[str, int | None]]:
    return {(f.kind, f.line) for f in report.findings if f.severity == "error"}


def some_threads(how: str):
    @T.prim_func
    def kernel(X: T.Tensor((128,), "float32"), Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=128):
            tx = T.get_thread_binding()
            if how == "by index":
                if tx < 64:
                    T.sync_threads()
            elif how == "by value":
                if X[tx] > 0:
                    T.sync_threads()
            elif how == "by rounds":
                for _ in T.serial(1 + tx // 64):
                    T.sync_threads()
            else:
                T.sync_threads()
            Y[tx] = X[tx]

    return kernel


@pytest.mark.parametrize("how", ["by index", "by value", "by rounds", "all"])
@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_sync_threads_that_not_all_threads_reach(how: str, order: str) -> None:
    x = torch.randn(128)
    report = simulate(some_threads(how), [x, torch.zeros(128)], order=order)
    found = errors(report)
    assert {kind for kind, _ in found} == (set() if how == "all" else {"divergent-barrier"})
    assert {line for _, line in found} <= lines_of(some_threads, "T.sync_threads()")
    assert report.ok is (how == "all")


def two_barriers(separate: bool):
    @T.prim_func
    def kernel(X: T.Tensor((128,), "float32"), Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=128):
            s = T.alloc_shared((128,), "float32")
            tx = T.get_thread_binding()
            s[tx] = X[tx]
            if separate:
                if tx < 64:
                    T.sync_threads()  # one half
                else:
                    T.sync_threads()  # the other
            else:
                T.sync_threads()
            Y[tx] = s[127 - tx]

    return kernel


@pytest.mark.parametrize("separate", [True, False])
def test_halves_of_a_block_that_wait_at_different_barriers(separate: bool) -> None:
    report = simulate(two_barriers(separate), [torch.randn(128), torch.zeros(128)])
    found = [f for f in report.findings if f.kind == "divergent-barrier"]
    assert bool(found) is separate
    assert {f.line for f in found} <= lines_of(two_barriers, "# one half") | lines_of(two_barriers, "# the other")
    assert all("not all reach" in f.message for f in found)


def mbarrier(arrivals: int, arriving: int, rounds: int = 1):
    """Threads below `arriving` arrive at a barrier for `arrivals`; all wait for it, `rounds` times."""

    @T.prim_func
    def kernel(Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=128):
            ready = T.alloc_barrier(arrive_count=arrivals)
            tx = T.get_thread_binding()
            if tx < arriving:
                T.barrier_arrive(ready)
            for k in T.serial(rounds):
                T.barrier_wait(ready, k % 2)
            Y[tx] = 1.0

    return kernel


@pytest.mark.parametrize(
    ("arrivals", "arriving", "rounds", "completes"),
    [(128, 128, 1, True), (64, 64, 1, True), (128, 64, 1, False), (1, 0, 1, False), (128, 128, 2, False)],
)
def test_an_mbarrier_with_too_few_arrivals(arrivals: int, arriving: int, rounds: int, completes: bool) -> None:
    report = simulate(mbarrier(arrivals, arriving, rounds), [torch.zeros(128)])
    (line,) = lines_of(mbarrier, "T.barrier_wait")
    assert errors(report) == (set() if completes else {("deadlock", line)})
    assert all(f.buffer == "ready[0]" for f in report.findings if f.kind == "deadlock")


def tma_without_arrival(arrives: bool):
    """No thread index at all: the whole block loads, and waits for a barrier at which nobody arrives."""

    @T.prim_func
    def kernel(X: T.Tensor((64, 64), "float16"), Y: T.Tensor((64, 64), "float16")):
        with T.Kernel(1, threads=128):
            s = T.alloc_shared((64, 64), "float16")
            ready = T.alloc_barrier(arrive_count=128)
            T.tma_copy(X, s, barrier=ready)
            if arrives:
                T.barrier_arrive(ready)
            T.barrier_wait(ready, 0)
            T.copy(s, Y)

    return kernel


@pytest.mark.parametrize("arrives", [True, False])
def test_a_load_whose_barrier_nobody_arrives_at(arrives: bool) -> None:
    x, y = torch.randn(64, 64).half(), torch.zeros(64, 64).half()
    report = simulate(tma_without_arrival(arrives), [x, y])
    (line,) = lines_of(tma_without_arrival, "T.barrier_wait")
    assert errors(report) == (set() if arrives else {("deadlock", line)})
    assert torch.equal(x, y) is arrives


def two_loads(waits: bool):
    """The load that comes second is waited for, and the first one with it or not at all."""

    @T.prim_func
    def kernel(X: T.Tensor((64, 64), "float16"), W: T.Tensor((64, 64), "float16"), Y: T.Tensor((2, 64, 64), "float16")):
        with T.Kernel(1, threads=128):
            s = T.alloc_shared((64, 64), "float16")
            t = T.alloc_shared((64, 64), "float16")
            first = T.alloc_barrier(arrive_count=128)
            second = T.alloc_barrier(arrive_count=128)
            T.tma_copy(X, s, barrier=first)
            T.barrier_arrive(first)
            T.tma_copy(W, t, barrier=second)
            T.barrier_arrive(second)
            if waits:
                T.barrier_wait(first, 0)
            T.barrier_wait(second, 0)
            T.copy(s, Y[0, :, :])
            T.copy(t, Y[1, :, :])

    return kernel


@pytest.mark.parametrize("waits", [True, False])
def test_a_load_may_be_under_way_until_it_is_waited_for(waits: bool) -> None:
    """Those issued later may land earlier; that all threads have arrived at the barrier says nothing of its bytes."""
    x, w, y = torch.randn(64, 64).half(), torch.randn(64, 64).half(), torch.zeros(2, 64, 64).half()
    report = simulate(two_loads(waits), [x, w, y], order="reverse")
    (line,) = lines_of(two_loads, "T.copy(s")
    assert errors(report) == (set() if waits else {("uninitialized-read", line)})
    assert torch.equal(w, y[1])
    assert torch.equal(x, y[0]) is waits


def ring(bug: str):
    """Each half waits for the other before it arrives: a cycle, unless one of them arrives first."""

    @T.prim_func
    def kernel(Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=128):
            a = T.alloc_barrier(arrive_count=64)
            b = T.alloc_barrier(arrive_count=64)
            tx = T.get_thread_binding()
            if tx < 64:
                if bug != "cycle":
                    T.barrier_arrive(a)
                T.barrier_wait(b, 0)
                if bug == "cycle":
                    T.barrier_arrive(a)
            else:
                T.barrier_wait(a, 0)
                T.barrier_arrive(b)
            Y[tx] = 1.0

    return kernel


def test_barriers_that_wait_for_each_other() -> None:
    assert simulate(ring(""), [torch.zeros(128)]).ok
    report = simulate(ring("cycle"), [torch.zeros(128)])
    assert {line for kind, line in errors(report) if kind == "deadlock"} == lines_of(ring, "T.barrier_wait")
    assert {f.buffer for f in report.findings if f.kind == "deadlock"} == {"a[0]", "b[0]"}


def named(count: int):
    @T.prim_func
    def kernel(Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=128):
            tx = T.get_thread_binding()
            if tx < 64:
                T.sync_threads(2, count)
            Y[tx] = 1.0

    return kernel


@pytest.mark.parametrize("count", [64, 96])
def test_a_named_barrier_for_more_threads_than_reach_it(count: int) -> None:
    report = simulate(named(count), [torch.zeros(128)])
    (line,) = lines_of(named, "T.sync_threads")
    assert errors(report) == (set() if count == 64 else {("deadlock", line)})


def exchange_by(lanes: int):
    @T.prim_func
    def kernel(X: T.Tensor((64,), "float32"), Y: T.Tensor((64,), "float32")):
        with T.Kernel(1, threads=64):
            tx = T.get_thread_binding()
            v = T.alloc_local((1,), "float32")
            v[0] = X[tx]
            if tx < lanes:
                v[0] += T.shfl_xor(v[0], 1)
            Y[tx] = v[0]

    return kernel


@pytest.mark.parametrize("lanes", [32, 64, 20])
def test_a_warp_exchange_that_not_all_lanes_reach(lanes: int) -> None:
    x, y = torch.randn(64), torch.zeros(64)
    report = simulate(exchange_by(lanes), [x, y])
    (line,) = lines_of(exchange_by, "T.shfl_xor")
    assert errors(report) == (set() if lanes % 32 == 0 else {("divergent-barrier", line)})


def collective_in_a_loop(even: bool):
    """A tile operator that one half of the block reaches more often than the other."""

    @T.prim_func
    def kernel(X: T.Tensor((64,), "float32"), Y: T.Tensor((64,), "float32")):
        with T.Kernel(1, threads=128):
            s = T.alloc_shared((64,), "float32")
            tx = T.get_thread_binding()
            for _ in T.serial(2 if even else 1 + tx // 64):
                T.copy(X, s)
            T.sync_threads()
            if tx < 64:
                Y[tx] = s[tx]

    return kernel


@pytest.mark.parametrize("even", [True, False])
def test_a_tile_operator_that_not_all_threads_reach(even: bool) -> None:
    report = simulate(collective_in_a_loop(even), [torch.randn(64), torch.zeros(64)])
    assert report.ok is even
    lines = lines_of(collective_in_a_loop, "T.copy(X, s)") | lines_of(collective_in_a_loop, "T.sync_threads")
    assert {line for _, line in errors(report)} <= lines

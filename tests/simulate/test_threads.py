"""Thread-level code: warp specialization with mbarriers, named barriers, shuffles, deadlocks."""

import inspect

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import Unsupported, build, simulate, translate

M, N, K = 72, 90, 152
TILE, STEP, STAGES = 32, 16, 3


def specialized_gemm(bug: str = ""):
    """A producer warpgroup fills a ring of stages by TMA, a consumer warpgroup multiplies."""
    flip = 0 if bug == "parity" else 1

    @T.prim_func
    def kernel(A: T.Tensor((M, K), "float16"), B: T.Tensor((K, N), "float16"), C: T.Tensor((M, N), "float32")):
        with T.Kernel(T.ceildiv(N, TILE), T.ceildiv(M, TILE), threads=256) as (bx, by):
            a = T.alloc_shared((STAGES, TILE, STEP), "float16")
            b = T.alloc_shared((STAGES, STEP, TILE), "float16")
            c = T.alloc_fragment((TILE, TILE), "float32")
            full = T.alloc_barrier([128] * STAGES)
            empty = T.alloc_barrier([128] * STAGES)
            tx = T.get_thread_binding()
            if tx < 128:
                T.dec_max_nreg(24)
                for k in T.serial(T.ceildiv(K, STEP)):
                    T.barrier_wait(empty[k % STAGES], ((k // STAGES) % 2) ^ flip)
                    rows, steps = by * TILE, k * STEP
                    T.tma_copy(
                        A[rows : rows + TILE, steps : steps + STEP], a[k % STAGES, :, :], barrier=full[k % STAGES]
                    )
                    columns = bx * TILE
                    source = B[steps : steps + STEP, columns : columns + TILE]
                    T.tma_copy(source, b[k % STAGES, :, :], barrier=full[k % STAGES])
                    T.barrier_arrive(full[k % STAGES])
            else:
                T.inc_max_nreg(240)
                T.clear(c)
                for k in T.serial(T.ceildiv(K, STEP)):
                    if bug != "no wait for data":
                        T.barrier_wait(full[k % STAGES], (k // STAGES) % 2)
                    if bug == "early release":
                        T.barrier_arrive(empty[k % STAGES])
                    T.wgmma_gemm(a[k % STAGES, :, :], b[k % STAGES, :, :], c)
                    if bug == "one early release" and k == 4:
                        T.barrier_arrive(empty[k % STAGES])
                    if bug != "no wait for wgmma":
                        T.wait_wgmma(0)
                    if bug not in ("early release", "no release") and (bug != "one early release" or k != 4):
                        T.barrier_arrive(empty[k % STAGES])
                T.copy(c, C[by * TILE, bx * TILE])

    return kernel


def operands() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    return torch.randn(M, K).half(), torch.randn(K, N).half(), torch.full((M, N), torch.nan)


def is_product(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> bool:
    return torch.allclose(c.double(), a.double() @ b.double(), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_warp_specialized_gemm(order: str) -> None:
    kernel = build(translate(specialized_gemm()))
    for seed in range(3):
        a, b, c = operands()
        assert kernel.run([a, b, c], order=order, seed=seed).ok
        assert is_product(a, b, c)


@pytest.mark.parametrize(
    ("bug", "barrier"), [("no release", "empty"), ("parity", "empty"), ("no wait for data", "empty")]
)
def test_a_barrier_that_never_completes_is_named(bug: str, barrier: str) -> None:
    a, b, c = operands()
    report = simulate(specialized_gemm(bug), [a, b, c], order="forward")
    found = [finding for finding in report.findings if finding.kind == "deadlock"]
    assert any(finding.buffer.startswith(f"{barrier}[") for finding in found)
    lines, first = inspect.getsourcelines(specialized_gemm)
    waits = {first + i for i, line in enumerate(lines) if "barrier_wait" in line}
    assert {finding.line for finding in found} <= waits
    assert not report.ok


@pytest.mark.parametrize("bug", ["early release", "no wait for wgmma", "one early release"])
def test_a_missing_wait_shows_in_some_order(bug: str) -> None:
    kernel = build(translate(specialized_gemm(bug)))
    wrong = []
    for seed in range(3):
        a, b, c = operands()
        report = kernel.run([a, b, c], seed=seed)
        wrong.append(not report.ok or not is_product(a, b, c))
    assert all(wrong)


def roles_in_one_loop():
    """TileLang's own idiom: T.ws blocks inside one loop."""

    @T.prim_func
    def kernel(A: T.Tensor((M, K), "float16"), B: T.Tensor((K, N), "float16"), C: T.Tensor((M, N), "float32")):
        with T.Kernel(T.ceildiv(N, TILE), T.ceildiv(M, TILE), threads=256) as (bx, by):
            a = T.alloc_shared((TILE, STEP), "float16")
            b = T.alloc_shared((STEP, TILE), "float16")
            c = T.alloc_fragment((TILE, TILE), "float32")
            ready = T.alloc_barrier(arrive_count=128)
            done = T.alloc_barrier(arrive_count=128)
            with T.ws(1):
                T.clear(c)
            for k in T.Pipelined(T.ceildiv(K, STEP), num_stages=0):
                with T.ws(0):
                    T.barrier_wait(done, (k + 1) % 2)
                    T.tma_copy(A[by * TILE, k * STEP], a, barrier=ready)
                    T.tma_copy(B[k * STEP, bx * TILE], b, barrier=ready)
                    T.barrier_arrive(ready)
                with T.ws(1):
                    T.barrier_wait(ready, k % 2)
                    T.gemm(a, b, c)
                    T.barrier_arrive(done)
            with T.ws(1):
                T.copy(c, C[by * TILE, bx * TILE])

    return kernel


def two_consumers():
    """One elected producer thread; two consumer warpgroups with fragments of the same names."""

    @T.prim_func
    def kernel(A: T.Tensor((M, K), "float16"), B: T.Tensor((K, N), "float16"), C: T.Tensor((M, N), "float32")):
        with T.Kernel(T.ceildiv(N, TILE), T.ceildiv(M, 2 * TILE), threads=384) as (bx, by):
            a = T.alloc_shared((2, 2 * TILE, STEP), "float16")
            b = T.alloc_shared((2, STEP, TILE), "float16")
            c = T.alloc_fragment((TILE, TILE), "float32")
            full = T.alloc_barrier([1, 1])
            empty = T.alloc_barrier([256, 256])
            tx = T.get_thread_binding()
            if tx >= 256:
                if tx == 256:
                    for k in T.serial(T.ceildiv(K, STEP)):
                        T.barrier_wait(empty[k % 2], ((k // 2) % 2) ^ 1)
                        T.tma_copy(
                            A[by * 2 * TILE : (by + 1) * 2 * TILE, k * STEP : (k + 1) * STEP],
                            a[k % 2, :, :],
                            barrier=full[k % 2],
                        )
                        T.tma_copy(
                            B[k * STEP : (k + 1) * STEP, bx * TILE : (bx + 1) * TILE],
                            b[k % 2, :, :],
                            barrier=full[k % 2],
                        )
                        T.barrier_arrive(full[k % 2])
            elif tx < 128:
                T.clear(c)
                for k in T.serial(T.ceildiv(K, STEP)):
                    T.barrier_wait(full[k % 2], (k // 2) % 2)
                    T.gemm(a[k % 2, 0:TILE, :], b[k % 2, :, :], c)
                    T.barrier_arrive(empty[k % 2])
                T.copy(c, C[by * 2 * TILE, bx * TILE])
            else:
                T.clear(c)
                for k in T.serial(T.ceildiv(K, STEP)):
                    T.barrier_wait(full[k % 2], (k // 2) % 2)
                    T.gemm(a[k % 2, TILE : 2 * TILE, :], b[k % 2, :, :], c)
                    T.barrier_arrive(empty[k % 2])
                T.copy(c, C[by * 2 * TILE + TILE, bx * TILE])

    return kernel


@pytest.mark.parametrize("make", [roles_in_one_loop, two_consumers])
def test_other_shapes_of_specialization(make) -> None:
    kernel = build(translate(make()))
    for order in ("forward", "reverse", "shuffled"):
        a, b, c = operands()
        assert kernel.run([a, b, c], order=order).ok
        assert is_product(a, b, c)


def handover(barrier: bool):
    """Warpgroup 0 writes, warpgroup 1 reads after a named barrier."""

    @T.prim_func
    def kernel(X: T.Tensor((128,), "float32"), Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=256):
            s = T.alloc_shared((128,), "float32")
            tx = T.get_thread_binding()
            if tx < 128:
                T.copy(X, s)
                if barrier:
                    T.named_barrier_arrive(3, 256)
            else:
                T.sync_threads(3, 256)
                T.copy(s, Y)

    return kernel


@pytest.mark.parametrize("barrier", [True, False])
def test_named_barriers(barrier: bool) -> None:
    x, y = torch.randn(128), torch.zeros(128)
    report = simulate(handover(barrier), [x, y], order="reverse")
    assert report.ok is barrier
    assert torch.equal(x, y) is barrier
    assert any("named barrier 3" in finding.message for finding in report.findings) is not barrier


def threads_and_shuffles(n: int):
    @T.prim_func
    def kernel(X: T.Tensor((n,), "float32"), Y: T.Tensor((n,), "float32"), S: T.Tensor((1,), "float32")):
        with T.Kernel(T.ceildiv(n, 128), threads=128) as bx:
            tx = T.get_thread_binding()
            v = T.alloc_local((1,), "float32")
            s = T.alloc_shared((128,), "float32")
            v[0] = 0
            if bx * 128 + tx < n:
                v[0] = X[bx * 128 + tx]
            s[tx] = v[0]
            v[0] = s[127 - tx]
            if bx * 128 + 127 - tx < n:
                Y[bx * 128 + 127 - tx] = v[0] * 2
            for d in T.unroll(5):
                v[0] += T.shfl_xor(v[0], 1 << d)
            if tx % 32 == 0:
                T.atomic_add(S[0], v[0])

    return kernel


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_threads_shared_memory_and_shuffles(order: str) -> None:
    x, y, s = torch.randint(-9, 9, (300,)).float(), torch.zeros(300), torch.zeros(1)
    assert simulate(threads_and_shuffles(300), [x, y, s], order=order).ok
    assert torch.equal(y, 2 * x)
    assert s.item() == x.sum().item()


def every_thread_adds():
    @T.prim_func
    def kernel(S: T.Tensor((1,), "float32")):
        with T.Kernel(2, threads=64):
            T.atomic_add(S[0], 1.0)

    return kernel


def test_a_scalar_atomic_runs_once_a_thread() -> None:
    s = torch.zeros(1)
    assert simulate(every_thread_adds(), [s]).ok
    assert s.item() == 128


def barrier_in_one_branch():
    @T.prim_func
    def kernel(Y: T.Tensor((128,), "float32")):
        with T.Kernel(1, threads=128):
            never = T.alloc_barrier(arrive_count=1)
            tx = T.get_thread_binding()
            if tx < 64:
                T.sync_threads()
            else:
                T.barrier_wait(never[0], 0)
            Y[tx] = 1.0

    return kernel


def test_a_barrier_in_a_divergent_branch() -> None:
    report = simulate(barrier_in_one_branch(), [torch.zeros(128)])
    found = [finding for finding in report.findings if finding.kind == "deadlock"]
    assert {finding.buffer for finding in found} == {"never[0]", "T.sync_threads"}


def gemv(n: int, k: int, rows: int, lanes: int, width: int):
    """A row a group of threads: private accumulators, vector loads, a reduction over one axis of the block."""
    step = lanes * width

    @T.prim_func
    def kernel(A: T.Tensor((k,), "float16"), B: T.Tensor((n, k), "float16"), C: T.Tensor((n,), "float32")):
        with T.Kernel(T.ceildiv(n, rows), threads=(rows, lanes)) as block:
            row, lane = T.get_thread_binding(0), T.get_thread_binding(1)
            a = T.alloc_local((width,), "float16")
            b = T.alloc_local((width,), "float16")
            total = T.alloc_local((1,), "float32")
            all_lanes = T.alloc_local((1,), "float32")
            T.clear(total)
            for s in T.serial(T.ceildiv(k, step)):
                for i in T.vectorized(width):
                    a[i] = A[s * step + lane * width + i]
                    b[i] = B[block * rows + row, s * step + lane * width + i]
                for i in T.serial(width):
                    total[0] += T.cast(a[i], "float32") * T.cast(b[i], "float32")
            with T.attr(
                T.comm_reducer(lambda x, y: x + y, [T.cast(0, "float32")]),
                "reduce_scope",
                T.reinterpret(T.uint64(0), dtype="handle"),
            ):
                T.evaluate(T.tvm_thread_allreduce(T.uint32(1), total[0], True, all_lanes[0], lane, dtype="handle"))
            C[block * rows + row] = all_lanes[0]

    return kernel


def test_gemv_over_a_block_of_two_axes() -> None:
    n, k = 10, 200
    a, b, c = torch.randn(k).half(), torch.randn(n, k).half(), torch.full((n,), torch.nan)
    assert simulate(gemv(n, k, 4, 16, 8), [a, b, c]).ok
    torch.testing.assert_close(c.double(), b.double() @ a.double(), rtol=1e-4, atol=1e-4)


def votes():
    @T.prim_func
    def kernel(X: T.Tensor((64,), "int32"), Y: T.Tensor((3, 64), "int32")):
        with T.Kernel(1, threads=64):
            tx = T.get_thread_binding()
            Y[0, tx] = T.cast(T.any_sync(X[tx] > 5), "int32")
            Y[1, tx] = T.cast(T.all_sync(X[tx] > 5), "int32")
            Y[2, tx] = T.warp_reduce_max(X[tx])

    return kernel


def test_votes_and_warp_reductions() -> None:
    x = torch.arange(64, dtype=torch.int32) % 40
    y = torch.zeros(3, 64, dtype=torch.int32)
    assert simulate(votes(), [x, y]).ok
    for warp in (slice(0, 32), slice(32, 64)):
        assert (y[0, warp] == int((x[warp] > 5).any())).all()
        assert (y[1, warp] == int((x[warp] > 5).all())).all()
        assert (y[2, warp] == x[warp].max()).all()


def guarded_init(rows: int, lanes: int):
    @T.prim_func
    def kernel(X: T.Tensor((rows, lanes), "float32"), Y: T.Tensor((rows,), "float32")):
        with T.Kernel(1, threads=(rows, lanes)):
            row, lane = T.get_thread_binding(0), T.get_thread_binding(1)
            s = T.alloc_shared((rows,), "float32")
            if lane == 0:
                s[row] = 0
            T.atomic_add(s[row], X[row, lane])
            Y[row] = s[row]

    return kernel


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_threads_meet_after_a_branch_that_few_take(order: str) -> None:
    x, y = torch.randint(-9, 9, (8, 16)).float(), torch.zeros(8)
    assert simulate(guarded_init(8, 16), [x, y], order=order).ok
    assert torch.equal(y, x.sum(1))


def group_in_operands(how: str):
    @T.prim_func
    def kernel(X: T.Tensor((2, 128), "float32"), Y: T.Tensor((2, 128), "float32")):
        with T.Kernel(1, threads=256):
            s = T.alloc_shared((2, 128), "float32")
            tx = T.get_thread_binding()
            group = T.alloc_var("int32")
            group = tx // 128
            if how == "variable":
                T.copy(X[group, 0:128], s[group, 0:128])
            elif how == "index":
                T.copy(X[tx // 128, 0:128], s[tx // 128, 0:128])
            else:
                for j in T.Parallel(128):
                    s[tx // 128, j] = X[tx // 128, j]
            T.copy(s, Y)

    return kernel


@pytest.mark.parametrize("how", ["variable", "index", "parallel"])
def test_a_tile_operator_that_differs_between_its_threads_is_refused(how: str) -> None:
    with pytest.raises(Unsupported, match="thread index"):
        translate(group_in_operands(how))

"""Patches of convolutions, copies of single threads, thread loops, workspaces, values that a thread keeps."""

import inspect

import pytest
import tilelang.language as T
import torch

from tileops_spec.simulate import Unsupported, simulate, translate


def convolution(n: int, size: tuple[int, int], c: int, f: int, k: int, stride: int, dilation: int, pad: int):
    h, w = size
    oh, ow = ((x + 2 * pad - dilation * (k - 1) - 1) // stride + 1 for x in size)
    rows, depth, tile = n * oh * ow, k * k * c, 16

    @T.prim_func
    def kernel(
        X: T.Tensor((n, h, w, c), "float16"),
        F: T.Tensor((depth, f), "float16"),
        Y: T.Tensor((rows, f), "float32"),
    ):
        with T.Kernel(T.ceildiv(rows, tile), threads=128) as b:
            patches = T.alloc_shared((tile, tile), "float16")
            filters = T.alloc_shared((tile, f), "float16")
            out = T.alloc_fragment((tile, f), "float32")
            T.clear(out)
            for step in T.Pipelined(T.ceildiv(depth, tile), num_stages=2):
                T.im2col(X, patches, b, step, k, stride, dilation, pad)
                T.copy(F[step * tile, 0], filters)
                T.gemm(patches, filters, out)
            T.copy(out, Y[b * tile, 0])

    return kernel


@pytest.mark.parametrize(
    ("k", "stride", "dilation", "pad"), [(1, 1, 1, 0), (3, 1, 1, 1), (3, 2, 1, 0), (2, 1, 3, 2), (3, 3, 2, 4)]
)
def test_im2col(k: int, stride: int, dilation: int, pad: int) -> None:
    x, f = torch.randn(2, 9, 7, 4).half(), torch.randn(k, k, 4, 8).half()
    exact = torch.nn.functional.conv2d(
        x.double().permute(0, 3, 1, 2), f.double().permute(3, 2, 0, 1), stride=stride, dilation=dilation, padding=pad
    ).permute(0, 2, 3, 1)
    y = torch.full((exact.shape[0] * exact.shape[1] * exact.shape[2], 8), torch.nan)
    func = convolution(2, (9, 7), 4, 8, k, stride, dilation, pad)
    assert simulate(func, [x, f.reshape(-1, 8).contiguous(), y]).ok
    torch.testing.assert_close(y.double(), exact.reshape(-1, 8), rtol=1e-4, atol=1e-4)


def gathered(wait: bool):
    """A producer warpgroup copies chosen rows, 16 bytes a thread; a consumer warpgroup reads them."""

    @T.prim_func
    def kernel(X: T.Tensor((64, 64), "float16"), rows: T.Tensor((16,), "int32"), Y: T.Tensor((16, 64), "float16")):
        with T.Kernel(1, threads=256):
            s = T.alloc_shared((16, 64), "float16")
            ready = T.alloc_barrier(arrive_count=128)
            tx = T.get_thread_binding()
            if tx < 128:
                row = rows[tx // 8]
                T.ptx_cp_async(
                    T.access_ptr(s[tx // 8, tx % 8 * 8], "w", 8), T.access_ptr(X[row, tx % 8 * 8], "r", 8), 8
                )
                T.cp_async_barrier_noinc(ready[0])
            else:
                if wait:
                    T.barrier_wait(ready, 0)
                T.copy(s, Y)

    return kernel


@pytest.mark.parametrize("order", ["forward", "reverse", "shuffled"])
def test_copies_of_single_threads(order: str) -> None:
    x, i = torch.randn(64, 64).half(), torch.randperm(64)[:16].int()
    y = torch.zeros(16, 64).half()
    assert simulate(gathered(True), [x, i, y], order=order).ok
    assert torch.equal(y, x[i.long()])


def test_a_copy_of_single_threads_that_nobody_waits_for() -> None:
    x, i, y = torch.randn(64, 64).half(), torch.arange(16, dtype=torch.int32), torch.zeros(16, 64).half()
    report = simulate(gathered(False), [x, i, y], order="reverse")
    assert {f.kind for f in report.findings if f.severity == "error"} == {"uninitialized-read"}


def thread_loop(extent: int):
    @T.prim_func
    def kernel(X: T.Tensor((8, 32), "float32"), Y: T.Tensor((8, 32), "float32")):
        with T.Kernel(1, threads=(32, 8)):
            lane = T.thread_binding(0, extent, thread="threadIdx.x")
            row = T.thread_binding(0, 8, thread="threadIdx.y")
            Y[row, lane] = X[row, 31 - lane]

    return kernel


def test_threads_bound_by_a_loop() -> None:
    x, y = torch.randn(8, 32), torch.zeros(8, 32)
    assert simulate(thread_loop(32), [x, y]).ok
    assert torch.equal(y, x.flip(1))
    with pytest.raises(Unsupported, match="16 threads"):
        translate(thread_loop(16))


def through_a_workspace():
    @T.prim_func
    def kernel(X: T.Tensor((4, 64), "float32"), Y: T.Tensor((64,), "float32")):
        parts = T.alloc_buffer((4, 64), "float32")
        with T.Kernel(4, threads=64) as b:
            for i in T.Parallel(64):
                parts[b, i] = X[b, i] * 2
        with T.Kernel(1, threads=64):
            total = T.alloc_fragment((64,), "float32")
            T.clear(total)
            for k in T.serial(4):
                for i in T.Parallel(64):
                    total[i] += parts[k, i]
            T.copy(total, Y)

    return kernel


def test_a_buffer_that_the_function_allocates() -> None:
    x, y = torch.randn(4, 64), torch.zeros(64)
    assert simulate(through_a_workspace(), [x, y]).ok
    torch.testing.assert_close(y, 2 * x.sum(0))


def two_kernels_with_barriers(arrivals: int):
    @T.prim_func
    def kernel(X: T.Tensor((32, 32), "float16"), Y: T.Tensor((32, 32), "float16"), Z: T.Tensor((32, 32), "float16")):
        with T.Kernel(1, threads=128):
            s = T.alloc_shared((32, 32), "float16")
            first = T.alloc_barrier(arrive_count=128)
            T.tma_copy(X, s, barrier=first)
            T.barrier_arrive(first)
            T.barrier_wait(first, 0)
            T.copy(s, Y)
        with T.Kernel(1, threads=256):
            t = T.alloc_shared((32, 32), "float16")
            second = T.alloc_barrier(arrive_count=arrivals)
            T.tma_copy(Y, t, barrier=second)
            T.barrier_arrive(second)
            T.barrier_wait(second, 0)
            T.copy(t, Z)

    return kernel


@pytest.mark.parametrize("arrivals", [256, 512])
def test_barriers_belong_to_their_kernel(arrivals: int) -> None:
    x, y, z = torch.randn(32, 32).half(), torch.zeros(32, 32).half(), torch.zeros(32, 32).half()
    report = simulate(two_kernels_with_barriers(arrivals), [x, y, z])
    assert report.ok is (arrivals == 256)
    assert torch.equal(x, y)
    assert torch.equal(x, z) is report.ok
    assert {f.buffer for f in report.findings if f.kind == "deadlock"} == (set() if report.ok else {"second[0]"})


def kept_by_a_thread(tile: bool):
    """A fragment that threads fill outside of T.Parallel: each has its own values in it."""

    @T.prim_func
    def kernel(X: T.Tensor((2, 64), "float32"), Y: T.Tensor((2, 64), "float32")):
        with T.Kernel(1, threads=64):
            kept = T.alloc_fragment((2,), "float32")
            tx = T.get_thread_binding()
            for r in T.serial(2):
                kept[r] = X[r, tx]
            if tile:
                T.clear(kept)
            for r in T.serial(2):
                Y[r, tx] = kept[1 - r]

    return kernel


def test_a_fragment_that_each_thread_keeps_for_itself() -> None:
    x, y = torch.randn(2, 64), torch.zeros(2, 64)
    assert simulate(kept_by_a_thread(False), [x, y]).ok
    assert torch.equal(y, x.flip(0))
    with pytest.raises(Unsupported, match="kept, which each thread stores on its own"):
        translate(kept_by_a_thread(True))


def outside_after_other_sites():
    @T.prim_func
    def kernel(X: T.Tensor((64,), "float32"), Y: T.Tensor((64,), "float32")):
        with T.Kernel(1, threads=64):
            unused = T.alloc_shared((64,), "float32")
            s = T.alloc_shared((32,), "float32")
            T.copy(X, unused)
            T.copy(X[0:32], s)
            for i in T.Parallel(64):
                Y[i] = s[i]

    return kernel


def test_a_value_from_outside_of_a_buffer_is_told_where_it_was_read() -> None:
    report = simulate(outside_after_other_sites(), [torch.randn(64), torch.zeros(64)])
    lines, first = inspect.getsourcelines(outside_after_other_sites)
    read = first + next(i for i, line in enumerate(lines) if "Y[i] = s[i]" in line)
    found = [f for f in report.findings if f.severity == "error"]
    assert {(f.kind, f.buffer, f.line) for f in found} == {
        ("out-of-bounds", "s", read),
        ("uninitialized-read", "s", read),
    }

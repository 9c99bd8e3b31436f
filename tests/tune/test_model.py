"""Shared memory, registers, occupancy and time against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest

from tileops_spec.hardware import TARGETS
from tileops_spec.hardware.device import device
from tileops_spec.tune.estimate import Blocks, Rates, block_load, estimate, product_seconds, sample
from tileops_spec.tune.memory import row_threads, shared_memory
from tileops_spec.tune.occupancy import occupancy, waves
from tileops_spec.tune.registers import registers

H200 = device("h200")
HOPPER = TARGETS["sm_90a"]


def buffer(scope: str, size: int, *tops: int, first: int = 0, last: int = 9, shape: tuple[int, ...] = (1, 1)) -> dict:
    return {
        "name": "x",
        "scope": scope,
        "bytes": size,
        "shape": list(shape),
        "first": first,
        "last": last,
        "tops": list(tops),
    }


def footprint(**changes) -> dict:
    empty = {"threads": 128, "raised": 0, "consumers": 128, "pipelined": [], "vector": 8}
    return {**empty, "buffers": {}, "reductions": [], "products": [], **changes}


# shared memory


def test_tiles_lie_beside_each_other_behind_barriers() -> None:
    buffers = {
        "a": buffer("shared.dyn", 16384, 0),
        "b": buffer("shared.dyn", 32768, 0),
        "c": buffer("shared.barrier", 40, 0),
    }
    found = shared_memory(footprint(buffers=buffers))
    assert (found.least, found.most, found.static) == (1024 + 49152, 1024 + 49152, 1024)


def test_tiles_used_one_after_the_other_give_bounds() -> None:
    buffers = {"a": buffer("shared.dyn", 4096, 0, 1), "b": buffer("shared.dyn", 8192, 2)}
    found = shared_memory(footprint(buffers=buffers))
    assert (found.least, found.most) == (8192, 12288)
    assert not found.is_exact


def test_a_pipelined_loop_gives_bounds() -> None:
    found = shared_memory(footprint(buffers={"a": buffer("shared.dyn", 4096, 0)}, pipelined=[3]))
    assert found.least <= 3 * 4096 <= found.most


@pytest.mark.parametrize(
    ("threads", "rows", "columns", "sharing", "size"),
    [
        (128, 1, 4096, 128, 512),
        (32, 1, 4096, 32, 0),
        (1024, 64, 128, 16, 0),
        (256, 1, 8192, 256, 1024),
        (512, 4, 128, 128, 2048),  # an element a thread: a row goes over four warps
        (256, 8, 128, 32, 0),  # four elements a thread
    ],
)
def test_rows_over_several_warps_need_a_workspace(
    threads: int, rows: int, columns: int, sharing: int, size: int
) -> None:
    """Eight elements a thread at most: 128 threads share a row of 4096, and exchange a float each."""
    row = {"source": "v", "target": "s", "rows": rows, "columns": columns, "place": 5}
    found = footprint(threads=threads, consumers=threads, reductions=[row])
    assert row_threads(row, found) == sharing
    assert (shared_memory(found).least, shared_memory(found).most) == (size, size)


# registers


def test_registers_of_an_accumulator() -> None:
    """128 × 256 floats over 256 threads: 128 registers of 240."""
    product = {
        "named": "wgmma_gemm",
        "left": "a",
        "right": "b",
        "result": "acc",
        "m": 128,
        "n": 256,
        "k": 64,
        "place": 3,
    }
    buffers = {"acc": buffer("local.fragment", 128 * 256 * 4, 0)}
    found = registers(footprint(threads=384, consumers=256, raised=240, buffers=buffers, products=[product]), HOPPER)
    assert (found.tiles, found.all_tiles, found.limit, found.share) == (128, 128, 240, 168)
    assert found.answer == "fits"


@pytest.mark.parametrize(("size", "answer"), [(200, "fits"), (300, "unknown"), (400, "too many")])
def test_what_outlives_a_reduction_cannot_be_folded_away(size: int, answer: str) -> None:
    """In registers a thread; 255 are the limit, and 64 more may spill."""
    size = 190 if answer == "fits" else size
    row = {"source": "q", "target": "s", "rows": 1, "columns": 4096, "place": 5}
    found = registers(footprint(buffers={"v": buffer("local.fragment", size * 4 * 128, 0)}, reductions=[row]), HOPPER)
    assert found.tiles == size
    assert found.answer == answer


def test_what_ends_before_the_reduction_may_be_folded_away() -> None:
    row = {"source": "v", "target": "s", "rows": 1, "columns": 4096, "place": 5}
    early = buffer("local.fragment", 800 * 4 * 128, 0, last=5)
    found = registers(footprint(buffers={"v": early}, reductions=[row]), HOPPER)
    assert (found.tiles, found.answer) == (0, "unknown")


# occupancy


@pytest.mark.parametrize(
    ("key", "threads", "used", "shared", "blocks", "bound"),
    [
        ("h200", 384, 168, 222208, 1, "registers"),  # 12 warps of 5376 registers: one block of 64512
        ("h200", 128, 64, 512, 8, "registers"),  # 2048 registers a warp: 32 warps
        ("h200", 128, 32, 512, 16, "threads"),
        ("h200", 128, 32, 57344, 4, "shared memory"),  # 233472 // (57344 + 1024)
        ("h200", 32, 32, 0, 32, "blocks"),
        ("h200", 128, 32, 232449, 0, "shared memory"),
        ("h200", 2048, 16, 0, 0, "threads"),
        ("rtx4090", 512, 32, 0, 3, "threads"),  # 1536 threads an SM
    ],
)
def test_blocks_of_an_sm(key: str, threads: int, used: int, shared: int, blocks: int, bound: str) -> None:
    found = occupancy(device(key), threads=threads, registers=used, shared=shared)
    assert (found.blocks, found.bound) == (blocks, bound)


def test_waves() -> None:
    assert waves(264, 1, 132) == 2
    assert waves(1024, 2, 132) == pytest.approx(3.879, abs=1e-3)


# time

RATES = Rates(tensor=1e12, vector=1e9, l2=1e9, clock=1e9)


def product(**changes) -> dict:
    return {"kind": "product", "m": 64, "n": 256, "k": 16, "bits": 16, "left_shared": True, "threads": 128, **changes}


def test_a_product_runs_at_the_peak_or_as_shared_memory_feeds_it() -> None:
    """2 × 64 × 256 × 16 FLOP at 1e12, or (64 + 256) × 16 × 2 bytes at 128 a clock; 32 clocks of pause."""
    assert product_seconds(product(), RATES) == pytest.approx(524288e-12 + 32e-9)
    assert product_seconds(product(n=8), RATES) == pytest.approx((64 + 8) * 16 * 2 / 128e9 + 32e-9)
    assert product_seconds(product(threads=256), RATES) == pytest.approx(524288e-12 + 16e-9)


def test_copies_with_versions_run_beside_the_arithmetic() -> None:
    vector = {"kind": "vector", "operations": 4000.0, "threads": 128, "reduces": False}
    load = {"kind": "load", "tensor": "A", "bytes": 3000, "depth": 4, "bulk": True, "threads": 128}
    beside = block_load([[(0, 1), (1, 1, 0)]], [vector, load], RATES)
    assert beside.alone == pytest.approx(4e-6)
    before = block_load([[(0, 1), (1, 1, 0)]], [vector, {**load, "depth": 1}], RATES)
    assert before.alone == pytest.approx(4e-6 + 3e-6 + 0.7e-6)
    assert before.l2 == beside.l2 == pytest.approx(3e-6)


def test_what_a_round_of_blocks_shares_is_loaded_once() -> None:
    """264 blocks on 132 SMs: each round reads one tile together, and every block one of its own."""
    load = {"kind": "load", "tensor": "A", "bytes": 1000, "depth": 1, "bulk": True, "threads": 128}
    store = {"kind": "store", "tensor": "C", "bytes": 10, "depth": 1, "bulk": True, "threads": 128}
    steps = {block: [[(0, 1, 0), (0, 1, 1 + block), (1, 1, block)]] for block in range(264)}
    found = estimate(Blocks(264, [load, store], steps), H200, RATES, 1)
    assert found.bytes == 1000 + 264 * 1000 + 264 * 10  # the second round finds the common tile in the L2


def test_the_busiest_sm_decides() -> None:
    """133 equal blocks take as long as 264."""
    vector = {"kind": "vector", "operations": 1e6, "threads": 128, "reduces": False}
    times = [
        estimate(Blocks(n, [vector], {b: [[(0, 1)]] for b in range(n)}), H200, RATES, 1).seconds
        for n in (132, 133, 264)
    ]
    assert times[1] == times[2] == pytest.approx(2e-3, rel=0.01)
    assert times[0] == pytest.approx(1e-3, rel=0.01)


def test_large_grids_are_sampled() -> None:
    assert sample(4096, 132) == list(range(4096))
    found = sample(10**6, 132)
    assert len(found) == len(set(found)) == 3 * 132
    assert (found[0], found[-1]) == (0, 10**6 - 1)
    assert math.isclose(sum(found) / len(found), 5e5, rel_tol=0.01)

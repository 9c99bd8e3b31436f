"""Barriers, and the calls that mean nothing where copies and gemms are synchronous."""

from __future__ import annotations

from ..errors import Unsupported
from .expressions import emit
from .meetings import collective, soft_sync

NO_OPERATION = frozenset(
    {
        "set_max_nreg",
        "annotate_producer_reg_dealloc",
        "annotate_consumer_reg_alloc",
        "no_set_max_nreg",
        "warpgroup_arrive",
        "warpgroup_commit_batch",
        "warpgroup_fence_operand",
        "fence_proxy_async",
        "tma_store_arrive",
        "tma_store_wait",
        "mbarrier_expect_tx",
        "ptx_fence_barrier_init",
        "ptx_commit_group",
        "ptx_wait_group",
        "pdl_sync",
        "pdl_trigger",
        "assume",
    }
)
"""Registers, fences and waits for work that the simulator has already done."""


def _wait(call, scope) -> None:
    barrier = scope.buffers.barrier(call.args[0], scope, emit)
    site = scope.site("barrier", call.args[0].buffer.name)
    scope.emit(f"mbarrier_wait({site}, {barrier}, {emit(call.args[1], scope)}, fiber);")


def _arrive(call, scope) -> None:
    barrier = scope.buffers.barrier(call.args[0], scope, emit)
    site = scope.site("barrier", call.args[0].buffer.name)
    scope.emit(f"mbarrier_arrive({site}, {barrier}, {scope.plan.width});")


def _sync(call, scope) -> None:
    """`T.sync_threads()`, or a named barrier with an identity and the number of threads that meet."""
    args = call.args[1:]
    site = scope.site("barrier", "T.sync_threads")
    if not args:
        return scope.emit(f"sync_all({site}, fiber);")
    if len(args) < 2:
        raise Unsupported("T.sync_threads with an identity and no arrive_count", scope.line)
    identity, count = (emit(a, scope) for a in args)
    scope.emit(f"sync_named({site}, {identity}, {count}, fiber);")


def _arrive_named(call, scope) -> None:
    site = scope.site("barrier", "T.named_barrier_arrive")
    identity, count = (emit(a, scope) for a in call.args)
    scope.emit(f"arrive_named({site}, {identity}, {count});")


def _wait_wgmma(call, scope) -> None:
    if scope.plan.asynchronous:
        queues = scope.plan.queues(scope.mask)
        collective(scope, "T.wait_wgmma", [f"wgmma_wait({queues}u, {emit(call.args[0], scope)});"])


def _sync_warp(call, scope) -> None:
    soft_sync(scope, True)


def _thread_allreduce(call, scope) -> None:
    """`tvm_thread_allreduce(1, value, true, result, axis)`: over the threads of one axis of the block."""
    size, value, condition, result, *axes = call.args
    if int(size.value) != 1 or len(axes) != 1 or axes[0] not in scope.plan.axes or scope.reducer is None:
        raise Unsupported("tvm_thread_allreduce of other than one value along one thread axis", scope.line)
    if type(condition).__name__ != "IntImm" or not condition.value or scope.mask != scope.plan.everyone:
        raise Unsupported("tvm_thread_allreduce under a condition", scope.line)
    kind, axis = scope.type_of(value.dtype), scope.plan.axes[axes[0]]
    x, y, _ = scope.plan.extents
    stride, extent = (1, x, x * y)[axis], scope.plan.extents[axis]
    (left,), (right,), (combined,) = scope.reducer.lhs, scope.reducer.rhs, scope.reducer.result
    scope.define(left, f"unpack<{kind}>(a)")
    scope.define(right, f"unpack<{kind}>(b)")
    function = f"[](u64 a, u64 b) -> u64 {{ return pack<{kind}>({emit(combined, scope)}); }}"
    site = scope.site("barrier", "tvm_thread_allreduce")
    reduced = f"block_reduce(pack<{kind}>({emit(value, scope)}), fiber, {stride}, {extent}, {function}, {site})"
    store = scope.buffers.store(result.buffer, result.indices, f"unpack<{kind}>({reduced})", scope, emit)
    scope.emit(f"TAINT = CLEAN; {store}")


SYNCHRONIZATION = {
    "sync_warp": _sync_warp,
    "tvm_thread_allreduce": _thread_allreduce,
    "wait_wgmma": _wait_wgmma,
    "warpgroup_wait": _wait_wgmma,
    "mbarrier_wait_parity": _wait,
    "ptx_arrive_barrier": _arrive,
    "ptx_cp_async_barrier_noinc": _arrive,
    "ptx_arrive_barrier_expect_tx": _arrive,
    "tvm_storage_sync": _sync,
    "named_barrier_arrive": _arrive_named,
}

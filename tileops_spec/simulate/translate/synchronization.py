"""Barriers, and the calls that mean nothing where copies and gemms are synchronous."""

from __future__ import annotations

from ..errors import Unsupported
from .expressions import emit
from .tiles import collective

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
        "sync_warp",
        "print",
        "call_extern_print",
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


SYNCHRONIZATION = {
    "wait_wgmma": _wait_wgmma,
    "warpgroup_wait": _wait_wgmma,
    "mbarrier_wait_parity": _wait,
    "ptx_arrive_barrier": _arrive,
    "ptx_arrive_barrier_expect_tx": _arrive,
    "tvm_storage_sync": _sync,
    "named_barrier_arrive": _arrive_named,
}

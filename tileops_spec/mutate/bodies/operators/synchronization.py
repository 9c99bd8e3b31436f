"""Stages, barriers and the order of asynchronous work."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..sites import Edit, Sites, is_number, tile_name

_WAITS = ("mbarrier_wait_parity", "barrier_wait", "wait_wgmma", "warpgroup_wait", "sync_threads", "tma_store_wait")
_ARRIVALS = ("mbarrier_arrive", "barrier_arrive", "named_barrier_arrive", "tma_store_arrive", "mbarrier_expect_tx")
_PARITY = ("mbarrier_wait_parity", "barrier_wait")


def dropped_wait(sites: Sites) -> Iterator[Edit]:
    for statement in sites.statements(*_WAITS):
        yield sites.remove(statement)


def dropped_arrival(sites: Sites) -> Iterator[Edit]:
    for statement in sites.statements(*_ARRIVALS):
        yield sites.remove(statement)


def repeated_arrival(sites: Sites) -> Iterator[Edit]:
    for statement in sites.statements(*_ARRIVALS):
        yield sites.repeat(statement)


def early_arrival(sites: Sites) -> Iterator[Edit]:
    """A buffer given back before the statement above has finished with it."""
    for statement in sites.statements(*_ARRIVALS):
        block = _block(sites, statement)
        place = block.index(statement)
        if place > 0:
            above = block[place - 1]
            (start, _), (_, end) = sites.span(above), sites.span(statement)
            moved = f"{sites.read(statement)}\n{' ' * above.col_offset}{sites.read(above)}"
            yield Edit(start, end, moved)


def _block(sites: Sites, statement: ast.stmt) -> list[ast.stmt]:
    parent = sites.parents[statement]
    blocks = (getattr(parent, name, None) for name in ("body", "orelse"))
    return next(block for block in blocks if isinstance(block, list) and statement in block)


def wrong_parity(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls(*_PARITY):
        if len(call.args) > 1:
            yield sites.replace(call.args[1], f"({sites.read(call.args[1])} + 1) % 2")


def constant_parity(sites: Sites) -> Iterator[Edit]:
    """A wait that fits the first round only."""
    for call in sites.calls(*_PARITY):
        if len(call.args) > 1:
            yield sites.replace(call.args[1], "0")


def weaker_wait(sites: Sites) -> Iterator[Edit]:
    """One more product left in flight."""
    for call in sites.calls("wait_wgmma", "warpgroup_wait"):
        if call.args and is_number(call.args[0], int):
            yield sites.replace(call.args[0], str(call.args[0].value + 1))  # type: ignore[attr-defined]


def wrong_stage(sites: Sites) -> Iterator[Edit]:
    """The next stage of a ring for the one that is meant."""
    for node in _stages(sites):
        yield sites.replace(node.left, f"({sites.read(node.left)} + 1)")


def fixed_stage(sites: Sites) -> Iterator[Edit]:
    """The first stage always: every round overwrites what the round before has loaded."""
    for node in _stages(sites):
        yield sites.replace(node, "0")


def _stages(sites: Sites) -> Iterator[ast.BinOp]:
    """Indices that are a counter modulo the number of stages."""
    for node in sites.of(ast.BinOp):
        is_index = isinstance(sites.parents[node], ast.Subscript | ast.Tuple) and sites.inside(node, ast.Subscript)
        if is_index and isinstance(node.op, ast.Mod):
            yield node


def wrong_barrier(sites: Sites) -> Iterator[Edit]:
    """Another barrier of the body."""
    names = _barriers(sites)
    for node in sites.of(ast.Name):
        if node.id in names and isinstance(node.ctx, ast.Load) and len(names) > 1:
            yield sites.replace(node, names[(names.index(node.id) + 1) % len(names)])


def _barriers(sites: Sites) -> list[str]:
    assigned = (node for node in sites.of(ast.Assign) if tile_name(node.value) == "alloc_barrier")
    return [node.targets[0].id for node in assigned if isinstance(node.targets[0], ast.Name)]


def wrong_arrival_count(sites: Sites) -> Iterator[Edit]:
    """A barrier that waits for half as many threads, or for twice as many."""
    for call in sites.calls("alloc_barrier"):
        for node in ast.walk(call):
            if isinstance(node, ast.Constant) and is_number(node, int):
                yield sites.replace(node, str(node.value // 2))
                yield sites.replace(node, str(node.value * 2))


def more_stages(sites: Sites) -> Iterator[Edit]:
    """One stage more, or none at all, in an automatic pipeline."""
    for call in sites.calls("Pipelined"):
        for option in call.keywords:
            if option.arg == "num_stages":
                yield sites.replace(option.value, "0")
                yield sites.replace(option.value, f"{sites.read(option.value)} + 1")

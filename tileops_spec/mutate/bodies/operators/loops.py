"""How often something is done: tiles, rounds, blocks, threads."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..sites import Edit, Sites, tile_name

_LOOPS = ("serial", "Serial", "Pipelined", "unroll", "Unroll", "Persistent", "vectorized", "Vectorized")


def skipped_last_tile(sites: Sites) -> Iterator[Edit]:
    """A quotient rounded down where it is to be rounded up: a ragged tail is left out."""
    for call in sites.calls("ceildiv", "cdiv"):
        if len(call.args) == 2:
            yield sites.replace(call, f"(({sites.read(call.args[0])}) // ({sites.read(call.args[1])}))")
    for node in sites.of(ast.BinOp):
        above = _rounded_up(node)
        if above is not None:
            yield sites.replace(node.left, f"({sites.read(above)})")


def _rounded_up(node: ast.BinOp) -> ast.expr | None:
    """`a` of `(a + b - 1) // b`."""
    numerator = node.left
    if not isinstance(node.op, ast.FloorDiv) or not isinstance(numerator, ast.BinOp):
        return None
    inner = numerator.left if isinstance(numerator.op, ast.Sub) else numerator
    return inner.left if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add) else None


def extra_tile(sites: Sites) -> Iterator[Edit]:
    """One more round than there are tiles."""
    for call in _loops(sites):
        yield sites.replace(call.args[-1], f"({sites.read(call.args[-1])} + 1)")


def short_loop(sites: Sites) -> Iterator[Edit]:
    """The last round left out."""
    for call in _loops(sites):
        yield sites.replace(call.args[-1], f"({sites.read(call.args[-1])} - 1)")


def wrong_start(sites: Sites) -> Iterator[Edit]:
    """The first round left out, or one done that was done already."""
    for call in _loops(sites):
        if len(call.args) == 1:
            yield sites.replace(call.args[0], f"1, {sites.read(call.args[0])}")
        else:
            yield sites.replace(call.args[0], f"({sites.read(call.args[0])} - 1)")


def _loops(sites: Sites) -> Iterator[ast.Call]:
    """The ranges of loops that run one round after another; of several extents the bounds are not told apart."""
    for node in sites.of(ast.For):
        if tile_name(node.iter) in _LOOPS and len(node.iter.args) in (1, 2):
            yield node.iter


def short_parallel(sites: Sites) -> Iterator[Edit]:
    """The last element along an axis of a tile left out."""
    for call in sites.calls("Parallel"):
        for extent in call.args:
            yield sites.replace(extent, f"max(1, {sites.read(extent)} - 1)")


def halved_parallel(sites: Sites) -> Iterator[Edit]:
    """Half a tile left out."""
    for call in sites.calls("Parallel"):
        for extent in call.args:
            yield sites.replace(extent, f"max(1, {sites.read(extent)} // 2)")


def wrong_grid(sites: Sites) -> Iterator[Edit]:
    """One block fewer than there is work for, or one more."""
    for call in sites.calls("Kernel"):
        for extent in call.args:
            yield sites.replace(extent, f"T.max({sites.read(extent)} - 1, 1)")
            yield sites.replace(extent, f"({sites.read(extent)} + 1)")

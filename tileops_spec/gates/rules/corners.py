"""AP32: a copy from a corner takes the last axes of the tensor, whatever the indices were meant for."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from .reading import TILES, allocations, argument, base_name, calls_of
from .source import Source


def ap32_corner_of_other_axes(source: Source) -> Iterator[Diagnostic]:
    """A corner with more indices than the tile has axes, which steps by whole tiles along an axis that is not taken.

    `x[row, 0]` for one row and `A[batch, by * block_M, k * block_K]` for a matrix of a batch are right: the axes of the
    tile are the last ones. `Q[b, i * block_M, h, 0]` with a tile of block_M rows is not: the rows would be heads.
    """
    tiles = {name: calls[0] for name, calls in allocations(source, *TILES).items() if len(calls) == 1}
    for _, call in calls_of(source, "copy"):
        sides = (argument(call, 0, "src"), argument(call, 1, "dst"))
        for corner, tile in (sides, sides[::-1]):
            shape = _shape(tiles.get(tile.id)) if isinstance(tile, ast.Name) else None
            indices = _corner(corner)
            extent = _misplaced(indices, shape) if shape and indices and base_name(corner) not in tiles else None
            if extent is not None:
                message = f"AP32: the corner steps by `{extent}` along an axis that the tile does not span"
                help_text = f"write slices: the copy takes the last {len(shape or ())} axes of the tensor"
                yield source.finding("TS405", call, message, help_text)


def _shape(call: ast.Call | None) -> list[ast.expr] | None:
    shape = argument(call, 0, "shape") if call else None
    return shape.elts if isinstance(shape, ast.Tuple | ast.List) else None


def _corner(node: ast.expr | None) -> list[ast.expr] | None:
    """The indices of a corner; None for slices and for whole buffers."""
    if not isinstance(node, ast.Subscript):
        return None
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return None if any(isinstance(each, ast.Slice | ast.Starred) for each in indices) else indices


def _misplaced(indices: list[ast.expr], shape: list[ast.expr]) -> str | None:
    """The extent of the tile that is a factor of an index before the taken axes, and in no index of a taken one."""
    before, taken = indices[: -len(shape)], indices[-len(shape) :]
    used = {name for each in taken for name in _names(each)}
    for extent in shape:
        if isinstance(extent, ast.Name) and extent.id not in used and any(_steps(each, extent.id) for each in before):
            return extent.id
    return None


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _steps(index: ast.expr, extent: str) -> bool:
    """Whether the index is a whole multiple of the extent, `i * block_M`."""
    sides = (index.left, index.right) if isinstance(index, ast.BinOp) and isinstance(index.op, ast.Mult) else ()
    return any(isinstance(side, ast.Name) and side.id == extent for side in sides)

"""Shared memory of a block, from what its kernel keeps there: to the byte where the rules say all, else in bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_ALIGNMENT = 1024
"""Bytes: what tiles that tensor cores or TMA read must begin at; dynamic memory begins there too."""
_WARP = 32


@dataclass(frozen=True, slots=True)
class SharedMemory:
    """Bytes of a block: at least `least`, at most `most`; `static` of them are not asked for at the launch."""

    least: int
    most: int
    static: int

    @property
    def is_exact(self) -> bool:
        return self.least == self.most


def shared_memory(footprint: Mapping[str, Any]) -> SharedMemory:
    """Dynamic memory, and barriers in front of it.

    Buffers that are in use at the same time lie beside each other. Buffers that are not may share a place: then the
    bounds are what is in use at once, and the sum. The same holds where tiles are not whole multiples of the
    alignment, or where the compiler is to pipeline a loop, and so makes versions of buffers itself.
    """
    buffers = footprint["buffers"].values()
    dynamic = [each for each in buffers if each["scope"] in ("shared", "shared.dyn") and each["tops"]]
    barriers = sum(each["bytes"] for each in buffers if "barrier" in each["scope"])
    least, most = _dynamic(dynamic)
    versions = max(footprint["pipelined"], default=1)
    workspaces = [_workspace(each, footprint) for each in footprint["reductions"]]
    static = _aligned(barriers) if dynamic else barriers
    return SharedMemory(
        least=static + max(least, max((low for low, _ in workspaces), default=0)),
        most=static + most * max(versions, 1) + sum(high for _, high in workspaces) + (versions > 1) * _ALIGNMENT,
        static=static,
    )


def _dynamic(buffers: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """The most that is in use under one statement of the outermost sequence, and what all of them take together."""
    tops = {top for each in buffers for top in range(min(each["tops"]), max(each["tops"]) + 1)}
    used = [sum(each["bytes"] for each in buffers if min(each["tops"]) <= top <= max(each["tops"])) for top in tops]
    *aligned, last = sorted((each["bytes"] for each in buffers), key=lambda size: -(size % _ALIGNMENT == 0)) or (0,)
    return max(used, default=0), sum(map(_aligned, aligned)) + last


def _workspace(reduction: Mapping[str, Any], footprint: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes through which warps exchange their parts: a number a thread, where a row is spread over several warps."""
    size = footprint["threads"] * 4
    sharing = row_threads(reduction, footprint)
    if sharing is None:
        return 0, size
    return (size, size) if sharing > _WARP else (0, 0)


def row_threads(reduction: Mapping[str, Any], footprint: Mapping[str, Any]) -> int | None:
    """How many threads hold a part of one row; None where the layout is not known here.

    A result of a product whose warps divide the rows alone lies on four threads a row. Other fragments are laid out by
    the loop that fills them: vectors of a row go round the threads, shorter ones where there is not one for each.
    """
    products = [each for each in footprint["products"] if each["result"] == reduction["source"]]
    if products:
        rows_alone = all(each["m"] * 2 >= footprint["consumers"] for each in products)
        return 4 if rows_alone else None
    share = reduction["rows"] * reduction["columns"] // footprint["threads"]
    vector = max(1, min(footprint["vector"], share))
    vectors = reduction["columns"] // vector
    if vectors < 1 or reduction["columns"] % vector or vectors & (vectors - 1):
        return None if vectors < footprint["threads"] else footprint["threads"]
    return min(vectors, footprint["threads"])


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT

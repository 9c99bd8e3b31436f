"""Elements and regions: the wrong index, axis, stride, batch or operand."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations

from ..sites import Edit, Sites, is_number, keyword, tile_name


def off_by_one_index(sites: Sites) -> Iterator[Edit]:
    for _, items in sites.accesses():
        for item in items:
            if not isinstance(item, ast.Slice):
                yield sites.replace(item, f"{sites.read(item)} + 1")


def shifted_region(sites: Sites) -> Iterator[Edit]:
    """A region that begins and ends one element late."""
    for _, items in sites.accesses():
        for item in items:
            if isinstance(item, ast.Slice) and item.lower is not None and item.upper is not None:
                yield sites.replace(item, f"{sites.read(item.lower)} + 1 : {sites.read(item.upper)} + 1")


def swapped_indices(sites: Sites) -> Iterator[Edit]:
    for _, items in sites.accesses():
        for first, second in combinations(items, 2):
            if ast.dump(first) != ast.dump(second):
                yield sites.swap(first, second)


def wrong_batch(sites: Sites) -> Iterator[Edit]:
    """A leading index of a tensor that stays at its first element."""
    for node, items in sites.accesses():
        if isinstance(node.value, ast.Name) and node.value.id in sites.names.tensors:
            for item in items[:-1]:
                if not isinstance(item, ast.Slice) and not is_number(item):
                    yield sites.replace(item, "0")


def wrong_stride(sites: Sites) -> Iterator[Edit]:
    """A product in an address with another factor: the step from one tile, head or batch to the next."""
    for node in sites.of(ast.BinOp):
        if isinstance(node.op, ast.Mult) and sites.inside(node, ast.Subscript):
            yield sites.replace(node, f"({sites.read(node.left)} * ({sites.read(node.right)} - 1))")


def wrong_transpose(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls("gemm", "wgmma_gemm"):
        for name in ("transpose_A", "transpose_B"):
            option = keyword(call, name)
            if option is not None and isinstance(option.value, ast.Constant):
                yield sites.replace(option.value, str(not option.value.value))
            elif option is None and call.args:
                yield sites.replace(call.args[-1], f"{sites.read(call.args[-1])}, {name}=True")


def swapped_operands(sites: Sites) -> Iterator[Edit]:
    """The two factors of a matrix product, or the two sides of a copy, exchanged."""
    for call in sites.calls("gemm", "wgmma_gemm", "copy", "tma_copy"):
        if len(call.args) > 1:
            yield sites.swap(call.args[0], call.args[1])


def wrong_axis(sites: Sites) -> Iterator[Edit]:
    """A reduction along another axis."""
    for call in sites.calls():
        option = keyword(call, "dim")
        if option is not None and is_number(option.value, int):
            yield sites.replace(option.value, str(1 - option.value.value))  # type: ignore[attr-defined]


def aliased_block(sites: Sites) -> Iterator[Edit]:
    """Two blocks that do the same work, and store the same elements."""
    for statement in sites.of(ast.With):
        for item in statement.items:
            if tile_name(item.context_expr) == "Kernel" and item.optional_vars is not None:
                yield from _aliases(sites, statement, item.optional_vars)


def _aliases(sites: Sites, statement: ast.With, target: ast.expr) -> Iterator[Edit]:
    names = {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}
    for node in sites.of(ast.Name):
        if node.id in names and isinstance(node.ctx, ast.Load):
            yield sites.replace(node, f"({node.id} // 2)")


def swapped_block_indices(sites: Sites) -> Iterator[Edit]:
    for statement in sites.of(ast.With):
        for item in statement.items:
            if tile_name(item.context_expr) == "Kernel" and isinstance(item.optional_vars, ast.Tuple):
                for first, second in combinations(item.optional_vars.elts, 2):
                    yield sites.swap(first, second)

"""What a buffer holds: cleared, copied, allocated, accumulated."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..sites import Edit, Sites, is_number, keyword, tile_name

_COPIES = ("copy", "tma_copy", "async_copy")
_ATOMICS = {"atomic_add": "+", "atomic_max": "T.max", "atomic_min": "T.min"}


def dropped_clear(sites: Sites) -> Iterator[Edit]:
    for statement in sites.statements("clear", "fill"):
        yield sites.remove(statement)
    for call in sites.calls():
        option = keyword(call, "clear_accum")
        if option is not None:
            yield sites.replace(option.value, "False")


def late_clear(sites: Sites) -> Iterator[Edit]:
    """The clear exchanged with what follows it."""
    for statement in sites.statements("clear", "fill"):
        after = _next(sites, statement)
        if after is not None:
            yield _exchanged(sites, statement, after)


def wrong_identity(sites: Sites) -> Iterator[Edit]:
    """A filling, or the value of masked elements, that is not neutral: 0 for −∞ and 1 for 0."""
    for call in sites.calls("fill"):
        if len(call.args) > 1:
            yield sites.replace(call.args[1], "1" if _is_zero(call.args[1]) else "0")
    for call in sites.calls("if_then_else"):
        for branch in call.args[1:]:
            if _is_infinite(branch):
                yield sites.replace(branch, "0.0")
            elif _is_zero(branch):
                yield sites.replace(branch, _like(branch, sites))


def _like(branch: ast.expr, sites: Sites) -> str:
    return sites.read(branch).replace("0", "1", 1)


def _is_zero(node: ast.expr) -> bool:
    if tile_name(node) == "cast":
        return bool(node.args) and _is_zero(node.args[0])  # type: ignore[attr-defined]
    return is_number(node) and node.value == 0  # type: ignore[attr-defined]


def _is_infinite(node: ast.expr) -> bool:
    inner = node.operand if isinstance(node, ast.UnaryOp) else node
    return tile_name(inner) in ("infinity", "min_value", "max_value") or (
        is_number(inner, float) and abs(inner.value) > 1e20  # type: ignore[attr-defined]
    )


def dropped_copy(sites: Sites) -> Iterator[Edit]:
    """A tile that is never loaded or stored: what the buffer held before is used."""
    for statement in sites.statements(*_COPIES):
        yield sites.remove(statement)


def dropped_product(sites: Sites) -> Iterator[Edit]:
    for statement in sites.statements("gemm", "wgmma_gemm"):
        yield sites.remove(statement)


def dropped_reduction(sites: Sites) -> Iterator[Edit]:
    names = {tile_name(call) for call in sites.calls() if (tile_name(call) or "").startswith(("reduce", "cum"))}
    for statement in sites.statements(*filter(None, names)):
        yield sites.remove(statement)


def dropped_store(sites: Sites) -> Iterator[Edit]:
    """An element that keeps its old value: an update of a running maximum, a rescaling, a counter."""
    for statement in sites.stored():
        yield sites.remove(statement)


def repeated_statement(sites: Sites) -> Iterator[Edit]:
    """An update or a product that is done twice."""
    for statement in sites.of(ast.AugAssign):
        yield sites.repeat(statement)
    for statement in sites.statements("gemm", "wgmma_gemm", "atomic_add"):
        yield sites.repeat(statement)


def swapped_statements(sites: Sites) -> Iterator[Edit]:
    """Two neighbours in the wrong order, loops and branches left out."""
    for statement in sites.of(ast.Expr, ast.AugAssign, ast.Assign):
        after = _next(sites, statement)
        if isinstance(after, ast.Expr | ast.AugAssign | ast.Assign) and not _binds(statement):
            yield _exchanged(sites, statement, after)


def _binds(statement: ast.stmt) -> bool:
    """Whether it gives a Python name its value: what follows may not exist without."""
    return isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name | ast.Tuple)


def _next(sites: Sites, statement: ast.stmt) -> ast.stmt | None:
    parent = sites.parents[statement]
    for name in ("body", "orelse"):
        block = getattr(parent, name, None)
        if isinstance(block, list) and statement in block[:-1]:
            return block[block.index(statement) + 1]
    return None


def _exchanged(sites: Sites, first: ast.stmt, second: ast.stmt) -> Edit:
    (start, _), (_, end) = sites.span(first), sites.span(second)
    return Edit(start, end, f"{sites.read(second)}\n{' ' * first.col_offset}{sites.read(first)}")


def narrowed_accumulator(sites: Sites) -> Iterator[Edit]:
    for call in sites.calls("alloc_fragment", "alloc_local"):
        if len(call.args) > 1 and isinstance(call.args[1], ast.Constant) and call.args[1].value == "float32":
            yield sites.replace(call.args[1], '"float16"')


def shrunk_buffer(sites: Sites) -> Iterator[Edit]:
    """An on-chip buffer with one element too few along an axis."""
    for call in sites.calls("alloc_shared", "alloc_fragment", "alloc_local"):
        shape = call.args[0] if call.args else None
        for extent in shape.elts if isinstance(shape, ast.Tuple) else ():
            yield sites.replace(extent, f"max(1, {sites.read(extent)} - 1)")


def wrong_buffer(sites: Sites) -> Iterator[Edit]:
    """Another on-chip buffer with as many axes and the same kind of memory."""
    for node in sites.of(ast.Name):
        if isinstance(node.ctx, ast.Load) and node.id in sites.buffers:
            other = _other_buffer(sites, node.id)
            if other is not None:
                yield sites.replace(node, other)


def _other_buffer(sites: Sites, name: str) -> str | None:
    same = [each for each, call in sites.buffers.items() if _kind(call) == _kind(sites.buffers[name])]
    return same[(same.index(name) + 1) % len(same)] if len(same) > 1 else None


def _kind(call: ast.Call) -> tuple:
    shape = call.args[0] if call.args else None
    return tile_name(call), len(shape.elts) if isinstance(shape, ast.Tuple) else 0


def wrong_tensor(sites: Sites) -> Iterator[Edit]:
    """Another input with as many axes."""
    inputs = [name for name in sites.names.tensors if name not in sites.names.outputs]
    for node in sites.of(ast.Name):
        if node.id in inputs:
            same = [each for each in inputs if sites.names.tensors[each] == sites.names.tensors[node.id]]
            if len(same) > 1:
                yield sites.replace(node, same[(same.index(node.id) + 1) % len(same)])


def plain_accumulation(sites: Sites) -> Iterator[Edit]:
    """An atomic update as a plain one: a race."""
    for call in sites.calls(*_ATOMICS):
        if len(call.args) > 1:
            target, value = (sites.read(each) for each in call.args[:2])
            name = tile_name(call) or ""
            symbol = _ATOMICS[name]
            right = f"{target} + {value}" if symbol == "+" else f"{symbol}({target}, {value})"
            yield sites.replace(call, f"{target} = {right}")


def overwritten_sum(sites: Sites) -> Iterator[Edit]:
    """`=` where `+=` was meant, and the reverse for elements."""
    for node in sites.of(ast.AugAssign):
        yield sites.replace(node, f"{sites.read(node.target)} = {sites.read(node.value)}")
    for node in sites.stored():
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            yield sites.replace(node, f"{sites.read(node.targets[0])} += {sites.read(node.value)}")

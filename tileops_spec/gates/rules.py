"""Anti-patterns that the text of a body shows: one function a rule, named by its code in patterns/antipatterns.yaml.

A rule speaks only where it is sure. What it cannot decide (an accumulator chosen at tracing time, a buffer passed
on under another name) it leaves to the gates that run the body.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..diagnostics.diagnostic import Diagnostic
from ..ir.nodes import Reduce
from ..ir.walk import walk
from ..scaffold.naming import dtype_parameter

if TYPE_CHECKING:
    from .static import Source

_LOW_PRECISION = frozenset({"float16", "bfloat16", "half"})
_PRODUCTS = frozenset({"gemm", "wgmma_gemm"})
_TILES = ("alloc_shared", "alloc_fragment", "alloc_local")
_REMOVED = {"wg_wait": "T.wgmma_gemm with T.wait_wgmma(n)", "k_pack": "nothing: it had no meaning on this target"}


def calls_of(source: Source, *names: str) -> Iterator[tuple[str, ast.Call]]:
    """The calls of `T.name`, in the order of the text."""
    found = [
        (node.func.attr, node)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "T"
        and node.func.attr in names
    ]
    return iter(sorted(found, key=lambda pair: (pair[1].lineno, pair[1].col_offset)))


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)


def base_name(node: ast.expr | None) -> str | None:
    """The buffer that an argument names: `acc`, `acc[0, :]`; None for anything else."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def _accumulator(call: ast.Call) -> ast.expr | None:
    return call.args[2] if len(call.args) > 2 else keyword(call, "C")


def ap01_accumulator_never_written(source: Source) -> Iterator[Diagnostic]:
    """A product adds to a fragment that no statement above, anywhere in the body, has written."""
    for name, call in calls_of(source, *_PRODUCTS):
        target = base_name(_accumulator(call))
        clears = keyword(call, "clear_accum")
        if target is None or clears is not None or not _is_fragment(source, target):
            continue
        if not _is_written(source, target, before=call):
            message = f"AP01: T.{name} accumulates into `{target}`, which nothing has cleared"
            yield source.finding("TS405", call, message, f"call `T.clear({target})` first, or pass clear_accum=True")


def _is_fragment(source: Source, name: str) -> bool:
    return any(base == name for base, _ in _allocations(source))


def _allocations(source: Source, *kinds: str) -> Iterator[tuple[str, ast.Call]]:
    """(name, call) of each `name = T.alloc_fragment(…)`, or of other kinds of allocation."""
    allocations = {id(call) for _, call in calls_of(source, *(kinds or ("alloc_fragment",)))}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Assign) and id(node.value) in allocations and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value  # type: ignore[misc]


def _is_written(source: Source, name: str, *, before: ast.Call) -> bool:
    """Whether some statement that stands above `before` may write to the buffer, a store of an element included."""
    for node in ast.walk(source.tree):
        if getattr(node, "lineno", before.lineno) >= before.lineno:
            continue
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and base_name(node) == name:
            return True
        if isinstance(node, ast.Call) and node is not before and _passes(node, name) and not _is_allocation(node):
            return True
    return False


def _passes(call: ast.Call, name: str) -> bool:
    arguments = (*call.args, *(each.value for each in call.keywords))
    return any(base_name(each) == name for each in arguments)


def _is_allocation(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr.startswith("alloc_")


def ap31_low_precision_accumulator(source: Source) -> Iterator[Diagnostic]:
    """A 16-bit accumulator where every sum of the spec accumulates in float32."""
    sums = [node for each in source.spec.math for node in walk(each.value) if isinstance(node, Reduce)]
    if not sums or any(node.dtype not in ("f32", "f64") for node in sums):
        return
    low = {name for name, call in _allocations(source) if _dtype_of(source, call) in _LOW_PRECISION}
    for name, call in calls_of(source, *_PRODUCTS):
        target = base_name(_accumulator(call))
        if target in low:
            message = f"AP31: T.{name} accumulates in 16 bits in `{target}`, where the spec sums in float32"
            yield source.finding("TS405", call, message, f'allocate `{target}` as "float32" and cast when storing')


def _dtype_of(source: Source, call: ast.Call) -> str | None:
    """The dtype of an allocation: as written, or that of a dtype argument which has 16 bits in every binding."""
    node = call.args[1] if len(call.args) > 1 else keyword(call, "dtype")
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return _contract_dtype(source, node) if isinstance(node, ast.Name) else None


def _contract_dtype(source: Source, node: ast.Name) -> str | None:
    for variable in source.spec.dtypes:
        if dtype_parameter(source.spec, variable.name) == node.id and set(variable.options) <= {"f16", "bf16"}:
            return "float16"
    return None


def ap12_removed_arguments(source: Source) -> Iterator[Diagnostic]:
    """Arguments that TileLang has removed."""
    for _, call in calls_of(source, *_PRODUCTS):
        for argument in call.keywords:
            if argument.arg in _REMOVED:
                message = f"AP12: `{argument.arg}` is not an argument of T.gemm any more"
                yield source.finding("TS405", call, message, f"use {_REMOVED[argument.arg]}")


def ap02_no_stages(source: Source) -> Iterator[Diagnostic]:
    """A pipeline without stages where the spec requires TMA."""
    if "tma" not in source.spec.hardware.require:
        return
    for _, call in calls_of(source, "Pipelined"):
        stages = keyword(call, "num_stages")
        if isinstance(stages, ast.Constant) and stages.value == 0:
            message = "AP02: num_stages=0 turns off TMA loads, which the spec requires"
            yield source.finding("TS405", call, message, "use 2 to 4 stages")


def ap13_division_of_extents(source: Source) -> Iterator[Diagnostic]:
    """`/` on a dynamic extent: there are no fractions of tiles."""
    dynamic = {dim.name for dim in source.spec.dynamic_dims}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and base_name(node.left) in dynamic:
            name = base_name(node.left)
            message = f"AP13: `/` makes a fraction of the extent `{name}`"
            yield source.finding("TS405", node, message, "use `//` or T.ceildiv")


def ap32_corner_of_another_rank(source: Source) -> Iterator[Diagnostic]:
    """A copy from a corner with more indices than the tile has axes takes the last axes, in silence."""
    ranks = {name: rank for name, call in _allocations(source, *_TILES) if (rank := _rank(call)) is not None}
    for _, call in calls_of(source, "copy"):
        if len(call.args) < 2:
            continue
        for corner, tile in ((call.args[0], call.args[1]), (call.args[1], call.args[0])):
            indices = _corner_indices(corner)
            rank = ranks.get(tile.id) if isinstance(tile, ast.Name) else None
            if indices is not None and rank is not None and base_name(corner) not in ranks and indices > rank:
                message = f"AP32: the corner has {indices} indices, the tile {rank} axes: the last ones would be taken"
                yield source.finding("TS405", call, message, "write slices: `Q[b, i : i + block_M, h, :]`")


def _rank(call: ast.Call) -> int | None:
    shape = call.args[0] if call.args else keyword(call, "shape")
    return len(shape.elts) if isinstance(shape, ast.Tuple | ast.List) else None


def _corner_indices(node: ast.expr) -> int | None:
    """How many indices a corner has; None for slices and for whole buffers."""
    if not isinstance(node, ast.Subscript):
        return None
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return None if any(isinstance(each, ast.Slice) for each in indices) else len(indices)


Rule = Callable[["Source"], Iterator[Diagnostic]]
RULES: tuple[Rule, ...] = (
    ap01_accumulator_never_written,
    ap31_low_precision_accumulator,
    ap12_removed_arguments,
    ap02_no_stages,
    ap13_division_of_extents,
    ap32_corner_of_another_rank,
)
"""Every rule, in the order that findings are reported in."""

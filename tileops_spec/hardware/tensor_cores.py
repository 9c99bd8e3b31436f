"""Which generation of tensor cores can multiply what a spec contracts."""

from __future__ import annotations

from collections.abc import Mapping

from ..analysis.classify import Contraction
from ..analysis.operands import layout_of
from ..ir.show import show_expr
from .facts import Facts, Feature, names, no, yes

Table = Mapping[str, tuple[str, ...]]
"""Operand dtypes, with the accumulators that there are for them."""

_HALVES: Table = {"f16": ("f16", "f32"), "bf16": ("f32",)}
_BYTES: Table = {"i8": ("i32",), "u8": ("i32",)}
_FP8: Table = {"e4m3": ("f32",), "e5m2": ("f32",)}
_MMA: Table = {**_HALVES, **_BYTES, "f64": ("f64",)}
_WGMMA: Table = {**_HALVES, **_BYTES, **_FP8}
_TCGEN05: Table = {**_HALVES, **_BYTES, **_FP8}


def mma(facts: Facts) -> Feature:
    """`mma.sync`: a warp multiplies fragments that it holds in registers."""
    found = _unit("mma", facts, {**_MMA, **_FP8} if "fp8" in facts.target.units else _MMA, "it exists from sm_80 on")
    newer = next((unit for unit in ("wgmma", "tcgen05") if unit in facts.target.units), None)
    if found.present and newer:
        return yes("mma", f"{found.reason}; {newer} is faster where a spec can have it")
    return found


def wgmma(facts: Facts) -> Feature:
    """Four warps multiply tiles of shared memory, asynchronously."""
    return _unit("wgmma", facts, _WGMMA, "it exists on sm_90a only", bytes_k_major=True)


def tcgen05(facts: Facts) -> Feature:
    """One thread starts products of tiles of shared memory, which are summed in tensor memory."""
    return _unit("tcgen05", facts, _TCGEN05, "it exists on sm_100 only")


def fp8(facts: Facts) -> Feature:
    """Tensor cores multiply e4m3 or e5m2."""
    if "fp8" not in facts.target.units:
        return no("fp8", f"{facts.target.name} has no tensor cores for 8-bit floats: they exist from sm_89 on")
    for each in facts.known.products:
        options = [option.name for side in (each.left, each.right) for option in facts.options(side.dtype)]
        found = [name for name in dict.fromkeys(options) if name in _FP8]
        if found and each.n:
            return yes("fp8", f"{each.target} multiplies {', '.join(found)}")
    return no("fp8", "no product of matrices has operands in e4m3 or e5m2")


def _unit(name: str, facts: Facts, table: Table, where: str, *, bytes_k_major: bool = False) -> Feature:
    if name not in facts.target.units:
        return no(name, f"{facts.target.name} has no {name.upper()}: {where}")
    if not facts.structure.contractions:
        return no(name, "there is no contraction: no sum over a product of two sides with axes of their own")
    contractions = facts.known.products
    obstacles = [_obstacle(each, facts, name, table, bytes_k_major) for each in contractions]
    if any(obstacles):
        return no(name, "; ".join(dict.fromkeys(filter(None, obstacles))))
    return yes(name, "; ".join(_describe(each, facts) for each in contractions))


def _obstacle(each: Contraction, facts: Facts, unit: str, table: Table, bytes_k_major: bool) -> str | None:
    """Why a contraction cannot run on the unit."""
    if not each.n:
        return (
            f"{each.target} is a matrix-vector product: one side has no axis of its own{_rows_of_a_group(each, facts)}"
        )
    return _operands(each, facts, unit, table) or (_major(each, facts, unit) if bytes_k_major else None)


def _rows_of_a_group(each: Contraction, facts: Facts) -> str:
    """What could be rows of a product all the same: batch indices that share the other side."""
    batch = {axis.name for axis in each.batch}
    shared = [group for group in facts.structure.groups if group.target == each.target and group.index in batch]
    if not shared:
        return ""
    group = shared[0]
    return (
        f" (several {group.index} share {group.tensor} at `{show_expr(group.expr)}`: a kernel may make them its rows)"
    )


def _operands(each: Contraction, facts: Facts, unit: str, table: Table) -> str | None:
    for side in (each.left, each.right):
        wrong = [dtype.name for dtype in facts.options(side.dtype) if dtype.name not in table]
        if wrong and wrong[0] in _FP8:
            return f"{each.target} multiplies {side} in {wrong[0]}, which {facts.target.name} has no tensor cores for"
        if wrong:
            return f"{each.target} multiplies {side} in {wrong[0]}: a cast such as `f32(f16(x))` would allow 16 bits"
    if each.left.dtype != each.right.dtype and facts.options(each.left.dtype) != facts.options(each.right.dtype):
        return f"{each.target} multiplies {each.left.dtype} with {each.right.dtype}: both sides must have one dtype"
    allowed = set.intersection(*(set(table[dtype.name]) for dtype in facts.options(each.left.dtype)))
    wrong = [dtype.name for dtype in facts.options(each.dtype) if dtype.name not in allowed]
    if wrong:
        wanted = " or ".join(sorted(allowed))
        return (
            f"{each.target} accumulates in {wrong[0]}, {unit.upper()} in {wanted}: cast the factors, as in `f32(A[…])`"
        )
    return None


def _major(each: Contraction, facts: Facts, unit: str) -> str | None:
    """Operands of one byte must lie with K innermost; those of 16 bits need not."""
    for side in (each.left, each.right):
        layout = layout_of(each, side, facts.spec)
        if layout.tensor and layout.major not in ("K", "") and any(o.bytes == 1 for o in facts.options(side.dtype)):
            name = next(option.name for option in facts.options(side.dtype) if option.bytes == 1)
            return (
                f"{each.target} reads {layout.tensor} with {layout.major} innermost, and {unit.upper()} takes {name} "
                "with K innermost only: transpose it"
            )
    return None


def _describe(each: Contraction, facts: Facts) -> str:
    """`C contracts A with B over k, operands T (f16, bf16), accumulator f32`."""
    dtype = each.left.dtype
    options = [option.name for option in facts.options(dtype)]
    shown = dtype if options == [dtype] else f"{dtype} ({', '.join(options)})"
    what = f"{each.target} contracts {each.left} with {each.right} over {names(each.k)}"
    return f"{what}, operands {shown}, accumulator {each.dtype}"

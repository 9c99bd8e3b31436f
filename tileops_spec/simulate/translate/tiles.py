"""Tile operators: calls of the runtime on regions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import Unsupported
from .buffers import PRIVATE
from .expressions import emit
from .meetings import collective, soft_sync
from .names import tag
from .reducers import identity
from .walk import is_chip

REDUCTIONS = {
    "sum": "SUM",
    "abssum": "ABSSUM",
    "max": "MAXIMUM",
    "absmax": "ABSMAX",
    "min": "MINIMUM",
    "bitand": "BITAND",
    "bitor": "BITOR",
    "bitxor": "BITXOR",
}
GEMM_OPERANDS = frozenset({"f16", "bf16", "float", "double", "e4m3", "e5m2", "tf32", "i8", "u8", "i32"})
GEMM_ACCUMULATORS = frozenset({"float", "f16", "bf16", "double", "i32"})
LEVELS = {"local.fragment": 2, "local.reducer": 2, "local": 2, "local.var": 2, "shared": 1, "shared.dyn": 1}


@dataclass(frozen=True, slots=True)
class Operation:
    """A call of the runtime: `function(first, regions…, last)`; `value` is a scalar operand, evaluated before."""

    function: str
    regions: list[str]
    last: str
    first: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A decoded `tl.region`: a buffer, where it starts, and its extents."""

    buffer: object
    lows: list
    extents: list

    @property
    def axes(self) -> list:
        """The extents that are not the constant 1."""
        return [e for e in self.extents if not _is_one(e)]

    @property
    def level(self) -> int:
        return LEVELS.get(self.buffer.scope(), 0)


def _is_one(expr) -> bool:
    return type(expr).__name__ == "IntImm" and int(expr.value) == 1


def is_region(arg) -> bool:
    return type(arg).__name__ == "Call" and arg.op.name.endswith(".region")


def decode(arg, scope) -> Tile:
    """The region that an argument of a tile operator names."""
    if type(arg).__name__ == "BufferLoad":
        return Tile(arg.buffer, list(arg.indices), [_one()] * len(arg.indices))
    if not is_region(arg):
        raise Unsupported(f"tile operator on {type(arg).__name__}", scope.line)
    load = arg.args[0]
    lows = [i.base if type(i).__name__ == "Ramp" else i for i in load.indices]
    return Tile(load.buffer, lows, list(arg.args[2:]))


def _one():
    from tvm.tirx import IntImm

    return IntImm("int32", 1)


def _region(tile: Tile, scope, keep: frozenset[int] | None = None) -> str:
    """A Region initializer. Constant extents 1 fix their dimension, except those in `keep`."""
    ref = scope.buffers.reference(tile.buffer, scope)
    lows = ", ".join(emit(low, scope) for low in tile.lows)
    extents = ", ".join(
        "-1" if _is_one(e) and (keep is None or d not in keep) else emit(e, scope) for d, e in enumerate(tile.extents)
    )
    return f"Region{{&{ref}, {{{lows}}}, {{{extents}}}}}"


def _site(action: str, scope, *tiles: Tile) -> int:
    return scope.sites_of(action, [(tile.buffer.name, str(tuple(tile.buffer.shape))) for tile in tiles])


def _mark_written(tile: Tile, scope) -> None:
    scope.buffers.storage(tile.buffer, scope).written = True


def _by_src(src: Tile, dst: Tile, scope) -> str:
    """The side with the higher memory level gives the iteration space, as in TileLang's copy."""
    if len(src.axes) != len(dst.axes):
        raise Unsupported(
            f"copy of {src.buffer.name}{src.axes} to {dst.buffer.name}{dst.axes}: different ranks", scope.line
        )
    return "true" if src.level >= dst.level else "false"


def _copy(call, scope) -> Operation:
    src, dst = decode(call.args[0], scope), decode(call.args[1], scope)
    annotations = dict(call.annotations or {})
    for unknown in ("is_gather4", "dst_block", "cluster_mask"):
        if unknown in annotations and not _is_zero(annotations[unknown]):
            raise Unsupported(f"copy with {unknown}", scope.line)
    _mark_written(dst, scope)
    site = _site("copy", scope, src, dst)
    regions, last = [_region(src, scope), _region(dst, scope)], f"{_by_src(src, dst, scope)}, {site}"
    if "barrier" in annotations:
        return Operation("tma_load", regions, last, scope.buffers.barrier(annotations["barrier"], scope, emit))
    return Operation("tile_copy", regions, last)


def _scalar(value, scope) -> str:
    return f"scalar<{scope.type_of(value.dtype)}>({emit(value, scope)})"


def _is_zero(value) -> bool:
    return getattr(value, "value", value) in (0, False)


def _fill(call, scope) -> Operation:
    dst, value = decode(call.args[0], scope), call.args[1]
    kind = scope.type_of(value.dtype)
    _mark_written(dst, scope)
    site = _site("fill", scope, dst)
    region = _region(dst, scope)
    return Operation("tile_fill", [region], f"value, {tag(kind)}, {site}", value=_scalar(value, scope))


def _gemm(call, scope) -> Operation:
    a, b, c = (decode(arg, scope) for arg in call.args[:3])
    for tile, allowed in ((a, GEMM_OPERANDS), (b, GEMM_OPERANDS), (c, GEMM_ACCUMULATORS)):
        if scope.type_of(tile.buffer.dtype) not in allowed:
            raise Unsupported(f"gemm on {tile.buffer.name} of dtype {tile.buffer.dtype}", scope.line)
        if not is_chip(tile.buffer):
            raise Unsupported(f"gemm on {tile.buffer.name} in global memory", scope.line)
    if dict(call.annotations or {}).get("use_2cta", 0):
        raise Unsupported("gemm over two blocks (use_2cta)", scope.line)
    transposed = ", ".join(emit(x, scope) for x in call.args[3:5])
    site = _site("gemm", scope, a, b, c)
    regions = [_region(t, scope, _matrix(t)) for t in (a, b, c)]
    last = f"{transposed}, {emit(call.args[9], scope)}, {site}"
    if call.op.name.endswith("wgmma_gemm"):
        return Operation("wgmma_issue", regions, last, str(scope.plan.queue(scope.mask)))
    # A synchronous gemm waits for all wgmma before it.
    waits = f"wgmma_wait({scope.plan.queues(scope.mask)}u, 0); " if scope.plan.asynchronous else ""
    return Operation(f"{waits}tile_gemm", regions, last)


def _matrix(tile: Tile) -> frozenset[int]:
    rank = len(tile.extents)
    return frozenset({rank - 2, rank - 1})


def _reduce(call, scope) -> Operation:
    src, dst = decode(call.args[0], scope), decode(call.args[1], scope)
    kind, dim = str(call.args[2].value), int(call.args[3].value)
    if kind not in REDUCTIONS:
        raise Unsupported(f"reduce {kind}", scope.line)
    everything = frozenset(range(8))
    site = _site(f"reduce_{kind}", scope, src, dst)
    kept = everything if len(dst.extents) in (len(src.extents), len(src.extents) - 1) else None
    if kept is None:
        raise Unsupported(f"reduce of {src.buffer.name} into {dst.buffer.name}: ranks do not match", scope.line)
    clear = emit(call.args[4], scope)
    regions = [_region(src, scope, everything), _region(dst, scope, kept)]
    return Operation("tile_reduce", regions, f"{REDUCTIONS[kind]}, {dim}, {clear}, {site}")


def _scan(maximum: str) -> Callable:
    def rule(call, scope) -> Operation:
        src, dst = decode(call.args[0], scope), decode(call.args[1], scope)
        everything = frozenset(range(8))
        site = _site("cumulative", scope, src, dst)
        regions = [_region(src, scope, everything), _region(dst, scope, everything)]
        reverse = emit(call.args[3], scope)
        _mark_written(dst, scope)
        return Operation("tile_scan", regions, f"{maximum}, {int(call.args[2].value)}, {reverse}, {site}")

    return rule


def _transpose(call, scope) -> Operation:
    src, dst = decode(call.args[0], scope), decode(call.args[1], scope)
    if len(src.axes) != 2 or len(dst.axes) != 2:
        raise Unsupported("transpose of other than two dimensions", scope.line)
    _mark_written(dst, scope)
    regions = [_region(src, scope), _region(dst, scope)]
    return Operation("tile_transpose", regions, str(_site("transpose", scope, src, dst)))


def _atomic(operation: str) -> Callable:
    def rule(call, scope) -> Operation:
        dst = decode(call.args[1], scope)
        _mark_written(dst, scope)
        if is_region(call.args[0]):
            src = decode(call.args[0], scope)
            site = _site("atomic", scope, src, dst)
            regions = [_region(src, scope), _region(dst, scope)]
            return Operation("tile_atomic", regions, f"{_by_src(src, dst, scope)}, {site}", operation)
        first = f"{operation}, value, {tag(scope.type_of(call.args[0].dtype))}"
        last = str(_site("atomic", scope, dst))
        return Operation("tile_atomic_value", [_region(dst, scope)], last, first, _scalar(call.args[0], scope))

    return rule


def _im2col(call, scope) -> Operation:
    """The rows of a convolution's patches, of an image (N, H, W, C): tile `row`, `column` of the patch matrix."""
    image, dst = decode(call.args[0], scope), decode(call.args[1], scope)
    everything = frozenset(range(8))
    if len(image.extents) != 4 or len(dst.axes) != 2:
        raise Unsupported("im2col of other than an image (N, H, W, C) into two dimensions", scope.line)
    _mark_written(dst, scope)
    numbers = ", ".join(emit(arg, scope) for arg in call.args[2:8])
    regions = [_region(image, scope, everything), _region(dst, scope)]
    return Operation("tile_im2col", regions, f"{numbers}, {_site('im2col', scope, image, dst)}")


def _reducer_init(call, scope) -> Operation:
    dst = decode(call.args[0], scope)
    dtype, site = str(dst.buffer.dtype), _site("fill", scope, dst)
    reducer = scope.reducers[dst.buffer.data]
    given = len(call.args) > 1
    value = _scalar(call.args[1], scope) if given else identity(reducer.operation, dtype)
    kind = scope.type_of(call.args[1].dtype if given else dtype)
    _mark_written(dst, scope)
    return Operation("tile_fill", [_region(dst, scope)], f"value, {tag(kind)}, {site}", value=value)


def _finalize(call, scope) -> Operation:
    """Combines the parts, which are one here; with two operands the result goes to the second."""
    src, dst = decode(call.args[0], scope), decode(call.args[-1], scope)
    if src.buffer.data not in scope.reducers:
        raise Unsupported(f"T.finalize_reducer of {src.buffer.name}, which is no reducer", scope.line)
    region, site = _region(src, scope), scope.reducers[src.buffer.data].site
    if call.op.name.endswith("finalize_reducer"):
        return Operation("tile_settle", [region], str(site))
    _mark_written(dst, scope)
    copied = f"true, {_site('copy', scope, src, dst)}"
    return Operation(f"tile_settle({region}, {site}); tile_copy", [region, _region(dst, scope)], copied)


TILE_OPERATORS: dict[str, Callable] = {
    "copy": _copy,
    "async_copy": _copy,
    "tma_copy": _copy,
    "fill": _fill,
    "gemm": _gemm,
    "wgmma_gemm": _gemm,
    "reduce": _reduce,
    "cumsum": _scan("false"),
    "cummax": _scan("true"),
    "transpose": _transpose,
    "im2col": _im2col,
    "reducer_init": _reducer_init,
    "finalize_reducer": _finalize,
    "finalize_reducer_v2": _finalize,
    "atomicadd": _atomic("ADD"),
    "atomicmax": _atomic("MAX"),
    "atomicmin": _atomic("MIN"),
}


def emit_tile_operator(name: str, call, scope) -> None:
    """Translate one tile operator; the last of its threads to arrive runs it."""
    if name not in TILE_OPERATORS:
        raise Unsupported(f"tile operator T.{name}", scope.line)
    loads = scope.loads
    operation = TILE_OPERATORS[name](call, scope)
    site = scope.site("index", f"the region of T.{name}") if scope.loads != loads else None
    lines = _lines(operation, site)
    _refuse_private_fragments(name, call, scope)
    scopes = {arg.args[0].buffer.scope() for arg in call.args if is_region(arg)}
    if scope.plan.fibers == 1 or not scopes & set(PRIVATE):
        scope.plan.require_same(call.args, f"T.{name}", scope.line)
        return collective(scope, f"T.{name}", lines)
    # A tile of a thread's own: every thread runs the operator for itself.
    if "local.fragment" in scopes:
        raise Unsupported(f"T.{name} between a fragment and a buffer of each thread", scope.line)
    soft_sync(scope, any(s.startswith("shared") for s in scopes))
    for line in lines:
        scope.emit(line)
    return None


def _refuse_private_fragments(name: str, call, scope) -> None:
    """A fragment that threads fill on their own has no tile that they share."""
    for arg in filter(is_region, call.args):
        if arg.args[0].buffer.data in scope.plan.private:
            what = f"fragment {arg.args[0].buffer.name}, which each thread stores on its own"
            raise Unsupported(f"T.{name} of the {what}", scope.line)


def _lines(operation: Operation, index_site: int | None) -> list[str]:
    """An index that was itself read from an unwritten element makes the whole region arbitrary: checked at the site."""
    names = [f"r{i}" for i in range(len(operation.regions))]
    value = f"TAINT = CLEAN; const Scalar value = {operation.value};" if operation.value else ""
    if index_site is None and not value:
        return [_call(operation, operation.regions)]
    regions = ", ".join(f"{name} = {text}" for name, text in zip(names, operation.regions, strict=True))
    checked = f"choose({index_site});" if index_site is not None else ""
    return [f"{{ TAINT = CLEAN; const Region {regions};", f"  {checked} {value}", f"  {_call(operation, names)} }}"]


def _call(operation: Operation, regions: list[str]) -> str:
    arguments = ", ".join(filter(None, (operation.first, *regions, operation.last)))
    return f"{operation.function}({arguments});"

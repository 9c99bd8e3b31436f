"""AP01 and AP31: accumulators of products and reductions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ...diagnostics.diagnostic import Diagnostic
from ...ir.nodes import Reduce
from ...ir.walk import walk
from ...scaffold.naming import dtype_parameter
from ..allowlist import REDUCTIONS
from .reading import PRODUCTS, allocations, argument, base_name, calls_of, mentions, resolved, unpacks
from .source import Source, position

_LOW_PRECISION = frozenset({"float16", "bfloat16", "half"})


def ap01_accumulator_never_written(source: Source) -> Iterator[Diagnostic]:
    """A product, or a reduction with clear=False, adds to a fragment that nothing can have written by then."""
    fragments = allocations(source, "alloc_fragment")
    reported: set[str] = set()
    for name, call in calls_of(source, *PRODUCTS, *REDUCTIONS):
        target = base_name(_accumulator(name, call))
        if target not in fragments or target in reported or not _accumulates(name, call):
            continue
        if not any(_may_precede(source, node, call) for node in _writes(source, target)):
            reported.add(target)
            message = f"AP01: T.{name} accumulates into `{target}`, which nothing has cleared"
            yield source.finding("TS405", call, message, f"call `T.clear({target})` first, or {_option(name)}")


def _option(name: str) -> str:
    return "pass clear_accum=True" if name in PRODUCTS else "leave out clear=False"


def _accumulator(name: str, call: ast.Call) -> ast.expr | None:
    return argument(call, 2, "C") if name in PRODUCTS else argument(call, 1, "out")


def _accumulates(name: str, call: ast.Call) -> bool:
    """Whether the call surely adds to what is there: products by default, reductions where told to."""
    place, keyword = (6, "clear_accum") if name in PRODUCTS else (3, "clear")
    option = argument(call, place, keyword)
    if name == "reduce" or unpacks(call):
        return False
    if option is None:
        return name in PRODUCTS
    return isinstance(option, ast.Constant) and not option.value


def _writes(source: Source, name: str) -> Iterator[ast.Name]:
    """The mentions that may write the buffer, but for those that only add to it."""
    for effect, node in mentions(source, name):
        if effect in ("write", "unknown") and not _only_adds(source, node):
            yield node


def _only_adds(source: Source, node: ast.Name) -> bool:
    for name, call in calls_of(source, *PRODUCTS, *REDUCTIONS):
        accumulator = _accumulator(name, call)
        if accumulator is not None and any(each is node for each in ast.walk(accumulator)):
            return _accumulates(name, call)
    return False


def _may_precede(source: Source, node: ast.AST, call: ast.Call) -> bool:
    """Whether it stands above the call, or in a loop around both, where an earlier iteration may have run it."""
    if position(node)[:2] < position(call)[:2]:
        return True
    loops = [each for each in source.ancestors(call) if isinstance(each, ast.For | ast.While)]
    return any(each in loops for each in source.ancestors(node))


def ap31_low_precision_accumulator(source: Source) -> Iterator[Diagnostic]:
    """A 16-bit accumulator where every sum of the spec accumulates in float32."""
    if not _sums_in_float32(source):
        return
    fragments = allocations(source, "alloc_fragment")
    for name, call in calls_of(source, *PRODUCTS):
        target = base_name(_accumulator(name, call))
        allocated = fragments.get(target or "", [])
        if allocated and all(_dtype_of(source, each) in _LOW_PRECISION for each in allocated):
            message = f"AP31: T.{name} accumulates in 16 bits in `{target}`, where the spec sums in float32"
            yield source.finding("TS405", call, message, f'allocate `{target}` as "float32" and cast when storing')


def _sums_in_float32(source: Source) -> bool:
    reductions = (node for each in source.spec.math for node in walk(each.value) if isinstance(node, Reduce))
    sums = [node for node in reductions if node.function == "sum"]
    return bool(sums) and all(node.dtype in ("f32", "f64") for node in sums)


def _dtype_of(source: Source, call: ast.Call) -> str | None:
    """The dtype of an allocation: as written, or that of a dtype argument which has 16 bits in every binding."""
    node = resolved(source, argument(call, 1, "dtype"))
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

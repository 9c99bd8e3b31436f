"""Small shapes tried one after the other: an obligation that reads no data mostly breaks at extents of 1 to 4.

Such a witness is as small as can be, has params at their defaults where that is enough, and needs no solver.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import product

from ...ir import nodes as ir
from ...ir.scalars import Scalar, ScalarError, scalar_value
from ...ir.spec import Spec
from ...ir.walk import walk
from .obligations import Obligation
from .witness import Witness

_MOST_NAMES = 6
_MOST_SHAPES = 1000
_MOST_PLACES = 4000
_DIMS = (1, 2, 3, 4)
_PARAMS = (0, 1, 2, -1)
_Values = dict[str, Scalar]


def search(obligation: Obligation, spec: Spec) -> tuple[Witness | None, bool]:
    """The first small shape, and place, at which an obligation over dims, params and variables fails.

    False beside it where conditions on data were left aside, that may exclude it.
    """
    parts = _parts(obligation)
    if any(map(_reads, parts)):
        return None, True
    guards = [guard for guard in obligation.guards if not _reads(guard)]
    axes = _needed(obligation.axes, [*parts, *guards])
    plain = [_without_data(axis) for axis in axes]
    whole = len(guards) == len(obligation.guards) and plain == axes
    return _search(replace(obligation, guards=tuple(guards)), plain, spec), whole


def _search(obligation: Obligation, axes: Sequence[ir.Axis], spec: Spec) -> Witness | None:
    parts = [*_parts(obligation), *obligation.guards, *(end for axis in axes for end in _ends(axis))]
    names = _closure(_names(parts), spec.where)
    if len(names) > _MOST_NAMES:
        return None
    tried = 0
    clauses = [clause for clause in spec.where if _names([clause]) & names]
    for dims, params in _shapes(spec, names):
        if all(_value(clause, dims, params, {}) for clause in clauses):
            for indices in _places(axes, dims, params, {}):
                tried += 1
                found = _broken(obligation, dims, params, indices)
                if found is not None or tried > _MOST_PLACES:
                    return found
    return None


def _parts(obligation: Obligation) -> list[ir.Expr]:
    return [part for part in (obligation.value, obligation.low, obligation.high) if part is not None]


def _reads(expr: ir.Expr) -> bool:
    return any(isinstance(node, ir.Access | ir.Lookup | ir.Reduce | ir.Along | ir.Present) for node in walk(expr))


def _without_data(axis: ir.Axis) -> ir.Axis:
    lower, upper = (None if each is None or _reads(each) else each for each in (axis.lower, axis.upper))
    return axis if (lower, upper) == (axis.lower, axis.upper) else replace(axis, lower=lower, upper=upper)


def _nodes(parts: Sequence[ir.Expr]) -> Iterator[ir.Expr]:
    return (node for part in parts for node in walk(part))


def _ends(axis: ir.Axis) -> list[ir.Expr]:
    return [end for end in (axis.extent, axis.lower, axis.upper) if end is not None]


def _needed(axes: Sequence[ir.Axis], parts: Sequence[ir.Expr]) -> list[ir.Axis]:
    """The axes whose variables stand in some expressions, or in the bounds of such axes."""
    wanted = {node.name for node in _nodes(parts) if isinstance(node, ir.IndexRef)}
    needed = []
    for axis in reversed(axes):
        if axis.name in wanted:
            needed.append(axis)
            wanted |= {node.name for node in _nodes(_ends(axis)) if isinstance(node, ir.IndexRef)}
    return needed[::-1]


def _names(parts: Sequence[ir.Expr]) -> set[str]:
    return {node.name for node in _nodes(parts) if isinstance(node, ir.DimRef | ir.ParamRef)}


def _closure(names: set[str], clauses: Sequence[ir.Expr]) -> set[str]:
    """The names, and those that clauses tie to them."""
    while True:
        more = names.union(*(found for clause in clauses if (found := _names([clause])) & names))
        if more == names:
            return names
        names = more


def _shapes(spec: Spec, names: set[str]) -> Iterator[tuple[dict[str, int], _Values]]:
    """Dims and params, the small ones and the defaults first."""
    dims = [dim.name for dim in spec.dims if dim.name in names]
    others = [param for param in spec.params if param.name in names]
    choices = [range(len(_DIMS))] * len(dims) + [range(_choices(param.dtype)) for param in others]
    for picked in sorted(product(*choices), key=sum)[:_MOST_SHAPES]:
        extents = {name: _DIMS[at] for name, at in zip(dims, picked, strict=False)}
        params: _Values = {}
        try:
            for param, at in zip(others, picked[len(dims) :], strict=True):
                params[param.name] = _pick(param.dtype, param.default, at, extents, params)
        except ScalarError:
            continue
        yield extents, params


def _choices(dtype: str) -> int:
    return 2 if dtype == "bool" else len(_PARAMS) + 1 if dtype.startswith(("i", "u")) else 1


def _pick(dtype: str, default: ir.Expr | None, at: int, dims: Mapping[str, int], params: _Values) -> Scalar:
    value = scalar_value(default, dims, params) if default is not None else 1
    if at == 0:
        return value
    return not value if dtype == "bool" else _PARAMS[at - 1]


def _places(
    axes: Sequence[ir.Axis], dims: dict[str, int], params: _Values, outer: dict[str, int]
) -> Iterator[dict[str, int]]:
    if not axes:
        yield outer
        return
    axis = axes[0]
    low = 0 if axis.lower is None else _value(axis.lower, dims, params, outer)
    highs = [_value(end, dims, params, outer) for end in (axis.extent, axis.upper) if end is not None]
    if low is not None and None not in highs:
        for value in range(max(0, low), min(highs)):
            yield from _places(axes[1:], dims, params, {**outer, axis.name: value})


def _broken(obligation: Obligation, dims: dict[str, int], params: _Values, indices: dict[str, int]) -> Witness | None:
    if not all(_value(guard, dims, params, indices) for guard in obligation.guards):
        return None
    value, low, high = (
        None if part is None else _value(part, dims, params, indices)
        for part in (obligation.value, obligation.low, obligation.high)
    )
    if value is None or (obligation.high is not None and high is None):
        return None
    broken = value == 0 if obligation.kind == "divisor" else (low is not None and value < low)
    if broken or (high is not None and value >= high):
        return Witness({**dims, **params, **indices}, (), value, high)
    return None


def _value(
    expr: ir.Expr, dims: Mapping[str, int], params: Mapping[str, Scalar], indices: Mapping[str, int]
) -> int | None:
    """The value; None where it has none."""
    try:
        return scalar_value(expr, dims, params, indices)  # type: ignore[return-value]
    except ScalarError:
        return None

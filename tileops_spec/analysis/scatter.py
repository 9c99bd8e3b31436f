"""Statements that reach elements by expressions: `y[index[t], d] += …`, and `cache[slot[t], d] = …` in place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..ir.dtypes import DType
from ..ir.spec import Definition
from .accesses import OracleError, check_range
from .estimate import LAMBDA, Approx, settled, total, wrap
from .expressions import Expressions
from .operators import cast
from .scope import Run, Scope


def scattered(definition: Definition, base: Approx | None, shape: tuple[int, ...], expressions: Expressions) -> Approx:
    """The target after the statement; `base` is what it was, None for zeros.

    Sums accumulate in the dtype of the statement's right side. Raises OracleError where an index leaves the target, or
    where two points of a replacing statement reach one element.
    """
    runs = tuple(
        Run(axis.name, 0, extent, extent) for axis in definition.axes for extent in (expressions.extent(axis),)
    )
    scope = Scope(runs)
    value = expressions.evaluate(definition.value, scope)
    places = [expressions.evaluate(index, scope).value for index in definition.indices]
    for axis, (place, extent) in enumerate(zip(places, shape, strict=True)):
        beyond = (place < 0) | (place >= extent)
        check_range(definition.target, axis, place, beyond, (0, extent), scope, verb="written")
    flat = _flattened(places, shape, scope)
    if base is None:
        kind = value.value.dtype
        base = Approx(torch.zeros(shape, dtype=torch.int64 if kind == torch.bool else kind, device=value.value.device))
    if definition.op == "=":
        value = cast(value, expressions.dtype(definition.value.dtype), expressions.dtype(definition.dtype))
        return _replaced(definition.target, base, value, flat, scope)
    return _added(base, value, flat, scope, expressions.dtype(definition.value.dtype))


def _flattened(places: Sequence[Tensor], shape: tuple[int, ...], scope: Scope) -> Tensor:
    """The row-major place of each point's element, one number a point."""
    flat = torch.zeros([1] * scope.rank, dtype=torch.int64, device=places[0].device if places else None)
    for place, extent in zip(places, shape, strict=True):
        flat = flat * extent + place
    return flat.expand(scope.sizes).flatten()


def _replaced(name: str, base: Approx, value: Approx, flat: Tensor, scope: Scope) -> Approx:
    if flat.unique().numel() != flat.numel():
        raise OracleError(f"{name} is given two values at one place: the indices of a replacing statement are distinct")
    new = base.value.clone().flatten()
    new[flat] = value.value.expand(scope.sizes).flatten().to(new.dtype)
    if base.error is None and value.error is None:
        return Approx(new.reshape(base.value.shape))
    error = base.bound.clone().flatten()
    error[flat] = value.bound.expand(scope.sizes).flatten()
    return Approx(new.reshape(base.value.shape), error.reshape(base.value.shape))


def _added(base: Approx, value: Approx, flat: Tensor, scope: Scope, dtype: DType) -> Approx:
    """Each element's terms are summed in any order: as a reduction of as many terms as reach it."""
    terms = value.value.expand(scope.sizes).flatten().to(base.value.dtype)
    new = base.value.flatten().index_add(0, flat, terms).reshape(base.value.shape)
    if not dtype.is_float:
        return Approx(wrap(new, dtype), None if value.error is None else _summed(base, value.bound, flat, scope))
    if not dtype.rounds:
        return Approx(new)
    count = _summed(base, torch.ones_like(terms, dtype=torch.float64), flat, None) + 1
    mass = _summed(base, terms.abs().double(), flat, None) + base.value.abs()
    unit = 2.0**-23 if dtype.name == "f32" else dtype.unit_roundoff
    own = mass * torch.minimum(count, LAMBDA * count.sqrt()) * unit
    carried = None if value.error is None else _summed(base, value.bound, flat, scope)
    return settled(new, total(own, carried, base.error))


def _summed(base: Approx, terms: Tensor, flat: Tensor, scope: Scope | None) -> Tensor:
    laid_out = terms.expand(scope.sizes).flatten() if scope is not None else terms
    zeros = torch.zeros(math.prod(base.value.shape), dtype=torch.float64, device=base.value.device)
    return zeros.index_add(0, flat, laid_out.double()).reshape(base.value.shape)

"""Elements of tensors at every point of a scope: by views where the indices allow, else by gathering."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..ir.nodes import Binary, Expr, IndexRef, Number
from .estimate import Approx, joint_shape, total
from .scope import Run, Scope, wanted


class OracleError(ValueError):
    """The mathematics has no value for these inputs: an index leaves its tensor, or an integer is divided by zero."""


@dataclass(frozen=True, slots=True)
class Window:
    """Part of a tensor: `origin` is the index, in the whole tensor, of the first element on each axis.

    A recurrence's tensor has one element more along its axis, the one before the first step.
    """

    approx: Approx
    origin: tuple[int, ...]

    @property
    def ranges(self) -> list[tuple[int, int]]:
        return [(start, start + size) for start, size in zip(self.origin, self.approx.value.shape, strict=True)]

    def narrowed(self, ranges: Sequence[tuple[int, int]]) -> Window:
        """The part within `ranges`, which lie inside this one."""

        def narrow(tensor: Tensor) -> Tensor:
            for axis, ((start, stop), first) in enumerate(zip(ranges, self.origin, strict=True)):
                if (start, stop) != (first, first + tensor.shape[axis]):
                    tensor = tensor.narrow(axis, start - first, stop - start)
            return tensor

        return Window(mapped(self.approx, narrow), tuple(start for start, _ in ranges))

    def covers(self, ranges: Sequence[tuple[int, int]]) -> bool:
        pairs = zip(self.ranges, ranges, strict=True)
        return all(first <= start and stop <= last for (first, last), (start, stop) in pairs)


@dataclass(frozen=True, slots=True)
class Spot:
    """An index that is a variable, moved by a fixed number: `t - 1`."""

    run: Run
    shift: int

    @property
    def range(self) -> tuple[int, int]:
        return self.run.start + self.shift, self.run.stop + self.shift


def spots(indices: Sequence[Expr], scope: Scope) -> list[Spot] | None:
    """The indices as moved variables, each variable once; None where one is anything else."""
    found = [_spot(index, scope) for index in indices]
    names = [each.run.name for each in found if each is not None]
    return found if len(names) == len(found) == len(set(names)) else None  # type: ignore[return-value]


def _spot(index: Expr, scope: Scope) -> Spot | None:
    match index:
        case IndexRef(name=name):
            return Spot(scope.run(name), 0)
        case Binary(op="+" | "-" as op, left=IndexRef(name=name), right=Number(value=int(by))):
            return Spot(scope.run(name), by if op == "+" else -by)
    return None


def view(window: Window, places: Sequence[Spot], scope: Scope) -> Approx:
    """The elements at moved variables, all inside the window: axes in the order of the scope."""
    part = window.narrowed([place.range for place in places]).approx
    positions = [scope.position(place.run.name) for place in places]
    order = sorted(range(len(places)), key=positions.__getitem__)
    shape = [1] * scope.rank
    for place, position in zip(places, positions, strict=True):
        shape[position] = place.run.size
    return mapped(part, lambda tensor: tensor.permute(order).reshape(shape))


def gather(name: str, window: Window, indices: Sequence[Approx], scope: Scope, pad: Approx | None) -> Approx:
    """The elements at computed indices; `pad` where one leaves the tensor. Raises OracleError where there is no pad."""
    outside = None
    places = []
    for axis, (index, (start, stop)) in enumerate(zip(indices, window.ranges, strict=True)):
        beyond = (index.value < start) | (index.value >= stop)
        if pad is None:
            check_range(name, axis, index.value, beyond, (start, stop), scope)
        else:
            outside = beyond if outside is None else outside | beyond
        places.append((index.value - start).clamp(0, max(stop - start - 1, 0)))
    if 0 in window.approx.value.shape:
        result = mapped(window.approx, lambda tensor: tensor.new_zeros(torch.broadcast_shapes(*map(_shape, places))))
    else:
        result = mapped(window.approx, lambda tensor: tensor[tuple(places)])
    vague = total(*(index.error for index in indices))
    if vague is not None:
        result = Approx(result.value, torch.where(vague > 0, math.inf, result.bound))
    return result if pad is None or outside is None else _padded(result, outside, pad)


def _shape(tensor: Tensor) -> torch.Size:
    return tensor.shape


def _padded(result: Approx, outside: Tensor, pad: Approx) -> Approx:
    value = torch.where(outside, pad.value, result.value)
    if result.error is None and pad.error is None:
        return Approx(value)
    return Approx(value, torch.where(outside, pad.bound, result.bound))


def check_range(
    name: str, axis: int, index: Tensor, beyond: Tensor, limits: tuple[int, int], scope: Scope, verb: str = "read"
) -> None:
    """OracleError where an index leaves its axis at a point whose value is wanted."""
    outside = wanted(beyond, scope)
    if bool(outside.any()):
        found = int(index.expand_as(outside)[outside][0])
        begins = f", which begins at {limits[0]}" if limits[0] else ""
        raise OracleError(f"{name} is {verb} at index {found} of axis {axis}, whose extent is {limits[1]}{begins}")


def mapped(approx: Approx, function: Callable[[Tensor], Tensor]) -> Approx:
    """The elements that `function` picks, with their errors."""
    if approx.is_laid_out:
        return Approx(function(approx.value), None if approx.error is None else function(approx.error))
    dense, relative = (_picked(part, approx.value, function) for part in (approx.dense, approx.relative))
    return Approx.of_parts(function(approx.value), dense, relative, approx.floor)


def _picked(part: Tensor | float | None, like: Tensor, function: Callable[[Tensor], Tensor]):
    """What `function` picks of a part: 1 element stays where it is the same for all along an axis."""
    if not isinstance(part, Tensor):
        return part
    found = function(part if part.shape == like.shape else part.expand(joint_shape(part.shape, like.shape)))
    for axis, stride in enumerate(found.stride()):
        if stride == 0 and found.shape[axis] > 1:
            found = found.narrow(axis, 0, 1)
    return found

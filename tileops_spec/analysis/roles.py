"""What each dim is to a kernel, and so which extents are worth testing for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..ir.nodes import Axis
from ..ir.spec import Spec
from .candidates import LONG, names_in
from .classify import Structure, classify

Preference = Callable[[str, int], bool]
_FEW = 4
"""Batches, heads and the like: more of them cost work and show nothing new."""


@dataclass(frozen=True)
class Roles:
    """`tiled` dims are cut into tiles by a kernel, `reduced` ones are summed over; the rest count repetitions."""

    tiled: frozenset[str]
    reduced: frozenset[str]
    tiles: Sequence[int]

    def static(self, at: int) -> Preference:
        """For the static shapes in turn: more than one ragged tile; a long reduction; less than a tile; anything."""
        largest, middle = max(self.tiles), sorted(self.tiles)[len(self.tiles) // 2]
        turns = (
            lambda name, value: middle < value <= 3 * largest,
            lambda name, value: value >= min(LONG) if name in self.reduced else value <= largest,
            lambda name, value: value <= middle,
            lambda name, value: True,
        )
        return self._for_tiled(turns[at % len(turns)])

    def dynamic(self, at: int) -> Preference:
        """For the cases in turn: beyond the largest tile; one off a tile; a long reduction; less than a tile."""
        largest, smallest = max(self.tiles), min(self.tiles)
        edges = {tile + step for tile in self.tiles for step in (-1, 0, 1)}
        turns = (
            lambda name, value: largest < value <= 3 * largest,
            lambda name, value: value in edges,
            lambda name, value: value >= min(LONG) if name in self.reduced else value > smallest,
            lambda name, value: value < smallest,
        )
        return self._for_tiled(turns[at % len(turns)])

    def _for_tiled(self, prefers: Preference) -> Preference:
        return lambda name, value: prefers(name, value) if name in self.tiled else value <= _FEW


def roles_of(spec: Spec, tiles: Sequence[int]) -> Roles:
    """From the structure: axes of contractions, reductions, softmaxes and steps are tiled; else the innermost axes."""
    structure = classify(spec)
    reduced = _dims(_reduced(structure), spec)
    tiled = reduced | _dims((axis for each in structure.contractions for axis in (*each.m, *each.n)), spec)
    tiled |= _dims((axis for each in spec.math for axis in each.axes if axis.name == each.along), spec)
    if not structure.contractions:
        innermost = (tensor.shape[-1] for tensor in (*spec.inputs, *spec.outputs) if tensor.shape)
        tiled |= frozenset().union(*map(names_in, innermost))
        tiled |= {dim.name for dim in spec.dynamic_dims}
    return Roles(tiled, reduced, tiles)


def _reduced(structure: Structure) -> Iterator[Axis]:
    yield from (axis for each in structure.contractions for axis in each.k)
    yield from (axis for each in structure.reductions for axis in each.axes)
    yield from (each.axis for each in structure.softmaxes)


def _dims(axes: Iterator[Axis], spec: Spec) -> frozenset[str]:
    known = {dim.name for dim in spec.dims}
    return frozenset().union(*(names_in(axis.extent) & known for axis in axes))

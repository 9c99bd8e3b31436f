"""Which elements of each tensor are touched, as products of whole axes, of sets of places, and of gathers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from ..ir.nodes import Access, Axis, Binary, Expr, IndexRef, Number, Property
from ..ir.scalars import compiled
from ..ir.show import show_axis, show_expr
from ..ir.spec import Definition, TensorDecl
from .binding import Binding, evaluate_scalar
from .literals import ZERO
from .needed import Needs, Points, Reading, free_indices
from .places import covers
from .polynomials import names_in, negated
from .regions import Region, both, chained

_POINTS = 2**20
"""The most points whose places are looked at one by one; with more, an axis counts as touched from end to end."""


@dataclass(frozen=True, slots=True)
class Places:
    """The distinct places that some accesses reach on axes with the given extents."""

    extents: tuple[Expr, ...]
    sources: tuple[Source, ...]

    @property
    def region(self) -> Region | None:
        """The same as a set of points, where the places of one access are its index variables."""
        first, *others = self.sources
        names = [index.name for index in first.indices if isinstance(index, IndexRef)]
        if others or len(set(names)) < len(first.indices):
            return None
        kept = tuple(axis for axis in first.axes if axis.name in names)
        return Region(kept, first.conditions, tuple(axis for axis in first.axes if axis.name not in names))

    def count(self, binding: Binding) -> int:
        if self.region is not None:
            return self.region.count(binding)
        sizes = [int(evaluate_scalar(extent, binding)) for extent in self.extents]
        found: set[tuple[int, ...]] = set()
        for source in self.sources:
            places = source.places(binding)
            if places is None:
                return math.prod(sizes)
            found |= {place for place in places if all(0 <= at < size for at, size in zip(place, sizes, strict=True))}
        return len(found)

    def __str__(self) -> str:
        if self.region is not None:
            return str(self.region)
        return f"|{' ∪ '.join(f'{{{source}}}' for source in self.sources)}|"


@dataclass(frozen=True, slots=True)
class Source:
    """The places `indices`, at the points of `axes` where the conditions hold."""

    indices: tuple[Expr, ...]
    axes: tuple[Axis, ...]
    conditions: tuple[Expr, ...]

    def places(self, binding: Binding) -> Iterator[tuple[int, ...]] | None:
        """The places, with repetition; None where there are too many points."""
        if len(self.indices) == 1 and not self.conditions:
            return ((value,) for value in self._values(self.indices[0], binding))
        sizes = [max(0, int(evaluate_scalar(axis.extent, binding))) for axis in self.axes]
        if math.prod(sizes) > _POINTS:
            return None
        names = {**binding.dims, **binding.params}
        test, indices = compiled(both(self.conditions)), [compiled(index) for index in self.indices]
        points = (dict(zip((axis.name for axis in self.axes), at, strict=True)) for at in product(*map(range, sizes)))
        known = ({**names, **point} for point in points)
        return (tuple(int(index(each)) for index in indices) for each in known if test(each))

    def _values(self, index: Expr, binding: Binding) -> set[int]:
        """The values of an index; sums of parts that share no variables are those of the parts' values."""
        names = set(free_indices(index))
        if isinstance(index, Binary) and names and not free_indices(index.left) & free_indices(index.right):
            pairs = product(self._values(index.left, binding), self._values(index.right, binding))
            left, right = IndexRef(name="left"), IndexRef(name="right")
            operation = compiled(replace(index, left=left, right=right))
            return {int(operation({"left": a, "right": b})) for a, b in pairs}
        own = [axis for axis in self.axes if axis.name in names]
        value = compiled(index)
        points = product(*(range(int(evaluate_scalar(axis.extent, binding))) for axis in own))
        known = {**binding.dims, **binding.params}
        return {int(value({**known, **dict(zip((a.name for a in own), at, strict=True))})) for at in points}

    def __str__(self) -> str:
        ranges = ", ".join(f"{show_axis(axis)} < {show_expr(axis.extent)}" for axis in self.axes)
        conditions = "".join(f", {each}" for each in chained(self.conditions))
        return f"{', '.join(map(show_expr, self.indices))}{' : ' if ranges else ''}{ranges}{conditions}"


@dataclass(frozen=True, slots=True)
class Gathered:
    """Places found in data: no more than there are, and no more than accesses ask for; `distinct`: just those.

    Each access is its text and the extents of the variables that it varies with.
    """

    extents: tuple[Expr, ...]
    accesses: tuple[tuple[str, tuple[Expr, ...]], ...]
    distinct: bool = False

    def count(self, binding: Binding) -> int:
        there, *asked = (
            math.prod(max(0, int(evaluate_scalar(each, binding))) for each in group)
            for group in (self.extents, *self.asked)
        )
        return sum(asked) if self.distinct else min(there, sum(asked))

    @property
    def asked(self) -> list[tuple[Expr, ...]]:
        return [extents for _, extents in self.accesses]

    def __str__(self) -> str:
        asked = Counter(map(_product, self.asked))
        shown = " + ".join(text if count == 1 else f"{count}·{text}" for text, count in asked.items())
        return f"min({_product(self.extents)}, {shown})"


Part = Places | Gathered


@dataclass(frozen=True, slots=True)
class Touched:
    """Elements of a tensor: Π `extents` · Π the counts of `sets`; `loose` where data may make it fewer."""

    dtype: str
    shape: tuple[Expr, ...]
    extents: tuple[Expr, ...]
    sets: tuple[Part, ...] = ()
    loose: bool = False

    def value(self, binding: Binding) -> int:
        """Bytes."""
        whole = math.prod(int(evaluate_scalar(extent, binding)) for extent in self.extents)
        return whole * math.prod(part.count(binding) for part in self.sets) * binding.dtype(self.dtype).bytes

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(map(str, self.sets))


@dataclass(frozen=True, slots=True)
class _Use:
    """One access: for each group of axes that share index variables, what it touches (None: all of it)."""

    groups: tuple[tuple[tuple[int, ...], Part | None], ...]
    loose: bool
    source: Source | None
    """The access on all axes at once; None where it gathers."""

    @property
    def is_whole(self) -> bool:
        return all(part is None for _, part in self.groups)


def touched_of(needs: Needs) -> tuple[Touched, ...]:
    """What is read of every input and written of every output."""
    found = [_read(each, needs) for each in needs.spec.inputs]
    found += [_written(each, needs) for each in needs.spec.outputs]
    return tuple(each for each in found if each is not None)


def _whole(tensor: TensorDecl, *, loose: bool = False) -> Touched:
    return Touched(tensor.dtype, tensor.shape, tensor.shape, (), loose)


def _read(tensor: TensorDecl, needs: Needs) -> Touched | None:
    if not needs.spec.math or tensor.name in needs.whole:
        return _whole(tensor)
    uses = [_use(each, needs) for each in needs.readings if each.access.tensor == tensor.name]
    for each in needs.spec.math:
        if each.target == tensor.name and each.op == "+=":
            uses.append(_use(_scattering(each, needs), needs))
    return _union(tensor, uses, needs) if uses else None


def _written(tensor: TensorDecl, needs: Needs) -> Touched:
    statements = [each for each in needs.spec.math if each.target == tensor.name]
    if tensor.name not in needs.spec.in_place or not all(each.is_scatter for each in statements):
        return _whole(tensor)
    if len(statements) == 1 and statements[0].op == "=":
        return Touched(tensor.dtype, tensor.shape, tuple(axis.extent for axis in statements[0].axes))
    return _union(tensor, [_use(_scattering(each, needs), needs) for each in statements], needs)


def _scattering(definition: Definition, needs: Needs) -> Reading:
    """The elements that a scatter reaches, as if it read them."""
    points = Points({axis.name: axis for axis in definition.axes})
    points = points.but(needs.literals.where(definition.value, ZERO)) if definition.op == "+=" else points
    return Reading(Access(tensor=definition.target, indices=definition.indices), points)


# one access


def _use(reading: Reading, needs: Needs) -> _Use:
    access, points = reading.access, reading.points
    shape = needs.literals.shape(access.tensor)
    gathers, groups = False, []
    for axes in _tied(access.indices, points.conditions):
        part = _part(axes, access, shape, points, needs)
        gathers |= isinstance(part, Gathered) and not part.distinct
        groups.append((axes, part))
    closed = [needs.literals.closed(index) for index in access.indices]
    names = {name for each in (*access.indices, *points.conditions) for name in free_indices(each)}
    ranges = tuple(axis for name, axis in points.axes.items() if name in names)
    source = None if None in closed else Source(tuple(closed), ranges, points.conditions)  # type: ignore[arg-type]
    return _Use(tuple(groups), points.loose or gathers, source)


def _tied(indices: Sequence[Expr], conditions: Sequence[Expr]) -> list[tuple[int, ...]]:
    """Positions of indices, those together that share index variables, or conditions on them."""
    groups: list[tuple[set[str], list[int]]] = []
    for at, index in enumerate(indices):
        own = free_indices(index)
        names = own.union(*(named for each in conditions if own & (named := set(names_in(each)))))
        members = [at]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names, members = names | group[0], [*group[1], *members]
        groups.append((names, members))
    return [tuple(sorted(members)) for _, members in groups]


def _part(axes: Sequence[int], access: Access, shape: Sequence[Expr], points: Points, needs: Needs) -> Part | None:
    indices = [access.indices[at] for at in axes]
    extents = tuple(shape[at] for at in axes)
    closed = [needs.literals.closed(index) for index in indices]
    used = {name for index in indices for name in free_indices(index)}
    ranges = tuple(axis for name, axis in points.axes.items() if name in used)
    if any(index is None for index in closed):
        text = ", ".join(map(show_expr, indices))
        return Gathered(extents, ((text, tuple(axis.extent for axis in ranges)),), _are_distinct(indices, needs))
    limits = {show_expr(each) for index, extent in zip(closed, extents, strict=True) for each in _limits(index, extent)}
    named = [each for each in points.conditions if used & set(names_in(each)) and show_expr(each) not in limits]
    hidden = [axis for name, axis in points.axes.items() if name not in used and _names(name, named)]
    source = Source(tuple(closed), (*ranges, *hidden), tuple(named))  # type: ignore[arg-type]
    places = Places(extents, (source,))
    return None if _is_all(places, needs) else places


def _limits(index: Expr, extent: Expr) -> Iterator[Expr]:
    """That a place lies on its axis: places beyond it are none."""
    yield Binary(op=">=", left=index, right=Number(value=0, dtype="i64"), dtype="bool")
    yield Binary(op="<", left=index, right=extent, dtype="bool")


def _names(name: str, conditions: Sequence[Expr]) -> bool:
    return any(name in set(names_in(each)) for each in conditions)


def _are_distinct(indices: Sequence[Expr], needs: Needs) -> bool:
    """Whether points reach places of their own: `slot[t]`, or both `// P` and `% P` of it, where `distinct(slot)`."""
    distinct = {
        each.tensor for each in needs.spec.assumptions if isinstance(each, Property) and each.function == "distinct"
    }
    plain = {show_expr(index) for index in indices if isinstance(index, Access) and index.tensor in distinct}
    for index in indices:
        if isinstance(index, Binary) and index.op == "//" and isinstance(index.left, Access):
            rest = Binary(op="%", left=index.left, right=index.right)
            if index.left.tensor in distinct and show_expr(rest) in map(show_expr, indices):
                plain.add(show_expr(index.left))
    return bool(plain)


# several accesses


def _is_all(places: Places, needs: Needs) -> bool:
    free = [source for source in places.sources if not source.conditions]
    return covers(
        [source.indices for source in free],
        [source.axes for source in free],
        places.extents,
        needs.algebra,
    )


def _union(tensor: TensorDecl, uses: Sequence[_Use], needs: Needs) -> Touched:
    whole = [use for use in uses if use.is_whole]
    if whole:
        return _whole(tensor, loose=all(use.loose for use in whole))
    kinds = {tuple(axes for axes, _ in use.groups) for use in uses}
    if len(kinds) == 1:
        merged = _merged([use.groups for use in uses], needs)
        if merged is not None:
            extents = tuple(tensor.shape[at] for axes, part in merged if part is None for at in axes)
            sets, more = [], []
            for part in (part for _, part in merged if part is not None):
                asked = _asked(part, needs)
                more.extend(asked or ())
                sets.extend(() if asked is not None else (part,))
            return Touched(tensor.dtype, tensor.shape, (*more, *extents), tuple(sets), all(u.loose for u in uses))
    sources = list(dict.fromkeys(use.source for use in uses if use.source is not None))
    if len(sources) < len({use.source for use in uses}):
        return _whole(tensor, loose=True)
    places = Places(tensor.shape, tuple(_completed(sources)))
    return Touched(tensor.dtype, tensor.shape, (), (places,), all(use.loose for use in uses))


def _asked(part: Part, needs: Needs) -> tuple[Expr, ...] | None:
    """What a gather asks for, where it is proved to be no more than there is."""
    if not isinstance(part, Gathered):
        return None
    if len(part.accesses) > 1:
        return None
    (asked,) = part.asked
    there, wanted = ([show_expr(each) for each in group] for group in (part.extents, asked))
    fewer = all(wanted.count(each) <= there.count(each) for each in wanted)
    return asked if part.distinct or fewer else None


def _merged(uses: Sequence[tuple], needs: Needs) -> list[tuple[tuple[int, ...], Part | None]] | None:
    """The union of accesses that differ in one group of axes at most; None where it is no product."""
    columns = list(zip(*uses, strict=True))
    differing = [column for column in columns if len({part for _, part in column}) > 1]
    if len(differing) > 1:
        return None
    merged = []
    for column in columns:
        axes, parts = column[0][0], list(dict.fromkeys(part for _, part in column))
        part = parts[0] if len(parts) == 1 else _united(parts)
        if len(parts) > 1 and part is None and None not in parts:
            return None
        merged.append((axes, None if isinstance(part, Places) and _is_all(part, needs) else part))
    return merged


def _united(parts: Sequence[Part | None]) -> Part | None:
    """One set for several; None for everything."""
    if all(isinstance(part, Gathered) and not part.distinct for part in parts):
        return replace(parts[0], accesses=tuple(each for part in parts for each in part.accesses))  # type: ignore
    if any(not isinstance(part, Places) for part in parts):
        return None
    sources = list(dict.fromkeys(source for part in parts for source in part.sources))  # type: ignore[union-attr]
    return replace(parts[0], sources=tuple(dict.fromkeys(_completed(sources))))  # type: ignore[type-var]


def _completed(sources: Sequence[Source]) -> Iterator[Source]:
    """The sources, with two that are read where a condition holds and where it does not as one."""
    for source in sources:
        other = replace(source, conditions=(negated(both(source.conditions)),))
        yield replace(source, conditions=()) if other in sources else source


def _product(extents: tuple[Expr, ...]) -> str:
    return "·".join(_extent(each, alone=len(extents) == 1) for each in extents) or "1"


def _extent(extent: Expr, *, alone: bool) -> str:
    if isinstance(extent, Binary) and extent.op == "*":
        return f"{_extent(extent.left, alone=False)}·{_extent(extent.right, alone=False)}"
    return f"({show_expr(extent)})" if isinstance(extent, Binary) and not alone else show_expr(extent)

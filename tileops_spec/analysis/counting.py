"""How many points of a rectangle satisfy a condition: a closed form for conditions that are affine in two variables.

Comparisons of whole numbers such as `j <= i + c`, `i // 64 == j // 64` or `2 * j > i` cut each row of the rectangle at
places that move by a constant from row to row. Between two rows where the order of the cuts changes, the count of a row
is an affine function of the row, so that its sum is that of an arithmetic series. `//`, `%` and fractions make a
condition periodic in the row's residue: the sum is then taken for each residue by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations, pairwise, product

from ..ir.nodes import COMPARISONS, LOGICAL, Binary, Expr, IndexRef, Number, Unary
from ..ir.scalars import Scalar, compiled
from ..ir.walk import children, map_children, walk

_RESIDUES = 256
"""The most residues of two variables together that are summed one by one."""
_OUTER = 2**12
"""The most values of the other variables for which the last two are counted."""

Names = Mapping[str, Scalar]
_TESTS: dict[str, Callable[[int], bool]] = {
    "==": lambda value: value == 0,
    "!=": lambda value: value != 0,
    "<": lambda value: value < 0,
    "<=": lambda value: value <= 0,
    ">": lambda value: value > 0,
    ">=": lambda value: value >= 0,
}


class _NotAffineError(Exception):
    """The condition has no closed form."""


def count_points(condition: Expr, extents: Mapping[str, int], names: Names) -> int | None:
    """The points of the rectangle for which the condition holds; None where no closed form is known.

    `extents` are those of the index variables, `names` the values of dims and params; ScalarError where one is missing.
    """
    if any(extent <= 0 for extent in extents.values()):
        return 0
    used = {node.name for node in walk(condition) if isinstance(node, IndexRef)}
    free = math.prod(extent for name, extent in extents.items() if name not in used)
    *outer, rows, columns = ["", "", *(name for name in extents if name in used)][-max(2, len(used)) :]
    sizes = [extents[name] for name in outer]
    if math.prod(sizes) > _OUTER:
        return None
    whole = _Plane(rows, columns, extents.get(rows, 1), extents.get(columns, 1))
    try:
        return free * sum(
            whole.count(condition, {**names, **dict(zip(outer, point, strict=True))})
            for point in product(*map(range, sizes))
        )
    except _NotAffineError:
        return None


@dataclass(frozen=True, slots=True)
class _Plane:
    """Two index variables with their extents; a name may be empty, then its extent is 1."""

    row: str
    column: str
    rows: int
    columns: int

    def count(self, condition: Expr, names: Names) -> int:
        folded = _folded(condition, frozenset({self.row, self.column}), names)
        leaves = tuple(dict.fromkeys(_leaves(folded)))
        slopes = [_slopes(leaf, names) for leaf in leaves]
        columns = math.lcm(1, *(slope.periods.get(self.column, 1) for slope in slopes))
        rows = math.lcm(1, *(self._row_period(slope, columns) for slope in slopes))
        if rows * columns > _RESIDUES:
            raise _NotAffineError
        truth = _truth(folded, {leaf: at for at, leaf in enumerate(leaves)})
        differences = [compiled(_difference(leaf)) for leaf in leaves]
        total = 0
        for row, column in product(range(min(rows, self.rows)), range(min(columns, self.columns))):
            point = {**names, self.row: row, self.column: column}
            lines = [
                _line(slope.of(self.row) * rows, slope.of(self.column) * columns, _exact(value(point)), leaf.op)
                for slope, value, leaf in zip(slopes, differences, leaves, strict=True)
            ]
            total += _sum(lines, truth, -(-(self.rows - row) // rows), -(-(self.columns - column) // columns))
        return total

    def _row_period(self, slope: _Slopes, columns: int) -> int:
        """Rows after which the leaf repeats, and moves by whole columns."""
        period, across = slope.periods.get(self.row, 1), slope.of(self.column) * columns
        return math.lcm(period, (slope.of(self.row) / across).denominator) if across else period


# conditions


def _folded(expr: Expr, kept: frozenset[str], names: Names) -> Expr:
    """The condition with every part that has a value without the variables `kept` put in its place."""
    if not any(isinstance(node, IndexRef) and node.name in kept for node in walk(expr)):
        value = compiled(expr)(names)
        return Number(value=value, dtype=expr.dtype)
    if isinstance(expr, Binary) and expr.op in LOGICAL:
        left = _folded(expr.left, kept, names)
        if isinstance(left, Number):
            return left if bool(left.value) == (expr.op == "or") else _folded(expr.right, kept, names)
        right = _folded(expr.right, kept, names)
        if isinstance(right, Number):
            return right if bool(right.value) == (expr.op == "or") else left
        return replace(expr, left=left, right=right)
    return _unfloored(map_children(expr, lambda child: _folded(child, kept, names)))


_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def _unfloored(expr: Expr) -> Expr:
    """`x // c > y` as `x >= (y + 1) * c`, for whole numbers: that needs no residue of x."""
    if not isinstance(expr, Binary) or expr.op not in _FLIPPED:
        return expr
    left, right = expr.left, expr.right
    if not _is_floor(left) and _is_floor(right):
        return _unfloored(replace(expr, op=_FLIPPED[expr.op], left=right, right=left))  # type: ignore[arg-type]
    if not _is_floor(left) or not _whole(right):
        return expr
    start, after = (_made("*", _made("+", right, Number(value=more)), left.right) for more in (0, 1))  # type: ignore[union-attr]
    below, reached = _made("<", left.left, after), _made(">=", left.left, start)  # type: ignore[union-attr]
    return {
        "<": Unary(op="not", operand=reached),
        ">=": reached,
        ">": Unary(op="not", operand=below),
        "<=": below,
        "==": _made("and", reached, below),
        "!=": Unary(op="not", operand=_made("and", reached, below)),
    }[expr.op]


def _made(op: str, left: Expr, right: Expr) -> Binary:
    return Binary(op=op, left=left, right=right)  # type: ignore[arg-type]


def _is_floor(expr: Expr) -> bool:
    if not isinstance(expr, Binary) or expr.op != "//" or not isinstance(expr.right, Number):
        return False
    return isinstance(expr.right.value, int) and expr.right.value > 0 and _whole(expr.left)


def _whole(expr: Expr) -> bool:
    """Whether the value is a whole number at every point."""
    for node in walk(expr):
        if isinstance(node, Number) and not isinstance(node.value, int):
            return False
        if not isinstance(node, Number | IndexRef | Unary) and not (isinstance(node, Binary) and node.op != "/"):
            return False
    return True


def _leaves(expr: Expr) -> Iterator[Binary]:
    """The comparisons of numbers that a condition is made of."""
    if isinstance(expr, Number):
        return
    if isinstance(expr, Binary) and expr.op in COMPARISONS and not _is_logical(expr.left):
        yield expr
    elif _is_logical(expr):
        for child in children(expr):
            yield from _leaves(child)
    else:
        raise _NotAffineError


def _is_logical(expr: Expr) -> bool:
    if isinstance(expr, Binary):
        return expr.op in LOGICAL or expr.op in COMPARISONS
    return (isinstance(expr, Unary) and expr.op == "not") or (isinstance(expr, Number) and isinstance(expr.value, bool))


def _truth(expr: Expr, leaves: Mapping[Binary, int]) -> Callable[[Sequence[bool]], bool]:
    """The condition as a function of the truth of its leaves."""
    if isinstance(expr, Number):
        value = bool(expr.value)
        return lambda known: value
    if isinstance(expr, Binary) and expr in leaves:
        at = leaves[expr]
        return lambda known: known[at]
    parts = [_truth(child, leaves) for child in children(expr)]
    if isinstance(expr, Unary):
        return lambda known: not parts[0](known)
    return {
        "and": lambda known: parts[0](known) and parts[1](known),
        "or": lambda known: parts[0](known) or parts[1](known),
        "==": lambda known: parts[0](known) == parts[1](known),
        "!=": lambda known: parts[0](known) != parts[1](known),
    }[expr.op]  # type: ignore[union-attr]


# affine forms


@dataclass(frozen=True, slots=True)
class _Slopes:
    """How much an expression grows, on average, with each variable; with the steps after which it does so exactly."""

    slopes: Mapping[str, Fraction]
    periods: Mapping[str, int]

    def of(self, name: str) -> Fraction:
        return self.slopes.get(name, Fraction(0))

    def plus(self, other: _Slopes, sign: int) -> _Slopes:
        names = {*self.slopes, *other.slopes}
        periods = {name: math.lcm(self.periods.get(name, 1), other.periods.get(name, 1)) for name in names}
        return _Slopes({name: self.of(name) + sign * other.of(name) for name in names}, periods)

    def times(self, factor: Fraction) -> _Slopes:
        return _Slopes({name: slope * factor for name, slope in self.slopes.items()}, self.periods)

    def repeating(self, every: int) -> _Slopes:
        """The same, in steps that are whole multiples of `every`."""
        steps = {name: (slope / every).denominator for name, slope in self.slopes.items()}
        return _Slopes(self.slopes, {name: math.lcm(step, self.periods.get(name, 1)) for name, step in steps.items()})


def _difference(leaf: Binary) -> Expr:
    return _made("-", leaf.left, leaf.right)


def _slopes(leaf: Binary, names: Names) -> _Slopes:
    return _affine(_difference(leaf), names)


def _affine(expr: Expr, names: Names) -> _Slopes:
    match expr:
        case Number():
            return _Slopes({}, {})
        case IndexRef(name=name):
            return _Slopes({} if name in names else {name: Fraction(1)}, {})
        case Unary(op="-", operand=operand):
            return _affine(operand, names).times(Fraction(-1))
        case Binary(op="+" | "-" as op, left=left, right=right):
            return _affine(left, names).plus(_affine(right, names), 1 if op == "+" else -1)
        case (
            Binary(op="*", left=Number(value=factor), right=other)
            | Binary(op="*", left=other, right=Number(value=factor))
        ):
            return _affine(other, names).times(_exact(factor))
        case Binary(op="/", left=left, right=Number(value=by)) if by:
            return _affine(left, names).times(1 / _exact(by))
        case Binary(op="//" | "%" as op, left=left, right=Number(value=int(by))) if by:
            inner = _affine(left, names).repeating(abs(by))
            return inner.times(Fraction(1, by) if op == "//" else Fraction(0))
    raise _NotAffineError


def _exact(value: Scalar) -> Fraction:
    if not math.isfinite(value):
        raise _NotAffineError
    return Fraction(value)


# sums


@dataclass(frozen=True, slots=True)
class _Line:
    """down·p + across·q + constant, compared with 0."""

    down: int
    across: int
    constant: int
    holds: Callable[[int], bool]

    def cuts(self) -> Iterator[tuple[int, int]]:
        """(slope, place in row 0) of the columns from which on the comparison may come out differently."""
        if self.across:
            slope, place = -self.down // self.across, Fraction(-self.constant, self.across)
            yield slope, math.ceil(place)
            yield slope, math.floor(place) + 1


def _line(down: Fraction, across: Fraction, constant: Fraction, op: str) -> _Line:
    scale = math.lcm(down.denominator, across.denominator, constant.denominator)
    return _Line(int(down * scale), int(across * scale), int(constant * scale), _TESTS[op])


def _sum(lines: Sequence[_Line], truth: Callable[[Sequence[bool]], bool], rows: int, columns: int) -> int:
    """The points p < rows, q < columns where the condition holds."""
    cuts = sorted({(0, 0), (0, columns), *(cut for line in lines for cut in line.cuts())})
    turns = {0, rows}
    for (slope, place), (other, there) in combinations(cuts, 2):
        if slope != other:
            turns |= _around(Fraction(there - place, slope - other))
    for line in lines:
        if line.down and not line.across:
            turns |= _around(Fraction(-line.constant, line.down))
    edges = sorted(turn for turn in turns if 0 <= turn <= rows)
    total = 0
    for first, stop in pairwise(edges):
        ends = [_row(p, lines, truth, cuts, columns) for p in {first, stop - 1}]
        total += sum(ends) * (stop - first) // len(ends)
    return total


def _around(place: Fraction) -> set[int]:
    return {math.ceil(place), math.floor(place) + 1}


def _row(
    p: int,
    lines: Sequence[_Line],
    truth: Callable[[Sequence[bool]], bool],
    cuts: Sequence[tuple[int, int]],
    columns: int,
) -> int:
    """The points of one row: the condition is constant between neighbouring cuts."""
    edges = sorted({min(max(slope * p + place, 0), columns) for slope, place in cuts})
    starts = [(line, line.down * p + line.constant) for line in lines]
    return sum(
        stop - start
        for start, stop in pairwise(edges)
        if truth([line.holds(first + line.across * start) for line, first in starts])
    )

"""Test cases: shapes at the edges that `where` allows, every dtype, both values of flags, several kinds of data."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from ..diagnostics.diagnostic import Sink
from ..ir.scalars import Scalar, ScalarError
from ..ir.show import show_expr
from ..ir.spec import Param, Spec
from .binding import Binding, bind
from .candidates import Search
from .cost import cost
from .roles import Roles, roles_of

if TYPE_CHECKING:
    from torch import Tensor

DISTRIBUTIONS = ("normal", "scaled", "shifted", "heavy", "integers")
"""Kinds of data: standard normal, ×10, +5, heavy-tailed, small whole numbers."""
FAR = "far"
"""Data for gates alone: normal × 2^17, most of it beyond what f16 holds. Not for dtypes as narrow as f16."""
NEAR = "near"
"""Data for gates alone: normal × 2^-10. Beside it a stray 1 is the largest, and an epsilon counts. Not for 8 bits."""
WORK = 2e7
"""Floating-point operations of one case, so that emulating it stays cheap."""
_ROOMS = (129, 65)
"""Extents of dynamic dims for which static shapes, in turn, must leave room within the work of a case."""


class Unsatisfiable(ValueError):
    """No shape was found that satisfies the `where` clauses."""


@dataclass(frozen=True)
class Case:
    """One test: names with their values in the order declared, the kind of data, and the seed that it is drawn from.

    `absent` are the optional inputs that are left out.
    """

    dtypes: tuple[tuple[str, str], ...]
    dims: tuple[tuple[str, int], ...]
    params: tuple[tuple[str, Scalar], ...]
    data: str
    seed: int
    absent: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """`T=f16 M=127 N=136 K=40 causal=true normal`; params that have their default value are left out."""
        pairs = (*self.dtypes, *self.dims, *((name, show_scalar(value)) for name, value in self.params))
        without = (f"without={','.join(self.absent)}",) if self.absent else ()
        return " ".join((*(f"{name}={value}" for name, value in pairs), *without, self.data))

    def binding(self, spec: Spec) -> Binding:
        return bind(spec, dtypes=dict(self.dtypes), dims=dict(self.dims), params=dict(self.params))


def draw_cases(
    spec: Spec,
    *,
    count: int,
    seed: int,
    static_shapes: int | None = None,
    tiles: Sequence[int] = (16, 64, 128),
    work: float = WORK,
) -> tuple[Case, ...]:
    """At least one case for every dtype, else `count` of them; the same for the same arguments.

    `static_shapes` limits the distinct choices of static dims (and of params that are no flags), each of which costs a
    compilation. `tiles` are the extents around which shapes are drawn. Raises Unsatisfiable.
    """
    rng = random.Random(f"{spec.op}:{seed}")
    search = Search(spec, tiles, rng, lambda dims: True)
    draw = _Draw(spec, rng, search, roles_of(spec, tiles), cost(spec).compiled_work(), work)
    shapes = draw.static_shapes(min(count, static_shapes or count))
    choices = _choices(spec, rng)
    count = max(count, len(list(spec.dtype_choices())))
    cases = (
        draw.case(at, shapes[at % len(shapes)], choices[_turn(at, len(choices), len(shapes))], len(shapes))
        for at in range(count)
    )
    return tuple(dict.fromkeys(cases))


def _turn(at: int, period: int, other: int) -> int:
    """A counter modulo `period` that meets every value of a counter modulo `other`."""
    return (at + at // math.lcm(period, other)) % period


def check_satisfiable(spec: Spec, sink: Sink) -> None:
    """TS120 where no shape satisfies the clauses."""
    try:
        draw_cases(spec, count=1, seed=0)
    except Unsatisfiable as error:
        help_text = "look for clauses that contradict each other, or ask for less"
        sink.error("TS120", str(error), spec.where[0].span if spec.where else spec.span, help=help_text)


def make_inputs(spec: Spec, case: Case) -> dict[str, Tensor]:
    """Every input but the absent ones, on the CPU and contiguous, groups of axes flattened; always the same for a case.

    They obey the spec's assumptions. Raises Unsatisfiable where no data was found that does.
    """
    from .inputs import draw_inputs

    return draw_inputs(spec, case.binding(spec), data=case.data, seed=case.seed, absent=case.absent)


@dataclass(frozen=True)
class _Static:
    """What a kernel is compiled for, dtypes and flags apart."""

    dims: Mapping[str, int]
    params: Mapping[str, Scalar]


@dataclass
class _Draw:
    spec: Spec
    rng: random.Random
    search: Search
    roles: Roles
    work_of: Callable[[Mapping[str, Scalar]], int]
    work: float

    def static_shapes(self, count: int) -> list[_Static]:
        """Up to `count` distinct choices, each with room for dynamic dims worth testing."""
        found: dict[tuple, _Static] = {}
        for at in range(2 * count):
            shape = self._static_shape(at)
            found.setdefault((*sorted(shape.dims.items()), *sorted(shape.params.items())), shape)
            if len(found) == count:
                break
        return list(found.values())

    def _static_shape(self, at: int) -> _Static:
        numbers = self._numbers(at)
        needed = {name: value for name, value in numbers.items() if not _has_default(name, self.spec)}
        self.search.prefers = self.roles.static(at)
        attempts = [(work, room) for work in (self.work, 30 * self.work) for room in (_ROOMS[at % 2], 17, 1)]
        for params, work, room in (
            *((numbers, *each) for each in attempts[:3]),
            *((needed, *each) for each in attempts),
        ):
            dims = self._solve({}, params, work, room)
            if dims is not None:
                return self._noted(dims, params)
        dims = self._solve({}, needed, math.inf)
        if dims is None:
            raise self._unsatisfiable()
        return self._noted(dims, needed)

    def _noted(self, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> _Static:
        static = {dim.name: dims[dim.name] for dim in self.spec.static_dims}
        self.search.note(static)
        return _Static(static, params)

    def _unsatisfiable(self) -> Unsatisfiable:
        clauses = ", ".join(f"`{show_expr(clause)}`" for clause in self.spec.where)
        return Unsatisfiable(f"no shape of {self.spec.op} was found that satisfies {clauses}")

    def _solve(
        self, fixed: Mapping[str, int], params: Mapping[str, Scalar], work: float, room: int = 1
    ) -> dict[str, int] | None:
        """Extents whose work stays below `work`, also with dynamic dims of `room`; without a limit, the smallest."""
        known = self.search.known(params)
        least = {dim.name: room if dim.dynamic else 1 for dim in self.spec.dims}

        def fits(dims: Mapping[str, int]) -> bool:
            sizes = {name: max(size, dims.get(name, 1)) for name, size in least.items()}
            return self.work_of({**known, **sizes}) <= work

        self.search.fits, self.search.smallest = fits, work == math.inf
        return self.search.solve(fixed, params)

    def _numbers(self, at: int) -> dict[str, Scalar]:
        """Params that are no flags: the default, and on every other static shape another value."""
        numbers: dict[str, Scalar] = {}
        for param in self.spec.params:
            if param.dtype != "bool" and (param.default is None or at % 2):
                value = self._other_value(param, numbers)
                if value is not None:
                    numbers[param.name] = value
        return numbers

    def _other_value(self, param: Param, numbers: Mapping[str, Scalar]) -> Scalar | None:
        """A value that a kernel which ignores the param would not guess; None keeps the default."""
        allowed = allowed_values(param, self.search, numbers)
        return self.rng.choice(allowed) if allowed else None

    def case(self, at: int, static: _Static, choice: tuple[tuple, tuple], shapes: int) -> Case:
        dtypes, flags = choice
        optional = {each.name for each in self.spec.inputs if each.default is not None}
        absent = tuple(name for name, given in flags if name in optional and not given)
        params = {**static.params, **{name: value for name, value in flags if name not in optional}}
        self.search.prefers = self.roles.dynamic(_turn(at, 4, shapes))
        attempts = (self._solve(static.dims, params, work) for work in (self.work, 30 * self.work, math.inf))
        dims = next(filter(None, attempts), None) or self._solve({}, params, math.inf)
        if dims is None:
            raise self._unsatisfiable()
        self.search.note({dim.name: dims[dim.name] for dim in self.spec.dynamic_dims})
        return Case(
            dtypes=dtypes,
            dims=tuple((dim.name, dims[dim.name]) for dim in self.spec.dims),
            params=tuple((p.name, params[p.name]) for p in self.spec.params if p.name in params),
            data=DISTRIBUTIONS[_turn(at, len(DISTRIBUTIONS), shapes)],
            seed=self.rng.getrandbits(31),
            absent=absent,
        )


def allowed_values(param: Param, search: Search, numbers: Mapping[str, Scalar]) -> tuple[Scalar, ...]:
    """Values of a param beside its default that clauses allow, as far as those are about params alone; `numbers` are
    the other params that are settled."""
    for values in _other_values(param, search.known({}).get(param.name)):
        allowed = tuple(each for each in values if _possible(search, {**numbers, param.name: each}, param.name))
        if allowed:
            return allowed
    return ()


def _possible(search: Search, numbers: Mapping[str, Scalar], name: str) -> bool:
    known = search.known(numbers)
    tests = (test for test, names in search.tests if name in names and names <= known.keys())
    try:
        return all(test(known) for test in tests)
    except ScalarError:
        return False


def _choices(spec: Spec, rng: random.Random) -> list[tuple[tuple, tuple]]:
    """Every dtype with every setting of the flags; dtypes alternate first, so that few cases show them all.

    Flags are bool params, and whether optional inputs are given.
    """
    dtypes = [tuple(choice.items()) for choice in spec.dtype_choices()]
    names = [param.name for param in spec.params if param.dtype == "bool"]
    names += [each.name for each in spec.inputs if each.default is not None]
    flags = [tuple(zip(names, choice, strict=True)) for choice in product((True, False), repeat=len(names))]
    rng.shuffle(dtypes)
    count = len(dtypes) * len(flags)
    return [(dtypes[at % len(dtypes)], flags[_turn(at, len(flags), len(dtypes))]) for at in range(count)]


def _has_default(name: str, spec: Spec) -> bool:
    return any(param.name == name and param.default is not None for param in spec.params)


def _other_values(param: Param, default: Scalar | None) -> Iterator[tuple[Scalar, ...]]:
    """Values of a param beside its default; then, for params that these do not suit, values about the default."""
    if param.dtype[0] in "iu":
        yield (1, 2, 3, 8, 64) if param.default is None else (0, 1, 2, 3, 4, 7)
        if default is not None:
            yield (int(default) // 2, int(default) - 1, int(default) + 1)
    else:
        yield (0.0625, 0.1875, 0.75)
        if default is not None:
            yield (0.5 * default, 1.5 * default, 3.0 * default)


def show_scalar(value: Scalar) -> str:
    """As case texts have it: `true`, `0.5`."""
    return str(value).lower() if isinstance(value, bool) else str(value)

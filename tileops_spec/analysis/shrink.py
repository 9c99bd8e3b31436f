"""From a case that fails to a smaller one that fails in the same way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from ..ir.scalars import Scalar
from ..ir.spec import Spec
from .binding import BindingError, holds
from .cases import FAR, NEAR, Case
from .nearest import NearSearch, near_search, size_of

Fails = Callable[[Sequence[Case]], Sequence[bool]]
"""For each of some cases, whether it fails in the same way as the one that is made smaller."""
DATA_BY_SIMPLICITY = ("integers", "normal", "shifted", "scaled", "heavy", FAR, NEAR)
_AT_ONCE = {True: 6, False: 2}
"""Extents of a dynamic dim, and of a static one, that are tried together: each of the latter costs a build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What making one case smaller may take: wall-clock seconds, and runs, each of a handful of cases. A run that has
    begun ends; no time at all means that nothing is tried."""

    seconds: float = 10.0
    runs: int = 24


def shrink_case(spec: Spec, case: Case, fails: Fails, budget: Budget) -> Case:
    """The smallest case found for which `fails` holds, the case itself where there is none.

    First all extents at once, then each on its own by bisection, dynamic dims before static ones; then params towards
    their defaults, optional inputs away, data and seed towards the simplest; and again until nothing changes. Dtypes
    stay. Every case that is tried satisfies the spec's clauses.
    """
    return _Shrink(spec, case, fails, budget).run()


@dataclass
class _Shrink:
    spec: Spec
    case: Case
    fails: Fails
    budget: Budget
    started: float = field(default_factory=time.monotonic)
    runs: int = 0
    tried: dict[Case, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.search: NearSearch = near_search(self.spec)

    def run(self) -> Case:
        before = None
        while before != self.case and not self.spent:
            before = self.case
            self._accept_first(self._leaps())
            for dim in sorted(self.spec.dims, key=lambda dim: not dim.dynamic):
                self._bisect(dim.name, _AT_ONCE[dim.dynamic])
            self._simplify()
        return self.case

    @property
    def spent(self) -> bool:
        return self.runs >= self.budget.runs or time.monotonic() - self.started >= self.budget.seconds

    def _failing(self, cases: Sequence[Case]) -> list[Case]:
        """Those of the cases that fail; none where the budget is spent."""
        new = [case for case in dict.fromkeys(cases) if case not in self.tried]
        if new and not self.spent:
            self.runs += 1
            self.tried.update(zip(new, self.fails(new), strict=True))
        return [case for case in cases if self.tried.get(case)]

    def _accept_first(self, cases: list[Case]) -> None:
        self.case = next(iter(self._failing(cases)), self.case)

    def _simplify(self) -> None:
        """Everything that is no extent: what can be simpler on its own, together if that fails too, else in turn."""
        alone = {step: step(self.case) for step in _steps(self.spec, self.case)}
        failing = self._failing([case for case in alone.values() if self._allowed(case)])
        good = {step.aspect: step for step, case in reversed(alone.items()) if case in failing}
        together = self.case
        for step in good.values():
            together = step(together)
        self._accept_first([together] if self._allowed(together) else [])
        for step in good.values():
            changed = step(self.case)
            self._accept_first([changed] if self._allowed(changed) else [])

    def _leaps(self) -> list[Case]:
        """All dims, the dynamic ones, the static ones as small as they can be; the smallest first."""
        dynamic = {dim.name for dim in self.spec.dynamic_dims}
        dims = dict(self.case.dims)
        groups = (set(dims), dynamic, set(dims) - dynamic)
        found = (self._with_dims(dict.fromkeys(group, 1)) for group in groups if group)
        return sorted(filter(None, dict.fromkeys(found)), key=_size)

    def _with_dims(self, wishes: dict[str, int]) -> Case | None:
        """The case with some extents near others, if that makes it smaller."""
        dims = self.search.nearest({**dict(self.case.dims), **wishes}, dict(self.case.params))
        if dims is None:
            return None
        changed = replace(self.case, dims=tuple(dims.items()))
        return changed if _size(changed) < _size(self.case) and self._allowed(changed) else None

    def _bisect(self, name: str, at_once: int) -> None:
        """Between an extent that does not fail and the one that does, until nothing lies between them."""
        low = 0
        while not self.spent:
            high = dict(self.case.dims)[name]
            found = (self._with_dims({name: value}) for value in _between(low, high, at_once))
            cases = {dict(case.dims)[name]: case for case in found if case is not None}
            cases = {value: case for value, case in sorted(cases.items()) if low < value < high}
            if not cases:
                return
            failing = self._failing(list(cases.values()))
            if failing:
                self.case = failing[0]
            least = dict(self.case.dims)[name]
            low = max((value for value, case in cases.items() if value < least), default=low)

    def _allowed(self, case: Case) -> bool:
        try:
            return not holds(self.spec, case.binding(self.spec))
        except BindingError:
            return False


@dataclass(frozen=True, slots=True)
class _Step:
    """One change towards a simpler case. `aspect` names what it changes; `value` None: the param's default."""

    aspect: str
    value: Scalar | str | None = None

    def __call__(self, case: Case) -> Case:
        if self.aspect == "data":
            return replace(case, data=self.value)
        if self.aspect == "seed":
            return replace(case, seed=self.value)
        if self.aspect == "absent":
            return replace(case, absent=tuple(self.value.split()))
        pairs = ((name, self.value if name == self.aspect[1:] else value) for name, value in case.params)
        return replace(case, params=tuple((name, value) for name, value in pairs if value is not None))


def _steps(spec: Spec, case: Case) -> Iterator[_Step]:
    """The simplest value of an aspect first. Params are named `.name`, as no other aspect is."""
    optional = tuple(each.name for each in spec.inputs if each.default is not None)
    defaults = {param.name for param in spec.params if param.default is not None}
    for param, value in case.params:
        if param in defaults:
            yield _Step(f".{param}")
        elif value is True:
            yield _Step(f".{param}", False)
    if set(case.absent) < set(optional):
        yield _Step("absent", " ".join(optional))
        for name in optional:
            if name not in case.absent:
                yield _Step("absent", " ".join(each for each in optional if each == name or each in case.absent))
    for data in DATA_BY_SIMPLICITY[: DATA_BY_SIMPLICITY.index(case.data)]:
        yield _Step("data", data)
    if case.seed:
        yield _Step("seed", 0)


def _size(case: Case) -> float:
    return size_of(dict(case.dims))


def _between(low: int, high: int, count: int) -> list[int]:
    """Up to `count` whole numbers between two, evenly apart, and the least of all where nothing below is known."""
    step = (high - low) / (count + 1)
    values = {round(low + step * (place + 1)) for place in range(count)}
    return sorted(value for value in values | ({1} if low == 0 else set()) if low < value < high)

"""Cases as a hypothesis strategy, for tests that people write themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ..ir.nodes import DimRef
from ..ir.scalars import Scalar
from ..ir.spec import Param, Spec
from ..ir.walk import walk
from .binding import BindingError, holds, shape_of
from .candidates import LONG, PRIMES, SMALL
from .cases import DISTRIBUTIONS, WORK, Case, Unsatisfiable, allowed_values, make_inputs
from .cost import cost
from .nearest import NearSearch, near_search

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

LARGEST = 2**16
"""A wish for the largest extent that fits."""


def cases_of(
    spec: Spec, *, empty: bool = True, tiles: Sequence[int] = (16, 64, 128), work: float = WORK
) -> SearchStrategy[Case]:
    """Cases that `where` allows, whose mathematics takes at most `work` operations where such shapes exist.

    Extents are 1, small, around each of `tiles`, primes, long, the largest that fits, or anything up to 300, each as
    near as the clauses let it be; with `empty` also 0, for dims that every output has. Dtypes, flags and optional
    inputs take every value, params their default and others, data every distribution. Examples shrink towards small
    extents, defaults and normal data. Raises Unsatisfiable where no shape is found at all; ImportError without
    hypothesis (the extra `test`).
    """
    try:
        from hypothesis import strategies
    except ImportError as error:
        raise ImportError("cases_of needs hypothesis: pip install 'tospec[test]'") from error
    drawing = _Drawing(spec, near_search(spec, tiles), cost(spec).compiled_work(), work)
    extents = sorted({*SMALL, *PRIMES, *LONG, *(tile + step for tile in tiles for step in (-1, 0, 1)), LARGEST})
    zero = output_dims(spec) if empty else frozenset()
    draws = _Draws(
        dtypes=strategies.sampled_from([tuple(choice.items()) for choice in spec.dtype_choices()]),
        extent=strategies.one_of(strategies.sampled_from(extents), strategies.integers(1, 300)),
        zero=strategies.sampled_from([None] * 9 + sorted(zero)) if zero else strategies.none(),
        data=strategies.sampled_from(DISTRIBUTIONS),
        seed=strategies.integers(0, 2**31 - 1),
        flag=strategies.booleans(),
        pick=strategies.sampled_from,
    )

    @strategies.composite
    def case(draw: DrawFn) -> Case:
        return drawing.case(draw, draws)

    return case()


def output_dims(spec: Spec) -> frozenset[str]:
    """The dims that every new output has: with one of them at 0 there is nothing to compute."""
    outputs = spec.new_outputs or spec.outputs
    named = [{part.name for each in out.shape for part in walk(each) if isinstance(part, DimRef)} for out in outputs]
    return frozenset(dim.name for dim in spec.dims if all(dim.name in names for names in named))


@dataclass(frozen=True)
class _Draws:
    """The strategies of a case's parts."""

    dtypes: SearchStrategy
    extent: SearchStrategy[int]
    zero: SearchStrategy[str | None]
    data: SearchStrategy[str]
    seed: SearchStrategy[int]
    flag: SearchStrategy[bool]
    pick: Callable[[Sequence[Any]], SearchStrategy]


@dataclass(frozen=True)
class _Drawing:
    spec: Spec
    search: NearSearch
    work_of: Callable[[Mapping[str, Scalar]], int]
    work: float

    def case(self, draw: DrawFn, draws: _Draws) -> Case:
        dtypes = draw(draws.dtypes)
        params = self._params(draw, draws)
        wishes = {dim.name: draw(draws.extent) for dim in self.spec.dims}
        dims = self._dims(wishes, params)
        if dims is None:
            params = {param.name: params[param.name] for param in self.spec.params if self._stays(param, params)}
            dims = self._dims(wishes, params)
        if dims is None:
            raise Unsatisfiable(f"no shape of {self.spec.op} was found that satisfies its clauses")
        case = Case(
            dtypes=dtypes,
            dims=tuple(dims.items()),
            params=tuple((param.name, params[param.name]) for param in self.spec.params if param.name in params),
            data=draw(draws.data),
            seed=draw(draws.seed),
            absent=tuple(each.name for each in self.spec.inputs if each.default is not None and draw(draws.flag)),
        )
        return self._emptied(case, draw(draws.zero))

    def _params(self, draw: DrawFn, draws: _Draws) -> dict[str, Scalar]:
        """Flags, params without a default, and some of the others."""
        params: dict[str, Scalar] = {}
        for param in self.spec.params:
            if param.dtype == "bool":
                params[param.name] = draw(draws.flag)
            elif param.default is None or draw(draws.flag):
                values = allowed_values(param, self.search, params)
                if values:
                    params[param.name] = draw(draws.pick(values))
        return params

    def _stays(self, param: Param, params: Mapping[str, Scalar]) -> bool:
        return param.name in params and (param.dtype == "bool" or param.default is None)

    def _dims(self, wishes: Mapping[str, int], params: Mapping[str, Scalar]) -> dict[str, int] | None:
        """The shape nearest to the wishes that is cheap enough; where there is none, the smallest."""
        known = {**dict.fromkeys((dim.name for dim in self.spec.dims), 1), **self.search.known(params)}

        def fits(dims: Mapping[str, int]) -> bool:
            return self.work_of({**known, **dims}) <= self.work

        return self.search.nearest(wishes, params, fits) or self.search.nearest({}, params)

    def _emptied(self, case: Case, dim: str | None) -> Case:
        """The case with a dim at 0, if `where` and what is assumed of the data allow it, and no output has elements."""
        if dim is None:
            return case
        changed = replace(case, dims=tuple((name, 0 if name == dim else extent) for name, extent in case.dims))
        try:
            binding = changed.binding(self.spec)
            elements = sum(math.prod(shape_of(output, binding)) for output in self.spec.outputs)
            if elements or holds(self.spec, binding):
                return case
            if self.spec.assumptions:
                make_inputs(self.spec, changed)
        except (BindingError, Unsatisfiable):
            return case
        return changed

"""Values worth trying for each dim, and a search for combinations that `where` allows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property

from ..ir.nodes import Binary, DimRef, Expr, Number, ParamRef
from ..ir.scalars import Scalar, ScalarError, compiled, scalar_value
from ..ir.spec import Param, Spec
from ..ir.walk import walk

SMALL = (1, 2, 3, 4, 5, 7, 8, 13, 32)
PRIMES = (17, 31, 61, 97, 127, 131, 193, 257)
LONG = (520, 777, 1032)
"""Extents at which an accumulator of too few bits, or an order of summation, shows."""
_ANYTHING = (*range(1, 1025), *(2**power for power in range(11, 17)))
_STEPS = 4000
"""Values that one search may try before it gives up."""


@dataclass
class Search:
    """Searches dims under the clauses; `fits` says whether a complete or partial choice is still cheap enough.

    Dims that divide one another come first in a ratio that shows how they are paired (see `_pairing`); then values that
    `prefers` likes; among those, values not `seen` yet. With `smallest`, none of this counts: small values come first.
    """

    spec: Spec
    tiles: Sequence[int]
    rng: random.Random
    fits: Callable[[Mapping[str, int]], bool]
    prefers: Callable[[str, int], bool] = lambda name, value: True
    seen: dict[tuple[str, int | str], int] = field(default_factory=dict)
    steps: int = 0
    smallest: bool = False

    def solve(self, fixed: Mapping[str, int], params: Mapping[str, Scalar]) -> dict[str, int] | None:
        """Extents for all dims, `fixed` among them, that satisfy every clause; None where none was found."""
        self.steps = _STEPS
        names = [name for name in self._order() if name not in fixed]
        return self._extend(dict(fixed), names, self.known(params))

    def known(self, params: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """The params with the defaults that need no dims, so that clauses over them can refuse a value early."""
        known = dict(params)
        for param in self.spec.params:
            if param.name not in known and param.default is not None:
                with suppress(ScalarError):
                    known[param.name] = scalar_value(param.default, {}, known)
        return known

    @cached_property
    def clauses(self) -> list[tuple[Expr, frozenset[str]]]:
        """The clauses, `a and b` taken apart, with the names that each reads."""
        return [(clause, frozenset(names_in(clause))) for clause in conjuncts(self.spec.where)]

    @cached_property
    def tests(self) -> list[tuple[Callable[[Mapping[str, Scalar]], Scalar], frozenset[str]]]:
        return [(compiled(clause), names) for clause, names in self.clauses]

    def _about(self, name: str) -> list[Expr]:
        return [clause for clause, names in self.clauses if name in names]

    @cached_property
    def partners(self) -> dict[str, tuple[str, ...]]:
        """For each dim, the dims that a clause divides it by."""
        return {
            dim.name: tuple(
                each.name for each in required_divisors(dim.name, self._about(dim.name)) if isinstance(each, DimRef)
            )
            for dim in self.spec.dims
        }

    def note(self, dims: Mapping[str, int]) -> None:
        for name, value in dims.items():
            for key in ((name, value), (name, self._pairing(name, value, dims))):
                self.seen[key] = self.seen.get(key, 0) + 1

    def _order(self) -> list[str]:
        """Dims in random order, but divisors first, so that multiples can be proposed, and those multiples next."""
        names = [dim.name for dim in self.spec.dims]
        self.rng.shuffle(names)
        return sorted(
            names, key=lambda name: (name in self.determined, name not in self.dividing, not self._is_paired(name))
        )

    @cached_property
    def determined(self) -> frozenset[str]:
        """The dims that a clause gives by the others, `P == (H - R) // stride + 1`: they come last."""
        sides = (
            (side, other)
            for clause in conjuncts(self.spec.where)
            if isinstance(clause, Binary) and clause.op == "=="
            for side, other in ((clause.left, clause.right), (clause.right, clause.left))
        )
        return frozenset(
            side.name for side, other in sides if isinstance(side, DimRef) and not isinstance(other, Number | DimRef)
        )

    @cached_property
    def dividing(self) -> frozenset[str]:
        """The dims that a clause divides something by."""
        nodes = (node for clause in conjuncts(self.spec.where) for node in walk(clause))
        rights = (node.right for node in nodes if isinstance(node, Binary) and node.op == "%")
        return frozenset(right.name for right in rights if isinstance(right, DimRef))

    def _pairing(self, name: str, value: int, dims: Mapping[str, int]) -> str:
        """`alike` where a dim says nothing of how it is paired with another: a divisor of 1, or a multiple by 1.

        With as many key heads as query heads, or with one, every rule of sharing them is right.
        """
        others = self.partners[name]
        if name in self.dividing and value == 1:
            return "alike"
        return "alike" if any(dims.get(other) in (1, value) for other in others) else "apart"

    def _rank(self, name: str, value: int, dims: Mapping[str, int]) -> tuple:
        """Sorts before what is less worth trying: `alike` pairs wait until one that is apart has been drawn."""
        paired, preferred = self._is_paired(name), self.prefers(name, value)
        pairing = self._pairing(name, value, dims)
        drawn = self.seen.get((name, pairing), 0) + (pairing == "alike") if paired else 0
        return (drawn, not preferred, value if paired and not preferred else 0, self.seen.get((name, value), 0))

    def _is_paired(self, name: str) -> bool:
        return name in self.dividing or bool(self.partners[name])

    def _extend(self, dims: dict[str, int], names: list[str], params: dict[str, Scalar]) -> dict[str, int] | None:
        if not names:
            return dims if self._allowed(dims, params, complete=True) else None
        name, *rest = names
        for value in self._values(name, dims, params):
            chosen = {**dims, name: value}
            if self.fits(chosen):
                found = self._extend(chosen, rest, params)
                if found is not None:
                    return found
        return None

    def _values(self, name: str, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> Iterator[int]:
        """Values that no clause refuses so far: proposals, or, where all of those are refused, whatever is found."""
        proposed = self._ranked(name, self.proposals(name, dims, params), dims)
        allowed = (value for value in proposed if self._try(name, value, dims, params))
        first = next(allowed, None)
        if first is None:
            allowed = (value for value in _ANYTHING if self._try(name, value, dims, params))
        else:
            yield first
        yield from allowed

    def _try(self, name: str, value: int, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> bool:
        self.steps -= 1
        return self.steps >= 0 and self._allowed({**dims, name: value}, params, complete=False)

    def _allowed(self, dims: Mapping[str, int], params: Mapping[str, Scalar], *, complete: bool) -> bool:
        """Whether no clause fails; clauses with unbound names wait until all are bound."""
        defaults = self._defaults(dims, params) if complete else self._early_defaults(dims, params)
        bound = {**params, **defaults, **dims}
        for test, names in self.tests:
            if not names <= bound.keys():
                if complete:
                    return False
                continue
            try:
                if not test(bound):
                    return False
            except ScalarError:
                return False
        return True

    @cached_property
    def _dependent(self) -> list[Param]:
        """The params in clauses whose default depends on dims, `C = D - 64`."""
        named = {name for _, names in self.clauses for name in names}
        return [each for each in self.spec.params if each.name in named and each.default and names_in(each.default)]

    def _early_defaults(self, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> dict[str, Scalar]:
        """Those of the dependent defaults that the dims chosen so far give."""
        found: dict[str, Scalar] = {}
        for param in self._dependent:
            if param.name not in params and param.default is not None:
                with suppress(ScalarError):
                    found[param.name] = scalar_value(param.default, dims, {**params, **found})
        return found

    def _defaults(self, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> dict[str, Scalar]:
        found: dict[str, Scalar] = {}
        for param in self.spec.params:
            if param.name not in params and param.default is not None:
                found[param.name] = scalar_value(param.default, dims, {**params, **found})
        return found

    def _ranked(self, name: str, values: set[int], dims: Mapping[str, int]) -> list[int]:
        """The values by rank, in random order where they rank alike."""
        ranked = sorted(value for value in values if value >= 1)
        if self.smallest:
            return ranked
        self.rng.shuffle(ranked)
        return sorted(ranked, key=lambda value: self._rank(name, value, dims))

    def proposals(self, name: str, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> set[int]:
        """Edges of tiles, small numbers, primes, what clauses mention, and all of those as required multiples."""
        values = {*SMALL, *PRIMES, *LONG, *(tile + step for tile in self.tiles for step in (-1, 0, 1))}
        clauses = self._about(name)
        for clause in clauses:
            values |= set(_mentioned(clause, dims, params))
        for divisor in divisors(name, clauses, dims, params):
            values |= {-(-value // divisor) * divisor for value in values}
            values |= {divisor * factor for factor in (1, 2, 3, 5, 9, 17)}
        return values


def conjuncts(clauses: Sequence[Expr]) -> Iterator[Expr]:
    """The clauses, with `a and b` taken apart."""
    for clause in clauses:
        if isinstance(clause, Binary) and clause.op == "and":
            yield from conjuncts((clause.left, clause.right))
        else:
            yield clause


def names_in(expr: Expr) -> set[str]:
    """The dims and params that an expression reads."""
    return {node.name for node in walk(expr) if isinstance(node, DimRef | ParamRef)}


def required_divisors(name: str, clauses: Sequence[Expr]) -> list[Expr]:
    """The expressions e of clauses `name % e == 0`."""
    found = []
    for clause in clauses:
        match clause:
            case Binary(op="==", left=Binary(op="%", left=DimRef(name=n), right=e), right=Number(value=0)) if n == name:
                found.append(e)
            case Binary(op="==", left=Number(value=0), right=Binary(op="%", left=DimRef(name=n), right=e)) if n == name:
                found.append(e)
    return found


def divisors(
    name: str, clauses: Sequence[Expr], dims: Mapping[str, int], params: Mapping[str, Scalar]
) -> Iterator[int]:
    """The values of the required divisors that are known."""
    for divisor in required_divisors(name, clauses):
        value = _try(divisor, dims, params)
        if value:
            yield value


def _mentioned(clause: Expr, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> Iterator[int]:
    """The values of a clause's parts that are known, with neighbours: where it turns from false to true."""
    for node in walk(clause):
        value = None if isinstance(node, Binary) and node.op in _TRUTH else _try(node, dims, params)
        if value is not None and 1 <= value <= 2**16:
            yield from (value - 1, value, value + 1, 2 * value)
            yield from (factor for factor in (1, 2, 4, 8, 16, 32) if value % factor == 0)


_TRUTH = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or"})


def _try(expr: Expr, dims: Mapping[str, int], params: Mapping[str, Scalar]) -> int | None:
    try:
        value = scalar_value(expr, dims, params)
    except ScalarError:
        return None
    return int(value) if not isinstance(value, bool) and value == int(value) else None

"""What the predicates of features look at, and what they answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from ..analysis.binding import dtype_options
from ..analysis.classify import Contraction, Structure, classify
from ..ir.dtypes import DType
from ..ir.nodes import Axis, Expr
from ..ir.spec import Spec
from .memory import Row, rows_of
from .targets import Target


@dataclass(frozen=True, slots=True)
class Feature:
    """A fact about a spec on a target.

    `unlock` is a clause for `where` that turns a no into a yes: the feature was derived again with it. `proof` says
    why, and `refused` names the workloads that the clause would refuse.
    """

    name: str
    present: bool
    reason: str
    unlock: str | None = None
    proof: str | None = None
    refused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of a spec for every target."""

    spec: Spec
    structure: Structure

    @cached_property
    def rows(self) -> tuple[Row, ...]:
        """The rows of inputs, then those of outputs."""
        return rows_of(self.spec)

    @cached_property
    def products(self) -> tuple[Contraction, ...]:
        """The contractions; beside products of matrices, products with vectors do not count."""
        contractions = self.structure.contractions
        return tuple(each for each in contractions if each.n) or contractions


def known_of(spec: Spec) -> Known:
    return Known(spec, classify(spec))


@dataclass(frozen=True)
class Facts:
    """What is known of a spec, on a target, under the clauses `where`; those of a trial are not all the spec's own."""

    known: Known
    target: Target
    where: tuple[Expr, ...]
    is_trial: bool = False

    @property
    def spec(self) -> Spec:
        return self.known.spec

    @property
    def structure(self) -> Structure:
        return self.known.structure

    def options(self, dtype: str) -> tuple[DType, ...]:
        """The concrete dtypes that a name may stand for."""
        return dtype_options(self.spec, dtype)

    def with_clauses(self, clauses: tuple[Expr, ...]) -> Facts:
        return replace(self, where=(*self.where, *clauses), is_trial=True)


def yes(name: str, reason: str) -> Feature:
    return Feature(name, True, reason)


def no(name: str, reason: str) -> Feature:
    return Feature(name, False, reason)


def names(axes: tuple[Axis, ...]) -> str:
    return ", ".join(axis.name for axis in axes)

"""Index variables in scope, and the part of their ranges that is being computed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Run:
    """An index variable, and the part `start … stop - 1` of its range that is computed."""

    name: str
    start: int
    stop: int
    extent: int

    @property
    def size(self) -> int:
        return self.stop - self.start

    @property
    def whole(self) -> bool:
        return self.size == self.extent


@dataclass(frozen=True, slots=True)
class Scope:
    """The index variables in scope, outermost first; `active` marks where values are wanted (None: everywhere)."""

    runs: tuple[Run, ...]
    active: Tensor | None = None

    @property
    def sizes(self) -> list[int]:
        return [run.size for run in self.runs]

    @property
    def rank(self) -> int:
        return len(self.runs)

    def position(self, name: str) -> int:
        return next(at for at, run in enumerate(self.runs) if run.name == name)

    def run(self, name: str) -> Run:
        return self.runs[self.position(name)]

    def within(self, runs: tuple[Run, ...]) -> Scope:
        """The scope with further variables, the last ones."""
        active = self.active if self.active is None else self.active[(..., *[None] * len(runs))]
        return Scope((*self.runs, *runs), active)

    def where(self, condition: Tensor) -> Scope:
        return replace(self, active=condition if self.active is None else self.active & condition)


def wanted(mask: Tensor, scope: Scope) -> Tensor:
    """The points of `mask` at which values are wanted."""
    return mask if scope.active is None else mask & scope.active
